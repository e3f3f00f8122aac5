"""What happens when a visitor looks after the runs they keep: each of them the engine checks to be theirs.

Their list is drawn from the store whenever anything in it changes, so that no tab shows what another has deleted.
"""

from pathlib import Path
from typing import Any

from compression.errors import CompressionError, ConfigError, ResourceError
from compression.runs.worker import Runs
from compression.ui import comparing_runs, markup, running
from compression.ui.downloads import folder_of_its_own
from compression.ui.urls import visible
from compression.ui.views.history import run_list
from compression.ui.views.refusal import refusal
from compression.ui.visitor import known
from compression.ui.words import say

Updates = dict[str, Any]
LONGEST = 4_000  # characters of a name, a note or a search that are looked at


def listed(runs: Runs, browser: Any, viewing: str, search: Any) -> Updates:
    """The visitor's runs that a search finds, those deleted just now, and the charts of all that succeeded."""
    visitor, sought = known(browser)["visitor"], _sought(search)
    own = runs.owned(visitor)
    found = runs.owned(visitor, sought) if sought else own
    return {"runs": run_list(found, viewing, runs.deleted(visitor), sought), **comparing_runs.fronts(own, viewing)}


def find(runs: Runs, browser: Any, viewing: str, search: Any) -> Updates:
    """The list alone, as a search leaves it."""
    visitor, sought = known(browser)["visitor"], _sought(search)
    try:
        return {"runs": run_list(runs.owned(visitor, sought), viewing, runs.deleted(visitor), sought)}
    except CompressionError as error:
        return {"runs-message": refusal(error)}


def press(runs: Runs, action: str, run_id: str, browser: Any, viewing: str, search: Any) -> Updates:
    """Opens a run; or pins, unpins, deletes or brings back one of the visitor's."""
    visitor = known(browser)["visitor"]
    shown: Updates = {}
    try:
        match action:
            case "open":
                return running.show(runs, browser, run_id) | {"runs-message": ""}
            case "pin" | "unpin":
                runs.pin(run_id, visitor, action == "pin")
            case "delete":
                runs.delete(run_id, visitor)
                shown = {"viewing": runs.first_sight(), "seen": None} if viewing == run_id else {}
            case "undelete":
                runs.undelete(run_id, visitor)
            case _:
                raise ConfigError(say("message.unknown-run"))
        return {**listed(runs, browser, shown.get("viewing", viewing), search), "runs-message": "", **shown}
    except CompressionError as error:
        return {"runs-message": refusal(error)}


def save(runs: Runs, run_id: str, name: str, note: str, browser: Any, viewing: str, search: Any) -> Updates:
    """Gives one of the visitor's runs the name and the note that were typed."""
    visitor = known(browser)["visitor"]
    try:
        runs.rename(run_id, visitor, name)
        runs.note(run_id, visitor, note)
        return {**listed(runs, browser, viewing, search), "runs-message": _done(say("runs.saved"))}
    except CompressionError as error:  # the list stays as it is, with what was typed in it
        return {"runs-message": refusal(error)}


def export(runs: Runs, run_id: str, browser: Any) -> Updates:
    """One of the visitor's runs as a file to download; others may see a run, but not its note, which the file holds."""
    try:
        if not runs.owns(run_id, known(browser)["visitor"]):
            raise ConfigError(say("message.unknown-run"))
        with folder_of_its_own() as folder:
            file = runs.export(run_id, folder)
    except CompressionError as error:
        return {"runs-message": refusal(error), "export": None}
    return {"runs-message": _done(say("runs.exported", file=file.name)), "export": str(file)}


def bring(runs: Runs, browser: Any, file: str | None) -> Updates:
    """Takes in a run that was exported, here or elsewhere, and shows it."""
    if not file:
        return {}
    browser, most = known(browser), runs.limits.import_bytes
    try:
        if Path(file).stat().st_size > most:
            raise ResourceError(say("runs.large", megabytes=f"{most / 1e6:,.0f}"))
        run_id = runs.import_(Path(file), browser["visitor"])
        return running.show(runs, browser, run_id) | {"runs-message": _done(say("runs.imported"))}
    except CompressionError as error:
        return {"runs-message": refusal(error)}


def _sought(search: Any) -> str:
    return visible(search).strip()[:LONGEST] if isinstance(search, str) else ""


def _done(words: str) -> str:
    return f'<div role="status">{markup.text("p", words, "notice")}</div>'

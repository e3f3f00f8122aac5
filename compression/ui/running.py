"""What happens when a visitor starts a run, stops it, or has it go on where it was cut off."""

from typing import Any

import gradio as gr

from compression import hub
from compression.config import RunConfig
from compression.errors import CompressionError, ConfigError
from compression.runs.worker import Runs
from compression.ui import drawing, form
from compression.ui.filling import recipe_of
from compression.ui.views.progress import have_already
from compression.ui.views.refusal import refusal
from compression.ui.visitor import known
from compression.ui.words import say

Updates = dict[str, Any]
_MOMENT_SECONDS = 0.7


def start(runs: Runs, browser: Any, values: form.Values) -> Updates:
    """Submits the form's recipe and shows the run; if the visitor has its result already, offers that first.

    A recipe that cannot run is refused with the reason.
    """
    browser = known(browser)
    try:
        config = form.to_config(values)
        _check(config)
        if found := runs.finished_like(config, browser["visitor"]):
            return {"message": have_already(found)}
        run_id = runs.submit(config, browser["visitor"])
    except CompressionError as error:
        return {"message": form_refusal(error, values)}
    return _shown(browser, run_id)


def again(runs: Runs, browser: Any, run_id: str) -> Updates:
    """Submits the recipe of a run once more."""
    browser = known(browser)
    try:
        snapshot = runs.snapshot(run_id)
        if snapshot is None:
            raise ConfigError(say("message.unknown-run"))
        _check(snapshot.config)
        return _shown(browser, runs.submit(snapshot.config, browser["visitor"]))
    except CompressionError as error:
        return {"message": refusal(error)}


def show(runs: Runs, browser: Any, run_id: str) -> Updates:
    """Shows a run, one computed beforehand too, and its recipe. Raises CompressionError if there is none."""
    snapshot = runs.snapshot(run_id)
    if snapshot is None:
        raise ConfigError(say("message.unknown-run"))
    return _shown(known(browser), run_id) | recipe_of(snapshot)


def cancel(runs: Runs, browser: Any, viewing: str, seen: Any) -> Updates:
    """Asks the run on show to stop; most do within a moment, else the page says that it will."""
    try:
        runs.cancel(viewing, known(browser)["visitor"])
        runs.wait(viewing, _MOMENT_SECONDS)  # the next drawing then shows the end, not the one a tick later
    except CompressionError as error:
        return {"message": refusal(error)}
    waiting = gr.Button(say("cancelling"), interactive=False)
    return {"seen": {**(seen or drawing.mark(None)), "cancelling": viewing, "revision": -1}, "cancel": waiting}


def resume(runs: Runs, browser: Any, viewing: str) -> Updates:
    """Has the run on show go on from what it had reached."""
    browser = known(browser)
    try:
        runs.resume(viewing, browser["visitor"])
    except CompressionError as error:
        return {"message": refusal(error)}
    return _shown(browser, viewing)


def form_refusal(error: CompressionError, values: form.Values) -> str:
    """The error's sentence, with a button where the bundled choice helps: only a recipe that is one meets the Hub."""
    return refusal(error, hub.keys_at_fault(error, form.to_config(values)) if isinstance(error, hub.HubError) else ())


def _check(config: RunConfig) -> None:
    from compression.measure.limits import check

    form.refuse_local_paths(config)
    check(config)


def _shown(browser: dict[str, str], run_id: str) -> Updates:
    return {"browser": {**browser, "run": run_id}, "viewing": run_id, "seen": None, "message": ""}

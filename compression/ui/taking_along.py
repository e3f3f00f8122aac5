"""What happens when a visitor takes a run's comparison or a model along: a file is made, checked, and offered."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import gradio as gr

from compression.errors import CompressionError, ConfigError, sentence
from compression.events import Report
from compression.export.card import Which
from compression.runs.snapshot import Snapshot
from compression.runs.worker import Runs
from compression.ui import markup
from compression.ui.at_hand import tested
from compression.ui.downloads import folder_of_its_own
from compression.ui.evidence import evidence
from compression.ui.words import friendly, named, say

if TYPE_CHECKING:
    from compression.measure.evidence import Evidence

Updates = dict[str, Any]
FILES = ("report", "json")
MODELS = ("student", "compressed")


def offered(runs: Runs, snapshot: Snapshot | None) -> Updates:
    """What can be taken of the run on show; nothing is made yet."""
    updates = nothing_yet()
    if snapshot is None or snapshot.result is None:
        return updates | {"taking": gr.Column(visible=False)}
    here = [name for name in MODELS if _folder(runs, snapshot, name) is not None]
    choices = [*((say(f"take={name}"), name) for name in FILES), *((named("take", name), name) for name in here)]
    return updates | {"taking": gr.Column(visible=True), "take": gr.Radio(choices=choices, value="report")}


def nothing_yet() -> Updates:
    """No file has been made."""
    return {"taken": "", "take-file": gr.update(value=None, visible=False)}


def take(runs: Runs, report: Report, viewing: str, what: Any, browser: Any = None) -> Updates:
    """Makes the file that was asked for, says what is in it, and offers it."""
    try:
        snapshot = runs.snapshot(viewing) if viewing else None
        sure = evidence(runs, snapshot)
        if snapshot is None or snapshot.result is None or sure is None or what not in (*FILES, *MODELS):
            raise ConfigError(say("take.nothing"))
        with folder_of_its_own() as folder:
            path, words = _make(runs, browser, report, snapshot, sure, str(what), folder)
    except CompressionError as error:
        return nothing_yet() | {"taken": markup.alert(friendly(sentence(error)))}
    size = path.stat().st_size
    label = say("take.download", name=path.name, size=f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB")
    done = f'<div role="status">{markup.text("p", words, "quiet")}</div>'
    return {"taken": done, "take-file": gr.update(value=str(path), label=label, visible=True)}


def _make(
    runs: Runs, browser: Any, report: Report, snapshot: Snapshot, sure: "Evidence", what: str, folder: Path
) -> tuple[Path, str]:
    """The file, and what to know of it."""
    from compression.ui import report as written

    assert snapshot.result is not None
    if what == "report":
        path = folder / "report.html"
        path.write_text(written.to_html(snapshot.result, sure, snapshot.name), encoding="utf-8")
        return path, say("take.report")
    if what == "json":
        path = folder / "comparison.json"
        path.write_text(written.to_json(snapshot.result, sure), encoding="utf-8")
        return path, say("take.json")
    from compression.export.takeaway import pack

    where = _folder(runs, snapshot, what)
    if where is None:
        raise ConfigError(say("take.absent"))
    data = tested(runs, browser, snapshot.config)
    texts = data.texts if data else ()
    packed = pack(snapshot.result, cast(Which, what), where, texts, folder, sure, report)
    if packed.parity is None:
        return packed.path, say("take.model.none", reason=friendly(packed.reason))
    same = packed.parity
    return packed.path, say(
        "take.model", texts=f"{same.texts:,}", difference=f"{same.difference:.2g}", flipped=same.flipped
    )


def _folder(runs: Runs, snapshot: Snapshot, name: str) -> Path | None:
    """Where a model of the run is, None if it is not here."""
    result = snapshot.result
    if result is None or name not in result.models or not result.models[name].folder:
        return None
    folder = result.model_folder(name, runs.folder(snapshot.run_id))
    return folder if folder.is_dir() else None

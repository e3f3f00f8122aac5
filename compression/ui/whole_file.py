"""What happens when a visitor has a whole file classified, by one model of the run on show.

received(path)        the file is there: its path stays in the session, where no browser can change it
classify_file(…)      checked against the limits, classified chunk by chunk, and written to a folder of its own
"""

import csv
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from compression.errors import CompressionError, ConfigError, DataError, ResourceError, sentence
from compression.events import Event, Notice, Report
from compression.runs.worker import Runs
from compression.settings import limits
from compression.ui import markup
from compression.ui.classifying import asked
from compression.ui.downloads import folder_of_its_own
from compression.ui.urls import visible
from compression.ui.views.file_verdicts import verdicts_card
from compression.ui.visitor import known
from compression.ui.words import friendly, named, say

if TYPE_CHECKING:
    from compression.predict.batch import Summary

Updates = dict[str, Any]
SHOWN = 500  # rows of the table; the download has all
_NAME_LENGTH = 80  # characters of a file's name that are shown
_COLUMN_LENGTH = 200  # characters of a column's name that are looked for

_busy: set[str] = set()  # visitors whose file is being classified
_busy_lock = threading.Lock()


def _no_download() -> dict[str, Any]:
    update: dict[str, Any] = gr.update(value=None, visible=False)
    return update  # a new one each time: Gradio takes out what it has sent


def received(source: str | None) -> Updates:
    """A file has come, or has been taken away again: what was said of another goes."""
    return {
        "file-source": source,
        "file-button": gr.Button(interactive=source is not None),
        "file-verdicts": markup.empty("file.empty"),
        "file-download": _no_download(),
    }


def offered(runs: Runs, viewing: str) -> Updates:
    """The models that can be asked: those of the run on show, the compressed one first choice; else the bundled one."""
    snapshot = runs.snapshot(viewing) if viewing else None
    if snapshot is None or snapshot.result is None:
        return {"file-model": gr.Radio(choices=[(say("teacher=bundled"), "teacher")], value="teacher")}
    names = [name for name, model in snapshot.result.models.items() if model.folder]
    choices = [(named("model", name), name) for name in names]
    return {"file-model": gr.Radio(choices=choices, value="compressed" if "compressed" in names else names[-1])}


def classify_file(
    runs: Runs, report: Report, viewing: str, browser: Any, source: Any, which: Any, column: Any
) -> Updates:
    """A verdict for each row of a file that was `received`: how many, the first of them, and all to download."""
    if not isinstance(source, str):
        return _refused(say("file.none"))
    browser, file, model = known(browser), Path(source), str(which)
    called = visible(file.name)[:_NAME_LENGTH]
    notes: list[str] = []

    def noting(event: Event) -> None:
        if isinstance(event, Notice):
            notes.append(event.text)
        report(event)

    def worded(said: object) -> str:
        words = str(said).replace(source, called).replace("--text-column", f"“{say('columns.text')}”")
        return friendly(sentence(words))

    try:
        with _one_at_a_time(browser["visitor"]), folder_of_its_own() as folder:
            target = folder / "verdicts.csv"
            summary = _write(runs, viewing, file, called, target, model, _text(column), noting)
            with target.open(newline="", encoding="utf-8") as table:
                rows = list(islice(csv.reader(table), 1, SHOWN + 1))
    except CompressionError as error:
        return _refused(worded(error))
    card = verdicts_card(summary, named("model", model), [worded(note) for note in notes], rows)
    return {"browser": browser, "file-verdicts": card, "file-download": gr.update(value=str(target), visible=True)}


def _refused(words: str) -> Updates:
    return {"file-verdicts": markup.alert(words), "file-download": _no_download()}


def _write(
    runs: Runs, viewing: str, file: Path, called: str, target: Path, model: str, column: str | None, report: Report
) -> "Summary":
    """Classifies the file into `target`; what can be refused is refused before a model is loaded."""
    from compression.data.rows import open_urls
    from compression.models.device import here
    from compression.predict.batch import classify_file
    from compression.predict.predictor import Predictor
    from compression.predict.runtime import known, served

    models, most = asked(runs, viewing), limits()
    if model not in models.folders:
        raise ConfigError(say("file.model.absent"))
    if not file.is_file():
        raise DataError(say("file.gone"))
    if file.stat().st_size > most.file_bytes:
        raise DataError(say("file.large", name=called, megabytes=most.file_bytes // 1_000_000))
    open_urls(file, column, most.file_rows)
    # A model of its own, not the one that answers single URLs: nobody who types one waits for a chunk of thousands.
    folder = models.folders[model]
    predictor = Predictor(served(folder, here(), models.not_safe.get(model), known(folder)))
    try:
        return classify_file(file, target, predictor, column, report)
    except ResourceError:
        raise ResourceError(say("file.no-room")) from None


@contextmanager
def _one_at_a_time(visitor: str) -> Iterator[None]:
    with _busy_lock:
        if visitor in _busy:
            raise ResourceError(say("file.busy"))
        _busy.add(visitor)
    try:
        yield
    finally:
        with _busy_lock:
            _busy.discard(visitor)


def _text(column: Any) -> str | None:
    return (column.strip()[:_COLUMN_LENGTH] or None) if isinstance(column, str) else None

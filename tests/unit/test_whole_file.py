"""A visitor's whole file: what comes back, what is refused before anything is computed, and that it stays theirs."""

import csv
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny

from compression.errors import RunCancelled
from compression.events import Event, Progress, ignore
from compression.predict import runtime
from compression.runs.store import RunStore
from compression.runs.worker import Runs
from compression.settings import Limits
from compression.ui import downloads, whole_file
from compression.ui.classifying import Asked
from compression.ui.visitor import NOBODY, known
from compression.ui.whole_file import classify_file
from compression.ui.words import say

FORMULA = "=HYPERLINK(1)"
HOSTILE = "http://evil.example/<script>window.hit=1</script>\u202egpj.exe"
URLS = [HOSTILE, FORMULA, "", *(text for text, _ in tiny.urls(8))]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where uploads and verdicts pass through."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "passing"))
    return tmp_path / "passing"


@pytest.fixture
def runs(tmp_path: Path, tiny_teacher: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runs]:
    """Runs of which the one on show has a compressed model alone."""
    store = RunStore(tmp_path / "home")
    answering = Asked({"compressed": tiny_teacher}, {"compressed": 1}, {})
    monkeypatch.setattr(whole_file, "asked", lambda runs, viewing: answering)
    yield Runs(store, lambda *given: pytest.fail("nothing runs here"))
    store.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tiny.save_csv(tmp_path / "my urls.csv", [(url, 0) for url in URLS], ("url", "n"))


@pytest.fixture
def nothing_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "served", lambda *given: pytest.fail("a model was loaded"))


def asking(runs: Runs, source: object, **given: Any) -> dict[str, Any]:
    values = {"report": ignore, "viewing": "", "browser": NOBODY, "which": "compressed", "column": ""}
    return classify_file(runs, source=source, **values | given)


def table(updates: dict[str, Any]) -> list[list[str]]:
    """The file to download, without its header."""
    with Path(updates["file-download"]["value"]).open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


def left(place: Path) -> list[Path]:
    return sorted(place.glob("*"))


def test_every_row_is_answered_shown_and_downloadable(runs: Runs, source: Path) -> None:
    events: list[Event] = []
    updates = asking(runs, str(source), report=events.append)
    rows = table(updates)
    assert [row[0] for row in rows] == [HOSTILE, f"'{FORMULA}", *URLS[2:]]
    bad = sum(row[1] == "Not Safe" for row in rows)
    shown = updates["file-verdicts"]
    assert f"Rows: 11. Not Safe: {bad}, Safe: {10 - bad}, without a verdict: 1." in shown
    assert "1 row has no verdict: 1 without a URL." in shown
    assert shown.count("<tr>") == 1 + 11
    assert "hxxp://evil[.]example/&lt;script&gt;window.hit=1&lt;/script&gt;gpj.exe" in shown
    assert "http://" not in shown
    assert "The table holds" not in shown
    assert [event.step for event in events if isinstance(event, Progress)][-1] == 11
    assert updates["browser"] == known(updates["browser"]), "whoever had no name before has one now"


def test_the_table_holds_the_first_rows_and_the_download_all(
    runs: Runs, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(whole_file, "SHOWN", 4)
    updates = asking(runs, str(source))
    assert updates["file-verdicts"].count("<tr>") == 1 + 4
    assert "The table holds the first 4 rows, the download all 11." in updates["file-verdicts"]
    assert len(table(updates)) == 11


def test_nobody_guesses_where_the_verdicts_are(runs: Runs, source: Path, place: Path) -> None:
    folders = [Path(asking(runs, str(source))["file-download"]["value"]).parent for _ in range(2)]
    assert sorted(folders) == left(place)
    assert all(len(folder.name) > 40 and stat.S_IMODE(folder.stat().st_mode) == 0o700 for folder in folders)


def test_verdicts_go_after_an_hour(runs: Runs, source: Path, place: Path) -> None:
    old, young = (Path(asking(runs, str(source))["file-download"]["value"]).parent for _ in range(2))
    (place / "upload").mkdir()
    hour_ago = time.time() - downloads.KEPT_SECONDS - 1
    for folder in (old, place / "upload"):
        os.utime(folder, (hour_ago, hour_ago))
    asking(runs, str(source))
    assert not old.exists()
    assert young.exists()
    assert (place / "upload").exists(), "what Gradio keeps is Gradio's to remove"


def test_one_at_a_time_a_visitor(runs: Runs, source: Path) -> None:
    me, other = known(NOBODY), known(NOBODY)
    meanwhile: list[dict[str, Any]] = []

    def report(event: Event) -> None:
        if not meanwhile:
            meanwhile.append({})  # those asked from in here report elsewhere
            meanwhile.extend(asking(runs, str(source), browser=visitor) for visitor in (me, other))

    first = asking(runs, str(source), browser=me, report=report)
    _, mine, theirs = meanwhile
    assert say("file.busy") in mine["file-verdicts"]
    assert not mine["file-download"]["visible"]
    assert table(first) == table(theirs)
    assert table(asking(runs, str(source), browser=me)) == table(first), "done with one, another may come"


REFUSED: dict[str, tuple[object, str]] = {
    "none": (None, "Choose a file first."),
    "number": (7, "Choose a file first."),
    "gone.csv": (None, "That file is no longer on this server. Choose it again."),
    "other.csv": (b"a,b\n1,2\n", "other.csv has no column that looks like the URL; its columns are 'a', 'b'. "),
    "image.png": (b"x", "image.png is neither .csv nor .parquet nor .txt."),
    "packed.txt": (b"\x1f\x8b" + bytes(20), "packed.txt is compressed (gzip)"),
    "many.txt": (b"http://a.test/\n" * 21, "many.txt has more than 20 rows. Give a smaller file."),
    "large.txt": (b"x" * 2_000_001, "large.txt is larger than 2 MB."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_before_anything_is_computed(
    runs: Runs, place: Path, tmp_path: Path, nothing_computed: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(whole_file, "limits", lambda: Limits(file_bytes=2_000_000, file_rows=20))
    content, words = REFUSED[name]
    if isinstance(content, bytes):
        (tmp_path / name).write_bytes(content)
    updates = asking(runs, str(tmp_path / name) if "." in name else content)
    shown = updates["file-verdicts"].replace("&#x27;", "'")
    assert words in shown
    assert 'role="alert"' in shown
    assert str(tmp_path) not in shown
    assert "--" not in shown, "options are of the command line"
    assert not updates["file-download"]["visible"]
    assert left(place) == []


def test_the_column_can_be_named(runs: Runs, tmp_path: Path) -> None:
    source = tiny.save_csv(tmp_path / "other.csv", [("http://a.test/", 0)], ("where", "n"))
    assert "Name it with “URL column”." in asking(runs, str(source))["file-verdicts"]
    assert table(asking(runs, str(source), column=" WHERE "))[0][0] == "http://a.test/"
    assert "no column &#x27;link" in asking(runs, str(source), column="link")["file-verdicts"]


@pytest.mark.parametrize("which", ["teacher", "../../etc", None, ["compressed"], {}])
def test_a_model_that_is_not_there(runs: Runs, source: Path, nothing_computed: None, which: object) -> None:
    assert say("file.model.absent") in asking(runs, str(source), which=which)["file-verdicts"]


def test_where_nothing_can_be_written(runs: Runs, source: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write_text("in the way")
    assert say("download.no-room") in asking(runs, str(source))["file-verdicts"]
    place.unlink()
    monkeypatch.setattr("os.fsync", full)
    assert say("file.no-room") in asking(runs, str(source))["file-verdicts"]
    assert left(place) == []


def full(descriptor: int) -> None:
    raise OSError(28, "No space left on device")


def test_what_was_broken_off_leaves_nothing(runs: Runs, source: Path, place: Path) -> None:
    def report(event: Event) -> None:
        raise RunCancelled

    me = known(NOBODY)
    with pytest.raises(RunCancelled):
        asking(runs, str(source), browser=me, report=report)
    assert left(place) == []
    assert table(asking(runs, str(source), browser=me))


def test_strangers_may_bring_less(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    assert (whole_file.limits().file_bytes, whole_file.limits().file_rows) == (20_000_000, 100_000)
    monkeypatch.setenv("SPACE_ID", "someone/lab")
    assert (whole_file.limits().file_bytes, whole_file.limits().file_rows) == (5_000_000, 20_000)


def test_another_file_takes_what_was_said_of_the_last(source: Path) -> None:
    for path in (str(source), None):
        updates = whole_file.received(path)
        assert updates["file-source"] == path
        assert updates["file-button"].interactive == bool(path)
        assert say("file.empty") in updates["file-verdicts"]
        assert not updates["file-download"]["visible"]

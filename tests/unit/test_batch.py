"""The rows of a file and the table about them: order, encodings, formulas, and rows that get no verdict."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from refusals import sentence

from compression.data import rows
from compression.data.files import MAX_CELL
from compression.data.rows import UrlFile, open_urls
from compression.errors import DataError, ResourceError
from compression.events import Event, Notice, Progress, ignore
from compression.predict import batch
from compression.predict.batch import classify_file
from compression.predict.predictor import Predictor

URLS = ["http://a.test/", "http://é.test/1", "http://b.test/", "http://a.test/", "http://bad.test/"]


class Instant(Predictor):
    """Says Not Safe of every text with 'bad' in it, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def probabilities(
        self, texts: Sequence[str], report: Callable[[int, int], None] = lambda step, steps: None
    ) -> np.ndarray:
        self.asked.append(list(texts))
        report(0, 1)
        return np.array([0.9 if "bad" in text else 0.1234567 for text in texts])


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table(path: Path) -> list[list[str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def parquet(path: Path, column: object, name: str = "url") -> Path:
    pq.write_table(pa.table({name: column}), path)
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_encoding_and_delimiter_in_order(tmp_path: Path, encoding: str, delimiter: str) -> None:
    lines = [delimiter.join(cells) for cells in [("n", "URL"), *((str(n), url) for n, url in enumerate(URLS))]]
    source = write(tmp_path / "in.csv", "\r\n".join(lines).encode(encoding))
    events: list[Event] = []
    done = classify_file(source, tmp_path / "out.csv", Instant(), report=events.append)
    rows = table(tmp_path / "out.csv")
    assert rows[0] == ["url", "label", "probability"]
    assert [row[0] for row in rows[1:]] == URLS
    assert [row[1:] for row in rows[1:]] == [["Safe", "0.123457"]] * 4 + [["Not Safe", "0.9"]]
    assert (done.rows, done.not_safe, done.skipped) == (5, 1, 0)
    assert min(done.seconds, done.urls_per_second) > 0
    notes = [event.text for event in events if isinstance(event, Notice)]
    assert [("Windows-1252" in note) for note in notes] == ([True] if encoding == "cp1252" else [])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_text_file_keeps_its_blank_lines(tmp_path: Path, end: str) -> None:
    source = write(tmp_path / "in.txt", end.join(["http://a.test/", "", " http://bad.test/ ", "  "]))
    done = classify_file(source, tmp_path / "out.csv", Instant())
    assert [row[:2] for row in table(tmp_path / "out.csv")[1:]] == [
        ["http://a.test/", "Safe"],
        ["", ""],
        [" http://bad.test/ ", "Not Safe"],
        ["  ", ""],
    ]
    assert (done.rows, done.not_safe, done.skipped) == (4, 1, 2)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([*URLS, None]),
        pa.array([*URLS, None], pa.large_string()),
        pa.array([*URLS, None]).dictionary_encode(),
        pa.array([*(url.encode() for url in URLS), None]),
    ],
    ids=["string", "large", "category", "bytes"],
)
def test_parquet_in_and_parquet_out(tmp_path: Path, column: pa.Array, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "CHUNK", 4)
    classify_file(parquet(tmp_path / "in.parquet", column), tmp_path / "out.parquet", Instant())
    found = pq.read_table(tmp_path / "out.parquet").to_pydict()
    assert found["url"] == [*URLS, ""]
    assert found["label"] == ["Safe"] * 4 + ["Not Safe", None]
    assert found["probability"] == [0.1234567] * 4 + [0.9, None]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.parquet", "out.parquet"]


def test_every_row_stays_and_those_without_verdict_are_counted(tmp_path: Path) -> None:
    longest, longer = "http://a.test/".ljust(MAX_CELL, "x"), "http://b.test/".ljust(MAX_CELL + 1, "x")
    lines = ["url,n", f"{longest},1", f"{longer},1", ",1", "", "http://c.test/?q=1,2,1", "http://d.test/"]
    events: list[Event] = []
    source = write(tmp_path / "in.csv", "\n".join(lines))
    done = classify_file(source, tmp_path / "out.csv", Instant(), report=events.append)
    rows = table(tmp_path / "out.csv")[1:]
    assert [row[0] for row in rows] == [longest, longer[:MAX_CELL], "", "", "http://c.test/?q=1", "http://d.test/"]
    assert [row[1] for row in rows] == ["Safe", "", "", "", "", ""]
    assert (done.rows, done.skipped) == (6, 5)
    said = "5 rows have no verdict: 2 without a URL, 1 with more than 2,048 characters, 2 not as long as the header."
    assert [event.text for event in events if isinstance(event, Notice)] == [said]


def test_nothing_in_a_csv_is_a_formula(tmp_path: Path) -> None:
    hostile = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "http://a.test/;=1+1"]
    source = parquet(tmp_path / "in.parquet", pa.array(hostile))
    classify_file(source, tmp_path / "out.csv", Instant())
    assert [row[0] for row in table(tmp_path / "out.csv")[1:]] == [f"'{url}" for url in hostile[:-1]] + hostile[-1:]
    assert '"http://a.test/;=1+1","Safe",0.123457\n' in (tmp_path / "out.csv").read_text()  # one cell whatever parts it
    classify_file(source, tmp_path / "out.parquet", Instant())
    assert pq.read_table(tmp_path / "out.parquet")["url"].to_pylist() == hostile


def test_a_url_is_computed_once_in_a_chunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "CHUNK", 4)
    predictor = Instant()
    classify_file(write(tmp_path / "in.txt", "\n".join(URLS)), tmp_path / "out.csv", predictor)
    assert predictor.asked == [URLS[:3], URLS[4:]]


def test_progress_counts_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "CHUNK", 2)
    events: list[Event] = []
    classify_file(write(tmp_path / "in.txt", "\n".join(URLS)), tmp_path / "out.csv", Instant(), report=events.append)
    steps = [(e.step, e.steps) for e in events if isinstance(e, Progress) and e.doing == "Classifying"]
    assert steps == [(0, 5), (2, 5), (2, 5), (4, 5), (4, 5), (5, 5)]


def test_the_column_is_found_or_given(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", "Where ,url\nhttp://a.test/,http://b.test/\n")
    assert next(open_urls(source).read()).text == "http://b.test/"
    assert next(open_urls(source, "where").read()).text == "http://a.test/"
    only = write(tmp_path / "only.csv", "Where\nhttp://a.test/\n")
    assert open_urls(only).rows == 1


REFUSED = {
    "none.csv": (None, "There is no file"),
    "in.xlsx": (b"x", "neither .csv nor .parquet nor .txt"),
    "empty.csv": (b"", "holds no rows"),
    "header.csv": (b"url\n", "holds no rows"),
    "empty.txt": (b"", "holds no rows"),
    "gzip.txt": (b"\x1f\x8b" + bytes(20), "compressed (gzip)"),
    "null.csv": (b"url\nhttp://a\0.test/\n", "not a text file"),
    "half.csv": ("url\nhttp://a.test/".encode("utf-16") + b"a", "begins as UTF-16 text"),
    "noise.txt": (bytes(n * 151 % 255 + 1 for n in range(5000)), "not a text file"),
    "other.csv": (b"PAR1" + bytes(20), "a Parquet file with another name"),
    "text.parquet": (b"url\nhttp://a.test/\n", "not a readable Parquet"),
    "columns.csv": (b"a,b\n1,2\n", "no column that looks like the URL"),
    "headless.csv": (b"http://a.test/\nhttp://b.test/\n", "a URL where its header should be"),
    "unclosed.csv": (b'url\n"http://a.test/\n' + b"http://b.test/\n" * 80_000, "Close the quote"),
    "endless.txt": (b"a" * 1_100_000, "more than 1,000,000 characters"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_are_refused(tmp_path: Path, name: str) -> None:
    content, words = REFUSED[name]
    if content is not None:
        write(tmp_path / name, content)
    with pytest.raises(DataError) as caught:
        classify_file(tmp_path / name, tmp_path / "out.csv", Instant())
    assert words in sentence(caught.value)
    assert not (tmp_path / "out.csv.part").exists()


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no column 'link'; its columns are 'url'"):
        open_urls(write(tmp_path / "in.csv", "url\nhttp://a.test/\n"), "link")
    with pytest.raises(DataError, match="no columns"):
        open_urls(write(tmp_path / "in.txt", "http://a.test/\n"), "url")


def test_a_strangers_file_may_have_so_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = write(tmp_path / "in.txt", "\n".join(URLS))
    kept = parquet(tmp_path / "in.parquet", pa.array(URLS))
    for source in (text, kept):
        assert open_urls(source, max_rows=5).rows == 5
        with pytest.raises(DataError, match="more than 4 rows"):
            open_urls(source, max_rows=4)
    monkeypatch.setattr(rows, "MAX_BYTES", 100)
    with pytest.raises(DataError, match="unpacks to more than"):
        open_urls(kept, max_rows=5)
    assert open_urls(kept).rows == 5  # of one's own files any may be read


def interrupted(source: Path, target: Path) -> None:
    """Leaves the part of a file whose second chunk failed."""

    class Failing(Instant):
        def probabilities(self, texts: Sequence[str], report: object = None) -> np.ndarray:
            if self.asked:
                raise KeyboardInterrupt
            return super().probabilities(texts)

    with pytest.raises(KeyboardInterrupt):
        classify_file(source, target, Failing(), model="one")
    assert not target.exists()


def test_what_is_there_is_kept_unless_told_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "CHUNK", 2)
    source, target = write(tmp_path / "in.txt", "\n".join(URLS)), tmp_path / "new" / "out.csv"
    part = target.with_name("out.csv.part")

    def go(resume: bool = False, overwrite: bool = False, model: str = "one") -> None:
        classify_file(source, target, Instant(), None, ignore, resume, overwrite=overwrite, model=model)

    def done(**options: Any) -> None:
        go(**options)
        assert [path.name for path in target.parent.iterdir()] == ["out.csv"]

    def refused(words: str, **options: Any) -> None:
        with pytest.raises(ResourceError) as caught:
            go(**options)
        assert words in sentence(caught.value)

    interrupted(source, target)
    refused("holds 2 rows of a command that was interrupted")
    refused("begun with another model", resume=True, model="two")
    source.write_text("\n".join(reversed(URLS)))
    refused("begun with another input", resume=True)
    source.write_text("\n".join(URLS))
    done(resume=True)
    refused("exists already")
    refused("exists already", resume=True)
    done(overwrite=True, model="two")
    target.unlink()
    interrupted(source, target)
    part.write_bytes(b"")
    refused("has lost rows", resume=True)
    done(overwrite=True)
    target.unlink()
    part.write_text("somebody's own")
    refused("is in the way")
    refused("is in the way", resume=True)
    assert part.read_text() == "somebody's own"
    done(overwrite=True)
    target.unlink()
    target.with_name("out.csv.part.json").write_text("[]")
    refused("does not say how far", resume=True)


def test_targets_that_are_refused(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv", "url\nhttp://a.test/\n")
    (tmp_path / "folder.csv").mkdir()
    places = {"out.xlsx": "neither .csv nor .parquet", "folder.csv": "is a folder", "in.csv": "is what is read"}
    for name, words in (places | {"in.csv/out.csv": "cannot be written"}).items():
        with pytest.raises(ResourceError) as caught:
            classify_file(source, tmp_path / name, Instant(), overwrite=True)
        assert words in sentence(caught.value)


def test_a_file_that_grows_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "in.txt", "\n".join(URLS))

    def grown(*given: Any) -> UrlFile:
        urls = open_urls(*given)
        source.write_text("\n".join([*URLS, *URLS]))
        return urls

    monkeypatch.setattr(batch, "open_urls", grown)
    with pytest.raises(DataError, match="changed while it was read"):
        classify_file(source, tmp_path / "out.csv", Instant())
    assert not (tmp_path / "out.csv").exists()

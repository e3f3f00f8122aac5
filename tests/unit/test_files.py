"""Files as people really have them: any encoding and delimiter is read, and what cannot be read gets one sentence."""

import bz2
import gzip
import io
import lzma
import re
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from compression.data import files
from compression.data.files import read_table
from compression.data.sources import load_data
from compression.errors import DataError

ROWS = [f"http://a{n}.test/é,{n % 2}" for n in range(100)]
CSV = "\n".join(["url,label", *ROWS])


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("urls.csv", CSV)
    return buffer.getvalue()


def parquet(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


GOOD_PARQUET = parquet(pa.table({"url": ["http://a.test/"], "label": [1]}))
LEGACY = CSV.encode("cp1252")

HOSTILE = {
    "empty.csv": (b"", "holds no rows"),
    "blank-lines.csv": (b"\n\r\n\n", "holds no rows"),
    "header-only.csv": (b"url,label\r\n", "holds no rows"),
    "only-a-mark.csv": (b"\xef\xbb\xbf", "holds no rows"),
    "null-early.csv": (b"url,label\nhttp://a\0.test/,1\n", "not a text file"),
    "null-late.csv": (CSV.encode() + b"\n" * 9000 + b"http://b.test/\0,1", "not a text file"),
    "null-in-utf-16.csv": ("url,label\nhttp://a\0.test/,1\n".encode("utf-16"), "not a text file"),
    "random.csv": (bytes(n * 151 % 255 + 1 for n in range(5000)), "not a text file"),
    "png.csv": (b"\x89PNG\r\n\x1a\n" + bytes(64), "not a text file"),
    "half-a-letter.csv": (CSV.encode("utf-16") + b"a", "begins as UTF-16 text"),
    "utf-32-cut.csv": (CSV.encode("utf-32")[:-2], "begins as UTF-32 text"),
    "bomb.csv": (gzip.compress(b"http://a.test/,1\n" * 100_000), r"compressed \(gzip\)"),
    "bomb.parquet": (gzip.compress(CSV.encode()), r"compressed \(gzip\)"),
    "sheet.csv": (zipped(), "ZIP archive or an Excel workbook"),
    "bzip2.csv": (bz2.compress(CSV.encode()), r"compressed \(bzip2\)"),
    "xz.csv": (lzma.compress(CSV.encode()), r"compressed \(xz\)"),
    "zstd.csv": (b"\x28\xb5\x2f\xfd" + bytes(20), r"compressed \(zstd\)"),
    "paper.csv": (b"%PDF-1.7\n", "a PDF"),
    "old.csv": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(20), "old Excel"),
    "renamed.csv": (GOOD_PARQUET, "a Parquet file with another name"),
    "text.parquet": (CSV.encode(), "not a readable Parquet"),
    "cut.parquet": (GOOD_PARQUET[:-20], "not a readable Parquet"),
    "broken.parquet": (GOOD_PARQUET[:8] + bytes(len(GOOD_PARQUET) - 16) + GOOD_PARQUET[-8:], "not a readable Parquet"),
    "empty.parquet": (b"", "not a readable Parquet"),
    "no-rows.parquet": (parquet(pa.table({"url": pa.array([], pa.string())})), "holds no rows"),
    "no-columns.parquet": (parquet(pa.table({})), "holds no rows"),
    "nested.parquet": (parquet(pa.table({"url": [["http://a.test/"]], "label": [[1]]})), "holds no rows"),
    "wide.csv": (",".join(f"c{n}" for n in range(501)).encode() + b"\n1", "more than 500 columns"),
    "wide.parquet": (parquet(pa.table({f"c{n}": [1] for n in range(501)})), "more than 500 columns"),
    "long-url.csv": (b"url,label\nhttp://a.test/" + b"a" * 2_000_000 + b",1\n", "no row with both"),
    "unclosed.csv": (b'url,label\n"http://a.test/,1\n' + b"http://b.test/,0\n" * 50, "holds no rows"),
    "no-label.csv": (b"url\nhttp://a.test/\n", "looks like the label"),
    "formulas.csv": (b"url,label\n=cmd|' /C calc'!A0,@SUM(1)\n", r"'@SUM\(1\)' is not one"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_one_sentence_and_what_to_do(tmp_path: Path, name: str) -> None:
    content, sentence = HOSTILE[name]
    with pytest.raises(DataError, match=sentence) as caught:
        load_data(str(write(tmp_path / name, content)))
    message = str(caught.value)
    assert re.fullmatch(r"[^\n\0]{20,400}\.\)?", message)
    assert message.startswith(str(tmp_path / name)) or message.startswith("The label")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_any_unicode_is_read(tmp_path: Path, encoding: str) -> None:
    table = read_table(write(tmp_path / "a.csv", CSV.encode(encoding)))
    assert table.columns["url"][0] == "http://a0.test/é"
    assert table.notes == ()


def test_a_legacy_encoding_is_read_and_said(tmp_path: Path) -> None:
    data = load_data(str(write(tmp_path / "a.csv", LEGACY)))
    assert data.splits["train"].texts[0].endswith("é")
    assert any("Windows-1252" in note for note in data.notes)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_quoted_cells_may_hold_anything(tmp_path: Path, delimiter: str, end: str) -> None:
    url = f'http://a.test/?q=1{delimiter}2,3"{end}x'
    quoted = '"' + url.replace('"', '""') + '"'
    lines = [f'"the{delimiter} url"{delimiter}label', f"{quoted}{delimiter}1", f"http://b.test/{delimiter}0"]
    table = read_table(write(tmp_path / "a.csv", (end + end.join(lines) + end).encode()))
    assert table.columns == {f"the{delimiter} url": [url, "http://b.test/"], "label": ["1", "0"]}


def test_what_is_skipped_is_counted_line_by_line(tmp_path: Path) -> None:
    extra = ["http://b.test/", "http://c.test/,1,2", f"http://d.test/{'d' * 2048},1", "", '"http://e.test/,1', "x", "y"]
    data = load_data(str(write(tmp_path / "a.csv", "\n".join([CSV, *extra]).encode())))
    assert data.skipped == 6  # three of them swallowed by the quote that never ends
    assert any("6 rows were skipped" in note and "2,048 characters" in note for note in data.notes)


def test_of_columns_with_one_name_the_first_is_read(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.csv", b"url,URL,label,,\nhttp://a.test/,http://b.test/,1,x,y\n"))
    assert table.columns["url"] == ["http://a.test/"]
    assert len(table.columns) == 5
    assert table.notes == ("More than one column is called 'URL': the first is read.",)
    twice = pa.table([["http://a.test/"], ["http://b.test/"], [1]], names=["url", "url", "label"])
    assert read_table(write(tmp_path / "a.parquet", parquet(twice))).columns["url"] == ["http://a.test/"]


def test_limits_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = pa.table({"url": [f"http://a{n}.test/" for n in range(5000)], "label": [0] * 5000})
    paths = [write(tmp_path / "a.csv", CSV.encode()), write(tmp_path / "a.parquet", parquet(long))]
    for path in paths:
        with pytest.raises(DataError, match="more than 99 rows"):
            read_table(path, max_rows=99)
    monkeypatch.setattr(files, "MAX_BYTES", 1000)
    for path in paths:
        with pytest.raises(DataError, match="more than 0 MB"):
            read_table(path)


def test_a_parquet_file_is_refused_by_what_it_says_it_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = parquet(pa.table({"n": pa.array(range(10_000), pa.int64())}))
    monkeypatch.setattr(files, "MAX_BYTES", 50_000)
    monkeypatch.setattr(pq.ParquetFile, "read", lambda *_, **__: pytest.fail("it was read"))
    with pytest.raises(DataError, match="unpacked"):
        read_table(write(tmp_path / "a.parquet", content))


def test_a_long_text_in_every_parquet_row_is_held_once(tmp_path: Path) -> None:
    """A file of 50 KB whose cells come to 5 GB."""
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 5000, pa.int32()), pa.array(["u" * 1_000_000]))
    table = read_table(write(tmp_path / "a.parquet", parquet(pa.table({"url": column}))))
    assert len({id(cell) for cell in table.columns["url"]}) == 1


def test_parquet_cells_of_any_flat_type_are_text(tmp_path: Path) -> None:
    columns = {
        "text": pa.array(["a", None]),
        "large": pa.array(["a", None], pa.large_string()),
        "bytes": pa.array([b"\xff", None]),
        "number": pa.array([1, None]),
        "float": pa.array([0.0, float("nan")]),
        "half": pa.array([1, None], pa.float16()),
        "flag": pa.array([True, None]),
        "nothing": pa.array([None, None], pa.null()),
        "category": pa.array(["x", None]).dictionary_encode(),
        "time": pa.array([0, None], pa.timestamp("s")),
        "nested": pa.array([{"a": 1}, None]),
    }
    table = read_table(write(tmp_path / "a.parquet", parquet(pa.table(columns))))
    assert {name: cells[0] for name, cells in table.columns.items()} == {
        "text": "a", "large": "a", "bytes": "\ufffd", "number": "1", "float": "0.0", "half": "1.0", "flag": "True",
        "nothing": "", "category": "x", "time": "1970-01-01 00:00:00",
    }  # fmt: skip
    assert {cells[1] for cells in table.columns.values()} == {"", "nan"}

"""Bad data: files that are no table, tables that are no data, and places that are no file."""

import gzip
import io
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import tiny

from bad_input import Bad, Bench, File, Given, data

Make = Callable[[Bench], Given]

ROWS = "".join(f"{text},{label}\n" for text, label in tiny.urls(60))
CSV = "url,label\n" + ROWS


def _file(name: str, content: bytes | str) -> Make:
    """The file, uploaded."""
    return lambda bench: File(bench.file(name, content))


def _path(name: str, content: bytes | str, **settings: object) -> Make:
    """The file, by its path."""
    return data(lambda bench: bench.file(name, content), **settings)


def _parquet(make: Callable[[], pa.Table], **options: Any) -> Make:
    def given(bench: Bench) -> Given:
        pq.write_table(make(), bench.folder / "urls.parquet", **options)
        return File(bench.folder / "urls.parquet")

    return given


def _zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("urls.csv", CSV)
    return buffer.getvalue()


def _bomb() -> pa.Table:
    """Under 100 KB on disk, 300 MB unpacked."""
    few = pa.table({"url": ["u" * 1_000_000] * 10, "label": ["1"] * 10})
    return pa.concat_tables([few] * 30)


def _long(bench: Bench) -> Path:
    table = pa.table({"url": ["u"] * 1_000_001, "label": pa.array([0] * 1_000_001, pa.int8())})
    pq.write_table(table, bench.folder / "urls.parquet")
    return bench.folder / "urls.parquet"


def _linked(target: str) -> Make:
    def make(bench: Bench) -> Path:
        (bench.folder / "urls.csv").symlink_to(target)
        return bench.folder / "urls.csv"

    return data(make)


def _pipe(bench: Bench) -> Path:
    os.mkfifo(bench.folder / "urls.csv")
    return bench.folder / "urls.csv"


def _folder(**files: str) -> Make:
    def make(bench: Bench) -> Path:
        for name, content in files.items():
            bench.file(f"splits/{name}.csv", content)
        return bench.folder / "splits"

    return data(make)


def _directory(bench: Bench) -> Path:
    (bench.folder / "urls.csv").mkdir()
    return bench.folder / "urls.csv"


TABLE = [
    Bad("an empty CSV", "holds no rows", _file("urls.csv", "")),
    Bad("a CSV of a header alone", "holds no rows", _file("urls.csv", "url,label\r\n")),
    Bad("one class only", "one class", _path("urls.csv", CSV.replace(",1\n", ",0\n"))),
    Bad("wrong columns", "column|'colour'", _path("urls.csv", CSV.replace("url,label", "colour,taste"))),
    Bad("a named column that is not there", "column|'link'", _path("urls.csv", CSV, columns__text="link")),
    Bad("one column for both", "column|'url'", _path("urls.csv", CSV, columns__label="url")),
    Bad(
        "one column for both, with a label that is in it",
        "column|'url'",
        _path("urls.csv", CSV, columns__label="URL", columns__positive=tiny.urls(2)[0][0]),
    ),
    Bad("labels nobody knows", "label|'2'", _path("urls.csv", CSV.replace(",1\n", ",2\n"))),
    Bad("a phishing label that is in no row", "label|'evil'", _path("urls.csv", CSV, columns__positive="evil")),
    Bad("labels that are empty", "label", _path("urls.csv", CSV.replace(",1\n", ",\n").replace(",0\n", ",\n"))),
    Bad("half of UTF-16", "UTF-16", _file("urls.csv", CSV.encode("utf-16") + b"a")),
    Bad("binary", "not a text file", _file("urls.csv", bytes(n * 151 % 255 + 1 for n in range(5000)))),
    Bad("null bytes", "not a text file", _file("urls.csv", CSV + "http://a\0.test/,1\n")),
    Bad("formulas", "label|@SUM", _path("urls.csv", "url,label\n=cmd|' /C calc'!A0,@SUM(1)\n" * 30)),
    Bad("a gzip bomb named .csv", "gzip", _file("urls.csv", gzip.compress(b"http://a.test/,1\n" * 1_000_000))),
    Bad("a parquet bomb", "unpacked", _parquet(_bomb, use_dictionary=False, compression="zstd")),
    Bad("a workbook named .csv", "workbook", _file("urls.csv", _zipped())),
    Bad("a CSV named .parquet", "parquet", _file("urls.parquet", CSV)),
    Bad("nested cells", "no rows", _parquet(lambda: pa.table({"url": [["x"]], "label": [[1]]}))),
    Bad("URLs of 2 MB", "URL", _path("urls.csv", f"url,label\nhttp://a.test/{'a' * 2_000_000},1\n")),
    Bad("ragged rows only", "cells", _file("urls.csv", "url,label\n" + "http://a.test/,1,2,3\n" * 40)),
    Bad("a quote that never ends", "no rows", _file("urls.csv", 'url,label\n"' + ROWS)),
    Bad("too many columns", "500 columns", _file("urls.csv", ",".join(f"c{n}" for n in range(501)) + "\n1")),
    Bad(
        "too many rows",
        "1,000,000 rows",
        data(_long),
    ),
    Bad(
        "too many rows for an upload",
        "20,000 rows",
        _file("urls.csv", CSV + "http://a.test/,1\n" * 20_000),
        command=False,
    ),
    Bad("too few rows", "too few rows", _path("urls.csv", "url,label\nhttp://a.test/,1\nhttp://b.test/,0\n")),
    Bad("a file of another sort", ".csv", _path("urls.txt", CSV)),
    Bad("a directory named like a CSV", "train", data(_directory)),
    Bad("a folder without validation", "validation", _folder(train=CSV, test=CSV)),
    Bad("a folder of splits with other columns", "column", _folder(train=CSV, validation="a,b\n1,2\n", test=CSV)),
    Bad("data that is not there", "no file or folder", data(lambda bench: bench.folder / "none.csv")),
    Bad("a link to itself", "Check", _linked("urls.csv")),
    Bad("a link to a device", "no file or folder", _linked("/dev/zero")),
    Bad("a link to what cannot be read", "cannot be read", _linked("/proc/self/mem")),
    Bad("a pipe that nobody writes to", "no file or folder", data(_pipe)),
    Bad("an upload that is gone", "Upload it, or", data(lambda bench: "upload:" + "a" * 64)),
    Bad("an upload's address with a path in it", "Upload it, or", data(lambda bench: "upload:../../etc/passwd")),
]

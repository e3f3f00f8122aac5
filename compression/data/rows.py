"""The URLs of a file of any length, one row at a time in constant memory: CSV, Parquet, or text with one a line.

open_urls(path) ──reads it once──▶ UrlFile(rows, digest, notes) ──read()──▶ Row, Row, …   as often as wanted
"""

import csv
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from compression.data.contents import PARQUET, encoding_of, refuse_other_forms
from compression.data.files import MAX_BYTES, MAX_CELL, SUFFIXES, as_text, delimiter_of, is_text
from compression.data.labels import listed
from compression.data.sources import TEXT_COLUMNS
from compression.errors import DataError

LIST = ".txt"  # one URL a line
_MAX_ROW = 1_000_000  # characters; more are a quote that never ends, or no table
_BATCH = 2_048  # Parquet rows unpacked at a time


class Row(NamedTuple):
    """A URL as it stands in the file, cut after MAX_CELL + 1 characters, and whether its row fits the header."""

    text: str
    fits: bool


@dataclass(frozen=True)
class UrlFile:
    """A file that was read through once: its number of rows, the SHA-256 of its bytes, and what to say about it.

    `read()` yields its rows in order, blank ones included, and raises DataError where the file has changed for the
    worse since.
    """

    column: str
    rows: int
    digest: str
    notes: tuple[str, ...]
    read: Callable[[], Iterator[Row]]


def open_urls(path: Path, text_column: str | None = None, max_rows: int | None = None) -> UrlFile:
    """The URLs in a .csv, .parquet or .txt file, their column found by name unless given. Raises DataError.

    With `max_rows`, as for a stranger's file, one of more rows is refused as soon as that is known, and so is a Parquet
    file that unpacks to more than MAX_BYTES.
    """
    kind = path.suffix.lower()
    if not path.is_file():
        raise DataError(f"There is no file {path}. Check the path.")
    if kind not in (*SUFFIXES, LIST):
        raise DataError(f"{path} is neither .csv nor .parquet nor .txt. Save the URLs in one of these forms.")
    with _readable(path):
        with path.open("rb") as file:
            refuse_other_forms(start := file.read(8), str(path))
            file.seek(0)
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if kind != ".parquet":
                if start.startswith(PARQUET):
                    raise DataError(f"{path} is a Parquet file with another name. Rename it to end in .parquet.")
                encoding, notes = encoding_of(file, str(path))
        match kind:
            case ".parquet":
                notes = ()
                column, read = _open_parquet(path, text_column)
            case ".csv":
                column, read = _open_csv(path, encoding, text_column)
            case _:
                if text_column is not None:
                    raise DataError(f"{path} has no columns: each line is a URL. Leave --text-column out.")
                column, read = "", partial(_lines, path, encoding)
        if max_rows is not None and kind == ".parquet":
            _check_unpacked(path)
        rows = sum(1 for _ in islice(read(), None if max_rows is None else max_rows + 1))
    if max_rows is not None and rows > max_rows:
        raise DataError(f"{path} has more than {max_rows:,} rows. Give a smaller file.")
    if not rows:
        raise DataError(f"{path} holds no rows. Give a file with one URL a row.")
    return UrlFile(column, rows, digest, notes, read)


def _lines(path: Path, encoding: str) -> Iterator[Row]:
    with _readable(path), path.open(encoding=encoding, errors="replace") as file:
        number = 0
        while line := file.readline(_MAX_ROW + 1):
            number += 1
            _check_length(len(line), path, number)
            yield Row(line.removesuffix("\n")[: MAX_CELL + 1], fits=True)


def _open_csv(path: Path, encoding: str, text_column: str | None) -> tuple[str, Callable[[], Iterator[Row]]]:
    csv.field_size_limit(MAX_BYTES)  # as `read_table` sets it: one for the whole process
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        delimiter = delimiter_of(file.read(_MAX_ROW))
    header = next(filter(None, _records(path, encoding, delimiter)), [])
    index = _index([name.strip() for name in header], text_column, path)
    if "://" in header[index]:
        raise DataError(
            f"{path} has a URL where its header should be. Put a line with column names first, or save it as .txt."
        )
    return header[index].strip(), partial(_csv_rows, path, encoding, delimiter, index, len(header))


def _csv_rows(path: Path, encoding: str, delimiter: str, index: int, width: int) -> Iterator[Row]:
    records = _records(path, encoding, delimiter)
    next(filter(None, records), None)  # the header
    for cells in records:
        yield Row(cells[index][: MAX_CELL + 1] if index < len(cells) else "", len(cells) in (0, width))


def _records(path: Path, encoding: str, delimiter: str) -> Iterator[list[str]]:
    """Every record of a CSV file, blank lines as empty ones; none may grow without end."""
    pending = 0  # characters of the record that is being read

    def lines() -> Iterator[str]:
        nonlocal pending
        number = 0
        while line := file.readline(_MAX_ROW + 1):
            number += 1
            pending += len(line)
            _check_length(pending, path, number)
            yield line

    with _readable(path), path.open(encoding=encoding, errors="replace", newline="") as file:
        for record in csv.reader(lines(), delimiter=delimiter):
            pending = 0
            yield record


def _open_parquet(path: Path, text_column: str | None) -> tuple[str, Callable[[], Iterator[Row]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        flat = [field for field in file.schema_arrow if not pa.types.is_nested(field.type)]
    field = flat[_index([field.name.strip() for field in flat], text_column, path)]
    return field.name, partial(_parquet_rows, path, field.name, is_text(field.type))


def _check_unpacked(path: Path) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        groups = [file.metadata.row_group(number) for number in range(file.metadata.num_row_groups)]
    if sum(group.total_byte_size for group in groups) > MAX_BYTES:
        raise DataError(f"{path} unpacks to more than {MAX_BYTES // 1_000_000} MB. Give a smaller file.")


def _parquet_rows(path: Path, column: str, text: bool) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # As a dictionary, so that a long text that stands in many rows is held once, as in the file.
    options = {"read_dictionary": [column] if text else None, "buffer_size": 1 << 20, "pre_buffer": False}
    with _readable(path), pq.ParquetFile(path, **options) as file:
        for batch in file.iter_batches(_BATCH, columns=[column], use_threads=False):
            cells = batch.column(0)
            if not isinstance(cells, pa.DictionaryArray):
                cells = cells.dictionary_encode()
            indices = cells.indices.to_pylist()
            used = sorted(set(indices) - {None})  # of a dictionary that may serve a million rows
            values = cells.dictionary.take(pa.array(used, pa.int64()))
            if is_text(values.type):
                values = values.cast(pa.large_binary())
            known = {i: as_text(v)[: MAX_CELL + 1] for i, v in zip(used, values.to_pylist(), strict=True)}
            yield from (Row("" if i is None else known[i], fits=True) for i in indices)


def _index(names: list[str], given: str | None, path: Path) -> int:
    """Which column holds the URLs: the one that is given, else one with a known name, else the only one."""
    folded = [name.casefold() for name in names]
    for name in TEXT_COLUMNS if given is None else (given.strip(),):
        if name.casefold() in folded:
            return folded.index(name.casefold())
    if given is None and len(names) == 1:
        return 0
    if not names:
        raise DataError(f"{path} holds no rows. Give a file with one URL a row.")
    missing = "no column that looks like the URL" if given is None else f"no column {given[:40]!r}"
    raise DataError(f"{path} has {missing}; its columns are {listed(names)}. Name it with --text-column.")


def _check_length(length: int, path: Path, line: int) -> None:
    if length > _MAX_ROW:
        raise DataError(
            f"{path} has a row of more than {_MAX_ROW:,} characters that goes on in line {line:,}. "
            "Close the quote it begins with, or give a file with one URL a row."
        )


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turns what goes wrong while a file is read into a DataError."""
    import pyarrow as pa

    try:
        yield
    except csv.Error as error:
        raise DataError(f"{path} is not a readable CSV file ({error}). Save it again as CSV (UTF-8).") from None
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.strerror:
            raise DataError(f"{path} cannot be read ({error.strerror}). Check the path and its permissions.") from None
        reason = " ".join(str(error).split())[:100]
        raise DataError(f"{path} is not a readable Parquet file ({reason}). Write it again, or give a CSV.") from None

"""Rows of a CSV or Parquet file, as text, with what could not be read counted."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compression.data.contents import PARQUET, decode, refuse_other_forms
from compression.errors import DataError

SUFFIXES = (".csv", ".parquet")
MAX_ROWS = 1_000_000
MAX_COLUMNS = 500
MAX_CELL = 2048  # characters of a URL or a label; a row with a longer one is skipped
MAX_BYTES = 256_000_000  # of a CSV, or of what a Parquet file unpacks to
_MAX_CELLS = 20_000_000
_DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Table:
    """A file's columns as text; `skipped` counts the lines that did not have the header's number of cells."""

    columns: dict[str, list[str]]
    skipped: int
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), []))


def read_table(path: Path, called: str | None = None, max_rows: int = MAX_ROWS) -> Table:
    """The table in a CSV or Parquet file, which sentences call by its path unless told otherwise. Raises DataError."""
    called = called or str(path)
    try:
        with path.open("rb") as file:
            start = file.read(8)
        refuse_other_forms(start, called)
        read = _read_parquet if path.suffix.lower() == ".parquet" else _read_csv
        table = read(path, called, max_rows)
    except OSError as error:
        raise DataError(
            f"{called} cannot be read ({error.strerror or error}). Check the path and its permissions."
        ) from None
    if not len(table) and table.skipped:
        raise DataError(
            f"{called} holds no rows that can be used: {table.skipped:,} rows do not have the header's "
            f"{len(table.columns)} cells or are too long. Put quotes around URLs that hold commas."
        )
    if not len(table):
        raise DataError(f"{called} holds no rows. Give a file with a header line and one URL a row.")
    return table


def _read_csv(path: Path, called: str, max_rows: int) -> Table:
    _check(path.stat().st_size <= MAX_BYTES, called, f"{MAX_BYTES // 1_000_000} MB")
    content = path.read_bytes()
    if content.startswith(PARQUET):
        raise DataError(f"{called} is a Parquet file with another name. Rename it to end in .parquet.")
    text, notes = decode(content, called)
    csv.field_size_limit(MAX_BYTES)  # one for the whole process: a long cell costs its row, not the file
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter_of(text))
        header = [name.strip() for name in next(filter(None, reader), [])]
        _check(len(header) <= MAX_COLUMNS, called, f"{MAX_COLUMNS} columns")
        rows, skipped, line = [], 0, reader.line_num
        for row in reader:
            if len(row) == len(header):
                rows.append(row)
            elif row:
                skipped += reader.line_num - line  # an unclosed quote swallows many lines
            line = reader.line_num
            _check(len(rows) <= max_rows, called, f"{max_rows:,} rows")
    except csv.Error as error:
        raise DataError(f"{called} is not a readable CSV file ({error}). Save it again as CSV (UTF-8).") from None
    return _table(header, ([row[i] for row in rows] for i in range(len(header))), skipped, notes)


def delimiter_of(text: str) -> str:
    """The delimiter that cuts the header into most cells."""

    def cells(delimiter: str) -> int:
        return len(next(filter(None, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), []))

    return max(_DELIMITERS, key=cells)


def _read_parquet(path: Path, called: str, max_rows: int) -> Table:
    """Flat columns only: what is nested can be neither a URL nor a label."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            found, fields = file.metadata, [f for f in file.schema_arrow if not pa.types.is_nested(f.type)]
            unpacked = sum(found.row_group(i).total_byte_size for i in range(found.num_row_groups))
        names = [field.name for field in fields]
        _check(found.num_rows <= max_rows, called, f"{max_rows:,} rows")
        _check(len(names) <= MAX_COLUMNS, called, f"{MAX_COLUMNS} columns")
        _check(unpacked <= MAX_BYTES, called, f"{MAX_BYTES // 1_000_000} MB unpacked")
        _check(found.num_rows * len(names) <= _MAX_CELLS, called, f"{_MAX_CELLS:,} cells")
        # As dictionaries, so that a long text that stands in every row is held once, as in the file.
        texts = [f.name for f in fields if is_text(f.type)]
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            table = file.read(columns=names)
        return _table(table.column_names, (_texts(column) for column in table.columns), 0, ())
    except (pa.ArrowException, OSError) as error:
        reason = " ".join(str(error).split())[:100]
        raise DataError(f"{called} is not a readable Parquet file ({reason}). Write it again, or give a CSV.") from None


def is_text(kind: Any) -> bool:
    """Whether cells of this Arrow type hold text, or bytes that may be one."""
    import pyarrow as pa

    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary, pa.types.is_large_binary)
    return any(test(kind) for test in tests)


def _texts(column: Any) -> list[str]:
    """The cells of a Parquet column as text, equal ones shared; bytes that are no UTF-8 become question marks."""
    import pyarrow as pa

    cells: list[str] = []
    for chunk in column.dictionary_encode().chunks:
        distinct = chunk.dictionary
        if is_text(distinct.type):
            distinct = distinct.cast(pa.large_binary())
        known = [as_text(v) for v in distinct.to_pylist()]
        cells += ["" if i is None else known[i] for i in chunk.indices.to_pylist()]
    return cells


def as_text(value: object) -> str:
    """A cell as text: nothing for none, and bytes that are no UTF-8 as question marks."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return "" if value is None else str(value)


def _table(header: Sequence[str], columns: Iterable[list[str]], skipped: int, notes: tuple[str, ...]) -> Table:
    """The columns by name; of columns that share one, the first keeps it."""
    by_name: dict[str, list[str]] = {}
    repeated: dict[str, None] = {}
    for name, cells in zip(header, columns, strict=True):
        taken = any(name.casefold() == other.casefold() for other in by_name)
        if taken and name:
            repeated[name] = None
        by_name.setdefault(f"{name} ({len(by_name) + 1})" if taken else name, cells)
    notes += tuple(f"More than one column is called {name[:40]!r}: the first is read." for name in repeated)
    return Table(by_name, skipped, notes)


def _check(holds: bool, called: str, limit: str) -> None:
    if not holds:
        raise DataError(f"{called} has more than {limit}. Give a smaller file.")

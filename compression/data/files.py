"""Rows of a CSV or Parquet file, as text, with what could not be read counted."""

import codecs
import csv
from dataclasses import dataclass
from pathlib import Path

from compression.errors import DataError

SUFFIXES = (".csv", ".parquet")
MAX_ROWS = 1_000_000
_MAX_CELL = 1_000_000
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True)
class Table:
    """A file's columns as text; `skipped` counts the rows that did not have the header's number of cells."""

    columns: dict[str, list[str]]
    skipped: int


def read_table(path: Path) -> Table:
    """The table in a CSV or Parquet file. Raises DataError."""
    try:
        table = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror or error}). Check the path and its permissions."
        ) from None
    if not table.columns or not next(iter(table.columns.values())):
        raise DataError(f"{path} holds no rows. Give a file with a header line and one URL a row.")
    return table


def _read_csv(path: Path) -> Table:
    with path.open("rb") as file:
        start = file.read(4096)
    if b"\0" in start and not start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise DataError(f"{path} is not a text file. Save it as CSV (UTF-8) or Parquet.")
    encoding = next((name for bom, name in _BOMS if start.startswith(bom)), "utf-8")
    previous = csv.field_size_limit(_MAX_CELL)
    try:
        with path.open(encoding=encoding, errors="replace", newline="") as file:
            header_line = file.readline()
            delimiter = max(",;\t", key=header_line.count)
            header = [name.strip() for name in next(csv.reader([header_line], delimiter=delimiter), [])]
            rows, skipped = [], 0
            for row in csv.reader(file, delimiter=delimiter):
                if len(row) == len(header):
                    rows.append(row)
                elif row:
                    skipped += 1
                if len(rows) > MAX_ROWS:
                    raise DataError(f"{path} has more than {MAX_ROWS:,} rows. Give a smaller file.")
    except csv.Error as error:
        raise DataError(f"{path} is not a readable CSV file ({error}). Save it again as CSV (UTF-8).") from None
    finally:
        csv.field_size_limit(previous)
    return Table({name: [row[i] for row in rows] for i, name in enumerate(header)}, skipped)


def _read_parquet(path: Path) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        if file.metadata.num_rows > MAX_ROWS:
            raise DataError(f"{path} has more than {MAX_ROWS:,} rows. Give a smaller file.")
        table = file.read()
    except pa.ArrowException as error:
        raise DataError(
            f"{path} is not a readable Parquet file ({str(error)[:100]}). Write it again, or give a CSV."
        ) from None
    columns = {name: ["" if v is None else str(v) for v in table[name].to_pylist()] for name in table.column_names}
    return Table(columns, 0)

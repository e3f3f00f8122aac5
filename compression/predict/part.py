"""A table that is written chunk by chunk, survives a kill, and gets its name only once it is whole.

    out.csv.part        the chunks so far, each on the disk before the next is begun
    out.csv.part.json   what they were made from, how many rows and bytes are sure, and the counts
    out.csv             all of it, in the end

What comes after the sure bytes is cut off when the work goes on: a kill in the middle of a chunk costs that chunk.
A Parquet file cannot be added to, so its part is an Arrow stream, turned into Parquet in the end.
"""

import csv
import io
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from compression.errors import ResourceError, disk_full

if TYPE_CHECKING:
    import pyarrow as pa

SUFFIXES = (".csv", ".parquet")
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
_GROUP = 16_384  # rows of a Parquet row group: what a reader has to hold at once


class Verdict(NamedTuple):
    """One row of the table; no label and no probability (of Not Safe) where there is no verdict."""

    url: str
    label: str | None
    probability: float | None


@dataclass(frozen=True)
class Done:
    """What of a table is sure: rows, bytes, and how many rows are Not Safe, or without verdict and why."""

    rows: int = 0
    size_bytes: int = 0
    not_safe: int = 0
    empty: int = 0
    too_long: int = 0
    malformed: int = 0


class Part:
    """The unfinished table of `target`; `done` is how far it has come. Use as a context, which holds its lock.

    Raises ResourceError where it cannot be written, where there is one already that is neither to be gone on with
    (`resume`) nor to be replaced (`overwrite`), and where one to be gone on with was made from something else.
    """

    def __init__(self, target: Path, made_from: dict[str, str], resume: bool, overwrite: bool) -> None:
        self.done = Done()
        self._target, self._made_from = target, made_from
        self._path = target.with_name(target.name + ".part")
        self._record = target.with_name(target.name + ".part.json")
        self._resume, self._overwrite = resume, overwrite
        self._parquet = target.suffix.lower() == ".parquet"

    def __enter__(self) -> "Part":
        import fcntl

        with self._writing():
            self._target.parent.mkdir(parents=True, exist_ok=True)
            self._file: BinaryIO = os.fdopen(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o666), "r+b")
        try:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ResourceError(
                    f"{self._path} is being written by another command. Wait for it, or give another file."
                ) from None
            self._begin()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        with suppress(OSError):  # what could not be written is not among the sure bytes, and was complained of
            self._file.close()

    def append(self, verdicts: Sequence[Verdict], done: Done) -> None:
        """Adds rows, and has them on the disk before it returns; `done` counts them in. Raises ResourceError."""
        content = _arrow(verdicts) if self._parquet else _csv(verdicts)
        with self._writing():
            self._file.write(content)
            self._sync()
            self._settle(replace(done, size_bytes=self._file.tell()))

    def finish(self) -> None:
        """Gives the table its name. Raises ResourceError."""
        whole = self._path
        with self._writing():
            if self._parquet:
                whole = self._path.with_name(self._path.name + ".parquet")
                self._file.seek(0)
                _to_parquet(self._file, whole)
            whole.replace(self._target)
            if self._parquet:
                self._path.unlink()
            self._record.unlink()
            _sync_folder(self._target.parent)

    def _begin(self) -> None:
        held = os.fstat(self._file.fileno()).st_size
        record = self._read_record()
        if self._resume and record is not None:
            made_from, self.done = record
            if made_from != self._made_from:
                changed = [name for name, value in self._made_from.items() if made_from.get(name) != value]
                raise ResourceError(
                    f"{self._path} was begun with another {' and '.join(changed)}. Give the same again, or begin anew "
                    "with --overwrite, without --resume."
                )
            if held < self.done.size_bytes:
                raise ResourceError(
                    f"{self._path} has lost rows since it was written. Begin anew with --overwrite, without --resume."
                )
        elif (held or record) and not self._overwrite:
            if record is None:
                raise ResourceError(f"{self._path} is in the way. Move it, or give --overwrite to replace it.")
            raise ResourceError(
                f"{self._path} holds {record[1].rows:,} rows of a command that was interrupted. "
                "Go on with --resume, or begin anew with --overwrite."
            )
        with self._writing():
            if not self.done.size_bytes:
                self._settle(Done())  # before the first byte, so that the part is known for ours
            self._file.truncate(self.done.size_bytes)
            self._file.seek(self.done.size_bytes)
            if not self.done.size_bytes:
                self._file.write(bytes(_schema().serialize()) if self._parquet else _csv([Verdict._fields]))

    def _read_record(self) -> tuple[dict[str, str], Done] | None:
        """What the part was made from and how far it has come; None if nothing says so."""
        try:
            content = json.loads(self._record.read_text(encoding="utf-8"))
            return dict(content["made_from"]), Done(**{name: int(n) for name, n in content["done"].items()})
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise ResourceError(
                f"{self._record} does not say how far {self._path.name} has come. Delete both and begin anew."
            ) from None

    def _settle(self, done: Done) -> None:
        temporary = self._record.with_name(self._record.name + ".new")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump({"made_from": self._made_from, "done": asdict(done)}, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._record)
        self.done = done

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if disk_full(error):
                raise ResourceError(
                    f"The disk is full after {self.done.rows:,} rows, so {self._target} is not finished. "
                    "Free some space and go on with --resume."
                ) from None
            raise ResourceError(
                f"{self._target} cannot be written ({error.strerror or error}). Give another file."
            ) from None


def _csv(rows: Sequence[Sequence[Any]]) -> bytes:
    """Lines of a CSV file. All text is quoted, so that no spreadsheet takes a part of a URL for a cell of its own."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    for url, label, probability in rows:
        figure = float(f"{probability:.6g}") if isinstance(probability, float) else probability
        writer.writerow((f"'{url}" if url.startswith(_FORMULAS) else url, label, figure))
    return text.getvalue().encode()


def _schema() -> "pa.Schema":
    import pyarrow as pa

    return pa.schema([("url", pa.string()), ("label", pa.string()), ("probability", pa.float64())])


def _arrow(verdicts: Sequence[Verdict]) -> bytes:
    """The verdicts as one message of an Arrow stream."""
    import pyarrow as pa

    schema = _schema()
    columns = [pa.array(cells, kind) for cells, kind in zip(zip(*verdicts, strict=True), schema.types, strict=True)]
    return bytes(pa.record_batch(columns, schema=schema).serialize())


def _to_parquet(stream: BinaryIO, path: Path) -> None:
    """Writes an Arrow stream as Parquet, a row group at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with path.open("wb") as file:
        with pq.ParquetWriter(file, _schema()) as writer:
            held: list[Any] = []
            for batch in pa.ipc.open_stream(stream):
                held.append(batch)
                if sum(len(part) for part in held) >= _GROUP:
                    writer.write_table(pa.Table.from_batches(held))
                    held = []
            if held:
                writer.write_table(pa.Table.from_batches(held))
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Has the new name on the disk, too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

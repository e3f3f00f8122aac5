"""Labelled URLs from wherever the recipe says: the bundled corpus, files, a folder of splits, the Hub."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compression import hub
from compression.catalog import BUNDLED
from compression.config import ColumnsConfig
from compression.data import uploads
from compression.data.files import MAX_CELL, SUFFIXES, Table, read_table
from compression.data.labels import label_ids
from compression.data.splits import SPLITS, split_rows
from compression.errors import DataError
from compression.places import home, place

TEXT_COLUMNS = ("text", "url", "urls", "website", "domain")
LABEL_COLUMNS = ("label", "labels", "verdict", "status", "class", "type", "result")
ALL = ("all",)  # every row there is, whatever splits it is in


@dataclass(frozen=True)
class Split:
    """Texts and their class ids (1 is Not Safe), row by row."""

    texts: tuple[str, ...]
    labels: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True)
class Data:
    """The splits asked for, how many rows were skipped (empty or malformed), and what the reader should know."""

    splits: dict[str, Split]
    skipped: int = 0
    notes: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """SHA-256 over all rows: equal data, equal digest."""
        content = hashlib.sha256()
        for name, split in self.splits.items():
            for text, label in zip(split.texts, split.labels, strict=True):
                content.update(f"{name}\0{text}\0{label}\n".encode("utf-8", "surrogatepass"))
        return content.hexdigest()


@dataclass(frozen=True)
class _Rows:
    """What one file gave."""

    split: Split
    skipped: int
    notes: tuple[str, ...]


def load_data(
    source: str,
    columns: ColumnsConfig | None = None,
    wanted: Sequence[str] = SPLITS,
    report: hub.Transfer = hub.ignore,
) -> Data:
    """The wanted splits of `source`: 'bundled', a CSV or Parquet file, a folder of train, validation and test files, an
    upload by its address, or a Hub data set `owner/name[@revision]`.

    Only the files of the wanted splits are read; `ALL` is every row there is, as one split. `report` is called while
    something is fetched (what, bytes done, bytes in all). Raises DataError with what to do.
    """
    columns = columns or ColumnsConfig()
    if source == BUNDLED:
        return _bundled(wanted)
    if uploads.is_upload(source):
        return _single_file(uploads.find(source, home()), columns, wanted, "The uploaded file")
    path = place(source)
    if path.is_dir():
        return _folder(path, columns, wanted)
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES:
            raise DataError(f"{path} is neither .csv nor .parquet. Save the data in one of these forms.")
        return _single_file(path, columns, wanted, str(path))
    if not hub.is_hub_id(source):
        raise DataError(f"There is no file or folder {path}. Check the path.")
    return _hub(source, columns, wanted, report)


def check_trainable(split: Split) -> None:
    """Raises DataError unless both classes occur in the split."""
    if len(set(split.labels)) < 2:
        found = "no rows" if not split.labels else "one class only"
        raise DataError(f"The training split has {found}. Give data with both safe and phishing URLs.")


def _bundled(wanted: Sequence[str]) -> Data:
    from compression.data.corpus import bundled

    splits = {n: Split(tuple(r.text for r in rows), tuple(r.label for r in rows)) for n, rows in bundled().items()}
    return Data(_chosen(splits, wanted))


def _folder(folder: Path, columns: ColumnsConfig, wanted: Sequence[str]) -> Data:
    splits, read = {}, []
    for name in _present(folder) if wanted == ALL else wanted:
        paths = [folder / f"{name}{suffix}" for suffix in SUFFIXES if (folder / f"{name}{suffix}").is_file()]
        if not paths:
            raise DataError(
                f"{folder} has no {name}.csv or {name}.parquet. Add that file, or give a single file to be split."
            )
        read.append(_rows(read_table(paths[0]), columns, str(paths[0])))
        splits[name] = read[-1].split
    return Data(_chosen(splits, wanted), _skipped(read), _notes(read))


def _hub(source: str, columns: ColumnsConfig, wanted: Sequence[str], report: hub.Transfer) -> Data:
    """A Hub data set: its own splits where it has all three; else what it has, put together and split here."""
    found = hub.fetch_dataset(source, report=report)
    parts = {name: [_rows(read_table(path), columns, str(path)) for path in paths] for name, paths in found.items()}
    splits = {name: _joined([rows.split for rows in held]) for name, held in parts.items()}
    read = [rows for held in parts.values() for rows in held]
    if set(SPLITS) <= set(splits) or wanted == ALL:
        return Data(_chosen(splits, wanted), _skipped(read), _notes(read))
    return _split(_joined(list(splits.values())), read, wanted, source)


def _joined(splits: Sequence[Split]) -> Split:
    return Split(tuple(t for s in splits for t in s.texts), tuple(label for s in splits for label in s.labels))


def _single_file(path: Path, columns: ColumnsConfig, wanted: Sequence[str], called: str) -> Data:
    rows = _rows(read_table(path, called), columns, called)
    return _split(rows.split, [rows], wanted, called)


def _chosen(splits: dict[str, Split], wanted: Sequence[str]) -> dict[str, Split]:
    """The wanted splits of those there are; `ALL` is all of them put together."""
    return {"all": _joined(list(splits.values()))} if wanted == ALL else {name: splits[name] for name in wanted}


def _present(folder: Path) -> list[str]:
    found = [name for name in SPLITS if any((folder / f"{name}{suffix}").is_file() for suffix in SUFFIXES)]
    if not found:
        raise DataError(f"{folder} has no train, validation or test file (.csv or .parquet). Give a folder with one.")
    return found


def _split(rows: Split, read: Sequence[_Rows], wanted: Sequence[str], source: str) -> Data:
    if wanted == ALL:
        return Data({"all": rows}, _skipped(read), _notes(read))
    assigned, apart = split_rows(rows.texts, rows.labels)
    splits = {
        name: Split(tuple(rows.texts[i] for i in assigned[name]), tuple(rows.labels[i] for i in assigned[name]))
        for name in wanted
    }
    empty = [name for name in wanted if not len(splits[name])]
    if empty:
        raise DataError(f"{source} has too few rows to be split three ways ({len(rows)}). Give at least a few dozen.")
    notes = (
        ()
        if apart
        else (
            "A few domains hold most rows, so the file was split by URL and not by domain: scores may look too good.",
        )
    )
    return Data(splits, _skipped(read), notes + _notes(read))


def _rows(table: Table, columns: ColumnsConfig, called: str) -> _Rows:
    text_column = _column(table, columns.text, TEXT_COLUMNS, "URL", "text", called)
    label_column = _column(table, columns.label, LABEL_COLUMNS, "label", "label", called)
    if text_column == label_column:
        raise DataError(
            f"{called} would give both URL and label from the column {text_column!r}. Name two columns "
            "(--text-column and --label-column, or columns.text and columns.label in the recipe)."
        )
    pairs = [
        (text.strip(), label.strip())
        for text, label in zip(table.columns[text_column], table.columns[label_column], strict=True)
        if text.strip() and label.strip() and max(len(text), len(label)) <= MAX_CELL
    ]
    ids = label_ids((label for _, label in pairs), columns.positive)
    if not pairs:
        raise DataError(
            f"{called} has no row with both a URL and a label. Check the columns {text_column!r} and {label_column!r}."
        )
    split = Split(tuple(text for text, _ in pairs), tuple(ids[label] for _, label in pairs))
    return _Rows(split, table.skipped + len(table) - len(pairs), table.notes)


def _column(table: Table, given: str | None, known: tuple[str, ...], what: str, key: str, called: str) -> str:
    by_name = {name.strip().casefold(): name for name in table.columns}
    for name in (given,) if given is not None else known:
        if name.strip().casefold() in by_name:
            return by_name[name.strip().casefold()]
    found = ", ".join(repr(name[:40]) for name in list(table.columns)[:10])
    missing = f"no column {given!r}" if given is not None else f"no column that looks like the {what}"
    raise DataError(
        f"{called} has {missing}; its columns are {found}. "
        f"Name it (--{key}-column NAME, or columns.{key} in the recipe)."
    )


def _skipped(read: Sequence[_Rows]) -> int:
    return sum(rows.skipped for rows in read)


def _notes(read: Sequence[_Rows]) -> tuple[str, ...]:
    """What the files' readers noted, once each, and how many rows are missing."""
    notes = tuple(dict.fromkeys(note for rows in read for note in rows.notes))
    if not (skipped := _skipped(read)):
        return notes
    were = "rows were" if skipped > 1 else "row was"
    reasons = f"empty, not as long as the header, or with more than {MAX_CELL:,} characters in a cell"
    return (*notes, f"{skipped:,} {were} skipped: {reasons}.")

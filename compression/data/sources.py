"""Labelled URLs from wherever the recipe says: the bundled corpus, files, a folder of splits, the Hub."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from compression import hub
from compression.catalog import BUNDLED
from compression.config import ColumnsConfig, SplitsConfig
from compression.data import roles, uploads
from compression.data.files import MAX_CELL, SUFFIXES, Table, read_table
from compression.data.labels import label_ids, listed
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
class Reading:
    """How the rows were read: the columns, each label value with its class id and number of rows, and where each
    split came from (a file or a Hub split; nothing where the rows were split here)."""

    text: str
    label: str
    values: dict[str, tuple[int, int]]
    origins: dict[str, str]


@dataclass(frozen=True)
class Data:
    """The splits asked for, how many rows were skipped (empty or malformed), and what the reader should know."""

    splits: dict[str, Split]
    skipped: int = 0
    notes: tuple[str, ...] = ()
    reading: Reading | None = None  # None for the bundled data

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
    """What one file gave: texts with their labels as they stand, and the columns they were in."""

    pairs: tuple[tuple[str, str], ...]
    columns: tuple[str, str]
    skipped: int
    notes: tuple[str, ...]


def load_data(
    source: str,
    columns: ColumnsConfig | None = None,
    wanted: Sequence[str] = SPLITS,
    report: hub.Transfer = hub.ignore,
    splits: SplitsConfig | None = None,
) -> Data:
    """The wanted splits of `source`: 'bundled', a CSV or Parquet file, a folder of train, validation and test files, an
    upload by its address, or a Hub data set `owner/name[@revision]`.

    Only the files of the wanted splits are read; `ALL` is every row there is, as one split. `splits` says which file or
    Hub split plays which part where its name does not. `report` is called while something is fetched (what, bytes done,
    bytes in all). Raises DataError with what to do.
    """
    columns, chosen = columns or ColumnsConfig(), splits or SplitsConfig()
    if source == BUNDLED:
        roles.refuse_choice(chosen, "The bundled data")
        return _bundled(wanted)
    if uploads.is_upload(source):
        roles.refuse_choice(chosen, "The uploaded file")
        return _single_file(uploads.find(source, home()), columns, wanted, "The uploaded file")
    path = place(source)
    if path.is_dir():
        return _folder(path, columns, wanted, chosen)
    if path.is_file():
        if path.suffix.lower() not in SUFFIXES:
            raise DataError(f"{path} is neither .csv nor .parquet. Save the data in one of these forms.")
        roles.refuse_choice(chosen, str(path))
        return _single_file(path, columns, wanted, str(path))
    if not hub.is_hub_id(source):
        raise DataError(f"There is no file or folder {path}. Check the path.")
    return _hub(source, columns, wanted, report, chosen)


def check_trainable(split: Split) -> None:
    """Raises DataError unless both classes occur in the split."""
    if len(set(split.labels)) < 2:
        found = "no rows" if not split.labels else "one class only"
        raise DataError(f"The training split has {found}. Give data with both safe and phishing URLs.")


def _bundled(wanted: Sequence[str]) -> Data:
    from compression.data.corpus import bundled

    splits = {n: Split(tuple(r.text for r in rows), tuple(r.label for r in rows)) for n, rows in bundled().items()}
    return Data(_chosen(splits, wanted))


def _folder(folder: Path, columns: ColumnsConfig, wanted: Sequence[str], chosen: SplitsConfig) -> Data:
    files = _files(folder)
    cast = roles.cast(files, chosen, str(folder))
    if wanted == ALL and not cast:
        raise DataError(f"{folder} has no train, validation or test file (.csv or .parquet). Give a folder with one.")
    for name in () if wanted == ALL else wanted:
        if name not in cast:
            raise DataError(
                f"{folder} has no {name}.csv or {name}.parquet; it has {listed(sorted(files)) or 'none'}. Add it, "
                f"say which one it is (splits.{name} in the recipe), or give a single file to be split."
            )
    paths = {part: files[name] for part, name in cast.items() if wanted == ALL or part in wanted}
    read = {part: [_rows(read_table(path), columns, str(path))] for part, path in paths.items()}
    splits, reading = _labelled(read, columns, {part: path.name for part, path in paths.items()})
    return Data(_chosen(splits, wanted), _skipped(read), _notes(read), reading)


def _files(folder: Path) -> dict[str, Path]:
    """The CSV and Parquet files in a folder by their names without the ending, CSV before Parquet."""
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
    except OSError as error:
        raise DataError(f"{folder} cannot be read ({error.strerror or error}). Check its permissions.") from None
    return {path.stem: path for path in sorted(found, key=lambda p: p.suffix.lower(), reverse=True)}


def _hub(
    source: str, columns: ColumnsConfig, wanted: Sequence[str], report: hub.Transfer, chosen: SplitsConfig
) -> Data:
    """A Hub data set: its own splits where they play all three parts; else what it has, put together and split here."""
    found = hub.fetch_dataset(source, report=report)
    cast = roles.cast(found, chosen, source)
    missing = [part for part in SPLITS if part not in cast]
    if missing and roles.is_chosen(chosen):
        raise roles.uncast(missing[0], found, source)
    if missing or wanted == ALL:
        cast = {name: name for name in found}
    read = {part: [_rows(read_table(path), columns, str(path)) for path in found[name]] for part, name in cast.items()}
    splits, reading = _labelled(read, columns, {} if missing else cast)
    if not missing or wanted == ALL:
        return Data(_chosen(splits, wanted), _skipped(read), _notes(read), reading)
    return _split(_joined(list(splits.values())), read, wanted, source, reading)


def _joined(splits: Sequence[Split]) -> Split:
    return Split(tuple(t for s in splits for t in s.texts), tuple(label for s in splits for label in s.labels))


def _single_file(path: Path, columns: ColumnsConfig, wanted: Sequence[str], called: str) -> Data:
    read = {"all": [_rows(read_table(path, called), columns, called)]}
    splits, reading = _labelled(read, columns, {})
    return _split(splits["all"], read, wanted, called, reading)


def _labelled(
    read: Mapping[str, Sequence[_Rows]], columns: ColumnsConfig, origins: dict[str, str]
) -> tuple[dict[str, Split], Reading]:
    """The splits with class ids for their labels, which all files settle together: a rare one may be in few of them."""
    held = [rows for several in read.values() for rows in several]
    counts = Counter(label for rows in held for _, label in rows.pairs)
    ids = label_ids(counts, columns.positive)
    splits = {
        name: Split(
            tuple(text for rows in several for text, _ in rows.pairs),
            tuple(ids[label] for rows in several for _, label in rows.pairs),
        )
        for name, several in read.items()
    }
    values = {label: (ids[label], count) for label, count in counts.most_common()}
    return splits, Reading(*held[0].columns, values, origins)


def _chosen(splits: dict[str, Split], wanted: Sequence[str]) -> dict[str, Split]:
    """The wanted splits of those there are; `ALL` is all of them put together."""
    return {"all": _joined(list(splits.values()))} if wanted == ALL else {name: splits[name] for name in wanted}


def _split(
    rows: Split, read: Mapping[str, Sequence[_Rows]], wanted: Sequence[str], source: str, reading: Reading
) -> Data:
    if wanted == ALL:
        return Data({"all": rows}, _skipped(read), _notes(read), reading)
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
    return Data(splits, _skipped(read), notes + _notes(read), reading)


def _rows(table: Table, columns: ColumnsConfig, called: str) -> _Rows:
    text_column = _column(table, columns.text, TEXT_COLUMNS, "URL", "text", called)
    label_column = _column(table, columns.label, LABEL_COLUMNS, "label", "label", called)
    if text_column == label_column:
        raise DataError(
            f"{called} would give both URL and label from the column {text_column!r}. Name two columns "
            "(--text-column and --label-column, or columns.text and columns.label in the recipe)."
        )
    pairs = tuple(
        (text.strip(), label.strip())
        for text, label in zip(table.columns[text_column], table.columns[label_column], strict=True)
        if text.strip() and label.strip() and max(len(text), len(label)) <= MAX_CELL
    )
    if not pairs:
        raise DataError(
            f"{called} has no row with both a URL and a label. Check the columns {text_column!r} and {label_column!r}."
        )
    return _Rows(pairs, (text_column, label_column), table.skipped + len(table) - len(pairs), table.notes)


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


def _skipped(read: Mapping[str, Sequence[_Rows]]) -> int:
    return sum(rows.skipped for several in read.values() for rows in several)


def _notes(read: Mapping[str, Sequence[_Rows]]) -> tuple[str, ...]:
    """What the files' readers noted, once each, and how many rows are missing."""
    notes = tuple(dict.fromkeys(note for several in read.values() for rows in several for note in rows.notes))
    if not (skipped := _skipped(read)):
        return notes
    were = "rows were" if skipped > 1 else "row was"
    reasons = f"empty, not as long as the header, or with more than {MAX_CELL:,} characters in a cell"
    return (*notes, f"{skipped:,} {were} skipped: {reasons}.")

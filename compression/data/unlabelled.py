"""Texts beyond the training rows, their classes unknown: the teacher alone says what a student shall learn of them.

generated (the grammar) ──┐
recombined training rows ─┼─▶ less validation, test and training rows, less repeats ──▶ texts
a file or Hub data set ───┘
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from random import Random

from compression import hub
from compression.config import DistillationConfig
from compression.data import corpus, uploads
from compression.data.contents import decode, refuse_other_forms
from compression.data.corpus_lesson import Halves, mixtures
from compression.data.files import MAX_BYTES, MAX_CELL, MAX_ROWS, SUFFIXES, read_table
from compression.data.labels import listed
from compression.data.sources import TEXT_COLUMNS, Split
from compression.errors import DataError
from compression.events import Notice, Progress, Report, ignore
from compression.places import home, place

_LIST = ".txt"  # one URL a line
_HALVES = re.compile(r"((?:[A-Za-z][A-Za-z0-9+.-]*://)?[^/?#]+)(.*)", re.DOTALL)
_FRUITLESS = 1_000  # combinations in a row that are known already, after which no new ones are expected


def unlabelled_texts(
    config: DistillationConfig,
    train: Split,
    seed: int,
    exclude: frozenset[str] = frozenset(),
    report: Report = ignore,
    stage: str = "distill",
) -> tuple[str, ...]:
    """The texts a recipe adds to the training rows: generated, recombined and those of its `unlabelled` source.

    No address among them is one of `train` or of `exclude` (validation and test rows), however it is spelt, and none
    comes twice. Where there are fewer than the recipe asks for, a Notice says so in the step `distill`; other steps of
    a run get the same texts. Raises DataError with what to do.
    """

    def note(text: str) -> None:
        if stage == "distill":
            report(Notice(text=text))

    known = {_address(text) for text in (*train.texts, *exclude)}
    found = list(islice(_new((url.text for _, url in corpus.stream(seed + 7)), known), config.generated))
    if config.recombined:
        mixed = recombined(train, config.recombined, seed, known)
        if len(mixed) < config.recombined:
            note(
                f"The training rows give {len(mixed):,} new combinations of host and path, not "
                f"{config.recombined:,}: the student learns from these."
            )
        found += mixed
    if config.unlabelled is not None:
        brought = read_unlabelled(config.unlabelled, _fetching(report, stage))
        new = list(_new(brought, known))
        if len(new) < len(brought):
            note(
                f"{len(brought) - len(new):,} of {len(brought):,} URLs without labels are left out: they "
                "stand in the data already, or come twice."
            )
        found += new
    return tuple(found)


def recombined(train: Split, count: int, seed: int, known: set[str]) -> list[str]:
    """At most `count` texts with the host of one row and the rest of another, four in five of the same class.

    Those whose address is `known` are passed over, and `known` grows by the others. Stops where new ones run out.
    """
    halves: Halves = ([], [])
    for text, label in zip(train.texts, train.labels, strict=True):
        if found := _HALVES.match(text):
            halves[label].append((found[1], found[2]))
    if not all(halves):
        return []
    mixed: list[str] = []
    fruitless = 0
    for text in mixtures(halves, Random(seed)):
        if len(mixed) == count or fruitless == _FRUITLESS:
            break
        new = list(_new([text], known)) if len(text) <= MAX_CELL else []
        mixed += new
        fruitless = 0 if new else fruitless + 1
    return mixed


def read_unlabelled(source: str, report: hub.Transfer = hub.ignore) -> list[str]:
    """The texts of a CSV, Parquet or text file (one a line), an upload by its address, or a Hub data set, all splits.

    Only the column with the URLs is needed. `report` is called while something is fetched. Raises DataError.
    """
    if uploads.is_upload(source):
        return _of_table(uploads.find(source, home()), "The uploaded file")
    path = place(source)
    if path.is_file():
        if path.suffix.lower() == _LIST:
            return _of_list(path)
        if path.suffix.lower() in SUFFIXES:
            return _of_table(path, str(path))
        raise DataError(f"{path} is neither .csv nor .parquet nor .txt. Save the URLs in one of these forms.")
    if path.exists() or not hub.is_hub_id(source):
        raise DataError(
            f"There is no file {path} with URLs to learn from. Give a .csv, .parquet or .txt file, or a Hub data set "
            "(distillation.unlabelled)."
        )
    return [
        text
        for files in hub.fetch_dataset(source, report=report).values()
        for file in files
        for text in _of_table(file, source)
    ]


def _of_table(path: Path, called: str) -> list[str]:
    table = read_table(path, called)
    by_name = {name.strip().casefold(): name for name in table.columns}
    names = [by_name[name] for name in TEXT_COLUMNS if name in by_name] or list(table.columns)
    if len(names) > 1 and names[0].strip().casefold() not in TEXT_COLUMNS:
        raise DataError(
            f"{called} has no column that looks like the URL; its columns are {listed(names)}. Call it 'text' or 'url'."
        )
    return _usable(table.columns[names[0]], called)


def _of_list(path: Path) -> list[str]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path} has more than {MAX_BYTES // 1_000_000} MB. Give a smaller file.")
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}). Check its permissions.") from None
    refuse_other_forms(content[:8], str(path))
    texts = _usable(decode(content, str(path))[0].splitlines(), str(path))
    if len(texts) > MAX_ROWS:
        raise DataError(f"{path} has more than {MAX_ROWS:,} rows. Give a smaller file.")
    return texts


def _usable(cells: Iterable[str], called: str) -> list[str]:
    texts = [text for cell in cells if (text := cell.strip()) and len(text) <= MAX_CELL]
    if not texts:
        raise DataError(f"{called} holds no URLs of at most {MAX_CELL:,} characters. Give a file with one a row.")
    return texts


def _new(texts: Iterable[str], known: set[str]) -> Iterator[str]:
    """Those texts whose address is not known yet; from then on it is."""
    for text in texts:
        if (address := _address(text)) not in known:
            known.add(address)
            yield text


def _address(text: str) -> str:
    """What is the same however one address is spelt: no scheme, no `www.`, no last slash, no upper case."""
    plain = re.sub(r"^[a-z][a-z0-9+.-]*://", "", text.strip().casefold().replace("&amp;", "&"))
    return plain.removeprefix("www.").rstrip("/")


def _fetching(report: Report, stage: str) -> hub.Transfer:
    return lambda doing, done, size: report(
        Progress(stage=stage, doing=doing, step=done // 1000, steps=max(1, size // 1000))
    )

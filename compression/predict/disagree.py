"""Where two models part ways: a URL edited in small ways until their verdicts differ, within a bounded time.

    edits(url)                        the URL without a piece, with another word, scheme or letters
    disagreements(edits, one, other)  those on which the verdicts differ, the first few

What is edited is text: nothing is fetched, and an edited URL need not lead anywhere.
"""

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Literal

from compression.events import Progress, Report, ignore

if TYPE_CHECKING:
    import numpy as np

    Answer = Callable[[Sequence[str]], "np.ndarray"]  # texts → probabilities of Not Safe

Kind = Literal["scheme", "case", "dropped", "replaced", "look-alike"]
STAGE = "disagree"
MOST, WANTED, SECONDS = 240, 6, 10.0
_BATCH = 24
_WORD = re.compile(r"[^\W_]+")
_PIECE = re.compile(r"[^\W_]+[\W_]?|[\W_]")
_OTHERS = ("login", "secure", "account", "home", "index")
_LOOK_ALIKES = (str.maketrans("oleas", "01345"), str.maketrans("aeopc", "аеорс"))  # digits; Cyrillic


@dataclass(frozen=True)
class Edit:
    """A URL that differs from another in one way; `piece` is what was dropped, replaced or written otherwise."""

    url: str
    kind: Kind
    piece: str


@dataclass(frozen=True)
class Disagreement:
    """An edited URL on which two models' verdicts differ, with their probabilities of Not Safe."""

    edit: Edit
    one: float
    other: float


@dataclass(frozen=True)
class Search:
    """What a search found, how many edits it asked about, and whether time ran out before all were asked."""

    found: tuple[Disagreement, ...]
    asked: int
    cut_short: bool


def edits(url: str, most: int = MOST) -> list[Edit]:
    """Edits of a URL, each once, no more than `most`; of all kinds in turn, so that a long URL gets of each."""
    kinds = (_schemes(url), _cases(url), _dropped(url), _replaced(url), _look_alikes(url))
    in_turn = (edit for edit in chain.from_iterable(zip_longest(*kinds)) if edit is not None)
    unlike: dict[str, Edit] = {}
    for edit in in_turn:
        if edit.url and edit.url != url:
            unlike.setdefault(edit.url, edit)
        if len(unlike) == most:
            break
    return list(unlike.values())


def disagreements(
    candidates: Sequence[Edit],
    one: "Answer",
    other: "Answer",
    report: Report = ignore,
    seconds: float = SECONDS,
    wanted: int = WANTED,
) -> Search:
    """The first `wanted` edits on which the two models' verdicts, at one half, differ; asks no longer than `seconds`.

    `report` gets Progress in edits, and may raise RunCancelled.
    """
    from compression.predict.predictor import THRESHOLD

    found: list[Disagreement] = []
    ends, asked = time.monotonic() + seconds, 0
    while asked < len(candidates) and len(found) < wanted and time.monotonic() < ends:
        report(Progress(stage=STAGE, doing="Asking both models", step=asked, steps=len(candidates)))
        batch = candidates[asked : asked + _BATCH]
        texts = [edit.url for edit in batch]
        said = zip(batch, map(float, one(texts)), map(float, other(texts)), strict=True)
        found += [Disagreement(*each) for each in said if (each[1] >= THRESHOLD) != (each[2] >= THRESHOLD)]
        asked += len(batch)
    return Search(tuple(found[:wanted]), asked, asked < len(candidates) and len(found) < wanted)


def _schemes(url: str) -> Iterator[Edit]:
    scheme, mark, rest = url.partition("://")
    if not mark:
        yield from (Edit(f"{name}://{url}", "scheme", name) for name in ("https", "http"))
        return
    other = "http" if scheme.lower() == "https" else "https"
    yield Edit(f"{other}://{rest}", "scheme", scheme)
    yield Edit(rest, "scheme", scheme)


def _cases(url: str) -> Iterator[Edit]:
    yield Edit(url.upper(), "case", "")
    yield Edit(url.lower(), "case", "")
    yield from (
        Edit(f"{url[: word.start()]}{word[0].title()}{url[word.end() :]}", "case", word[0])
        for word in _WORD.finditer(url)
    )


def _dropped(url: str) -> Iterator[Edit]:
    for piece in _PIECE.finditer(url):
        yield Edit(url[: piece.start()] + url[piece.end() :], "dropped", piece[0])


def _replaced(url: str) -> Iterator[Edit]:
    for word in _WORD.finditer(url):
        for other in _OTHERS:
            yield Edit(f"{url[: word.start()]}{other}{url[word.end() :]}", "replaced", word[0])


def _look_alikes(url: str) -> Iterator[Edit]:
    for word in _WORD.finditer(url):
        for letters in _LOOK_ALIKES:
            yield Edit(f"{url[: word.start()]}{word[0].translate(letters)}{url[word.end() :]}", "look-alike", word[0])

"""One table of bad inputs: what makes each, how it is given, and what the sentence about it must mention.

for bad in TABLE:
    given = bad.make(bench)         files, folders, repositories and surroundings of this one input
    ...                             the command line and the page are given the same, and must both say so
"""

import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import tiny
from hub_stand_in import HubStandIn


@dataclass(frozen=True)
class Recipe:
    """Settings by dotted key, over the Quick preset."""

    settings: Mapping[str, Any]


@dataclass(frozen=True)
class File:
    """A file of data: uploaded on the page, named by its path on the command line."""

    path: Path


@dataclass(frozen=True)
class Url:
    """A URL to classify."""

    text: str


@dataclass(frozen=True)
class Options:
    """Arguments that only the command line has."""

    arguments: tuple[object, ...]


Given = Recipe | File | Url | Options


@dataclass
class Bench:
    """Where one bad input is made."""

    folder: Path
    teacher: Path  # a tiny model that is well
    hub: HubStandIn
    patch: pytest.MonkeyPatch  # undone when this input is done with
    open: ExitStack  # closed then, too

    def file(self, name: str, content: bytes | str) -> Path:
        """A file with this content."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def model(self, **config: Any) -> Path:
        """A copy of the tiny model, its config changed; None takes a key out."""
        folder = Path(shutil.copytree(self.teacher, self.folder / "model"))
        kept = json.loads((folder / "config.json").read_text()) | config
        (folder / "config.json").write_text(json.dumps({k: v for k, v in kept.items() if v is not None}))
        return folder

    def trained(self, **config: Any) -> Path:
        """A tiny model made with another config, its weights as the config says."""
        return tiny.save_model(self.folder / "model", **config)


@dataclass(frozen=True)
class Bad:
    """An input that must be refused in one sentence with these words in it (`|` parts them, case does not count)."""

    name: str
    words: str
    make: Callable[[Bench], Given]
    page: bool = True  # whether the page can be given it, too
    command: bool = True
    seconds: float | None = None  # within which the sentence must come
    around: Callable[[], AbstractContextManager[object]] = field(default=nullcontext)  # while it is given

    def missing(self, sentence: str) -> list[str]:
        """The words that the sentence lacks."""
        return [word for word in self.words.split("|") if word.casefold() not in sentence.casefold()]


def recipe(**settings: Any) -> Callable[[Bench], Given]:
    """Settings that need nothing made; `__` stands for the dot of a key."""
    return lambda bench: Recipe({key.replace("__", "."): value for key, value in settings.items()})


def teacher(make: Callable[[Bench], object]) -> Callable[[Bench], Given]:
    """The teacher is what is made: a folder, or an id; texts are short enough for the tiny model."""
    return lambda bench: Recipe(
        {
            "teacher": str(make(bench)),
            "student.layers": 1,
            "distillation.max_length": 48,
            "quantization.scheme": "fp16",
        }
    )


def data(make: Callable[[Bench], object], **settings: Any) -> Callable[[Bench], Given]:
    """The data is what is made: a file, a folder, or an id."""
    return lambda bench: Recipe(
        {"data": str(make(bench))} | {key.replace("__", "."): value for key, value in settings.items()}
    )


def options(*arguments: object) -> Callable[[Bench], Given]:
    """Arguments of the command line; `{tmp}`, `{teacher}` and `{out}` stand for folders."""
    return lambda bench: Options(arguments)

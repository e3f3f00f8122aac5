"""What a step of a run is given, what it makes, and where; the steps themselves are in `stages`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from compression.artefacts import folder as artefact
from compression.config import RunConfig
from compression.data.sources import Data
from compression.events import Event, Notice, Report
from compression.methods.lesson import compose
from compression.methods.training import Lesson
from compression.models.classifier import Classifier
from compression.models.device import resolve
from compression.result import Metrics

# Which of the run's models a step makes.
MAKES = {"load": "teacher", "fine-tune": "teacher", "qat": "compressed", "quantize": "compressed"} | dict.fromkeys(
    ("student", "vocabulary", "distill", "structured", "prune"), "student"
)


@dataclass(frozen=True)
class Folders:
    """Where the models of a run are; `base` is what the teacher is fine-tuned from, `initial` the untrained student,
    `untaught` the one without a teacher. A step finds the student as the one before has left it."""

    base: Path
    teacher: Path
    student: Path
    initial: Path
    compressed: Path
    untaught: Path


@dataclass(frozen=True)
class Work:
    """What every step is given: the recipe, its data, where models are, where what it makes belongs, how good the
    teacher was on validation, and where a training may keep how far it is (`models/checkpoint.py`)."""

    config: RunConfig
    data: Data
    folders: Folders
    into: Path
    teacher: Metrics | None = None
    checkpoint: Path | None = None

    def load(self, folder: Path) -> Classifier:
        """The model in a folder, on the recipe's device; the teacher with its own classes."""
        classes = not_safe(self.config) if folder == self.folders.teacher else None
        return artefact.load(folder, resolve(self.config.device), classes)

    def lesson(self, report: Report, stage: str) -> Lesson:
        """What a student learns from."""
        first = "distill" if self.config.vocabulary.method == "keep" else "vocabulary"

        def said(event: Event) -> None:
            if stage == first or not isinstance(event, Notice):  # what is to be known of the lesson is said once
                report(event)

        digest = artefact.digest(self.folders.teacher)
        return compose(self.config, self.data, self.load(self.folders.teacher), said, stage, teacher_digest=digest)


@dataclass(frozen=True)
class Made:
    """What a step made: weights before packing, bytes of the folder, and how good it is on validation."""

    parameters: int
    size_bytes: int
    parts: dict[str, int]  # the same bytes by what they belong to
    validation: Metrics
    probabilities: tuple[float, ...]  # of Not Safe, of the validation URLs


def placed(names: Sequence[str], ends: Folders, between: Path) -> dict[str, tuple[Folders, Path]]:
    """For each of a recipe's steps, in order, where it finds models and where it leaves what it makes.

    `ends` says where models are in the end; until then the student is in a folder of its own after each step, below
    `between`.
    """
    last = [name for name in names if MAKES[name] == "student"][-1]
    folders, found = ends, {}
    for name in names:
        passes = MAKES[name] == "student" and name != last
        into: Path = between / name if passes else getattr(ends, MAKES[name])
        found[name] = (folders, into)
        if MAKES[name] == "student":
            folders = replace(folders, student=into)
        if name in ("student", "vocabulary"):
            folders = replace(folders, initial=into)
    return found


def not_safe(config: RunConfig) -> str | None:
    """Which of the teacher's classes mean Not Safe; one that was fine-tuned here has the two standard ones."""
    return None if config.fine_tuning.epochs else config.labels.not_safe

"""The student made once more, to tell what a run owes to its teacher, and what to chance.

    untaught   the student's steps with nothing but labels to learn from   ▶ a model beside the others
    seeds      all steps from the student on, with each of the next seeds  ▶ accuracies; the models are not kept

Both are asked for by `controls` of the recipe, and cost a training each time.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from compression.config import RunConfig
from compression.data.sources import Data
from compression.data.unlabelled import read_unlabelled
from compression.events import Event, Progress, Report, TrainingStep, ignore
from compression.stages import measure_quality, steps
from compression.step import MAKES, Folders, Work

UNTAUGHT, SEEDS = "untaught", "seeds"
UNTAUGHT_NOTE = "The same student from the same start, trained for as many steps on the labels alone."
_SEED_END = 2**32


@dataclass(frozen=True)
class Repeat:
    """One more making of the student: its steps in order, each with the recipe it follows; `doing` is for people.

    What comes of it is what the last step returns: of `untaught` what was made, of `seeds` accuracies.
    """

    doing: str
    steps: tuple[tuple[str, Callable[..., Any], RunConfig], ...]


def repeat_stages(config: RunConfig) -> tuple[str, ...]:
    """The names of the stages in which the recipe has its student made once more."""
    wanted = {UNTAUGHT: config.controls.without_teacher, SEEDS: config.controls.seeds > 1}
    return tuple(name for name, asked in wanted.items() if asked)


def repeats(config: RunConfig, data: Data) -> dict[str, tuple[Repeat, ...]]:
    """What is made once more in each of these stages. Raises DataError where texts without labels cannot be had."""
    found: dict[str, tuple[Repeat, ...]] = {}
    for name in repeat_stages(config):
        if name == UNTAUGHT:
            found[name] = (_untaught(config, data),)
        else:
            found[name] = tuple(_seeded(config, config.seed + number) for number in range(1, config.controls.seeds))
    return found


def without_teacher(config: RunConfig, data: Data) -> RunConfig:
    """The recipe with nothing but the labels of the training rows to learn from, for as many steps.

    The rows without labels are gone, as a teacher alone could say what they are; the others are seen more often.
    """
    learning, labelled = config.distillation, len(data.splits["train"])
    unlabelled = len(read_unlabelled(learning.unlabelled)) if learning.unlabelled is not None else 0
    longer = 1 + (learning.generated + learning.recombined + unlabelled) / labelled
    no_teacher = {"soft_weight": 0.0, "soft_weight_end": None, "hidden_weight": 0.0, "attention_weight": 0.0}
    no_more_rows = {"ngram_weight": 0.0, "generated": 0, "recombined": 0, "unlabelled": None}
    trained = {
        name: getattr(config, name).model_copy(update={"epochs": round(longer * getattr(config, name).epochs)})
        for name in ("distillation", "structured", "pruning")
    }
    trained["distillation"] = trained["distillation"].model_copy(update=no_teacher | no_more_rows)
    return config.model_copy(update=trained)


def places(stage: str, folders: Folders, scratch: Path) -> Folders:
    """Where a repeat's models are in the end: of them only the student without a teacher is kept."""
    student = folders.untaught if stage == UNTAUGHT else scratch / "models" / "student"
    return replace(folders, student=student, initial=student, compressed=scratch / "models" / "compressed")


def aside(report: Report, stage: str, doing: str) -> Report:
    """A report for steps gone through once more: all is progress of `stage`, without a curve, epochs or notices."""

    def said(event: Event) -> None:
        match event:
            case Progress():
                report(event.model_copy(update={"stage": stage}))
            case TrainingStep():
                report(Progress(stage=stage, doing=doing, step=event.step, steps=event.steps))

    return said


def accuracies(work: Work, report: Report = ignore) -> dict[str, float]:
    """The accuracy on test of the student and the compressed model in the work's folders."""
    folders = {"student": work.folders.student, "compressed": work.folders.compressed}
    return {
        name: measure_quality(work.load(folder), work.data, "test", report, SEEDS).accuracy
        for name, folder in folders.items()
    }


def _untaught(config: RunConfig, data: Data) -> Repeat:
    """The student's steps; it is built, and gets its vocabulary, as the recipe says."""
    alone = without_teacher(config, data)
    start = ("student", "vocabulary")
    taken = _taken(config, "student")
    return Repeat(
        "The student learns without a teacher",
        tuple((name, stage, config if name in start else alone) for name, stage in taken.items()),
    )


def _seeded(config: RunConfig, seed: int) -> Repeat:
    other = config.model_copy(update={"seed": seed % _SEED_END})
    taken = _taken(config, "student", "compressed") | {"evaluate": accuracies}
    return Repeat(
        f"The student learns with seed {other.seed}", tuple((name, stage, other) for name, stage in taken.items())
    )


def _taken(config: RunConfig, *models: str) -> dict[str, Callable[..., Any]]:
    """The recipe's steps that make these models, in order."""
    return {name: stage for name, stage in steps(config).items() if MAKES[name] in models}

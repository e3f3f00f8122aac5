"""Runs of a tiny recipe that are stopped at a chosen point, and what they leave."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compression import pipeline
from compression.artefacts.folder import digest
from compression.config import RunConfig
from compression.errors import RunCancelled
from compression.events import Event, Notice, Progress, StageStarted, TrainingStep
from compression.recipe import nest, parse

QUICK: dict[str, Any] = {
    "device": "cpu",
    "student.layers": 1,
    "distillation.epochs": 3,
    "distillation.learning_rate": 5e-3,
    "distillation.batch_size": 16,
    "distillation.max_length": 48,
    "training.precision": "fp32",
    "quantization.scheme": "packed-int8",
}


def recipe(teacher: Path, data: Path, **settings: Any) -> RunConfig:
    given = {key.replace("__", "."): value for key, value in settings.items()}
    return parse(nest({"teacher": str(teacher), "data": str(data), **QUICK, **given}.items()))


class Watch:
    """A report that remembers what it is told, and stops the run at the first event that it is to stop at."""

    def __init__(self, stops_at: Callable[[Event], bool] = lambda event: False, how: type = KeyboardInterrupt) -> None:
        self.stops_at, self.how, self.told = stops_at, how, list[Event]()

    def __call__(self, event: Event) -> None:
        if self.stops_at(event):
            raise self.how
        self.told.append(event)

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, Notice)]

    @property
    def steps(self) -> list[tuple[str, int]]:
        return [(event.stage, event.step) for event in self.told if isinstance(event, TrainingStep)]

    @property
    def doings(self) -> set[tuple[str, str]]:
        return {(event.stage, event.doing) for event in self.told if isinstance(event, Progress)}


def at_step(stage: str, step: int) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, TrainingStep) and (event.stage, event.step) == (stage, step)


def at_start(stage: str) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, StageStarted) and event.stage == stage


def at_progress(stage: str, doing: str, step: int) -> Callable[[Event], bool]:
    return lambda event: isinstance(event, Progress) and (event.stage, event.doing, event.step) == (stage, doing, step)


def cut_off(config: RunConfig, output: Path, watch: Watch) -> Watch:
    with pytest.raises((KeyboardInterrupt, RunCancelled)):
        pipeline.run(config, watch, output)
    assert not (output / "result.json").exists()
    return watch


def models(output: Path) -> dict[str, str]:
    return {path.name: digest(path) for path in (output / "models").iterdir()}

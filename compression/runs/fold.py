"""What the events of a run add up to, as pure functions: where it stands, and a curve of bounded size.

A run that was cut off and resumed reports part of its way a second time: what is reported anew takes the place of what
was there, so that no stretch of the curve, no epoch, no stage and no notice shows twice.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import assert_never

from compression.events import (
    EpochEnded,
    Event,
    Notice,
    Progress,
    RunStarted,
    StageEnded,
    StageStarted,
    TrainingStep,
)
from compression.result import StageReport

CURVE_POINTS = 400  # even: halving a curve that is one point too long then keeps its last point


@dataclass(frozen=True)
class Pace:
    """First and latest of the steps of one activity (`doing`; None is training)."""

    doing: str | None
    first_at: float
    first_step: int
    at: float
    step: int
    steps: int


@dataclass(frozen=True)
class Fold:
    """All that a run's events add up to so far; `changes` counts them."""

    changes: int = 0
    device: str | None = None
    stages: tuple[str, ...] = ()
    stage: str | None = None
    doing: str | None = None
    step: int = 0
    steps: int = 0
    pace: Pace | None = None
    position: int = 0  # number of the event that set stage, doing, step and steps
    seen: int = 0  # training steps so far
    stride: int = 1  # every stride-th of them stays in `points`, and the latest
    points: tuple[tuple[int, TrainingStep], ...] = ()  # with the number of each event
    epochs: tuple[EpochEnded, ...] = ()
    stage_reports: tuple[StageReport, ...] = ()
    notices: tuple[str, ...] = ()

    def rests_on(self) -> frozenset[int]:
        """Numbers of the step events this state still needs: a fold without the other ones shows the same."""
        return frozenset(number for number, _ in self.points) | {self.position}

    def step_numbers(self) -> set[int]:
        """Numbers of those events this state needs that report a step."""
        return {number for number, _ in self.points} | ({self.position} if self.doing or self.steps else set())

    def eta_seconds(self) -> float | None:
        """How long the current stage will take from here, by its pace so far; None if that cannot be told."""
        pace = self.pace
        if pace is None or not pace.first_step < pace.step <= pace.steps:
            return None
        seconds_per_step = (pace.at - pace.first_at) / (pace.step - pace.first_step)
        return max(0.0, (pace.steps - pace.step) * seconds_per_step)  # a clock set back would make it negative


def fold(events: Iterable[tuple[float, Event]]) -> Fold:
    """The state that events, each with its time in unix seconds, add up to."""
    return recall((number, at, event) for number, (at, event) in enumerate(events, start=1))


def recall(events: Iterable[tuple[int, float, Event]]) -> Fold:
    """The state that kept events add up to, each with its number among all that happened and its time."""
    state = Fold()
    for number, at, event in events:
        state = advance(replace(state, changes=number - 1), at, event)
    return state


def advance(state: Fold, at: float, event: Event) -> Fold:
    """The state after one more event, which happened at `at` (unix seconds)."""
    state = replace(state, changes=state.changes + 1)
    match event:
        case RunStarted():
            return replace(state, device=event.device, stages=event.stages, pace=None)
        case StageStarted():
            return replace(_moved(state, event.stage, None, 0, 0), pace=None)
        case Progress():
            state = _moved(state, event.stage, event.doing, event.step, event.steps)
            return replace(state, pace=_paced(state, at))
        case TrainingStep():
            state = _moved(_plotted(_redone(state, event), event), event.stage, None, event.step, event.steps)
            return replace(state, pace=_paced(state, at))
        case EpochEnded():
            others = (known for known in state.epochs if (known.stage, known.epoch) != (event.stage, event.epoch))
            return replace(state, epochs=(*others, event))
        case StageEnded():
            reports = {report.name: report for report in state.stage_reports} | {event.report.name: event.report}
            return replace(state, stage_reports=tuple(reports.values()), pace=None)
        case Notice():
            return state if event.text in state.notices else replace(state, notices=(*state.notices, event.text))
        case _:
            assert_never(event)


def resumed(state: Fold) -> Fold:
    """The state a further attempt goes on from: one read back from disk knows again how far its curve is thinned."""
    steps = [step for _, step in state.points]
    gaps = Counter(
        after.step - before.step
        for before, after in pairwise(steps)
        if before.stage == after.stage and before.step < after.step
    )
    stride = gaps.most_common(1)[0][0] if gaps else 1
    return replace(state, stride=stride, seen=_seen(len(steps), stride), pace=None)


def _moved(state: Fold, stage: str, doing: str | None, step: int, steps: int) -> Fold:
    return replace(state, stage=stage, doing=doing, step=step, steps=steps, position=state.changes)


def _plotted(state: Fold, step: TrainingStep) -> Fold:
    # The latest point gives way to its successor, unless it stands on the stride.
    settled = state.points if (state.seen - 1) % state.stride == 0 else state.points[:-1]
    points, stride = (*settled, (state.changes, step)), state.stride
    if len(points) > CURVE_POINTS:
        points, stride = points[::2], stride * 2
    return replace(state, points=points, stride=stride, seen=state.seen + 1)


def _redone(state: Fold, step: TrainingStep) -> Fold:
    """The state without what came after this step in an earlier attempt."""
    if not state.points or _precedes(state.stages, state.points[-1][1], step):
        return state
    points = tuple(point for point in state.points if _precedes(state.stages, point[1], step))
    epochs = tuple(
        known
        for known in state.epochs
        if (known.epoch < step.epoch if known.stage == step.stage else _earlier(state.stages, known.stage, step.stage))
    )
    return replace(state, points=points, epochs=epochs, seen=_seen(len(points), state.stride))


def _precedes(stages: tuple[str, ...], before: TrainingStep, after: TrainingStep) -> bool:
    return before.step < after.step if before.stage == after.stage else _earlier(stages, before.stage, after.stage)


def _earlier(stages: tuple[str, ...], before: str, after: str) -> bool:
    """Whether one stage comes before another; what was never announced counts as past."""
    return before not in stages or after not in stages or stages.index(before) < stages.index(after)


def _seen(points: int, stride: int) -> int:
    """How many training steps there were, at the least, if so many points of them are kept."""
    return (points - 1) * stride + 1 if points else 0


def _paced(state: Fold, at: float) -> Pace:
    pace, doing, step = state.pace, state.doing, state.step
    if pace is not None and pace.doing is None and doing is not None and pace.step < pace.steps:
        return pace  # the evaluation between two epochs does not hide how long the training will take
    if pace is None or pace.doing != doing or step < pace.step:
        return Pace(doing, at, step, at, step, state.steps)
    return replace(pace, at=at, step=step, steps=state.steps)

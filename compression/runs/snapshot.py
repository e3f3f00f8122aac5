"""What a run looks like at one moment, as pure functions over plain data.

    events ──advance──▶ Fold ─┐
                              ├─snapshot─▶ Snapshot      what the page draws
    submit, cancel, end ▶ Run ┘

A `Run` holds what its owner and the worker decide, a `Fold` what the pipeline reported. Both are immutable, so a
reader never sees half a change.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, assert_never

from compression.config import Linear, Pretrained, RandomWeights, RunConfig, StudentConfig
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
from compression.result import Result, StageReport

Status = Literal["queued", "running", "succeeded", "failed", "cancelled", "interrupted"]

# Schemes that people do not write in capitals throughout.
_SCHEMES = {
    "none": "not quantized",
    "onnx-int8": "ONNX INT8",
    "onnx-int4": "ONNX INT4",
    "packed-int8": "packed INT8",
    "packed-int4": "packed INT4",
    "ternary": "ternary",
}
CURVE_POINTS = 400  # even: halving a curve that is one point too long then keeps its last point


@dataclass(frozen=True)
class Run:
    """A run as submitted, started and ended; `changes` counts these. Times are unix seconds."""

    run_id: str
    owner: str
    name: str
    config: RunConfig
    status: Status
    created: float
    changes: int = 1
    started: float | None = None
    ended: float | None = None
    error: str | None = None
    result: Result | None = None
    at_fault: tuple[str, ...] = ()  # recipe keys that name what the Hub refused


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


@dataclass(frozen=True)
class Snapshot:
    """A run at one moment; `revision` grows with every change. Times are unix seconds."""

    run_id: str
    name: str
    status: Status
    config: RunConfig
    revision: int
    ahead: int  # runs before it in the queue
    device: str | None
    stages: tuple[str, ...]
    stage: str | None
    doing: str | None
    step: int
    steps: int
    eta_seconds: float | None  # of the current stage
    curve: tuple[TrainingStep, ...]  # CURVE_POINTS at most, evenly thinned, first and last kept
    epochs: tuple[EpochEnded, ...]
    stage_reports: tuple[StageReport, ...]
    notices: tuple[str, ...]
    error: str | None
    result: Result | None
    created: float | None
    started: float | None
    ended: float | None
    at_fault: tuple[str, ...] = ()  # recipe keys to change before it is run again
    precomputed_by: str | None = None  # the command that made it beforehand; None for a run made here


def snapshot(run: Run, state: Fold, ahead: int = 0) -> Snapshot:
    """The snapshot of a run whose events fold to `state`, with `ahead` runs before it."""
    return Snapshot(
        run_id=run.run_id,
        name=run.name,
        status=run.status,
        config=run.config,
        revision=run.changes + state.changes,
        ahead=ahead,
        device=state.device,
        stages=state.stages,
        stage=state.stage,
        doing=state.doing,
        step=state.step,
        steps=state.steps,
        eta_seconds=_eta_seconds(state.pace) if run.status == "running" else None,
        curve=tuple(point for _, point in state.points),
        epochs=state.epochs,
        stage_reports=state.stage_reports,
        notices=state.notices,
        error=run.error,
        result=run.result,
        created=run.created,
        started=run.started,
        ended=run.ended,
        at_fault=run.at_fault,
    )


def fold(events: Iterable[tuple[float, Event]]) -> Fold:
    """The state that events, each with its time in unix seconds, add up to."""
    state = Fold()
    for at, event in events:
        state = advance(state, at, event)
    return state


def advance(state: Fold, at: float, event: Event) -> Fold:
    """The state after one more event, which happened at `at` (unix seconds)."""
    state = replace(state, changes=state.changes + 1)
    match event:
        case RunStarted():
            return replace(state, device=event.device, stages=event.stages)
        case StageStarted():
            return replace(_moved(state, event.stage, None, 0, 0), pace=None)
        case Progress():
            state = _moved(state, event.stage, event.doing, event.step, event.steps)
            return replace(state, pace=_paced(state, at))
        case TrainingStep():
            state = _moved(_plotted(state, event), event.stage, None, event.step, event.steps)
            return replace(state, pace=_paced(state, at))
        case EpochEnded():
            return replace(state, epochs=(*state.epochs, event))
        case StageEnded():
            return replace(state, stage_reports=(*state.stage_reports, event.report), pace=None)
        case Notice():
            return replace(state, notices=(*state.notices, event.text))
        case _:
            assert_never(event)


def describe(config: RunConfig) -> str:
    """A name by which a person recognises a recipe: '2 layers · 128 wide · trimmed vocabulary · NF4 · 4 epochs'."""
    vocabulary, removed = config.vocabulary.method, config.structured
    parts = [
        *_student(config.student),
        {"keep": "", "trim": "trimmed vocabulary", "train": "new vocabulary"}[vocabulary],
        "parts removed" if removed.heads or removed.neurons or removed.layers else "",
        f"{100 * config.pruning.sparsity:.0f} % zeros" if config.pruning.sparsity else "",
        "" if config.qat.start == "none" else "QAT",
        _SCHEMES.get(config.quantization.scheme, config.quantization.scheme.upper()),
        _count(config.distillation.epochs, "epoch"),
    ]
    return " · ".join(filter(None, parts))


def _student(student: StudentConfig) -> list[str]:
    if isinstance(student, Linear):
        return ["linear"]
    origin = "random weights" if isinstance(student, RandomWeights) else ""
    if isinstance(student, Pretrained):
        origin = student.base.rstrip("/\\").replace("\\", "/").rpartition("/")[2][:40]
    layers = _count(student.layers, "layer") if student.layers else "all layers"
    return [origin, layers, f"{student.hidden_size} wide" if student.hidden_size else ""]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _moved(state: Fold, stage: str, doing: str | None, step: int, steps: int) -> Fold:
    return replace(state, stage=stage, doing=doing, step=step, steps=steps, position=state.changes)


def _plotted(state: Fold, step: TrainingStep) -> Fold:
    # The latest point gives way to its successor, unless it stands on the stride.
    settled = state.points if (state.seen - 1) % state.stride == 0 else state.points[:-1]
    points, stride = (*settled, (state.changes, step)), state.stride
    if len(points) > CURVE_POINTS:
        points, stride = points[::2], stride * 2
    return replace(state, points=points, stride=stride, seen=state.seen + 1)


def _paced(state: Fold, at: float) -> Pace:
    pace, doing, step = state.pace, state.doing, state.step
    if pace is not None and pace.doing is None and doing is not None and pace.step < pace.steps:
        return pace  # the evaluation between two epochs does not hide how long the training will take
    if pace is None or pace.doing != doing or step < pace.step:
        return Pace(doing, at, step, at, step, state.steps)
    return replace(pace, at=at, step=step, steps=state.steps)


def _eta_seconds(pace: Pace | None) -> float | None:
    if pace is None or not pace.first_step < pace.step <= pace.steps:
        return None
    seconds_per_step = (pace.at - pace.first_at) / (pace.step - pace.first_step)
    return max(0.0, (pace.steps - pace.step) * seconds_per_step)  # a clock set back would make it negative

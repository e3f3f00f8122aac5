"""What a run looks like at one moment, as pure functions over plain data.

    events ──fold.advance──▶ Fold ─┐
                                   ├─snapshot─▶ Snapshot      what the page draws
    submit, cancel, end ───▶ Run ──┘

A `Run` holds what its owner and the worker decide, a `Fold` what the pipeline reported. Both are immutable, so a
reader never sees half a change.
"""

from dataclasses import dataclass
from typing import Literal

from compression.config import Linear, Pretrained, RandomWeights, RunConfig, StudentConfig
from compression.events import EpochEnded, TrainingStep
from compression.result import Result, StageReport
from compression.runs.fold import Fold

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
RESUMABLE: tuple[Status, ...] = ("interrupted", "failed")  # their files are kept for a further attempt
NAME_LENGTH = 80  # characters, at most
NOTE_LENGTH = 2_000


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
    work: str = ""  # the computation it follows: several runs of one recipe may share one, its events and its folder
    note: str = ""
    pinned: bool = False
    deleted: float | None = None  # when its owner deleted it; it can be had back for a while
    size_bytes: int | None = None  # of its files; None: not weighed yet


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
    note: str = ""
    pinned: bool = False
    size_bytes: int | None = None  # of what it made; 0: that had to make room for others; None: not known yet
    start_eta_seconds: float | None = None  # of a queued run; None: no past run tells
    followers: int = 1  # visitors whose runs follow the same computation while it waits or goes on
    precomputed_by: str | None = None  # the command that made it beforehand; None for a run made here


def snapshot(
    run: Run, state: Fold, ahead: int = 0, start_eta_seconds: float | None = None, followers: int = 1
) -> Snapshot:
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
        eta_seconds=state.eta_seconds() if run.status == "running" else None,
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
        note=run.note,
        pinned=run.pinned,
        size_bytes=run.size_bytes,
        start_eta_seconds=start_eta_seconds,
        followers=followers,
    )


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

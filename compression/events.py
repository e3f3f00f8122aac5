"""What a run reports while it goes on, one class an event.

    RunStarted                              device, the stages to come
    for stage in load, distill, quantize, evaluate:
        StageStarted
            Progress …                      whatever has steps but no loss (reading, tokenizing, evaluating)
            TrainingStep …                  distill only: one optimizer step
            EpochEnded …                    distill only: student and teacher on validation
            Notice …                        a sentence for the user, at any time
        StageEnded                          what the stage made and how long it took

`report(event)` may raise `RunCancelled`: that is how a run is stopped, so stages report at every step and before
anything that blocks. Events are plain data: they pickle, and go to JSON and back through `EVENT`.
"""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from compression.result import Metrics, StageReport


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")


class RunStarted(_Event):
    """The run has begun on `device` (as a name for people) and will go through `stages`."""

    kind: Literal["run-started"] = "run-started"
    device: str
    stages: tuple[str, ...]


class StageStarted(_Event):
    """`stage` has begun."""

    kind: Literal["stage-started"] = "stage-started"
    stage: str


class Progress(_Event):
    """`step` of `steps` of something inside `stage` is done; `doing` says what, for people."""

    kind: Literal["progress"] = "progress"
    stage: str
    doing: str
    step: int
    steps: int


class TrainingStep(_Event):
    """One optimizer step is done; losses are means over its batch, in nats (`soft_loss` includes T²)."""

    kind: Literal["training-step"] = "training-step"
    stage: str
    step: int
    steps: int
    epoch: int
    loss: float
    soft_loss: float
    hard_loss: float


class EpochEnded(_Event):
    """Epoch `epoch` of `epochs` (from 1) is done; metrics on the validation split."""

    kind: Literal["epoch-ended"] = "epoch-ended"
    stage: str
    epoch: int
    epochs: int
    student: Metrics
    teacher: Metrics | None = None


class StageEnded(_Event):
    """A stage is done."""

    kind: Literal["stage-ended"] = "stage-ended"
    report: StageReport


class Notice(_Event):
    """Something the user should know, one sentence."""

    kind: Literal["notice"] = "notice"
    text: str


Event = RunStarted | StageStarted | Progress | TrainingStep | EpochEnded | StageEnded | Notice
EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])
Report = Callable[[Event], None]
Watch = Callable[[Event | None], None]  # a report that None asks whether the run may go on, without news


def ignore(event: Event) -> None:
    """A `report` that does nothing."""

"""The run as a staircase: what each step made of the model, as numbers and as a folded table."""

from typing import NamedTuple

from compression.result import Result
from compression.ui import markup, units
from compression.ui.views.comparison import ratio
from compression.ui.words import named, say

_ON_THE_TEACHER = ("load", "fine-tune")
_LAST = ("qat", "quantize")


class Step(NamedTuple):
    """One step that made a model: its size in bytes, its accuracy on validation where it was measured, and whose it is.

    `change` is in accuracy to the last step before it that was measured, as a fraction.
    """

    stage: str
    model: str  # teacher, student, compressed
    parameters: int | None
    size_bytes: int
    accuracy: float | None
    change: float | None
    seconds: float


def steps(result: Result) -> list[Step]:
    """The steps of a run that made a model, in order; the evaluation at the end makes none."""
    found: list[Step] = []
    before: float | None = None
    for stage in result.stages:
        if stage.size_bytes is None or stage.name == "evaluate":
            continue
        accuracy = stage.validation.accuracy if stage.validation else None
        change = accuracy - before if accuracy is not None and before is not None else None
        size = stage.size_bytes
        found.append(Step(stage.name, _model(stage.name), stage.parameters, size, accuracy, change, stage.seconds))
        before = before if accuracy is None else accuracy
    return found


def staircase_table(result: Result) -> str:
    """The staircase as a folded table, a row a step."""
    teacher = result.models["teacher"].size_bytes
    rows = [
        (
            named("stage", step.stage),
            say("table.undefined") if step.parameters is None else f"{step.parameters / 1e6:.2f}",
            units.mega(step.size_bytes),
            f"{ratio(teacher / step.size_bytes)}×" if step.size_bytes else say("table.undefined"),
            units.percent(step.accuracy),
            say("table.undefined") if step.change is None else units.signed_points(step.change),
            f"{step.seconds:.0f}" if step.seconds >= 10 else f"{step.seconds:.1f}",
        )
        for step in steps(result)
    ]
    columns = ("stage", "parameters", "size", "smaller", "accuracy", "change", "seconds")
    headers = [say("metric.accuracy") if column == "accuracy" else say(f"column.{column}") for column in columns]
    note = markup.text("p", say("staircase.note"), "quiet")
    return note + markup.folded(say("table.numbers"), markup.table(say("chart.staircase"), headers, rows, "steps"))


def _model(stage: str) -> str:
    return "teacher" if stage in _ON_THE_TEACHER else "compressed" if stage in _LAST else "student"

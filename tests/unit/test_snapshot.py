"""Hand-written events, and what a visitor would see of them."""

from dataclasses import replace
from itertools import pairwise

import pytest

from compression.config import RunConfig
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
from compression.recipe import parse
from compression.result import Metrics, StageReport
from compression.runs.fold import CURVE_POINTS, Fold, advance, fold
from compression.runs.snapshot import Run, Snapshot, describe, snapshot

METRICS = Metrics(
    accuracy=0.9, precision=0.9, recall=0.9, f1=0.9, roc_auc=None, examples=10, confusion=((4, 1), (0, 5))
)
RUNNING = Run("id", "owner", "name", RunConfig(), "running", created=1.0, changes=2, started=2.0)


def training(step: int, steps: int = 100, loss: float = 0.5) -> TrainingStep:
    return TrainingStep(
        stage="distill", step=step, steps=steps, epoch=1, loss=loss, soft_loss=loss / 2, hard_loss=loss / 2
    )


def loading(step: int, steps: int = 4, doing: str = "Reading") -> Progress:
    return Progress(stage="load", doing=doing, step=step, steps=steps)


def seen(*events: tuple[float, Event]) -> Snapshot:
    return snapshot(RUNNING, fold(events))


def test_a_run_without_events_shows_what_was_submitted() -> None:
    shown = snapshot(replace(RUNNING, status="queued", changes=1, started=None), Fold(), ahead=2)
    assert (shown.status, shown.ahead, shown.revision, shown.created) == ("queued", 2, 1, 1.0)
    assert (shown.device, shown.stage, shown.eta_seconds, shown.curve, shown.result) == (None, None, None, (), None)


def test_every_event_shows() -> None:
    report = StageReport(name="load", seconds=2.0, parameters=5, size_bytes=20, validation=None)
    epoch = EpochEnded(stage="distill", epoch=1, epochs=2, student=METRICS, teacher=METRICS)
    shown = seen(
        (1.0, RunStarted(device="CPU", stages=("load", "distill"))),
        (1.1, StageStarted(stage="load")),
        (1.2, loading(3)),
        (2.0, StageEnded(report=report)),
        (2.1, StageStarted(stage="distill")),
        (2.2, Notice(text="Two rows were skipped.")),
        (2.3, training(1)),
        (2.4, training(2)),
        (2.5, epoch),
    )
    assert (shown.device, shown.stages) == ("CPU", ("load", "distill"))
    assert (shown.stage, shown.doing, shown.step, shown.steps) == ("distill", None, 2, 100)
    assert shown.stage_reports == (report,)
    assert shown.epochs == (epoch,)
    assert shown.notices == ("Two rows were skipped.",)
    assert shown.curve == (training(1), training(2))
    assert shown.revision == RUNNING.changes + 9


def test_a_new_stage_begins_without_the_steps_of_the_last() -> None:
    shown = seen((1.0, loading(1)), (2.0, loading(2)), (3.0, StageStarted(stage="distill")))
    assert (shown.stage, shown.doing, shown.step, shown.steps, shown.eta_seconds) == ("distill", None, 0, 0, None)


def test_advancing_leaves_the_earlier_state_alone() -> None:
    before = fold([(1.0, training(1))])
    advance(before, 2.0, training(2))
    assert before == fold([(1.0, training(1))])


@pytest.mark.parametrize("count", [1, 2, CURVE_POINTS, CURVE_POINTS + 1, CURVE_POINTS + 2, 801, 4_567])
def test_the_curve_is_bounded_even_and_keeps_first_and_last(count: int) -> None:
    steps = [point.step for point in seen(*((float(n), training(n, count)) for n in range(1, count + 1))).curve]
    assert len(steps) <= CURVE_POINTS
    assert (steps[0], steps[-1]) == (1, count)
    gaps = {after - before for before, after in pairwise(steps[:-1])}
    assert len(gaps) <= 1, "all gaps but the last one are equal"
    assert count < CURVE_POINTS or len(steps) > CURVE_POINTS // 2


def test_a_fold_of_only_what_it_rests_on_shows_the_same() -> None:
    events: list[Event] = [StageStarted(stage="load"), *(loading(n, 50) for n in range(1, 51))]
    events += [StageStarted(stage="distill"), *(training(n, 1_234) for n in range(1, 1_235))]
    events += [loading(1, 9, "Evaluating"), loading(2, 9, "Evaluating"), Notice(text="Done.")]
    timed = [(float(at), event) for at, event in enumerate(events)]
    whole = fold(timed)
    few = [
        pair
        for number, pair in enumerate(timed, start=1)
        if number in whole.rests_on() or not isinstance(pair[1], (Progress, TrainingStep))
    ]
    assert len(few) < CURVE_POINTS + 5
    ended = replace(RUNNING, status="succeeded")
    assert snapshot(ended, replace(fold(few), changes=whole.changes)) == snapshot(ended, whole)


def test_eta_follows_the_pace_of_the_steps() -> None:
    assert seen((10.0, training(1))).eta_seconds is None
    assert seen((10.0, training(1)), (12.0, training(2)), (14.0, training(3))).eta_seconds == pytest.approx(2 * 97)
    assert seen((10.0, training(1)), (14.0, training(100))).eta_seconds == 0


def test_eta_of_another_activity_starts_anew() -> None:
    assert seen((0.0, loading(1)), (9.0, loading(2)), (9.1, loading(1, doing="Tokenizing"))).eta_seconds is None


def test_eta_of_the_training_outlasts_an_evaluation_between_epochs() -> None:
    steps = [(float(n), training(n)) for n in range(1, 51)]
    evaluation = [(50.1, loading(1, 2, "Evaluating")), (50.2, loading(2, 2, "Evaluating"))]
    shown = seen(*steps, *evaluation)
    assert shown.doing == "Evaluating"
    assert shown.eta_seconds == pytest.approx(50)


def test_eta_is_never_negative_and_none_when_nonsense_is_reported() -> None:
    assert seen((10.0, training(1)), (5.0, training(2))).eta_seconds == 0, "the clock was set back"
    assert seen((10.0, training(1, 0)), (11.0, training(2, 0))).eta_seconds is None, "the number of steps is unknown"


def test_only_a_running_run_has_an_eta() -> None:
    state = fold([(10.0, training(1)), (12.0, training(2))])
    assert snapshot(RUNNING, state).eta_seconds is not None
    assert snapshot(replace(RUNNING, status="cancelled"), state).eta_seconds is None


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        ({"student": {"init": "teacher-layers", "layers": 2}}, "2 layers · NF4 · 4 epochs"),
        ({"quantization": "none", "distillation": {"epochs": 1}}, "all layers · not quantized · 1 epoch"),
        ({"student": {"init": "random", "layers": 1}}, "random weights · 1 layer · NF4 · 4 epochs"),
        (
            {
                "student": {"init": "pretrained", "base": "/models/distilbert-base/", "layers": 4},
                "quantization": "int8",
            },
            "distilbert-base · 4 layers · INT8 · 4 epochs",
        ),
        ({"student": {"init": "linear"}, "quantization": "packed-int8"}, "linear · packed INT8 · 4 epochs"),
        (
            {
                "student": {"init": "teacher-layers", "layers": 2, "hidden_size": 128},
                "vocabulary": {"method": "trim"},
                "structured": {"neurons": 0.5},
                "pruning": {"sparsity": 0.3},
                "qat": {"start": "student"},
                "quantization": "ternary",
            },
            "2 layers · 128 wide · trimmed vocabulary · parts removed · 30 % zeros · QAT · ternary · 4 epochs",
        ),
    ],
)
def test_a_name_tells_recipes_apart(recipe: dict[str, object], name: str) -> None:
    assert describe(parse(recipe)) == name

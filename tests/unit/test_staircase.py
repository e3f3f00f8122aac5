"""The run as a staircase, paired differences, the control, and what each layer could bear: drawn as measured."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
import fakes

from compression.config import DistillationConfig, RunConfig
from compression.events import EpochEnded, TrainingStep
from compression.recipe import parse
from compression.ui import charts, notes, step_charts, units
from compression.ui.views import comparison, progress, staircase
from compression.ui.views.sensitivity import sensitivity_table

RESULT = fakes.result(RunConfig())
ROWS = fakes.sensitivity(None, None, lambda event: None)


def training(stage: str, step: int, steps: int) -> TrainingStep:
    return TrainingStep(stage=stage, step=step, steps=steps, epoch=1, loss=0.5, soft_loss=0.2, hard_loss=1.0)


def test_the_staircase_has_a_step_for_all_that_made_a_model_and_its_change_to_the_last_measured() -> None:
    steps = staircase.steps(RESULT)
    assert [step.stage for step in steps] == [name for name, *_ in fakes.STAIRS if name != "evaluate"]
    assert steps[0].change is None
    assert steps[4].change == pytest.approx(-0.0025)
    assert {step.model for step in steps} == {"teacher", "student", "compressed"}
    unmeasured = RESULT.stages[3].model_copy(update={"validation": None})
    skipped = RESULT.model_copy(update={"stages": [RESULT.stages[0], unmeasured, RESULT.stages[4]]})
    assert staircase.steps(skipped)[-1].change == pytest.approx(-0.005)


def test_the_staircase_is_two_panels_with_steps_in_order_and_bytes_on_a_log_scale() -> None:
    figure = step_charts.staircase(RESULT)
    assert figure.layout.yaxis2.type == "log"
    assert figure.layout.yaxis.overlaying is None
    assert list(figure.layout.xaxis.categoryarray)[:3] == ["Load", "Student", "Vocabulary"]
    accuracy, *sizes = figure.data
    assert [trace.name for trace in sizes] == ["Teacher", "Student", "Compressed"]
    assert list(sizes[0].y) == [91.6]
    assert accuracy.text[1] == "51.0"
    assert accuracy.marker.symbol[1] == "triangle-down-open", "it is not drawn at its height, and must look so"
    assert 95 < accuracy.y[1] < 96.25
    assert len({trace.marker.pattern.shape for trace in sizes}) == 3, "models must be told apart without colour"


def test_the_staircase_as_a_table_says_how_much_smaller_and_how_the_accuracy_changed() -> None:
    table = staircase.staircase_table(RESULT)
    assert "<td>14.0×</td><td>96.8 %</td><td>+0.5</td>" in table
    assert "<td>−0.5</td>" in table


@pytest.mark.parametrize(
    ("difference", "sentence"),
    [
        (
            (-0.004, -0.013, 0.005),
            "0.4 points less than the teacher on 1,978 test URLs (95 % interval −1.3 to +0.5: within noise).",
        ),
        (
            (0.01, 0.002, 0.018),
            "1.0 point more than the teacher on 1,978 test URLs (95 % interval +0.2 to +1.8: more than noise).",
        ),
        (
            (0, -0.001, 0.001),
            "Exactly as many right as the teacher on 1,978 test URLs (95 % interval −0.1 to +0.1: within noise).",
        ),
    ],
)
def test_a_difference_comes_with_its_interval(difference: tuple[float, float, float], sentence: str) -> None:
    assert comparison.paired("test", fakes.paired(*difference)) == sentence


def test_a_control_that_does_better_is_said_to_and_drawn_beside_the_run() -> None:
    result = fakes.with_control(RESULT)
    assert "the TF-IDF control is 6.0 MB and 98.0 % right" in comparison.summary_card(result)
    assert "−0.4<small>−1.3 … +0.5</small>" in comparison.everything(result)
    run, beside, _ = charts.size_accuracy(result).data
    assert (len(run.x), list(beside.text)) == (3, ["TF-IDF control"])
    larger = result.models["control"].model_copy(update={"size_bytes": 7_000_000})
    assert comparison.control(result.model_copy(update={"models": result.models | {"control": larger}})) == ""
    assert comparison.control(RESULT) == ""


def test_each_part_of_a_model_is_a_group_of_bars_and_half_layers_stand_in_the_table() -> None:
    pruned, rounded = step_charts.sensitivity(ROWS).data
    assert list(pruned.y) == ["embeddings", "layer 0", "layer 1"]
    assert list(pruned.x) == pytest.approx([0.02, 0.04, 0.08])
    assert (pruned.name, rounded.name) == ("pruned", "rounded")
    assert pruned.marker.pattern.shape != rounded.marker.pattern.shape
    table = sensitivity_table(ROWS)
    assert "layer 0: attention" in table
    assert "−0.0030" in table


def test_losses_of_one_stage_follow_those_of_the_stage_before() -> None:
    curve = [*(training("distill", step, 10) for step in (1, 10)), *(training("prune", step, 5) for step in (1, 5))]
    figure = charts.loss_curve(curve)
    assert list(figure.data[0].x) == [1, 10, 11, 15]
    assert list(figure.layout.xaxis.range) == [0, 15]
    assert "Prune 5" in progress.loss_table(curve)


def test_epochs_are_named_by_what_learnt_in_them() -> None:
    def epoch(stage: str) -> EpochEnded:
        return EpochEnded(stage=stage, epoch=1, epochs=2, student=fakes.metrics(0.9))

    assert "Student, 1 / 2" in progress.epochs_table([epoch("distill")])
    assert "Fine-tune, 1 / 2" in progress.epochs_table([epoch("fine-tune")])
    assert "QAT, 1 / 2" in progress.epochs_table([epoch("distill"), epoch("qat")])


def test_why_it_is_this_big_fits_the_recipe() -> None:
    linear = parse({"student": {"init": "linear"}, "quantization": "packed-int8"})
    assert "no embeddings and no layers" in notes.embeddings(fakes.estimate(linear), linear)
    rounded = parse({"quantization": "packed-int4"})
    assert "rounded as they are" in notes.embeddings(fakes.estimate(rounded), rounded)


def test_the_loss_is_taken_apart_only_where_it_has_two_parts() -> None:
    step = training("distill", 9, 9)
    assert "At step" in notes.alpha(DistillationConfig(), step)
    for more in ({"hidden_weight": 1.0}, {"soft_weight_end": 1.0}, {"generated": 10}):
        assert "At step" not in notes.alpha(DistillationConfig.model_validate(more), step)


def test_small_sizes_and_signed_points_read_as_people_write_them() -> None:
    assert units.megabytes(457_000) == "0.46 MB"
    assert units.mega(91_600_000) == "91.6"
    assert [units.signed_points(value) for value in (0.005, -0.013, -0.0001)] == ["+0.5", "−1.3", "0.0"]

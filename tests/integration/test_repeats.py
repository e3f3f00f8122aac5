"""Controls of a run: the student without a teacher, other seeds, the majority; and what a run says of all its URLs."""

from pathlib import Path
from typing import Any

import pytest

from compression import pipeline
from compression.artefacts.folder import digest
from compression.config import RunConfig
from compression.data.sources import load_data
from compression.errors import RunCancelled
from compression.events import EpochEnded, Event, Notice, Progress, StageStarted, TrainingStep
from compression.measure.paired import paired
from compression.measure.predictions import Predictions, read_predictions, text_digest
from compression.measure.quality import quality
from compression.recipe import nest, parse
from compression.repeats import aside, repeat_stages, repeats, without_teacher
from compression.result import Result
from compression.runs.fold import fold
from compression.runs.snapshot import Run, snapshot
from compression.ui import drawing

MODELS = ("teacher", "student", "compressed", "untaught", "control")


def recipe(teacher: Path, data: Path, **settings: Any) -> RunConfig:
    quick: dict[str, Any] = {
        "teacher": str(teacher),
        "data": str(data),
        "device": "cpu",
        "student.layers": 1,
        "distillation.epochs": 2,
        "distillation.learning_rate": 5e-3,
        "distillation.batch_size": 16,
        "distillation.max_length": 48,
        "training.precision": "fp32",
        "quantization.scheme": "packed-int8",
    }
    return parse(nest((quick | {key.replace("__", "."): value for key, value in settings.items()}).items()))


@pytest.fixture(scope="module")
def asked(tiny_teacher: Path, tiny_data: Path) -> RunConfig:
    return recipe(tiny_teacher, tiny_data, controls__without_teacher=True, controls__seeds=3)


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return []


@pytest.fixture(scope="module")
def folder(asked: RunConfig, events: list[Event], tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("asked")
    pipeline.run(asked, events.append, output)
    return output


@pytest.fixture(scope="module")
def result(folder: Path) -> Result:
    return Result.read(folder)


@pytest.fixture(scope="module")
def said(folder: Path) -> dict[str, Predictions]:
    return read_predictions(folder)


def test_every_metric_follows_from_the_predictions_a_run_keeps(result: Result, said: dict[str, Predictions]) -> None:
    assert tuple(result.models) == MODELS
    assert list(said) == ["validation", "test"]
    for split, kept in said.items():
        assert tuple(kept.probabilities) == MODELS
        for name, report in result.models.items():
            found, told = quality(kept.labels, kept.probabilities[name]), report.metrics[split]
            assert found.roc_auc == pytest.approx(told.roc_auc, abs=1e-12)
            assert found.model_copy(update={"roc_auc": told.roc_auc}) == told


def test_the_predictions_are_of_the_urls_of_the_data(asked: RunConfig, said: dict[str, Predictions]) -> None:
    data = load_data(asked.data)
    for split, kept in said.items():
        rows = zip(data.splits[split].texts, data.splits[split].labels, strict=True)
        expected = sorted((text_digest(text), label) for text, label in rows)
        assert list(zip(kept.digests, kept.labels, strict=True)) == expected
        assert None not in kept.texts(data.splits[split].texts)


def test_the_untaught_student_is_the_one_a_recipe_without_soft_targets_makes(
    result: Result, folder: Path, tiny_teacher: Path, tiny_data: Path, tmp_path: Path
) -> None:
    alone = recipe(tiny_teacher, tiny_data, distillation__soft_weight=0)
    pipeline.run(alone, output=tmp_path)
    assert digest(folder / "models" / "untaught") == digest(tmp_path / "models" / "student")
    assert digest(folder / "models" / "untaught") != digest(folder / "models" / "student")
    assert "labels alone" in (result.models["untaught"].note or "")
    assert result.models["untaught"].size_bytes == result.models["student"].size_bytes


def test_what_distillation_brought_is_the_difference_to_it(result: Result, said: dict[str, Predictions]) -> None:
    test = said["test"]
    untaught, student = test.probabilities["untaught"], test.probabilities["student"]
    assert result.distillation_gain is not None
    assert result.distillation_gain["test"] == paired(test.labels, untaught, student)
    assert result.distillation_gain["both"].examples == sum(map(len, said.values()))


def test_the_spread_is_what_runs_with_the_next_seeds_would_have_told(
    result: Result, tiny_teacher: Path, tiny_data: Path, tmp_path: Path
) -> None:
    assert result.spread is not None
    assert [len(values) for values in result.spread.values()] == [3, 3]
    for place, seed in enumerate((0, 1, 2)):
        own = result if seed == 0 else pipeline.run(recipe(tiny_teacher, tiny_data, seed=seed), output=tmp_path)
        for name, values in result.spread.items():
            assert values[place] == own.models[name].metrics["test"].accuracy


def test_the_repeats_are_stages_of_their_own_that_leave_no_models(result: Result, folder: Path) -> None:
    assert [stage.name for stage in result.stages][-3:] == ["untaught", "seeds", "evaluate"]
    assert all(stage.size_bytes is None for stage in result.stages if stage.name in ("untaught", "seeds"))
    assert {path.name for path in (folder / "models").iterdir()} == {"student", "compressed", "untaught"}


def test_the_curve_and_the_epochs_are_of_the_runs_own_student(asked: RunConfig, result: Result, events: list) -> None:
    steps = [event.step for event in events if isinstance(event, TrainingStep)]
    assert steps == list(range(1, 9))
    assert len([event for event in events if isinstance(event, EpochEnded)]) == 2
    doing = {event.doing for event in events if isinstance(event, Progress) and event.stage == "seeds"}
    assert {"The student learns with seed 1", "The student learns with seed 2"} <= doing


def test_the_page_draws_such_a_run(asked: RunConfig, result: Result, events: list) -> None:
    run = Run("run", "", "", asked, "succeeded", 0.0, 1, 0.0, 1.0, None, result)
    updates = drawing.outcome(snapshot(run, fold((0.0, event) for event in events)), True)
    assert "Without teacher" in updates["metrics-numbers"]
    assert "Without teacher" not in updates["staircase-numbers"]


def test_by_default_nothing_is_made_once_more(tiny_teacher: Path, tiny_data: Path, tmp_path: Path) -> None:
    config = recipe(tiny_teacher, tiny_data)
    assert repeat_stages(config) == ()
    result = pipeline.run(config, output=tmp_path)
    assert tuple(result.models) == tuple(name for name in MODELS if name != "untaught")
    assert (result.spread, result.distillation_gain) == (None, None)
    assert result.majority is not None
    assert result.majority["test"].accuracy == 0.5  # half of the tiny URLs are safe
    assert result.majority["test"].confusion == ((16, 0), (16, 0))


def test_a_cancelled_repeat_leaves_nothing_half_made(asked: RunConfig, tmp_path: Path) -> None:
    def report(event: Event) -> None:
        if isinstance(event, Progress) and event.stage == "seeds":
            raise RunCancelled

    with pytest.raises(RunCancelled):
        pipeline.run(asked, report, tmp_path)
    assert not [path for path in tmp_path.rglob(".*") if path.is_dir()]
    assert not (tmp_path / "result.json").exists()
    assert not (tmp_path / "predictions.parquet").exists()


def test_without_a_teacher_are_left_the_labelled_rows_and_as_many_steps(tiny_teacher: Path, tiny_data: Path) -> None:
    more = tiny_data / "train.csv"
    config = recipe(
        tiny_teacher,
        tiny_data,
        distillation__generated=64,
        distillation__unlabelled=str(more),
        distillation__soft_weight_end=1,
        distillation__hidden_weight=1,
        distillation__ngram_weight=0.5,
        pruning__sparsity=0.5,
    )
    alone = without_teacher(config, load_data(config.data))
    assert (alone.distillation.epochs, alone.pruning.epochs) == (6, 3)  # of a third of the rows
    assert (alone.distillation.generated, alone.distillation.unlabelled) == (0, None)
    assert (alone.distillation.soft_weight, alone.distillation.soft_weight_end) == (0, None)
    assert (alone.distillation.hidden_weight, alone.distillation.ngram_weight) == (0, 0)
    assert alone.student == config.student
    assert alone.seed == config.seed


def test_the_untaught_student_gets_the_vocabulary_the_recipe_says(tiny_teacher: Path, tiny_data: Path) -> None:
    settings: dict[str, Any] = {"vocabulary__method": "trim", "distillation__generated": 64, "seed": 2**32 - 1}
    config = recipe(tiny_teacher, tiny_data, controls__without_teacher=True, controls__seeds=2, **settings)
    found = repeats(config, load_data(config.data))
    (untaught,), (seeded,) = found["untaught"], found["seeds"]
    assert [(name, own == config) for name, _, own in untaught.steps] == [
        ("student", True),
        ("vocabulary", True),
        ("distill", False),
    ]
    assert [name for name, *_ in seeded.steps] == ["student", "vocabulary", "distill", "quantize", "evaluate"]
    assert {own.seed for *_, own in seeded.steps} == {0}  # the one after the largest


def test_what_is_made_once_more_is_reported_as_progress_alone() -> None:
    told: list[Event] = []
    report = aside(told.append, "seeds", "again")
    report(Notice(text="said before"))
    report(StageStarted(stage="distill"))
    report(Progress(stage="load", doing="Reading", step=1, steps=2))
    losses = {"loss": 1.0, "soft_loss": 1.0, "hard_loss": 1.0}
    report(TrainingStep(stage="distill", step=3, steps=8, epoch=1, **losses))
    assert told == [
        Progress(stage="seeds", doing="Reading", step=1, steps=2),
        Progress(stage="seeds", doing="again", step=3, steps=8),
    ]


@pytest.mark.parametrize("student", ["linear", "random"])
def test_every_kind_of_student_has_its_controls(
    tiny_teacher: Path, tiny_data: Path, tmp_path: Path, student: str
) -> None:
    settings: dict[str, Any] = {"student__init": student, "controls__without_teacher": True, "controls__seeds": 2}
    if student == "linear":
        settings |= {"student__features": 1024, "student__layers": None}
    else:
        settings |= {"student__hidden_size": 32, "qat__start": "initialization", "qat__epochs": 1}
    result = pipeline.run(recipe(tiny_teacher, tiny_data, **settings), output=tmp_path)
    assert tuple(result.models) == MODELS
    assert result.spread is not None
    assert {path.name for path in (tmp_path / "models").iterdir()} == {"student", "compressed", "untaught"}


def test_a_run_has_a_receipt_and_every_model_a_throughput(result: Result) -> None:
    assert result.receipt is not None
    assert result.receipt.seconds >= sum(stage.seconds for stage in result.stages)
    assert result.receipt.peak_memory_bytes is None or result.receipt.peak_memory_bytes > 50e6  # torch alone is more
    assert result.receipt.energy_joules or "not known" in result.receipt.energy_note
    assert all((model.urls_per_second or 0) > 0 for model in result.models.values())


def test_a_result_of_before_says_nothing_of_all_this(result: Result) -> None:
    later = ("majority", "distillation_gain", "spread", "receipt")
    old = {key: value for key, value in result.to_json().items() if key not in later}
    old["config"] = {key: value for key, value in old["config"].items() if key != "controls"}
    for model in old["models"].values():
        del model["urls_per_second"]
    read = Result.from_json(old)
    assert [getattr(read, key) for key in later] == [None] * 4
    assert read.config.controls.seeds == 1

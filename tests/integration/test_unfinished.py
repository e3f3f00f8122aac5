"""A run that was cut off goes on from what its folder holds, and ends as the undisturbed one does."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from cut_off import Watch, at_progress, at_start, at_step, cut_off, models, recipe
from gated_runs import PATIENCE_S, Server

from compression import pipeline
from compression.config import RunConfig
from compression.errors import RunCancelled, RunInterrupted
from compression.events import Event, Report, StageEnded
from compression.result import Result

# Every step there is, each training of two epochs of four steps.
ALL: dict[str, Any] = {
    "fine_tuning.epochs": 2,
    "vocabulary.method": "trim",
    "student.layers": 2,
    "distillation.epochs": 2,
    "distillation.averaging": True,
    "distillation.hidden_weight": 0.5,
    "structured.layers": 1,
    "structured.epochs": 2,
    "pruning.sparsity": 0.5,
    "pruning.schedule": "gradual",
    "pruning.epochs": 2,
    "qat.start": "student",
    "qat.epochs": 2,
    "controls.without_teacher": True,
    "controls.seeds": 2,
}


@pytest.fixture(scope="module")
def config(tiny_teacher: Path, tiny_data: Path) -> RunConfig:
    return recipe(tiny_teacher, tiny_data)


@pytest.fixture(scope="module")
def undisturbed(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("undisturbed")
    pipeline.run(config, output=output)
    return output


def figures(result: Result) -> Any:
    """All of a result that does not depend on the clock."""
    shown = {name: (model.parameters, model.size_bytes, model.metrics) for name, model in result.models.items()}
    steps = [(stage.name, stage.parameters, stage.size_bytes, stage.validation) for stage in result.stages]
    return shown, steps, result.spread, result.distillation_gain, result.inputs


def test_a_run_cut_off_everywhere_ends_as_the_undisturbed_one(
    tiny_teacher: Path, tiny_data: Path, tmp_path: Path
) -> None:
    """One run of every step there is, stopped in each of them: in trainings, between steps, within controls."""
    config = recipe(tiny_teacher, tiny_data, **ALL)
    whole = Watch()
    expected = pipeline.run(config, whole, tmp_path / "whole")
    trained = ("fine-tune", "distill", "structured", "prune", "qat")
    assert whole.steps == [(stage, step) for stage in trained for step in range(1, 9)]

    untaught, seeded = "The student learns without a teacher", "The student learns with seed 1"
    points = [at_start("fine-tune"), at_step("fine-tune", 6), at_start("student"), at_start("vocabulary")]
    points += [at_step("distill", 2), at_step("distill", 7), at_step("structured", 8), at_start("prune")]
    points += [at_step("prune", 6), at_step("qat", 5), at_start("untaught")]
    points += [at_progress("untaught", untaught, 6), at_start("seeds"), at_progress("seeds", seeded, 7)]
    points += [at_start("evaluate")]
    taken: list[tuple[str, int]] = []
    for point in points:
        taken += cut_off(config, tmp_path / "cut", Watch(point)).steps
    last = Watch()
    result = pipeline.run(config, last, tmp_path / "cut")
    assert models(tmp_path / "cut") == models(tmp_path / "whole")
    assert figures(result) == figures(expected)
    assert last.steps == []
    assert not {doing for stage, doing in last.doings if stage != "evaluate"}, "all was known but the evaluation"
    again = [step for step in taken if taken.count(step) > 1]  # of epochs that were not over
    assert set(again) == {("fine-tune", 5), ("distill", 1), ("distill", 5), ("distill", 6), ("prune", 5)} | {
        ("structured", step) for step in (5, 6, 7)
    }
    for output in ("cut", "whole"):
        names = {path.name for path in (tmp_path / output).iterdir()}
        assert names == {"config.json", "models", "predictions.parquet", "result.json"}
    assert [stage.name for stage in result.stages] == [e.report.name for e in last.told if isinstance(e, StageEnded)]
    assert all(stage.seconds > 0.05 for stage in result.stages if stage.name in trained), "of all attempts"
    assert result.receipt is not None
    assert result.receipt.seconds > sum(stage.seconds for stage in result.stages) * 0.9
    assert "last attempt" in result.receipt.energy_note


def test_qat_from_the_initialization_finds_it_again(tiny_teacher: Path, tiny_data: Path, tmp_path: Path) -> None:
    config = recipe(tiny_teacher, tiny_data, qat__start="initialization", qat__epochs=2)
    pipeline.run(config, output=tmp_path / "whole")
    cut_off(config, tmp_path / "cut", Watch(at_step("qat", 6)))
    pipeline.run(config, output=tmp_path / "cut")
    assert models(tmp_path / "cut") == models(tmp_path / "whole")


def test_what_is_found_is_said(config: RunConfig, undisturbed: Path, tmp_path: Path) -> None:
    cut_off(config, tmp_path, Watch(at_step("distill", 6)))
    watch = Watch()
    pipeline.run(config, watch, tmp_path)
    assert watch.notices[:2] == [
        "Going on with what an earlier attempt has left; done are: load, student.",
        "distill goes on after step 4 of 12.",
    ]
    assert [step for _, step in watch.steps] == list(range(5, 13))
    assert models(tmp_path) == models(undisturbed)


def test_an_interruption_that_can_wait_keeps_its_step(config: RunConfig, undisturbed: Path, tmp_path: Path) -> None:
    """As SIGTERM does; a run that is cancelled will not go on, and keeps nothing more."""
    cut_off(config, tmp_path, Watch(at_step("distill", 6), RunCancelled))
    again = cut_off(config, tmp_path, Watch(at_step("distill", 6), RunInterrupted))
    assert again.steps == [("distill", 5)]
    watch = Watch()
    pipeline.run(config, watch, tmp_path)
    assert [step for _, step in watch.steps] == list(range(7, 13))
    assert models(tmp_path) == models(undisturbed)


def altered(output: Path) -> None:
    weights = output / "unfinished" / "models" / "student" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-9] ^= 1
    weights.write_bytes(content)


def lost(output: Path) -> None:
    (output / "unfinished" / "models" / "student" / "model.safetensors").unlink()


@pytest.mark.parametrize("spoil", [altered, lost])
def test_a_model_that_is_not_what_was_recorded_is_made_again(
    config: RunConfig, undisturbed: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    cut_off(config, tmp_path, Watch(at_step("distill", 6)))
    spoil(tmp_path)
    watch = Watch()
    pipeline.run(config, watch, tmp_path)
    assert "What student had made was changed or lost, so it is made again." in watch.notices
    assert [step for _, step in watch.steps] == list(range(1, 13)), "what came after it is not believed either"
    assert models(tmp_path) == models(undisturbed)


@pytest.mark.parametrize("content", [b"", b'{"attempt": {}}', b"\xff\xfe", b'{"attempt": nul'])
def test_a_record_that_cannot_be_read_is_no_record(
    config: RunConfig, undisturbed: Path, tmp_path: Path, content: bytes
) -> None:
    cut_off(config, tmp_path, Watch(at_step("distill", 6)))
    (tmp_path / "unfinished" / "record.json").write_bytes(content)
    watch = cut_off(config, tmp_path, Watch(at_step("distill", 2)))
    assert watch.notices[0] == "What an earlier attempt has left cannot be read, so the run starts over."
    pipeline.run(config, output=tmp_path)
    assert models(tmp_path) == models(undisturbed)


def test_another_recipe_other_data_and_other_versions_start_over(
    tiny_teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tiny.save_splits(tmp_path / "data")
    config, output = recipe(tiny_teacher, data), tmp_path / "run"
    cut_off(config, output, Watch(at_step("distill", 6)))
    other = recipe(tiny_teacher, data, seed=1)
    watch = cut_off(other, output, Watch(at_step("distill", 6)))
    assert watch.notices[0] == "An earlier attempt followed from another recipe, so the run starts over."
    assert watch.steps[0] == ("distill", 1)
    tiny.save_csv(data / "train.csv", tiny.urls(60))
    watch = cut_off(other, output, Watch(at_step("distill", 6)))
    assert "other data or models" in watch.notices[0]
    assert watch.steps[0] == ("distill", 1)
    monkeypatch.setattr(pipeline, "_packages", lambda: {"torch": "9.9"})
    watch = cut_off(other, output, Watch(at_step("distill", 6)))
    assert "other versions" in watch.notices[0]
    assert watch.steps[0] == ("distill", 1)
    monkeypatch.setattr(pipeline, "device_name", lambda device: "another CPU")
    watch = cut_off(other, output, Watch(at_step("distill", 6)))
    assert any("another device rounds differently" in notice for notice in watch.notices)
    assert watch.steps[0] == ("distill", 5), "it is said, and does no harm"


def test_what_a_kill_leaves_of_a_model_that_was_being_saved_goes(config: RunConfig, tmp_path: Path) -> None:
    cut_off(config, tmp_path, Watch(at_start("quantize")))
    for folder in (tmp_path / "models", tmp_path / "unfinished" / "models"):
        (folder / ".student-abc123").mkdir()
    pipeline.run(config, output=tmp_path)
    assert {path.name for path in (tmp_path / "models").iterdir()} == {"student", "compressed"}


def test_a_server_that_is_stopped_in_a_training_goes_on_with_its_run(
    config: RunConfig, undisturbed: Path, tmp_path: Path
) -> None:
    reached, stopping = threading.Event(), threading.Event()

    def pausing(config: RunConfig, report: Report, folder: Path) -> Result:
        def told(event: Event) -> None:
            report(event)
            if at_step("distill", 6)(event):
                reached.set()
                assert stopping.wait(PATIENCE_S)

        return pipeline.run(config, told, folder)

    first = Server(tmp_path / "home", pausing)
    run_id = first.runs.submit(config, "ann")
    assert reached.wait(PATIENCE_S)
    first.runs.stop(0)
    stopping.set()
    assert first.see(run_id).status == "interrupted"
    first.stop()

    again = Server(tmp_path / "home", pipeline.run)
    again.runs.resume(run_id, "ann")
    ended, made = again.ended(run_id), models(again.runs.folder(run_id))
    again.stop()
    assert ended.status == "succeeded", ended.error
    assert made == models(undisturbed)
    assert [point.step for point in ended.curve] == list(range(1, 13))
    assert [epoch.epoch for epoch in ended.epochs] == [1, 2, 3]
    assert [stage.name for stage in ended.stage_reports] == ["load", "student", "distill", "quantize", "evaluate"]

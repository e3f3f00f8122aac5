"""What a run keeps where it fails (no memory, full disk, a loss that is no number), and that it goes on from there."""

import errno
import json
import os
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from cut_off import Watch, models, recipe

from compression import durable, pipeline, stages
from compression.artefacts import folder as artefact
from compression.config import RunConfig
from compression.errors import CompressionError, ResourceError
from compression.events import TrainingStep
from compression.methods import training


@pytest.fixture(scope="module")
def config(tiny_teacher: Path, tiny_data: Path) -> RunConfig:
    return recipe(tiny_teacher, tiny_data)


@pytest.fixture(scope="module")
def undisturbed(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("undisturbed")
    pipeline.run(config, output=output)
    return output


def test_a_full_disk_costs_the_record_and_not_the_run(
    config: RunConfig, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, fill: Callable[[Path], object]) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    watch = Watch()
    with monkeypatch.context() as disk:
        disk.setattr(durable, "write", full)
        pipeline.run(config, watch, tmp_path)
    assert models(tmp_path) == models(undisturbed)
    assert len([notice for notice in watch.notices if "cannot be recorded" in notice]) == 1
    assert len([notice for notice in watch.notices if "cannot be kept" in notice]) == 1


def test_where_the_model_itself_cannot_be_saved_the_run_ends_and_can_go_on(
    config: RunConfig, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as disk:
        disk.setattr(artefact, "repack", full)
        with pytest.raises(ResourceError, match="disk is full"):
            pipeline.run(config, output=tmp_path)
    watch = Watch()
    pipeline.run(config, watch, tmp_path)
    assert "load, student, distill." in watch.notices[0]
    assert watch.steps == []
    assert models(tmp_path) == models(undisturbed)


@pytest.mark.parametrize("error", [MemoryError, torch.OutOfMemoryError, "DefaultCPUAllocator: can't allocate memory"])
def test_a_stage_without_memory_says_what_to_change_gives_back_what_it_had_and_keeps_the_rest(
    config: RunConfig, undisturbed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    held = []

    def greedy(*_: Any, **__: Any) -> None:
        batch = torch.ones(1000)
        held.append(weakref.ref(batch))
        raise error() if isinstance(error, type) else RuntimeError(error)

    with monkeypatch.context() as memory:
        memory.setattr(stages.quantization, "quantize", greedy)
        with pytest.raises(ResourceError) as failed:
            pipeline.run(config, output=tmp_path)
        assert held[0]() is None, "while the error is still being looked at"
    sentence = str(failed.value)
    assert sentence.startswith("quantize ran out of memory. ")
    assert "distillation.batch_size (now 16)" in sentence
    assert "distillation.max_length (now 48)" in sentence
    watch = Watch()
    pipeline.run(config, watch, tmp_path)
    assert watch.steps == []
    assert models(tmp_path) == models(undisturbed)


def test_another_error_of_a_stage_stays_what_it_is(
    config: RunConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("a bug of ours")

    monkeypatch.setattr(stages.quantization, "quantize", broken)
    with pytest.raises(RuntimeError, match="a bug of ours"):
        pipeline.run(config, output=tmp_path)


def test_a_loss_that_is_no_number_keeps_what_earlier_steps_made(
    tiny_teacher: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = recipe(tiny_teacher, tiny_data, pruning__sparsity=0.5, pruning__epochs=1)
    real = training._looked_at

    def spoilt(losses: torch.Tensor, stage: str, *place: int) -> TrainingStep:
        return real(losses * float("nan") if stage == "prune" else losses, stage, *place)

    monkeypatch.setattr(training, "_looked_at", spoilt)
    with pytest.raises(CompressionError, match=r"no longer a number\. Lower the learning rate of prune"):
        pipeline.run(config, output=tmp_path)
    record = json.loads((tmp_path / "unfinished" / "record.json").read_text())
    assert list(record["steps"]) == ["load", "student", "distill"]
    assert artefact.load(tmp_path / "unfinished" / "models" / "distill", torch.device("cpu"))
    watch = Watch()
    with pytest.raises(CompressionError, match="no longer a number"):
        pipeline.run(config, watch, tmp_path)
    assert watch.steps == []

"""The file a training keeps: broken, of another training, half-written, or not to be written at all."""

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from trainings import CPU, EPOCHS, STEPS, Done, Watch, learn, made, plainly, same

from compression.errors import RunInterrupted
from compression.events import Event, TrainingStep
from compression.models.checkpoint import Checkpoint, Course, Place
from compression.models.classifier import load_classifier


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return made(tmp_path_factory.mktemp("models"))


def cut(content: bytes) -> bytes:
    return content[:-100]


def turned(content: bytes) -> bytes:
    """One bit of a weight is another."""
    return content[:-5000] + bytes([content[-5000] ^ 1]) + content[-4999:]


def emptied(content: bytes) -> bytes:
    return b""


def overwritten(content: bytes) -> bytes:
    return b"\x80\x04cos\nsystem\n" * 1000


@pytest.mark.parametrize("spoil", [cut, turned, emptied, overwritten])
def test_a_broken_file_is_not_believed(
    folders: tuple[Path, Path], tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    kept = tmp_path / "kept.safetensors"
    undisturbed = plainly(folders, kept, Watch())
    kept.write_bytes(spoil(kept.read_bytes()))
    watch = Watch()
    assert same(plainly(folders, kept, watch), undisturbed)
    assert watch.steps == list(range(1, STEPS + 1))
    assert watch.notices == ["Where distill was cut off cannot be read, so distill starts over."]


def test_what_another_training_kept_is_not_believed(folders: tuple[Path, Path], tmp_path: Path) -> None:
    kept = tmp_path / "kept.safetensors"
    learn(load_classifier(folders[0], CPU), Watch(), kept, epochs=EPOCHS + 1)
    watch = Watch()
    plainly(folders, kept, watch)
    assert watch.steps == list(range(1, STEPS + 1))
    learn(load_classifier(folders[1], CPU), Watch(), kept)  # of another shape
    watch = Watch()
    plainly(folders, kept, watch)
    assert watch.steps == list(range(1, STEPS + 1))
    assert "starts over" in watch.notices[0]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_where_the_disk_takes_no_more_the_training_goes_on(
    folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def full(handle: int) -> None:
        raise OSError(number, os.strerror(number))

    kept = tmp_path / "kept.safetensors"
    undisturbed = plainly(folders, None, Watch())
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        watch = Watch()
        assert same(plainly(folders, kept, watch), undisturbed)
    assert len(watch.notices) == 1
    assert os.strerror(number) in watch.notices[0]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_none_is_said_once(folders: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    watch = Watch()
    plainly(folders, tmp_path / "file" / "kept.safetensors", watch)
    assert len(watch.notices) == 1
    assert "cannot be kept" in watch.notices[0]


def test_a_kill_while_it_is_written_leaves_the_one_before(folders: tuple[Path, Path], tmp_path: Path) -> None:
    kept, draft = tmp_path / "kept.safetensors", tmp_path / ".kept.safetensors"

    def interrupt(event: Event) -> None:
        if isinstance(event, TrainingStep) and event.step == 6:
            raise RunInterrupted

    with pytest.raises(RunInterrupted):
        plainly(folders, kept, Watch(interrupt))
    draft.write_bytes(kept.read_bytes()[:1000])
    watch = Watch()
    plainly(folders, kept, watch)
    assert watch.steps == list(range(7, STEPS + 1))
    assert not draft.exists()


def test_a_gradient_scaler_goes_on_with_its_scale(tmp_path: Path) -> None:
    """As fp16 on a GPU has one; it grows and shrinks on its own."""
    losses = [1.0, float("inf"), 1.0]

    def begun() -> tuple[Course, torch.nn.Linear, torch.amp.GradScaler]:
        torch.manual_seed(0)
        model = torch.nn.Linear(2, 1)
        optimizer, scaler = torch.optim.Adam(model.parameters()), torch.amp.GradScaler("cpu", growth_interval=2)
        return Course({"model": model}, optimizer, Nothing(), scaler=scaler), model, scaler

    course, model, scaler = begun()
    for loss in losses:
        scaler.scale(model(torch.full((1, 2), loss)).sum()).backward()
        scaler.step(course.optimizer)
        scaler.update()
        course.optimizer.zero_grad()
    Checkpoint(tmp_path / "kept", "distill", 9, course, Watch()).keep(Place(3))
    assert scaler.get_scale() == 2.0**15
    again, _, other = begun()
    assert Checkpoint(tmp_path / "kept", "distill", 9, again, Watch()).find() == Place(3)
    assert other.state_dict() == scaler.state_dict()


class Nothing:
    """The memory of a training that remembers nothing."""

    def state(self) -> tuple[Done, dict[str, Any]]:
        return {}, {}

    def restore(self, tensors: Done, facts: dict[str, Any]) -> None:
        assert (tensors, facts) == ({}, {})

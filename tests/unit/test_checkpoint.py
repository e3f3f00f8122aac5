"""A training that was cut off goes on from the file it kept, and ends with exactly the weights it would have had."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from trainings import EPOCHS, STEPS, WAYS, Done, Watch, Way, learn, made, pruned, same, weights, with_all

from compression.errors import RunInterrupted
from compression.events import EpochEnded, Event, TrainingStep
from compression.models.checkpoint import Place, standing
from compression.models.classifier import load_classifier


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return made(tmp_path_factory.mktemp("models"))


@pytest.mark.parametrize("way", WAYS)
def test_from_each_epoch_it_goes_on_to_the_same_weights(folders: tuple[Path, Path], tmp_path: Path, way: Way) -> None:
    """The file is copied at each epoch's end, where a kill would leave it."""
    kept = tmp_path / "kept.safetensors"

    def copy(event: Event) -> None:
        if isinstance(event, EpochEnded):
            shutil.copy(kept, tmp_path / f"{event.epoch}.safetensors")

    undisturbed = way(folders, kept, Watch(copy))
    assert same(way(folders, None, Watch()), undisturbed), "to keep it changes nothing"
    for epoch in range(1, EPOCHS + 1):
        watch = Watch()
        found = tmp_path / f"{epoch}.safetensors"
        per_epoch = STEPS // EPOCHS
        place, seconds = standing(found)
        assert place == Place(epoch * per_epoch, epoch, per_epoch)
        assert 0 < seconds < 60
        torch.manual_seed(99)  # whatever a new process happens to start with
        assert same(way(folders, found, watch), undisturbed), epoch
        assert watch.steps == list(range(epoch * per_epoch + 1, STEPS + 1))
        assert [e.epoch for e in watch.told if isinstance(e, EpochEnded)] == list(range(epoch, EPOCHS + 1))


@pytest.mark.parametrize("way", WAYS)
def test_interrupted_at_any_step_it_goes_on_with_the_next(folders: tuple[Path, Path], tmp_path: Path, way: Way) -> None:
    """One training, interrupted after its 1st, 2nd, 3rd … step: no step is taken twice, none is left out."""
    kept, taken = tmp_path / "kept.safetensors", list[int]()

    def interrupt(event: Event) -> None:
        if isinstance(event, TrainingStep) and event.step < STEPS:
            raise RunInterrupted

    while not taken or taken[-1] < STEPS:
        watch = Watch(interrupt)
        try:
            ended = way(folders, kept, watch)
        except RunInterrupted:
            assert kept.is_file()
        taken += watch.steps
    assert taken == list(range(1, STEPS + 1))
    assert same(ended, way(folders, None, Watch()))
    assert [path.name for path in tmp_path.iterdir()] == [kept.name]


@pytest.mark.parametrize("way", [with_all, pruned])
def test_a_fresh_process_goes_on_to_the_same_weights(
    folders: tuple[Path, Path], tmp_path: Path, fresh_process: Callable[..., Any], way: Way
) -> None:
    kept = tmp_path / "kept.safetensors"

    with pytest.raises(RunInterrupted):
        way(folders, kept, Watch(lambda event: interrupt_at(STEPS // 2 + 1, event)))
    code = f"""
import sys, json
sys.path.insert(0, "tests")
from pathlib import Path
import torch
torch.set_num_threads({torch.get_num_threads()})
import trainings as here
watch = here.Watch()
ended = here.{way.__name__}((Path(sys.argv[1]), Path(sys.argv[2])), Path(sys.argv[3]), watch)
from safetensors.torch import save_file
save_file({{name: value.contiguous() for name, value in ended.items()}}, sys.argv[4])
print(json.dumps(watch.steps))
"""
    assert fresh_process(code, *folders, kept, tmp_path / "ended") == list(range(STEPS // 2 + 2, STEPS + 1))
    undisturbed = way(folders, None, Watch())
    with safe_open(tmp_path / "ended", "pt") as file:
        assert same({name: file.get_tensor(name) for name in file.keys()}, undisturbed)  # noqa: SIM118


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu_it_goes_on_with_moments_scale_and_random_numbers(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """In fp16, which has a gradient scaler. A GPU does not add up in one order, so the weights are equal but nearly."""

    def way(kept: Path | None, watch: Watch) -> Done:
        student = load_classifier(folders[0], torch.device("cuda"))
        learn(student, watch, kept, ("device", "cuda"), ("training.precision", "fp16"))
        return weights(student)

    kept = tmp_path / "kept.safetensors"
    with pytest.raises(RunInterrupted):
        way(kept, Watch(lambda event: interrupt_at(10, event)))
    watch, ended = Watch(), way(None, Watch())
    again = way(kept, watch)
    assert standing(kept)[0].step == STEPS
    assert "goes on after step 10" in watch.notices[0]
    assert all(torch.allclose(again[name], ended[name], rtol=1e-2, atol=1e-3) for name in ended)


def interrupt_at(step: int, event: Event) -> None:
    if isinstance(event, TrainingStep) and event.step == step:
        raise RunInterrupted

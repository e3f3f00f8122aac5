"""A training that was cut off goes on from the file it kept, and ends with exactly the weights it would have had."""

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors import safe_open

from compression.config import PruningConfig, RunConfig
from compression.data.sources import Split
from compression.errors import RunInterrupted
from compression.events import EpochEnded, Event, Notice, TrainingStep
from compression.methods.importance import weight_importance
from compression.methods.prune import matrices, sparsify
from compression.methods.qat import prepare
from compression.methods.training import Lesson, train
from compression.models.checkpoint import Place, standing
from compression.models.classifier import Classifier, load_classifier
from compression.models.teacher import TeacherRecipe, load_base, train_teacher
from compression.recipe import nest, parse
from compression.result import Metrics
from compression.schemes import Ternary

CPU = torch.device("cpu")
ROWS = tiny.urls(32)
TEXTS, LABELS = tuple(text for text, _ in ROWS), tuple(label for _, label in ROWS)
EPOCHS, BATCH = 4, 8
STEPS = EPOCHS * len(ROWS) // BATCH


def metrics(auc: float = 0.5) -> Metrics:
    return Metrics(
        accuracy=0, precision=None, recall=None, f1=None, roc_auc=auc, examples=1, confusion=((1, 0), (0, 0))
    )


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A student and a teacher, both with dropout; the student is narrower, so that hints need projections."""
    folder = tmp_path_factory.mktemp("models")
    narrow = tiny.save_model(folder / "student", seed=3, hidden_size=32, hidden_dropout_prob=0.3)
    return narrow, tiny.save_model(folder / "teacher", seed=4)


Done = dict[str, torch.Tensor]
Way = Callable[[tuple[Path, Path], Path | None, Callable[[Event], None]], Done]


def learn(student: Classifier, told: Callable[[Event], None], kept: Path | None, *settings: Any, **more: Any) -> None:
    quick: list[tuple[str, Any]] = [("device", "cpu"), ("training.precision", "fp32")]
    quick += [("distillation.batch_size", BATCH), ("distillation.max_length", 48)]
    config: RunConfig = parse(nest([*quick, *settings]))
    targets = torch.linspace(-2, 2, 2 * len(TEXTS)).reshape(-1, 2)
    options = {"stage": "distill", "epochs": EPOCHS, "learning_rate": 1e-3, "checkpoint": kept} | more
    train(student, Lesson(TEXTS, LABELS, targets), lambda _: metrics(), config, told, **options)


def weights(student: Classifier) -> Done:
    return {name: value.detach().clone() for name, value in student.model.state_dict().items()}


def plainly(folders: tuple[Path, Path], kept: Path | None, told: Callable[[Event], None]) -> Done:
    student = load_classifier(folders[0], CPU)
    learn(student, told, kept, ("distillation.schedule", "constant"))
    return weights(student)


def with_all(folders: tuple[Path, Path], kept: Path | None, told: Callable[[Event], None]) -> Done:
    """Averaged weights, hints through projections, one cycle, falling temperature."""
    student, teacher = (load_classifier(folder, CPU) for folder in folders)
    hints = [("distillation.hidden_weight", 0.5), ("distillation.attention_weight", 0.5)]
    shapes = [("distillation.averaging", True), ("distillation.temperature_end", 1.0)]
    learn(student, told, kept, *hints, *shapes, teacher=teacher)
    return weights(student)


def in_bf16(folders: tuple[Path, Path], kept: Path | None, told: Callable[[Event], None]) -> Done:
    student = load_classifier(folders[0], CPU)
    learn(student, told, kept, ("training.precision", "bf16"), ("training.bucketing", False))
    return weights(student)


def rounded(folders: tuple[Path, Path], kept: Path | None, told: Callable[[Event], None]) -> Done:
    """With the rounding of ternary weights in the loop, some of them zero from the start."""
    student = load_classifier(folders[0], CPU)
    with torch.no_grad():
        for weight in matrices(student.model).values():
            weight[::2] = 0
    learn(prepare(student, Ternary()), told, kept)
    return weights(student)


def pruned(folders: tuple[Path, Path], kept: Path | None, told: Callable[[Event], None]) -> Done:
    """With more and more weights at zero, in three quarters of the steps."""
    student = load_classifier(folders[0], CPU)
    settings = PruningConfig(sparsity=0.7, schedule="gradual", epochs=EPOCHS)
    scores = weight_importance("magnitude", student, matrices(student.model), TEXTS, LABELS, 0)
    sparsify(student, settings, scores, lambda before: learn(student, told, kept, before_step=before))
    return weights(student)


def fine_tuned(folders: tuple[Path, Path], kept: Path | None, told: Callable[[Event], None]) -> Done:
    """A teacher, left as it was after its best epoch: the first, for the least has changed by then."""
    recipe = TeacherRecipe(epochs=EPOCHS, batch_size=BATCH, max_length=48, device="cpu", precision="fp32")
    base = load_base(folders[0], recipe)
    start = base.model.classifier.weight.detach().clone()

    def unchanged(teacher: Classifier) -> Metrics:
        return metrics(1 / (1 + float((teacher.model.classifier.weight.detach() - start).abs().sum())))

    train_teacher(base, Split(TEXTS, LABELS), unchanged, recipe, told, "fine-tune", kept)
    return weights(base)


WAYS: list[Way] = [plainly, with_all, in_bf16, rounded, pruned, fine_tuned]


class Watch:
    """A report that remembers what it is told, and does something at a step or at an epoch's end."""

    def __init__(self, at: Callable[[Event], None] = lambda event: None) -> None:
        self.at, self.told = at, list[Event]()

    def __call__(self, event: Event) -> None:
        self.told.append(event)
        self.at(event)

    @property
    def steps(self) -> list[int]:
        return [event.step for event in self.told if isinstance(event, TrainingStep)]

    @property
    def notices(self) -> list[str]:
        return [event.text for event in self.told if isinstance(event, Notice)]


def same(one: Done, other: Done) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


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

    def interrupt(event: Event) -> None:
        if isinstance(event, TrainingStep) and event.step == STEPS // 2 + 1:
            raise RunInterrupted

    with pytest.raises(RunInterrupted):
        way(folders, kept, Watch(interrupt))
    code = f"""
import sys, json
sys.path[:0] = ["tests", "tests/unit"]
from pathlib import Path
import torch
torch.set_num_threads({torch.get_num_threads()})
import test_checkpoint as here
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

"""Short trainings of every kind, each from the same start, which keep how far they are in a file."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import tiny
import torch

from compression.config import PruningConfig, RunConfig
from compression.data.sources import Split
from compression.events import Event, Notice, TrainingStep
from compression.methods.importance import weight_importance
from compression.methods.prune import matrices, sparsify
from compression.methods.qat import prepare
from compression.methods.training import Lesson, train
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


def made(folder: Path) -> tuple[Path, Path]:
    """A student and a teacher, both with dropout; the student is narrower, so that hints need projections."""
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

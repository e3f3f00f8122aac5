"""The training loop on tiny models: what is learnt from, what the schedules do, and what the student ends as."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from compression.config import RunConfig
from compression.errors import CompressionError
from compression.events import EpochEnded, Event, TrainingStep
from compression.methods.distill import distillation_loss
from compression.methods.training import Lesson, train
from compression.models.classifier import Classifier, load_classifier, logits_of
from compression.recipe import nest, parse
from compression.result import Metrics

CPU = torch.device("cpu")
NOTHING = Metrics(
    accuracy=0, precision=None, recall=None, f1=None, roc_auc=None, examples=1, confusion=((1, 0), (0, 0))
)
ROWS = tiny.urls(32)
TEXTS = tuple(text for text, _ in ROWS)
LABELS = tuple(label for _, label in ROWS)


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model without dropout, which answers the same in training as afterwards."""
    quiet = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return tiny.save_model(tmp_path_factory.mktemp("calm") / "model", seed=3, **quiet)


@pytest.fixture
def student(calm: Path) -> Classifier:
    return load_classifier(calm, CPU)


@pytest.fixture(scope="module")
def targets() -> torch.Tensor:
    """What a teacher says that is right, and surer of some rows than of others."""
    sure = torch.linspace(1, 3, len(TEXTS))[:, None]
    return torch.nn.functional.one_hot(torch.tensor(LABELS), 2) * 2 * sure - sure


def recipe(**settings: Any) -> RunConfig:
    quick = {"batch_size": 8, "max_length": 48, "learning_rate": 1e-3}
    chosen = [(f"distillation.{name}", value) for name, value in (quick | settings).items()]
    return parse(nest([("device", "cpu"), ("training.precision", "fp32"), *chosen]))


def losses(
    student: Classifier,
    lesson: Lesson,
    config: RunConfig,
    epochs: int = 2,
    validate: Callable[[Classifier], Metrics] = lambda student: NOTHING,
    **options: Any,
) -> list[TrainingStep]:
    seen: list[Event] = []
    rate = config.distillation.learning_rate
    train(student, lesson, validate, config, seen.append, stage="distill", epochs=epochs, learning_rate=rate, **options)
    assert [event.epoch for event in seen if isinstance(event, EpochEnded)] == list(range(1, epochs + 1))
    assert not student.model.training
    return [event for event in seen if isinstance(event, TrainingStep)]


def state(student: Classifier) -> dict[str, torch.Tensor]:
    return {name: parameter.detach().clone() for name, parameter in student.model.named_parameters()}


def test_a_student_learns_the_teacher_from_rows_without_labels(student: Classifier, targets: torch.Tensor) -> None:
    steps = losses(student, Lesson(TEXTS, (-1,) * 32, targets), recipe(learning_rate=3e-3), epochs=12)
    assert {step.hard_loss for step in steps} == {0.0}
    assert steps[-1].loss < steps[0].loss / 4
    assert (logits_of(student, TEXTS).argmax(-1) == torch.tensor(LABELS)).all()


def test_alpha_goes_from_start_to_end_on_a_line(student: Classifier, targets: torch.Tensor) -> None:
    steps = losses(student, Lesson(TEXTS, LABELS, targets), recipe(soft_weight=1.0, soft_weight_end=0.2))
    assert len(steps) == 8
    for index, step in enumerate(steps):
        weight = 1 - 0.8 * index / 7
        assert step.loss == pytest.approx(weight * step.soft_loss + (1 - weight) * step.hard_loss, rel=1e-5)


def test_temperature_goes_from_start_to_end(student: Classifier, targets: torch.Tensor) -> None:
    config = recipe(temperature=4.0, temperature_end=1.0, learning_rate=1e-12, batch_size=32, schedule="constant")
    steps = losses(student, Lesson(TEXTS, LABELS, targets), config, epochs=4)
    own = logits_of(student, TEXTS)
    expected = [distillation_loss(own, targets, torch.tensor(LABELS), heat, 1).soft.item() for heat in (4, 3, 2, 1)]
    assert [step.soft_loss for step in steps] == pytest.approx(expected, rel=1e-4)


def test_a_single_step_has_the_starting_values(student: Classifier, targets: torch.Tensor) -> None:
    config = recipe(soft_weight=1.0, soft_weight_end=0.0, batch_size=32)
    (step,) = losses(student, Lesson(TEXTS, LABELS, targets), config, epochs=1)
    assert step.loss == step.soft_loss


def test_averaging_ends_with_the_mean_of_the_second_half(student: Classifier, targets: torch.Tensor) -> None:
    states: list[dict[str, torch.Tensor]] = []
    plain, validated = deepcopy(student), []
    lesson = Lesson(TEXTS, LABELS, targets)
    losses(plain, lesson, recipe(), before_step=lambda step, steps: states.append(state(plain)))
    states.append(state(plain))  # one before each of eight steps, and one after the last
    losses(student, lesson, recipe(averaging=True), validate=lambda s: validated.append(state(s)) or NOTHING)
    for name, parameter in student.model.named_parameters():
        mean = torch.stack([states[step][name] for step in (5, 6, 7, 8)]).mean(dim=0)
        assert torch.allclose(parameter, mean, atol=1e-6)
        assert torch.equal(validated[-1][name], parameter)  # what is validated last is what is saved


def test_averaging_reaches_weights_behind_a_parametrization(student: Classifier, targets: torch.Tensor) -> None:
    class Half(torch.nn.Module):
        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            return weight / 2

    torch.nn.utils.parametrize.register_parametrization(student.model.classifier, "weight", Half())
    before = student.model.classifier.weight.detach().clone()
    losses(student, Lesson(TEXTS, LABELS, targets), recipe(averaging=True))
    inner = student.model.classifier.parametrizations.weight.original
    assert not torch.equal(student.model.classifier.weight, before)
    assert torch.equal(student.model.classifier.weight, inner / 2)


def test_what_is_frozen_stays(student: Classifier, targets: torch.Tensor) -> None:
    student.model.bert.embeddings.requires_grad_(False)
    before = state(student)
    losses(student, Lesson(TEXTS, LABELS, targets), recipe(averaging=True))
    changed = {name for name, value in state(student).items() if not torch.equal(value, before[name])}
    assert not any("embeddings" in name for name in changed)
    assert any("encoder" in name for name in changed)


def test_the_caller_is_asked_before_each_step(student: Classifier, targets: torch.Tensor) -> None:
    asked: list[tuple[int, int]] = []
    steps = losses(
        student,
        Lesson(TEXTS, LABELS, targets),
        recipe(),
        before_step=lambda step, steps: asked.append((step, steps)),
    )
    assert asked == [(step.step, step.steps) for step in steps] == [(step, 8) for step in range(1, 9)]


def test_a_loss_that_is_no_number_ends_it(student: Classifier, targets: torch.Tensor) -> None:
    with pytest.raises(CompressionError, match="no longer a number"):
        losses(student, Lesson(TEXTS, LABELS, targets * float("nan")), recipe())


@pytest.mark.parametrize("count", [10, 11])
def test_the_shortest_cycles(student: Classifier, targets: torch.Tensor, count: int) -> None:
    steps = losses(student, Lesson(TEXTS, LABELS, targets), recipe(batch_size=32), epochs=count)
    assert len(steps) == count
    assert steps[-1].loss < steps[0].loss

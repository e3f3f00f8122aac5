"""A GPU is not waited for in a training step: no tensor is looked at, and the loss only every few steps."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from compression.config import RunConfig
from compression.data.batching import collate
from compression.errors import CompressionError, RunCancelled
from compression.events import EpochEnded, Event, TrainingStep, ignore
from compression.methods import training
from compression.methods.training import Lesson, train
from compression.models import asking, device
from compression.models.asking import answer, attended
from compression.models.classifier import ARCHITECTURES, Classifier, load_classifier
from compression.recipe import nest, parse
from compression.result import Metrics

CPU = torch.device("cpu")
NOTHING = Metrics(
    accuracy=0, precision=None, recall=None, f1=None, roc_auc=None, examples=1, confusion=((1, 0), (0, 0))
)
TEXTS = tuple(text + "/more" * (row % 5) for row, (text, _) in enumerate(tiny.urls(28)))  # of several lengths
LABELS = tuple(label if row % 3 else -1 for row, (_, label) in enumerate(tiny.urls(28)))
STEPS = 7  # an epoch, in batches of four


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_model(tmp_path_factory.mktemp("waiting") / "model", seed=5)


@pytest.fixture
def student(model: Path) -> Classifier:
    return load_classifier(model, CPU)


@pytest.fixture
def every(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Has the loss looked at every so many steps, as on a GPU."""
    return lambda steps: monkeypatch.setattr(training, "steps_between_reads", lambda device: steps)


def lesson(factor: float = 1.0) -> Lesson:
    return Lesson(TEXTS, LABELS, torch.linspace(-2, 2, 2 * len(TEXTS)).view(-1, 2) * factor)


def recipe(**settings: Any) -> RunConfig:
    quick = {"batch_size": 4, "max_length": 60, "learning_rate": 1e-3}
    chosen = [(f"distillation.{name}", value) for name, value in (quick | settings).items()]
    return parse(nest([("device", "cpu"), ("training.precision", "fp32"), *chosen]))


def trained(
    student: Classifier,
    lesson: Lesson,
    report: Callable[[Event], None] = ignore,
    config: RunConfig | None = None,
    **more: Any,
) -> Classifier:
    options: dict[str, Any] = {"stage": "distill", "epochs": 2, "learning_rate": 1e-3} | more
    return train(student, lesson, lambda student: NOTHING, config or recipe(), report, **options)


def events(student: Classifier) -> list[Event]:
    seen: list[Event] = []
    trained(student, lesson(), seen.append)
    return seen


def test_every_nth_step_is_reported_and_each_epochs_last(model: Path, every: Callable[[int], None]) -> None:
    all_steps = [event for event in events(load_classifier(model, CPU)) if isinstance(event, TrainingStep)]
    assert [event.step for event in all_steps] == list(range(1, 2 * STEPS + 1))
    every(3)
    seen = events(load_classifier(model, CPU))
    some = [event for event in seen if isinstance(event, TrainingStep)]
    assert [event.step for event in some] == [3, 6, 7, 9, 12, 14]
    assert some == [event for event in all_steps if event.step in (3, 6, 7, 9, 12, 14)]
    assert isinstance(seen[-1], EpochEnded)


def test_a_run_can_still_be_cancelled(student: Classifier, every: Callable[[int], None]) -> None:
    every(3)
    steps: list[int] = []

    def report(event: Event) -> None:
        if isinstance(event, TrainingStep) and event.step >= 3:
            raise RunCancelled

    with pytest.raises(RunCancelled):
        trained(student, lesson(), report, before_step=lambda step, of: steps.append(step))
    assert steps == [1, 2, 3]


@pytest.mark.parametrize("between", [3, 1000])
def test_a_loss_that_is_no_number_still_ends_it(
    student: Classifier, every: Callable[[int], None], between: int
) -> None:
    every(between)
    steps: list[int] = []
    with pytest.raises(CompressionError, match="no longer a number"):
        trained(student, lesson(float("nan")), before_step=lambda step, of: steps.append(step))
    assert len(steps) == min(between, STEPS)


def test_the_loss_of_a_gpu_is_looked_at_rarely() -> None:
    assert device.steps_between_reads(CPU) == 1
    assert device.steps_between_reads(torch.device("cuda")) > 1


class Looks(TorchDispatchMode):
    """Notes operations that a GPU would have to be waited for: values that Python sees, shapes that depend on them."""

    WAITING = ("aten._local_scalar_dense", "aten.nonzero", "aten.masked_select", "aten.equal", "aten.unique")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []
        self.allowed = False

    def allowing(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, whose own looks are not noted."""

        def allowed(*arguments: Any) -> Any:
            self.allowed = True
            try:
                return function(*arguments)
            finally:
                self.allowed = False

        return allowed

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        indices = args[1] if str(func).startswith("aten.index.") else ()
        masks = any(index is not None and index.dtype == torch.bool for index in indices)
        if not self.allowed and (masks or str(func).startswith(self.WAITING)):
            self.seen.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"averaging": True, "soft_weight_end": 0.1, "schedule": "constant"},
        {"hidden_weight": 1.0},
        {"attention_weight": 1.0},
    ],
)
def test_no_step_looks_at_a_tensor(
    model: Path, every: Callable[[int], None], monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any]
) -> None:
    """But for the mask while it is still on the CPU, and the loss when its turn has come."""
    student, teacher, looks = load_classifier(model, CPU), load_classifier(model, CPU), Looks()
    monkeypatch.setattr(asking, "attended", looks.allowing(attended))
    monkeypatch.setattr(training, "_looked_at", looks.allowing(training._looked_at))
    every(1000)
    with looks:
        trained(student, lesson(), config=recipe(**settings), teacher=teacher)
        assert looks.seen == []
        bool(torch.ones(1).all())
    assert looks.seen == ["aten._local_scalar_dense.default"]


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_model_answers_as_with_the_mask_it_makes_itself(tmp_path: Path, architecture: str, attention: str) -> None:
    loaded = load_classifier(tiny.save_model(tmp_path, architecture), CPU)
    if architecture != "mpnet":  # which has but one kind
        loaded.model.set_attn_implementation(attention)
    inputs = collate(loaded.tokenize(TEXTS[:8], 60), loaded.tokenizer.pad_token_id)
    assert not inputs["attention_mask"].all()
    with torch.inference_mode():
        assert torch.equal(answer(loaded.model, inputs).logits, loaded.model(**inputs).logits)


def test_without_padding_there_is_no_mask() -> None:
    assert attended(torch.ones(2, 3, dtype=torch.long), "sdpa") is None


@pytest.fixture
def scaler(monkeypatch: pytest.MonkeyPatch) -> torch.amp.GradScaler:
    """The scaler accelerate takes for fp16, which no CPU has, put into fp32 training by hand."""
    scaler, opened = torch.amp.GradScaler("cpu", init_scale=2.0**10, growth_interval=5), device.open_accelerator

    def with_scaler(*given: Any) -> Any:
        accelerator = opened(*given)
        accelerator.scaler = scaler
        return accelerator

    monkeypatch.setattr(training, "open_accelerator", with_scaler)
    return scaler


def test_gradients_are_scaled_and_scaled_back(
    model: Path, scaler: torch.amp.GradScaler, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights come out as without a scaler: powers of two change no digit."""
    scaled, plain = load_classifier(model, CPU), load_classifier(model, CPU)
    trained(scaled, lesson())
    assert scaler.get_scale() == 2.0 ** (10 + 2 * STEPS // 5)
    monkeypatch.setattr(training, "open_accelerator", device.open_accelerator)
    trained(plain, lesson())
    for own, other in zip(scaled.model.parameters(), plain.model.parameters(), strict=True):
        assert torch.allclose(own, other, atol=1e-7)


def test_a_step_whose_gradients_overflow_is_left_out(student: Classifier, scaler: torch.amp.GradScaler) -> None:
    before = deepcopy(student.model)
    student.model.classifier.weight.register_hook(lambda gradient: gradient * float("inf"))
    trained(student, lesson(), epochs=1, config=recipe(batch_size=28))
    assert scaler.get_scale() == 2.0**9
    for own, other in zip(student.model.parameters(), before.parameters(), strict=True):
        assert torch.equal(own, other)

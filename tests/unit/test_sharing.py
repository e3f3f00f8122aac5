"""What several processes share of a run: rows, losses, hints and seeds; alone, one process has all of them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from compression.data.batching import collate
from compression.events import Event, TrainingStep
from compression.methods import training
from compression.methods.distill import BatchSize, distillation_loss
from compression.methods.hints import imitating
from compression.methods.training import Lesson, train
from compression.models import device
from compression.models.asking import answer
from compression.models.classifier import Classifier, load_classifier
from compression.models.device import add_gradients, gathered, own, resolve, together
from compression.recipe import nest, parse
from compression.result import Metrics

CPU = torch.device("cpu")
NOTHING = Metrics(
    accuracy=0, precision=None, recall=None, f1=None, roc_auc=None, examples=1, confusion=((1, 0), (0, 0))
)
TEXTS = tuple(text + "/more" * (row % 4) for row, (text, _) in enumerate(tiny.urls(10)))


class OneOf:
    """An accelerator that takes itself for one of several; what is exchanged is `told`."""

    def __init__(self, count: int, index: int, told: Callable[[torch.Tensor], torch.Tensor] = lambda own: own) -> None:
        self.num_processes, self.process_index, self._told = count, index, told
        self._own = device.open_accelerator(CPU, "fp32")

    def reduce(self, tensor: torch.Tensor, how: str) -> torch.Tensor:
        assert how == "sum"
        return self._told(tensor)

    def gather(self, tensor: torch.Tensor) -> torch.Tensor:
        return self._told(tensor)

    def scale(self, scaled: bool) -> None:
        """Has it scale gradients, as for fp16, or not."""
        self._own.scaler = torch.amp.GradScaler("cpu") if scaled else None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._own, name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_model(tmp_path_factory.mktemp("sharing") / "model", seed=2)


@pytest.fixture
def model(folder: Path) -> Classifier:
    return load_classifier(folder, CPU)


@pytest.mark.parametrize(("count", "processes"), [(7, 3), (6, 3), (1, 2), (5, 1)])
def test_rows_come_back_in_their_order(count: int, processes: int) -> None:
    rows = torch.arange(2 * count).view(count, 2)
    shares = [rows[list(own(OneOf(processes, index), range(count)))] for index in range(processes)]
    assert sum(map(len, shares)) == count
    brought: list[torch.Tensor] = []

    def bring(filled: torch.Tensor) -> torch.Tensor:
        brought.append(filled)
        return torch.cat([*brought, *[filled] * (processes - len(brought))])  # as if the later ones had come already

    for index, share in enumerate(shares):
        found = gathered(OneOf(processes, index, bring), share, count)
    assert torch.equal(found, rows)


@pytest.mark.parametrize("labels", [(0, 1, 1, 0, 1, 0, 0), (0, -1, 1, -1, -1, 1, 0), (-1,) * 7])
@pytest.mark.parametrize("processes", [2, 3])
def test_the_shares_of_a_loss_add_up_to_it(labels: tuple[int, ...], processes: int) -> None:
    torch.manual_seed(0)
    student, teacher, known = torch.randn(7, 2), torch.randn(7, 2), torch.tensor(labels)
    whole = distillation_loss(student, teacher, known, 2.0, 0.3)
    size = BatchSize(7, sum(label >= 0 for label in labels))
    rows = [list(own(OneOf(processes, index), range(7))) for index in range(processes)]
    shares = [distillation_loss(student[own], teacher[own], known[own], 2.0, 0.3, size) for own in rows]
    assert torch.tensor(shares).sum(dim=0).tolist() == pytest.approx(torch.tensor(whole).tolist())


@pytest.mark.parametrize("same_tokens", [True, False])
def test_the_shares_of_the_hints_add_up_to_them(model: Classifier, same_tokens: bool, tmp_path: Path) -> None:
    teacher = load_classifier(tiny.save_model(tmp_path, seed=4), CPU)
    weights = [("distillation.hidden_weight", 2.0)]
    if same_tokens:
        weights += [("distillation.attention_weight", 3.0)]
    ids = model.tokenize(TEXTS, 60 if same_tokens else 20)
    with imitating(model, teacher, TEXTS, ids, parse(nest(weights))) as imitation:

        def hint(rows: Sequence[int]) -> float:
            inputs = collate([ids[row] for row in rows], model.tokenizer.pad_token_id)
            output = answer(model.model, inputs, **imitation.asked)
            found = imitation.loss(rows, range(len(TEXTS)), inputs, output)
            assert found is not None
            return found.item()

        assert hint(range(0, 10, 2)) + hint(range(1, 10, 2)) == pytest.approx(hint(range(10)), rel=1e-5)


def test_a_process_without_rows_adds_zeros(model: Classifier) -> None:
    some, none = list(model.model.parameters())[:2]
    some.grad = torch.ones_like(some)
    add_gradients(OneOf(2, 1, lambda flat: flat + 2), [some, none])
    assert some.grad is not None
    assert none.grad is not None
    assert torch.equal(some.grad, torch.full_like(some, 3.0))
    assert torch.equal(none.grad, torch.full_like(none, 2.0))


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("index", [0, 1])
def test_each_process_draws_its_own_dropout_and_may_have_no_row(
    model: Classifier, monkeypatch: pytest.MonkeyPatch, index: int, scaled: bool
) -> None:
    accelerator = OneOf(2, index)
    accelerator.scale(scaled)
    monkeypatch.setattr(training, "open_accelerator", lambda *given: accelerator)
    seeds: set[int] = set()
    seen: list[Event] = []
    config = parse(
        nest([("seed", 7), ("device", "cpu"), ("training.precision", "fp32"), ("distillation.batch_size", 1)])
    )
    train(
        model,
        Lesson(TEXTS[:2], (0, 1), torch.zeros(2, 2)),
        lambda student: NOTHING,
        config,
        seen.append,
        stage="distill",
        epochs=1,
        learning_rate=1e-3,
        before_step=lambda step, steps: seeds.add(torch.initial_seed()),
    )
    assert seeds == {7 + index}
    losses = [event.loss for event in seen if isinstance(event, TrainingStep)]
    assert len(losses) == 2
    assert all((loss > 0) == (index == 0) for loss in losses)


def test_each_process_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve("auto") == torch.device("cuda")
    for rank, expected in (("0", "cuda:0"), ("1", "cuda:1"), ("2", "cuda:0")):
        monkeypatch.setenv("LOCAL_RANK", rank)
        assert resolve("cuda") == torch.device(expected)
        assert resolve("cpu") == CPU


def test_a_process_alone_leads() -> None:
    with together("cpu") as leads:
        assert leads
    assert not torch.distributed.is_initialized()

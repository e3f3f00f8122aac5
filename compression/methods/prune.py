"""Unstructured pruning: single weights of the encoder's matrices become zero and stay so.

The matrices are the weights of every Linear inside the encoder (attention, feed-forward, pooler), those quantization
takes; embeddings, norms, biases and the head are left alone. A model without an encoder is pruned in all its matrices.

Zeros save nothing by themselves: stored dense they take the room of any weight. `stored` counts what they could save.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Literal

from compression.config import PruningConfig
from compression.methods.importance import WeightImportance
from compression.models.classifier import Classifier

if TYPE_CHECKING:
    import torch

_RAMP = 0.75  # of the steps: the rest train at full sparsity
_UPDATES = 100  # times the masks change on the way there
_FP32 = 4  # bytes
BeforeStep = Callable[[int, int], None]


@dataclass(frozen=True)
class Storage:
    """What the pruned matrices weigh, in bytes: as they are, with zeros left out, and what whole dead lines would free.

    `dense` counts fp32 as now; `sparse` a bit for every weight and four bytes for each that is not zero; `removable`
    is the part of `dense` in rows and columns that hold nothing but zeros. `zero_share` is a matrix's share of zeros.
    """

    dense_bytes: int
    sparse_bytes: int
    removable_bytes: int
    zeros: int
    weights: int
    zero_share: dict[str, float]


def what_zeros_save(storage: Storage) -> str:
    """The plain truth about zeros, in a sentence or two."""
    dense, sparse, gone = (
        f"{size / 1e6:.2f} MB" for size in (storage.dense_bytes, storage.sparse_bytes, storage.removable_bytes)
    )
    return (
        f"{storage.zeros / max(storage.weights, 1):.0%} of the matrices' weights are zero. Stored as ever, zeros take "
        f"as much room as other weights ({dense} in fp32), and as much time; with a bit for each weight and only the "
        f"others beside it, {sparse} (packed schemes store them so where it pays); rows and columns of nothing but "
        f"zeros, which could be removed, hold {gone}."
    )


def matrices(model: "torch.nn.Module") -> "dict[str, torch.Tensor]":
    """The weights that pruning may set to zero, by parameter name."""
    import torch

    prefix = getattr(model, "base_model_prefix", "") + "."
    linear: dict[str, torch.Tensor] = {
        f"{name}.weight": module.weight
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and name.startswith(prefix)
    }
    return linear or {name: weight for name, weight in model.named_parameters() if weight.dim() > 1}


def masks(
    scores: "Mapping[str, torch.Tensor]", sparsity: float, scope: Literal["global", "layer"]
) -> "dict[str, torch.Tensor]":
    """Which weights stay, True where one does: the lowest `sparsity` of the scores go, to one weight exactly.

    `global` ranks the weights of all matrices together, `layer` those of each matrix apart. Of equal scores the
    earliest go. Shapes: those of the scores.
    """
    import torch

    if scope == "layer":
        return {name: _highest(score.flatten(), sparsity).view_as(score) for name, score in scores.items()}
    kept = _highest(torch.cat([score.flatten() for score in scores.values()]), sparsity)
    parts = torch.split(kept, [score.numel() for score in scores.values()])
    return {name: part.view_as(score) for (name, score), part in zip(scores.items(), parts, strict=True)}


def sparsity_at(step: int, steps: int, sparsity: float) -> float:
    """Sparsity of gradual pruning at a step: s · (1 − (1 − t)³), t from 0 to 1 over the first three quarters.

    Source: Zhu & Gupta 2017, arXiv:1710.01878, eq. 1, from a sparsity of 0 at step 0.
    """
    progress = min(1.0, step / max(1.0, _RAMP * steps))
    return float(sparsity * (1 - (1 - progress) ** 3))


def sparsify(
    student: Classifier,
    settings: PruningConfig,
    importance: WeightImportance,
    fine_tune: Callable[[BeforeStep | None], object],
) -> Classifier:
    """The student, pruned in place to `settings.sparsity`, its zeros exact.

    With epochs, `fine_tune` is called once, and the zeros hold whatever optimizer it uses: one-shot pruning comes
    before it, gradual pruning goes on in it, through the callback it is given and must call before each step with
    (step, steps), step from 1. `importance` weighs weights by their values (`importance.weight_importance`).
    """

    def chosen(sparsity: float) -> "dict[str, torch.Tensor]":
        weights = {name: weight.detach() for name, weight in _originals(student.model, names).items()}
        return masks(importance(weights), sparsity, settings.scope)

    names = list(matrices(student.model))
    gradual = settings.schedule == "gradual" and settings.epochs > 0
    with _holding(student.model, chosen(0.0 if gradual else settings.sparsity)) as kept:

        def choose(sparsity: float) -> None:
            for name, mask in chosen(sparsity).items():
                kept[name].copy_(mask)

        def before_step(step: int, steps: int) -> None:
            wanted = _in_force(step, steps, settings.sparsity)
            if wanted > _in_force(step - 1, steps, settings.sparsity):
                choose(wanted)

        if settings.epochs > 0:
            fine_tune(before_step if gradual else None)
        zeros = sum(int((~mask).sum()) for mask in kept.values())
        if zeros < _zeros_at(settings.sparsity, kept, settings.scope):  # a training too short for its ramp
            choose(settings.sparsity)
    return student


def stored(model: "torch.nn.Module") -> Storage:
    """What the model's matrices weigh with the zeros they hold now."""
    dense = sparse = removable = zeros = weights = 0
    zero_share: dict[str, float] = {}
    for name, weight in matrices(model).items():
        filled = weight.detach() != 0
        count, nonzero = weight.numel(), int(filled.sum())
        alive = prod(int(filled.any(dim).sum()) for dim in (0, 1))
        dense += _FP32 * count
        sparse += -(-count // 8) + _FP32 * nonzero
        removable += _FP32 * (count - alive)
        zeros, weights = zeros + count - nonzero, weights + count
        zero_share[name] = 1 - nonzero / count
    return Storage(dense, sparse, removable, zeros, weights, zero_share)


def _in_force(step: int, steps: int, sparsity: float) -> float:
    """The sparsity of the masks at a step: that of `sparsity_at` when they changed last.

    It follows from the step alone: a training that was cut off, and finds its masks again, changes them when it would
    have anyway.
    """
    wanted = sparsity_at(step, steps, sparsity)
    return wanted if wanted == sparsity else sparsity_at(step - step % max(1, steps // _UPDATES), steps, sparsity)


def _zeros_at(sparsity: float, kept: "Mapping[str, torch.Tensor]", scope: Literal["global", "layer"]) -> int:
    """How many weights `masks` would leave out."""
    counts = [mask.numel() for mask in kept.values()]
    return sum(round(sparsity * count) for count in (counts if scope == "layer" else [sum(counts)]))


def _highest(scores: "torch.Tensor", sparsity: float) -> "torch.Tensor":
    """True for all scores, (weights,), but the lowest share `sparsity` of them."""
    import torch

    drop = round(sparsity * scores.numel())
    kept = torch.ones(scores.numel(), dtype=torch.bool, device=scores.device)
    if drop > 0:
        limit = scores.kthvalue(drop).values
        kept[scores < limit] = False
        ties = (scores == limit).nonzero().flatten()
        kept[ties[: drop - int((~kept).sum())]] = False
    return kept


def _originals(model: "torch.nn.Module", names: list[str]) -> "dict[str, torch.Tensor]":
    """The trained values behind each named weight, those of masked ones included."""
    trained = dict(model.named_parameters())

    def hidden(name: str) -> str:
        module, _, weight = name.rpartition(".")
        return f"{module}.parametrizations.{weight}.original".lstrip(".")

    return {name: trained[hidden(name) if hidden(name) in trained else name] for name in names}


@contextmanager
def _holding(model: "torch.nn.Module", kept: "dict[str, torch.Tensor]") -> "Iterator[dict[str, torch.Tensor]]":
    """Keeps the weights outside the masks at zero for as long as it is open, and leaves exact zeros in plain weights.

    Gives the masks in use, which may be changed in place.
    """
    from torch.nn.utils import parametrize

    for name, mask in kept.items():
        parametrize.register_parametrization(*_place(model, name), _mask(mask))
    try:
        yield kept
    finally:
        for name in kept:
            parametrize.remove_parametrizations(*_place(model, name), leave_parametrized=True)


def _mask(kept: "torch.Tensor") -> "torch.nn.Module":
    """A parametrization that shows a weight with zeros where `kept` is False."""
    import torch

    class Mask(torch.nn.Module):
        kept: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("kept", kept)

        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            return weight.masked_fill(~self.kept, 0.0)

    return Mask()


def _place(model: "torch.nn.Module", name: str) -> "tuple[torch.nn.Module, str]":
    module, _, weight = name.rpartition(".")
    return model.get_submodule(module), weight

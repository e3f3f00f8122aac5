"""Which parts of a model a compression step hurts: each part alone pruned or rounded, the rest untouched."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from compression.data.sources import Split
from compression.errors import ModelError
from compression.events import Progress, Report, ignore
from compression.methods.prune import masks
from compression.models.classifier import Classifier, is_compressed, logits_of
from compression.models.shapes import blocks

if TYPE_CHECKING:
    import torch

Kind = Literal["prune", "quantize"]
KINDS: tuple[Kind, ...] = ("prune", "quantize")
STAGE = "sensitivity"
_BLOCK = 64  # weights that share a scale
_FP32, _FP16 = 4, 2  # bytes


@dataclass(frozen=True)
class Sensitivity:
    """What one step on one part alone does: mean cross-entropy (nats) and accuracy on the split, and bytes saved.

    `part` is 'embeddings', 'layer 0', 'layer 0: attention' or 'layer 0: feed-forward', and so on. The baselines are
    the untouched model's. `saved_bytes` are of the part's matrices in fp32: pruned, half of them is stored with a bit
    a weight that says which; quantized, 4 bits a weight and an fp16 scale a block.
    """

    part: str
    kind: Kind
    loss: float
    accuracy: float
    baseline_loss: float
    baseline_accuracy: float
    saved_bytes: int


def sensitivity(
    classifier: Classifier,
    split: Split,
    kinds: Sequence[Kind] = KINDS,
    report: Report = ignore,
    sparsity: float = 0.5,
) -> list[Sensitivity]:
    """One row a part and kind, parts in the order of the model; its weights are afterwards what they were, bit for bit.

    prune: the smallest `sparsity` of each matrix become zero. quantize: every weight is rounded to 4 bits (`round4`).
    Raises ModelError for a model without encoder layers, or one that is already quantized.
    """
    if is_compressed(classifier.model.config):
        raise ModelError("The weights of this model are already quantized. Measure the student, or the teacher.")
    steps = [(part, weights, kind) for part, weights in parts(classifier).items() for kind in kinds]
    report(Progress(stage=STAGE, doing="The model as it is", step=0, steps=len(steps) + 1))
    loss, accuracy = _answers(classifier, split)
    rows = []
    for step, (part, weights, kind) in enumerate(steps, start=1):
        doing = f"{part} {'pruned' if kind == 'prune' else 'in 4 bits'}, the rest untouched"
        report(Progress(stage=STAGE, doing=doing, step=step, steps=len(steps) + 1))
        with _changed(weights, kind, sparsity):
            changed = _answers(classifier, split)
        saved = sum(_saved_bytes(weight, kind, sparsity) for weight in weights)
        rows.append(Sensitivity(part, kind, *changed, loss, accuracy, saved))
    return rows


def parts(classifier: Classifier) -> "dict[str, list[torch.Tensor]]":
    """The matrices of each part: embedding tables, and each layer's whole, attention and feed-forward."""
    model = classifier.model
    found = {"embeddings": [w for w in model.base_model.embeddings.parameters() if w.dim() > 1]}
    for number, block in enumerate(blocks(model)):
        attention = [matrix.weight for matrix in (*block.projections, block.output)]
        feed_forward = [block.inner.weight, block.outer.weight]
        found[f"layer {number}"] = attention + feed_forward
        found[f"layer {number}: attention"] = attention
        found[f"layer {number}: feed-forward"] = feed_forward
    return found


def round4(weight: "torch.Tensor") -> "torch.Tensor":
    """The weight rounded to the 15 values −7 … 7 times a scale: the block's largest magnitude over 7.

    Blocks are 64 weights of a row, the last of a row maybe fewer. Same shape and dtype.
    """
    from torch.nn.functional import pad

    rows, columns = weight.shape
    blocks_ = pad(weight.float(), (0, -columns % _BLOCK)).view(rows, -1, _BLOCK)
    scale = blocks_.abs().amax(-1, keepdim=True) / 7
    rounded = (blocks_ / scale.clamp(min=1e-30)).round() * scale
    return rounded.view(rows, -1)[:, :columns].to(weight.dtype)


def _answers(classifier: Classifier, split: Split) -> tuple[float, float]:
    """Mean cross-entropy in nats and accuracy."""
    import torch

    logits, labels = logits_of(classifier, split.texts), torch.tensor(split.labels)
    loss = torch.nn.functional.cross_entropy(logits, labels)
    return float(loss), float((logits.argmax(1) == labels).float().mean())


@contextmanager
def _changed(weights: "list[torch.Tensor]", kind: Kind, sparsity: float) -> Iterator[None]:
    """The weights pruned or rounded for as long as it is open."""
    kept = [weight.detach().clone() for weight in weights]
    try:
        for weight in weights:
            value = weight.detach()
            if kind == "prune":
                value.mul_(masks({"": value.abs()}, sparsity, "layer")[""])
            else:
                value.copy_(round4(value))
        yield
    finally:
        for weight, before in zip(weights, kept, strict=True):
            weight.detach().copy_(before)


def _saved_bytes(weight: "torch.Tensor", kind: Kind, sparsity: float) -> int:
    count = weight.numel()
    if kind == "prune":
        return _FP32 * round(sparsity * count) - -(-count // 8)
    return _FP32 * count - -(-count // 2) - _FP16 * weight.shape[0] * -(-weight.shape[1] // _BLOCK)

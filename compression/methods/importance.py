"""How much a weight, an attention head or a neuron matters, from a few texts: what pruning removes last.

Heads and neurons are weighed through a gate m that multiplies what they say and stands at 1; its gradient ∂L/∂m is
the sum of gradient times weight over the weights that read the head or neuron. All losses are cross-entropies in nats.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Literal

from compression.config import Importance
from compression.data.batching import by_length, collate
from compression.models.classes import two_logits
from compression.models.classifier import EVALUATION_BATCH, Classifier
from compression.models.shapes import Block, blocks, head_size, heads_of

if TYPE_CHECKING:
    import torch

EXAMPLES = 256  # texts that importance is estimated on: a few batches
WeightImportance = Callable[[Mapping[str, "torch.Tensor"]], "dict[str, torch.Tensor]"]


@dataclass(frozen=True)
class LayerImportance:
    """What each head (heads,) and each feed-forward neuron (neurons,) of one layer is worth; float32 on the CPU."""

    heads: "torch.Tensor"
    neurons: "torch.Tensor"


def sample(
    texts: Sequence[str], labels: Sequence[int], seed: int, count: int = EXAMPLES
) -> tuple[list[str], list[int]]:
    """At most `count` of the texts with their labels, drawn by `seed`."""
    rows = Random(seed).sample(range(len(texts)), min(count, len(texts)))
    return [texts[row] for row in rows], [labels[row] for row in rows]


def weight_importance(
    importance: Literal["magnitude", "fisher"],
    classifier: Classifier,
    names: Iterable[str],
    texts: Sequence[str],
    labels: Sequence[int],
    seed: int,
) -> WeightImportance:
    """How to weigh the weights `names`: a function from their values to scores of the same shapes.

    For `fisher` the diagonal Fisher is computed here, once, on a sample of the texts; the scores then follow the
    weights as they change. A label of −1 (unknown) counts as what the model itself answers.
    """
    if importance == "magnitude":
        return lambda weights: {name: weight.abs() for name, weight in weights.items()}
    fisher = fisher_of(classifier, names, *sample(texts, labels, seed))
    return lambda weights: {name: saliency(weight, fisher[name]) for name, weight in weights.items()}


def saliency(weight: "torch.Tensor", fisher: "torch.Tensor") -> "torch.Tensor":
    """Loss that setting each single weight to zero costs, to second order: ½ · F · w². Same shape as both, in nats.

    Source: LeCun et al. 1989, "Optimal Brain Damage", eq. 5, with the Fisher for the Hessian's diagonal.
    """
    return 0.5 * fisher * weight.square()


def diagonal_fisher(
    losses: "Iterable[torch.Tensor]", weights: "Mapping[str, torch.Tensor]"
) -> "dict[str, torch.Tensor]":
    """Mean over examples of the squared gradient of each example's loss, for each of the weights (leaves).

    `losses` gives one scalar an example. Source: the empirical Fisher information of Kwon et al. 2022,
    arXiv:2204.09656, for weights instead of their masks.
    """
    import torch

    total = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    count = 0
    for loss in losses:
        for name, gradient in zip(total, torch.autograd.grad(loss, list(weights.values())), strict=True):
            total[name] += gradient.square()
        count += 1
    return {name: value / max(count, 1) for name, value in total.items()}


def fisher_of(
    classifier: Classifier, names: Iterable[str], texts: Sequence[str], labels: Sequence[int]
) -> "dict[str, torch.Tensor]":
    """The diagonal Fisher of the named parameters over these texts, one pass a text; the model is left as it is."""
    parameters = dict(classifier.model.named_parameters())
    weights = {name: parameters[name].detach().requires_grad_() for name in names}

    def losses() -> "Iterator[torch.Tensor]":
        for inputs, classes in _batches(classifier, texts, labels, size=1):
            yield _losses(classifier, inputs, classes, weights).sum()

    return diagonal_fisher(losses(), weights)


def mean_loss(classifier: Classifier, texts: Sequence[str], labels: Sequence[int]) -> float:
    """Mean cross-entropy of the classifier's answers, in nats; a label of −1 counts as what the model answers."""
    import torch

    with torch.inference_mode():
        total = sum(
            float(_losses(classifier, inputs, classes).sum())
            for inputs, classes in _batches(classifier, texts, labels, EVALUATION_BATCH)
        )
    return total / len(texts)


def structure_importance(
    classifier: Classifier, importance: Importance, texts: Sequence[str], labels: Sequence[int]
) -> list[LayerImportance]:
    """What the heads and neurons of each layer are worth, over all these texts.

    magnitude: the Euclidean norm of all weights that a head or neuron would take with it.
    taylor: the mean over texts of |∂L/∂m|. Source: the head importance of Michel et al. 2019, arXiv:1905.10650; for
    neurons the gates of Molchanov et al. 2019, arXiv:1906.10771, with the absolute value for the square.
    fisher: ½ · mean over texts of (∂L/∂m)². Source: the mask search of Kwon et al. 2022, arXiv:2204.09656.
    """
    if importance == "magnitude":
        return [_magnitude(block, head_size(classifier.model.config)) for block in blocks(classifier.model)]
    gradients = gate_gradients(classifier, texts, labels)
    if importance == "taylor":
        return [LayerImportance(heads.abs().mean(0), neurons.abs().mean(0)) for heads, neurons in gradients]
    return [LayerImportance(heads.square().mean(0) / 2, neurons.square().mean(0) / 2) for heads, neurons in gradients]


def gate_gradients(
    classifier: Classifier, texts: Sequence[str], labels: Sequence[int]
) -> "list[tuple[torch.Tensor, torch.Tensor]]":
    """For each layer ∂L/∂m of every text's own loss: (texts, heads) and (texts, neurons), float32 on the CPU.

    Each text of a batch has gates of its own, so that one backward pass gives every text's gradient. The order of the
    texts is not kept.
    """
    import torch

    model = classifier.model
    heads, size = heads_of(model.config), head_size(model.config)
    found: list[list[torch.Tensor]] = []
    for inputs, classes in _batches(classifier, texts, labels, EVALUATION_BATCH):
        gates: list[torch.Tensor] = []
        hooks = []
        for block in blocks(model):
            for reader, gate in ((block.output, (heads, size)), (block.outer, (block.outer.in_features, 1))):
                gates.append(torch.ones(len(classes), gate[0], device=model.device, requires_grad=True))
                hooks.append(reader.register_forward_pre_hook(_gated(gates[-1], gate[1])))
        try:
            loss = _losses(classifier, inputs, classes).sum()
        finally:
            for hook in hooks:
                hook.remove()
        found.append([gradient.float().cpu() for gradient in torch.autograd.grad(loss, gates)])
    joined = [torch.cat(parts) for parts in zip(*found, strict=True)]
    return list(zip(joined[::2], joined[1::2], strict=True))


def _gated(gate: "torch.Tensor", size: int) -> Callable[[Any, tuple[Any, ...]], Any]:
    """A hook that multiplies what a matrix reads, (texts, tokens, gates · size), by each text's gates."""
    spread = gate.repeat_interleave(size, dim=1)[:, None, :]
    return lambda module, read: (read[0] * spread, *read[1:])


def _magnitude(block: Block, size: int) -> LayerImportance:
    def norms(outputs: "Iterable[torch.nn.Linear]", reader: "torch.nn.Linear", width: int) -> "torch.Tensor":
        squares = sum(m.weight.detach().square().sum(1) for m in outputs) + reader.weight.detach().square().sum(0)
        return squares.view(-1, width).sum(1).sqrt().float().cpu()

    return LayerImportance(norms(block.projections, block.output, size), norms([block.inner], block.outer, 1))


def _batches(
    classifier: Classifier, texts: Sequence[str], labels: Sequence[int], size: int
) -> "Iterator[tuple[dict[str, torch.Tensor], torch.Tensor]]":
    """Inputs and labels of batches of nearly one length, on the model's device."""
    import torch

    token_ids, device = classifier.tokenize(texts), classifier.model.device
    for rows in by_length([len(ids) for ids in token_ids], size):
        inputs = collate([token_ids[row] for row in rows], classifier.tokenizer.pad_token_id)
        classes = torch.tensor([labels[row] for row in rows], device=device)
        yield {name: tensor.to(device) for name, tensor in inputs.items()}, classes


def _losses(
    classifier: Classifier,
    inputs: "dict[str, torch.Tensor]",
    labels: "torch.Tensor",
    weights: "Mapping[str, torch.Tensor] | None" = None,
) -> "torch.Tensor":
    """Cross-entropy of each text, (texts,), with some of the model's parameters replaced by `weights`."""
    import torch
    from torch.nn.functional import cross_entropy

    out = torch.func.functional_call(classifier.model, dict(weights or {}), args=(), kwargs=inputs)
    logits = two_logits(out.logits.float(), classifier.not_safe)
    known = torch.where(labels < 0, logits.argmax(1), labels)
    return cross_entropy(logits, known, reduction="none")

"""Structured pruning: whole layers, attention heads and feed-forward neurons are taken out, so the model gets smaller.

Every layer keeps as many heads and neurons as the others, its own most important ones, so that a config can describe
the shape. Layers go first, one at a time, each time the one whose absence raises the loss least; heads and neurons are
then weighed in what is left.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from math import ceil, floor
from typing import TYPE_CHECKING

from compression.config import Importance, StructuredConfig
from compression.errors import ConfigError
from compression.events import Progress, Report, ignore
from compression.methods.importance import mean_loss, sample, structure_importance
from compression.models.classifier import Classifier, feed_forward
from compression.models.shapes import (
    cut_heads,
    cut_neurons,
    heads_of,
    layers_of,
    record_heads,
    set_layers,
    set_neurons,
    shares_heads,
)

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig

STAGE = "structured"
_TILE, _STEP = 64, 8
_ROUNDING = 1e-9  # what 0.9 · 10 may lack of 9 as a float


def plan_structured(settings: StructuredConfig, student: "PretrainedConfig") -> "PretrainedConfig":
    """The config of the student after structured pruning, from its config alone.

    Raises ConfigError where more is to go than there is, or where a share is so small that nothing would go.
    """
    config = deepcopy(student)
    if settings.layers >= student.num_hidden_layers:
        raise ConfigError(
            f"structured.layers = {settings.layers}, but the student has {student.num_hidden_layers} and one must "
            f"stay. Use {student.num_hidden_layers - 1} at most.",
            "structured.layers",
        )
    config.num_hidden_layers = student.num_hidden_layers - settings.layers
    if settings.heads:
        record_heads(config, _left("heads", heads_left, heads_of(student), settings.heads))
    if settings.neurons:
        set_neurons(config, _left("neurons", neurons_left, getattr(student, feed_forward(student)), settings.neurons))
    return config


def heads_left(heads: int, share: float) -> int:
    """How many of a layer's heads stay: the nearest number to what the share leaves, one at least."""
    return max(1, heads - floor(heads * share + 0.5 + _ROUNDING))


def neurons_left(neurons: int, share: float) -> int:
    """How many of a layer's neurons stay: what the share leaves, rounded up to a multiple of 64 or 8.

    64 where there was such a multiple and as many are left: packed 4-bit matrices fill tiles of 64 on some CPUs.
    """
    left = neurons - floor(neurons * share + _ROUNDING)
    step = _TILE if neurons % _TILE == 0 and left >= _TILE else _STEP
    return min(neurons, ceil(left / step) * step)


def remove(
    student: Classifier,
    settings: StructuredConfig,
    texts: Sequence[str],
    labels: Sequence[int],
    seed: int,
    report: Report = ignore,
) -> Classifier:
    """A new classifier without the layers, heads and neurons that matter least; the student stays as it is.

    It answers as the student would with what these heads and neurons say set to zero. Importance is estimated on a
    sample of the texts; a label of −1 (unknown) counts as what the model itself answers. Where heads went,
    `shapes.is_standard` is False for its config. Raises ConfigError as `plan_structured` does.
    """
    planned = plan_structured(settings, student.model.config)
    smaller = replace(student, model=deepcopy(student.model))
    few = sample(texts, labels, seed)
    for gone in range(settings.layers):
        report(Progress(stage=STAGE, doing="Leaving out each layer in turn", step=gone, steps=settings.layers))
        _drop_layer(smaller, *few)
    if settings.heads or settings.neurons:
        report(Progress(stage=STAGE, doing="Weighing heads and neurons", step=0, steps=1))
        heads, neurons = kept(smaller, planned, settings.importance, *few)
        if settings.heads:
            cut_heads(smaller.model, heads)
        if settings.neurons:
            cut_neurons(smaller.model, neurons)
    smaller.model.eval()
    return smaller


def kept(
    student: Classifier,
    planned: "PretrainedConfig",
    importance: Importance,
    texts: Sequence[str],
    labels: Sequence[int],
) -> "tuple[list[torch.Tensor], list[torch.Tensor]]":
    """The numbers of the most important heads and of the most important neurons of each layer, ascending.

    As many as `planned` has. Where layers cannot keep different heads (MPNet), the sum over layers decides.
    """
    worth = structure_importance(student, importance, texts, labels)
    heads = [layer.heads for layer in worth]
    if shares_heads(planned):
        heads = [sum(heads[1:], heads[0])] * len(heads)
    neurons = getattr(planned, feed_forward(planned))
    return [_highest(w, heads_of(planned)) for w in heads], [_highest(w.neurons, neurons) for w in worth]


def _highest(worth: "torch.Tensor", count: int) -> "torch.Tensor":
    return worth.argsort(descending=True, stable=True)[:count].sort().values


def _drop_layer(classifier: Classifier, texts: Sequence[str], labels: Sequence[int]) -> None:
    """Takes out the layer without which the mean loss over the texts is lowest."""
    layers = list(layers_of(classifier.model))
    rest: list[Sequence[torch.nn.Module]] = [layers[:skipped] + layers[skipped + 1 :] for skipped in range(len(layers))]

    def loss(remaining: "Sequence[torch.nn.Module]") -> float:
        set_layers(classifier.model, remaining)
        return mean_loss(classifier, texts, labels)

    set_layers(classifier.model, min(rest, key=loss))


def _left(what: str, rule: Callable[[int, float], int], count: int, share: float) -> int:
    """What `rule` leaves of `count`. Raises ConfigError if that is all of it."""
    if (left := rule(count, share)) < count:
        return left
    enough = next((percent / 100 for percent in range(1, 96) if rule(count, percent / 100) < count), None)
    advice = "Use 0" if enough is None else f"Use {enough} or more, or 0"
    raise ConfigError(
        f"structured.{what} = {share} would remove none of the {count} {what} of a layer. {advice}.",
        f"structured.{what}",
    )

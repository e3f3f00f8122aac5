"""A model's weights made narrower: fewer hidden features, attention heads and feed-forward neurons, of its own.

What becomes of each part, with P (hidden, kept) the features that are kept, one a column:

    embeddings E (rows, hidden)                          E·P
    matrices that read the hidden states                 W·P
    matrices that write them, and their biases           Pᵀ·W and Pᵀ·b
    query, key, value, attention output                  the strongest heads, whole
    feed-forward matrices                                the strongest neurons
    inner layer of the head                              its strongest units
    LayerNorm                                            truncate: its gains and biases of the features kept
                                                         pca: gain and bias fitted to what the wide model gives
    logits, vocabulary, positions, buckets               all

`truncate` keeps the features that vary most: P picks columns. `pca` keeps the directions in which the hidden states are
largest, so features are mixed. The idea is SliceGPT's (Ashkboos et al. 2024, arXiv:2401.15024, §3), whose models have
no LayerNorm left and lose nothing by the rotation. Here it is an approximation: normalizing and rotating do not
commute, so each feature of each LayerNorm gets the gain and bias that come closest, by least squares, to P's view of
the wide model's output. (Its standard deviation as the gain, and Pᵀ·bias, come nowhere near: on real URLs a student of
half the width answered at random with them, and with the fit as well as the wide one.)

A head is as strong as the product of the norms of its four parts, a neuron or unit as that of its weights in and out.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import ceil, prod
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from compression.errors import ConfigError
from compression.models.classifier import feed_forward

if TYPE_CHECKING:
    import torch
    from torch import Tensor
    from torch.nn import Linear, Module
    from transformers import PretrainedConfig, PreTrainedModel

Width = Literal["pca", "truncate"]
Batch = dict[str, "Tensor"]


class _Layer(NamedTuple):
    """The matrices of one layer, in the order in which the modules of every architecture here have them."""

    query: "Linear"
    key: "Linear"
    value: "Linear"
    attended: "Linear"
    inner: "Linear"
    outer: "Linear"


def narrowed(
    model: "PreTrainedModel", layers: "Iterable[Module]", config: "PretrainedConfig", width: Width, batches: list[Batch]
) -> "dict[str, Tensor]":
    """The weights of a model of `config`'s shape with what is strongest in `model`, by name, float32 on the CPU.

    `layers` are the model's, all of them kept. Only where features go are the `batches` read: what the model is called
    with, attention masks included. Heads of another size than the model's take their features one after the other.
    Raises ConfigError if the model's parts are not the usual ones.
    """
    import torch

    blocks = [_layer(model, layer) for layer in layers]
    projection, dense, logits = _around(model, blocks)
    kept = _features(model, config.hidden_size, width, batches)
    attention = _attention_units(model, blocks, config.hidden_size)
    made: dict[Module, tuple[Tensor, Tensor | None]] = {}
    for block, units in zip(blocks, attention, strict=True):
        neurons = _strongest(_strength(block.inner, block.outer), getattr(config, feed_forward(config)))
        made |= {matrix: _reading(matrix, units, kept) for matrix in block[:3]}
        made |= {block.attended: _writing(block.attended, units, kept)}
        made |= {block.inner: _reading(block.inner, neurons, kept), block.outer: _writing(block.outer, neurons, kept)}
    units = _strongest(_strength(dense, logits), config.hidden_size)
    made |= {dense: _reading(dense, units, kept), logits: (_exact(logits.weight)[:, units], logits.bias)}
    if projection is not None:
        made[projection] = _writing(projection, torch.arange(projection.in_features), kept)
    for module in model.modules():
        if isinstance(module, torch.nn.Embedding) and module.embedding_dim == model.config.hidden_size:
            made[module] = (_exact(module.weight) @ kept, None)
    if (buckets := _bias_by_head(model)) is not None:
        firsts = attention[0][:: config.hidden_size // config.num_attention_heads]
        made[buckets] = (_exact(buckets.weight)[:, firsts // _head_size(model)], None)
    made |= _norms(model, kept, width, batches)

    weights = dict(model.state_dict())
    for name, module in model.named_modules():
        weight, bias = made.get(module, (None, None))
        weights |= {f"{name}.weight": weight} if weight is not None else {}
        weights |= {f"{name}.bias": bias} if bias is not None else {}
    return {name: value.detach().cpu().float() for name, value in weights.items()}


def _layer(model: "PreTrainedModel", layer: "Module") -> _Layer:
    import torch

    matrices = [module for module in layer.modules() if isinstance(module, torch.nn.Linear)]
    hidden, neurons = model.config.hidden_size, getattr(model.config, feed_forward(model.config))
    shapes = [(hidden, hidden)] * 4 + [(neurons, hidden), (hidden, neurons)]
    if [tuple(matrix.weight.shape) for matrix in matrices] != shapes:
        raise _unusual(model)
    return _Layer(*matrices)


def _around(model: "PreTrainedModel", blocks: Sequence[_Layer]) -> "tuple[Linear | None, Linear, Linear]":
    """The matrix from embeddings to hidden states, where there is one, and the two of the head."""
    import torch

    inside = {matrix for block in blocks for matrix in block}
    outside = [m for m in model.modules() if isinstance(m, torch.nn.Linear) and m not in inside]
    projection = outside.pop(0) if len(outside) == 3 else None
    if len(outside) != 2 or outside[0].out_features != model.config.hidden_size:
        raise _unusual(model)
    return projection, outside[0], outside[1]


def _unusual(model: "PreTrainedModel") -> ConfigError:
    return ConfigError(
        f"This {model.config.model_type} model has other parts than usual, and cannot be made narrower. Leave "
        "student.hidden_size and student.intermediate_size empty, or use student.init = random.",
        "student.hidden_size",
    )


def _bias_by_head(model: "PreTrainedModel") -> Any:
    """The embedding of distances that MPNet adds to the scores of its heads, the same in all layers; None elsewhere."""
    return next((m for name, m in model.named_modules() if name.endswith("relative_attention_bias")), None)


def _head_size(model: "PreTrainedModel") -> int:
    return int(model.config.hidden_size) // int(model.config.num_attention_heads)


def _features(model: "PreTrainedModel", count: int, width: Width, batches: list[Batch]) -> "Tensor":
    """P, (hidden, count) float64 with orthonormal columns: the features to keep, from all layers' hidden states."""
    import torch

    hidden = int(model.config.hidden_size)
    everything = torch.eye(hidden, dtype=torch.float64)
    if count == hidden:
        return everything
    rows, total, squares = 0, torch.zeros(hidden, dtype=torch.float64), torch.zeros_like(everything)
    with torch.inference_mode():
        for batch in batches:
            read = batch["attention_mask"].bool()
            for states in model(**batch, output_hidden_states=True).hidden_states:
                seen = states[read].double().cpu()
                rows, total, squares = rows + len(seen), total + seen.sum(dim=0), squares + seen.T @ seen
    if width == "truncate":
        return everything[:, _strongest(squares.diag() / rows - (total / rows) ** 2, count)]
    directions: Tensor = torch.linalg.eigh(squares).eigenvectors  # in ascending order of their share
    return directions[:, -count:]


def _attention_units(model: "PreTrainedModel", blocks: Sequence[_Layer], count: int) -> "list[Tensor]":
    """For each layer the `count` features between its heads' scores and their output that stay: of whole heads."""
    import torch

    size = _head_size(model)
    strengths = torch.stack([_head_strengths(block, size) for block in blocks])
    if _bias_by_head(model) is not None:  # shared, so the heads must be the same in all layers
        strengths = strengths.mean(dim=0, keepdim=True).expand_as(strengths)
    picked = [_strongest(strength, ceil(count / size)) for strength in strengths]
    return [(heads[:, None] * size + torch.arange(size)).flatten()[:count] for heads in picked]


def _head_strengths(block: _Layer, size: int) -> "Tensor":
    """Of each head: the product of the norms of its rows of query, key and value and its columns of the output."""
    parts = [_exact(matrix.weight) for matrix in block[:3]] + [_exact(block.attended.weight).T]
    strengths: Tensor = prod(part.reshape(-1, size * part.shape[1]).norm(dim=1) for part in parts)
    return strengths


def _strength(inner: "Linear", outer: "Linear") -> "Tensor":
    """Of each unit between two matrices: the product of the norms of its weights in and out."""
    strength: Tensor = _exact(inner.weight).norm(dim=1) * _exact(outer.weight).norm(dim=0)
    return strength


def _strongest(strength: "Tensor", count: int) -> "Tensor":
    """Indices of the `count` largest, in order; of equal ones the first."""
    return strength.argsort(descending=True, stable=True)[:count].sort().values


def _reading(matrix: "Linear", units: "Tensor", kept: "Tensor") -> "tuple[Tensor, Tensor]":
    return _exact(matrix.weight)[units] @ kept, _exact(matrix.bias)[units]


def _writing(matrix: "Linear", units: "Tensor", kept: "Tensor") -> "tuple[Tensor, Tensor]":
    return kept.T @ _exact(matrix.weight)[:, units], kept.T @ _exact(matrix.bias)


def _exact(parameter: "Tensor") -> "Tensor":
    return parameter.detach().double().cpu()


def _norms(
    model: "PreTrainedModel", kept: "Tensor", width: Width, batches: list[Batch]
) -> "dict[Module, tuple[Tensor, Tensor | None]]":
    """Gain and bias of every LayerNorm of the hidden states for the features kept."""
    import torch

    hidden, count = kept.shape
    norms = [m for m in model.modules() if isinstance(m, torch.nn.LayerNorm) and m.normalized_shape == (hidden,)]
    if width == "truncate" or count == hidden:
        return {norm: (_exact(norm.weight) @ kept, _exact(norm.bias) @ kept) for norm in norms}
    sums = {norm: torch.zeros(5, count, dtype=torch.float64) for norm in norms}
    with torch.inference_mode(), _observed(norms) as seen:
        for batch in batches:
            model(**batch)
            read = batch["attention_mask"].bool()
            for norm, (given, gave) in seen.items():
                x, y = (states[read].double().cpu() @ kept for states in (given, gave))
                x = torch.nn.functional.layer_norm(x, (count,), eps=norm.eps)
                sums[norm] += torch.stack([part.sum(dim=0) for part in (torch.ones_like(x), x, y, x * x, x * y)])
    return {norm: _line(*sums[norm]) for norm in norms}


def _line(rows: "Tensor", x: "Tensor", y: "Tensor", xx: "Tensor", xy: "Tensor") -> "tuple[Tensor, Tensor]":
    """Slope and intercept of the least-squares line of y on x, for each feature, from sums over rows."""
    spread = (xx - x * x / rows).clamp_min(1e-12)
    slope = (xy - x * y / rows) / spread
    return slope, (y - slope * x) / rows


@contextmanager
def _observed(norms: "Sequence[torch.nn.LayerNorm]") -> "Iterator[dict[torch.nn.LayerNorm, tuple[Tensor, Tensor]]]":
    """Holds what each LayerNorm was last given and what it gave, as the model is called."""
    seen: dict[torch.nn.LayerNorm, tuple[Tensor, Tensor]] = {}

    def watch(norm: Any, given: "tuple[Tensor, ...]", gave: "Tensor") -> None:
        seen[norm] = (given[0], gave)

    hooks = [norm.register_forward_hook(watch) for norm in norms]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()

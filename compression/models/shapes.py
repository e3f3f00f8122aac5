"""Encoders from inside: the matrices of each layer by their part in it, cutting them down, and odd shapes on disk.

Fewer layers or feed-forward neurons are a standard shape, which a standard config describes. Fewer heads of the same
size are not: every standard class divides its width by its heads. So the config keeps its standard number of heads,
from which the head size follows, and says under `compression` how many are there (`{"heads": 3, "head_size": 32}`);
`apply_shapes` gives a model freshly built from it that shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from compression.errors import ModelError
from compression.models.classifier import feed_forward

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel

KEY = "compression"  # in config.json: what a plain loader would not know
NOTE = "No standard class has this shape. Read it with compression.artefacts.folder.load."


class _Names(NamedTuple):
    """Where an architecture keeps its parts: the list of layers in the encoder, and the modules in a layer."""

    layers: str
    attention: str
    projections: tuple[str, str, str]
    output: str
    inner: str
    outer: str


_BERT = _Names(
    "encoder.layer",
    "attention.self",
    ("attention.self.query", "attention.self.key", "attention.self.value"),
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
_MPNET = _BERT._replace(
    attention="attention.attn",
    projections=("attention.attn.q", "attention.attn.k", "attention.attn.v"),
    output="attention.attn.o",
)
_DISTILBERT = _Names(
    "transformer.layer",
    "attention",
    ("attention.q_lin", "attention.k_lin", "attention.v_lin"),
    "attention.out_lin",
    "ffn.lin1",
    "ffn.lin2",
)
_NAMES = dict.fromkeys(("bert", "roberta", "xlm-roberta", "electra"), _BERT) | {
    "mpnet": _MPNET,
    "distilbert": _DISTILBERT,
}


@dataclass(frozen=True)
class Block:
    """The matrices of one encoder layer.

    `projections` make queries, keys and values of what the layer reads, `output` reads what all heads say;
    `inner` feeds the neurons, `outer` reads them.
    """

    attention: "torch.nn.Module"
    projections: "tuple[torch.nn.Linear, ...]"
    output: "torch.nn.Linear"
    inner: "torch.nn.Linear"
    outer: "torch.nn.Linear"


def layers_of(model: "PreTrainedModel") -> "torch.nn.ModuleList":
    """The encoder's layers, in order. Raises ModelError for a model that has none."""
    layers: torch.nn.ModuleList = model.base_model.get_submodule(_names(model.config).layers)
    return layers


def blocks(model: "PreTrainedModel") -> list[Block]:
    """The matrices of every encoder layer, in order. Raises ModelError for a model that has none."""
    names = _names(model.config)
    return [
        Block(
            layer.get_submodule(names.attention),
            tuple(layer.get_submodule(name) for name in names.projections),  # type: ignore[misc]
            *(layer.get_submodule(name) for name in (names.output, names.inner, names.outer)),  # type: ignore[arg-type]
        )
        for layer in layers_of(model)
    ]


def heads_of(config: "PretrainedConfig") -> int:
    """How many attention heads each layer really has."""
    return int(_recorded(config).get("heads", config.num_attention_heads))


def head_size(config: "PretrainedConfig") -> int:
    """Features of one attention head."""
    return int(config.hidden_size // config.num_attention_heads)


def shares_heads(config: "PretrainedConfig") -> bool:
    """Whether all layers must keep the same heads: MPNet's one table of position biases has a column a head."""
    return bool(config.model_type == "mpnet")


def is_standard(config: "PretrainedConfig") -> bool:
    """Whether a standard Hugging Face class can hold the shape this config describes."""
    return "heads" not in _recorded(config)


def apply_shapes(model: "PreTrainedModel", config: "PretrainedConfig") -> None:
    """Shrinks the attention of a model freshly built from `config` to what the config records, weights to be loaded.

    Works on any device, meta included, and does nothing for a standard shape. Raises ModelError for a record that
    cannot be.
    """
    import torch

    if is_standard(config):
        return
    recorded = _recorded(config)
    heads, size = recorded["heads"], recorded.get("head_size")
    if type(heads) is not int or not 0 < heads <= config.num_attention_heads or size != head_size(config):
        raise ModelError(
            f"The config records {heads!r:.20} heads of size {size!r:.20}, but there can be at most "
            f"{config.num_attention_heads} of size {head_size(config)}. Save the model again."
        )
    cut_heads(model, [torch.arange(heads)] * config.num_hidden_layers)


def record_heads(config: "PretrainedConfig", heads: int) -> None:
    """Writes into the config that each layer has `heads` heads; what else is recorded there stays."""
    setattr(config, KEY, {"note": NOTE} | _recorded(config) | {"heads": heads, "head_size": head_size(config)})


def set_neurons(config: "PretrainedConfig", neurons: int) -> None:
    """Writes into the config that each layer has `neurons` feed-forward neurons."""
    setattr(config, feed_forward(config), neurons)


def cut_heads(model: "PreTrainedModel", keep: "Sequence[torch.Tensor]") -> None:
    """Removes all attention heads but those in `keep`, one tensor of head numbers a layer, as many in each."""
    import torch

    size = head_size(model.config)
    for block, heads in zip(blocks(model), keep, strict=True):
        features = (heads[:, None] * size + torch.arange(size)).flatten()
        for projection in block.projections:
            _keep_rows(projection, features)
        _keep_columns(block.output, features)
        counts = {"num_attention_heads": len(heads), "n_heads": len(heads), "all_head_size": len(features)}
        for name, value in counts.items():
            if hasattr(block.attention, name):
                setattr(block.attention, name, value)
    if shares_heads(model.config):
        encoder = model.base_model.encoder
        bias = encoder.relative_attention_bias
        bias.weight = _parameter(bias.weight, keep[0], 1)
        bias.embedding_dim = encoder.n_heads = len(keep[0])
    record_heads(model.config, len(keep[0]))


def cut_neurons(model: "PreTrainedModel", keep: "Sequence[torch.Tensor]") -> None:
    """Removes all feed-forward neurons but those in `keep`, one tensor of neuron numbers a layer, as many in each."""
    for block, neurons in zip(blocks(model), keep, strict=True):
        _keep_rows(block.inner, neurons)
        _keep_columns(block.outer, neurons)
    set_neurons(model.config, len(keep[0]))


def set_layers(model: "PreTrainedModel", layers: "Sequence[torch.nn.Module]") -> None:
    """Gives the encoder these layers, in this order."""
    import torch

    parent, _, name = _names(model.config).layers.rpartition(".")
    setattr(model.base_model.get_submodule(parent), name, torch.nn.ModuleList(layers))
    model.config.num_hidden_layers = len(layers)


def _names(config: "PretrainedConfig") -> _Names:
    try:
        return _NAMES[config.model_type]
    except (KeyError, AttributeError):
        raise ModelError("This model has no encoder layers. Use a transformer.") from None


def _recorded(config: "PretrainedConfig") -> dict[str, Any]:
    recorded = getattr(config, KEY, None)
    return recorded if isinstance(recorded, dict) else {}


def _keep_rows(linear: "torch.nn.Linear", rows: "torch.Tensor") -> None:
    linear.weight = _parameter(linear.weight, rows, 0)
    if linear.bias is not None:
        linear.bias = _parameter(linear.bias, rows, 0)
    linear.out_features = len(rows)


def _keep_columns(linear: "torch.nn.Linear", columns: "torch.Tensor") -> None:
    linear.weight = _parameter(linear.weight, columns, 1)
    linear.in_features = len(columns)


def _parameter(old: "torch.Tensor", keep: "torch.Tensor", dimension: int) -> "torch.nn.Parameter":
    import torch

    kept = old.detach().index_select(dimension, keep.to(old.device))
    return torch.nn.Parameter(kept, requires_grad=old.requires_grad)

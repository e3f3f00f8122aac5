"""Quantization-aware training: a student whose matrices are rounded at every forward, while it learns.

`prepare` puts the rounding into the model, any training follows, `convert` leaves the rounded weights behind, which
`artefacts.folder.save` packs. Both together, with nothing in between, are post-training quantization.

Not torchao: its int4 stays one weight a byte on disk, it has no ternary, and what its CPU paths can train they cannot
pack. PyTorch's own parametrizations are all that is needed.
"""

from typing import TYPE_CHECKING, TypeGuard

from compression.methods.grids import GRIDS, Grid, fake_quantize
from compression.models.classifier import Classifier
from compression.models.records import record
from compression.schemes import Trainable

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel


def prepare(student: Classifier, scheme: Trainable, keep_zeros: bool = True) -> Classifier:
    """The student, changed in place: encoder matrices (and embeddings, if the scheme has them) round as they are read.

    Its parameters stay the unrounded weights, and get the gradient of the rounded ones. With `keep_zeros`, weights
    that are zero now, as pruned ones are, stay zero.
    """
    from torch.nn.utils import parametrize

    for module in rounded_modules(student.model, scheme.embeddings).values():
        rounding = _rounding(module.weight, GRIDS[scheme.scheme], keep_zeros)
        parametrize.register_parametrization(module, "weight", rounding)
    return student


def convert(student: Classifier, scheme: Trainable) -> Classifier:
    """The prepared student, changed in place: its weights are exactly what `save` stores, everything else is fp16's.

    All of it still runs in fp32.
    """
    import torch
    from torch.nn.utils import parametrize

    modules = rounded_modules(student.model, scheme.embeddings)
    for module in modules.values():
        parametrize.remove_parametrizations(module, "weight", leave_parametrized=True)
    rounded = {id(module.weight) for module in modules.values()}
    with torch.no_grad():
        for parameter in student.model.parameters():
            if id(parameter) not in rounded:
                parameter.copy_(parameter.half())
    record(student.model.config, **scheme.model_dump())
    return student


def rounded_modules(model: "PreTrainedModel", embeddings: bool) -> "dict[str, torch.nn.Linear | torch.nn.Embedding]":
    """The modules, by name, whose weight a scheme rounds: the encoder's Linears, with `embeddings` its tables."""
    import torch

    return {
        name: module
        for name, module in model.named_modules()
        if name.startswith(f"{model.base_model_prefix}.")
        and (isinstance(module, torch.nn.Linear) or (embeddings and is_table(module, name)))
    }


def is_table(module: "torch.nn.Module", name: str) -> "TypeGuard[torch.nn.Embedding]":
    """Whether a module is an embedding table of tokens, positions or token types."""
    import torch

    return isinstance(module, torch.nn.Embedding) and "embeddings" in name.split(".")


def _rounding(weight: "torch.Tensor", grid: Grid, keep_zeros: bool) -> "torch.nn.Module":
    """A parametrization that rounds a weight to the grid."""
    import torch

    class Rounding(torch.nn.Module):
        kept: torch.Tensor | None

        def __init__(self, kept: torch.Tensor | None) -> None:
            super().__init__()
            self.register_buffer("kept", kept, persistent=False)

        def forward(self, weight: torch.Tensor) -> torch.Tensor:
            return fake_quantize(weight if self.kept is None else weight * self.kept, grid)

    not_zero = weight.detach() != 0
    return Rounding(None if not keep_zeros or bool(not_zero.all()) else not_zero)

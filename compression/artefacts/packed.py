"""Folders with `packed.safetensors`: packed weights (`methods.packing`), tables beside bitsandbytes, odd shapes.

What is not packed stands there as it is: fp16 beside packed weights, in its own precision otherwise. The file is read
as untrusted input: sizes are checked against the config before anything is made of it.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from compression.methods import bnb, packing
from compression.methods.grids import GRIDS
from compression.methods.qat import rounded_modules
from compression.models.classifier import Classifier, check_weights, explaining, load_classifier, on_meta, read_config
from compression.models.records import PACKED, scheme_of
from compression.schemes import Fp4, Int8, Nf4, PackedInt4, PackedInt8, Ternary

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

    Tensors = dict[str, torch.Tensor]  # of a whole model by name, or of one weight by what is appended to its name
    Decoder = Callable[[Tensors, tuple[int, int]], torch.Tensor]

_STANDARD = "model.safetensors"
_PARTS = (packing.CODES, packing.SCALES, packing.MASK, *bnb.TABLE_PARTS)


def repack(folder: Path, model: "PreTrainedModel") -> None:
    """Replaces the standard weights in `folder`, just saved from `model`, by the packed file its config records."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / _STANDARD)
    save_file(_packed(weights, model), folder / PACKED, {"format": "pt"})
    (folder / _STANDARD).unlink()


def load_packed(folder: Path, device: "torch.device", not_safe: str | None = None) -> Classifier:
    """The classifier in a folder with `packed.safetensors`, on `device`.

    Packed weights run in fp32, embedding tables beside bitsandbytes' matrices in fp16: packing saves bytes on disk, not
    time. Raises ModelError if file and config do not fit.
    """
    from safetensors.torch import load_file

    config = read_config(folder)
    check_weights(folder, config)
    with explaining(f"The weights in {folder} cannot be read ({{}}). Save the model again."):
        weights = load_file(folder / PACKED)
        for name, (shape, decode) in _decoders(on_meta(config)).items():
            parts = {part: weights.pop(name + part) for part in _PARTS if name + part in weights}
            weights[name] = decode(parts, shape)
    return load_classifier(folder, device, not_safe=not_safe, weights=weights)


def _packed(weights: "Tensors", model: "PreTrainedModel") -> "Tensors":
    """The tensors of the packed file, from those of the standard one."""
    import torch

    match scheme_of(model.config):
        case PackedInt8() | PackedInt4() | Ternary() as scheme:
            names = [f"{name}.weight" for name in rounded_modules(model, scheme.embeddings)]
            coded = {name: packing.encode(weights.pop(name), GRIDS[scheme.scheme]) for name in names}
            weights = {name: weight.to(torch.float16) for name, weight in weights.items()}
        case Int8() | Nf4() | Fp4():
            coded = {f"{name}.weight": table for name, table in bnb.kept_tables(model).items()}
            weights = {name: weight for name, weight in weights.items() if name not in coded}
        case _:
            return weights
    return weights | {f"{name}{part}": tensor for name, parts in coded.items() for part, tensor in parts.items()}


def _decoders(model: "PreTrainedModel") -> "dict[str, tuple[tuple[int, int], Decoder]]":
    """The shape of each coded weight, and what decodes it, by its name; of a model on meta."""
    match scheme_of(model.config):
        case PackedInt8() | PackedInt4() | Ternary() as scheme:
            modules = rounded_modules(model, scheme.embeddings)
            decode: Decoder = partial(packing.decode, grid=GRIDS[scheme.scheme])
        case Int8() | Nf4() | Fp4() as scheme:
            modules = dict(bnb.tables(model))
            decode = partial(bnb.decode_table, scheme=scheme)
        case _:
            return {}
    shapes = {f"{name}.weight": module.weight.shape for name, module in modules.items()}
    return {name: ((rows, columns), decode) for name, (rows, columns) in shapes.items()}

"""Post-training quantization: the type of the config picks the handler."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from compression.errors import UnsupportedError
from compression.methods import bnb, onnx, packing, qat
from compression.methods.grids import GRIDS
from compression.methods.linear import is_linear
from compression.models.classifier import SCHEME_KEY, Classifier, load_classifier
from compression.schemes import (
    Bf16,
    Fp4,
    Fp16,
    Int8,
    Nf4,
    NoQuantization,
    OnnxInt4,
    OnnxInt8,
    PackedInt4,
    PackedInt8,
    QuantizationConfig,
    Ternary,
)

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig


_ROUNDED_TO_ZERO = {"packed-int8": 0.01, "packed-int4": 0.12, "ternary": 0.45}  # share, of normally distributed weights


def quantize(
    folder: Path,
    quantization: QuantizationConfig,
    device: "torch.device",
    load: Callable[[Path, "torch.device"], Classifier] = load_classifier,
) -> Classifier:
    """The full-precision classifier in `folder`, quantized and not yet run: save it, then reload it to use it.

    `load` reads the folder where it may be no standard one; a linear student is rounded as it is saved.
    Raises UnsupportedError, with the reason, where this host cannot run the result.
    """
    match quantization:
        case NoQuantization():
            return load(folder, device)
        case _ if is_linear(folder):
            classifier = load(folder, device)
            setattr(classifier.model.config, SCHEME_KEY, quantization.scheme)
            return classifier
        case Fp16() | Bf16():
            classifier = load(folder, device)
            classifier.model.half() if isinstance(quantization, Fp16) else classifier.model.bfloat16()
            setattr(classifier.model.config, SCHEME_KEY, quantization.scheme)
            return classifier
        case Int8() | Nf4() | Fp4():
            return bnb.load_quantized(folder, quantization, device)
        case PackedInt8() | PackedInt4() | Ternary():
            return qat.convert(qat.prepare(load(folder, device), quantization), quantization)
        case OnnxInt8() | OnnxInt4():
            raise UnsupportedError("ONNX schemes are written from a folder to a folder. Use methods.onnx.")


def unsupported(quantization: QuantizationConfig, device: str, config: "PretrainedConfig | None" = None) -> str | None:
    """Why this host cannot quantize a model of this config on `device` ('cpu' or 'cuda'), or None if it can."""
    match quantization:
        case Int8() | Nf4() | Fp4():
            return bnb.unsupported(quantization, device, config)
        case _:
            return None


def matrix_tensors(quantization: QuantizationConfig, outputs: int, inputs: int, sparsity: float = 0.0) -> list[int]:
    """Bytes of each tensor that one encoder matrix becomes on disk; `sparsity` is the share of its weights that are 0.

    Approximate where zeros pay (ternary, or pruned and packed) and for ONNX, whose tensors other tools lay out.
    """
    match quantization:
        case Int8() | Nf4() | Fp4():
            return bnb.stored_tensors(quantization, outputs, inputs)
        case PackedInt8() | PackedInt4() | Ternary():
            zeros = max(sparsity, _ROUNDED_TO_ZERO[quantization.scheme])
            return packing.encoded_bytes((outputs, inputs), GRIDS[quantization.scheme], zeros)
        case OnnxInt8() | OnnxInt4():
            return [onnx.matrix_bytes(quantization, outputs, inputs)]
        case NoQuantization() | Fp16() | Bf16():
            return [outputs * inputs * other_bytes(quantization)]


def table_tensors(quantization: QuantizationConfig, rows: int, columns: int, sparsity: float = 0.0) -> list[int]:
    """The same of an embedding table of (rows, columns) weights."""
    match quantization:
        case Int8() | Nf4() | Fp4() if quantization.embeddings:
            return bnb.table_tensors(quantization, rows, columns)
        case OnnxInt8() | OnnxInt4():
            return [onnx.table_bytes(quantization, rows, columns)]
        case _ if quantization.embeddings:
            return matrix_tensors(quantization, rows, columns, sparsity)
        case _:
            return [rows * columns * other_bytes(quantization)]


def other_bytes(quantization: QuantizationConfig) -> int:
    """Bytes of one weight outside matrices and tables: norms, biases, head."""
    return 4 if isinstance(quantization, NoQuantization | OnnxInt8 | OnnxInt4) else 2

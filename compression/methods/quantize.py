"""Post-training quantization: the type of the config picks the handler."""

from pathlib import Path
from typing import TYPE_CHECKING

from compression.methods import bnb
from compression.models.classifier import SCHEME_KEY, Classifier, load_classifier
from compression.schemes import Fp4, Fp16, Int8, Nf4, NoQuantization, QuantizationConfig

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig


def quantize(folder: Path, quantization: QuantizationConfig, device: "torch.device") -> Classifier:
    """The full-precision classifier in `folder`, quantized and not yet run: save it, then reload it to use it.

    Raises UnsupportedError, with the reason, where this host cannot run the result.
    """
    match quantization:
        case NoQuantization():
            return load_classifier(folder, device)
        case Fp16():
            classifier = load_classifier(folder, device)
            classifier.model.half()
            setattr(classifier.model.config, SCHEME_KEY, quantization.scheme)
            return classifier
        case Int8() | Nf4() | Fp4():
            return bnb.load_quantized(folder, quantization, device)


def unsupported(quantization: QuantizationConfig, device: str, config: "PretrainedConfig | None" = None) -> str | None:
    """Why this host cannot quantize a model of this config on `device` ('cpu' or 'cuda'), or None if it can."""
    match quantization:
        case Int8() | Nf4() | Fp4():
            return bnb.unsupported(quantization, device, config)
        case NoQuantization() | Fp16():
            return None


def matrix_tensors(quantization: QuantizationConfig, outputs: int, inputs: int) -> list[int]:
    """Bytes of each tensor that one encoder matrix of (outputs, inputs) weights becomes on disk."""
    match quantization:
        case Int8() | Nf4() | Fp4():
            return bnb.stored_tensors(quantization, outputs, inputs)
        case NoQuantization() | Fp16():
            return [outputs * inputs * other_bytes(quantization)]


def other_bytes(quantization: QuantizationConfig) -> int:
    """Bytes of one weight outside the encoder's matrices: embeddings, norms, biases, head."""
    return 4 if isinstance(quantization, NoQuantization) else 2

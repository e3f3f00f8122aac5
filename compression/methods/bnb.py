"""bitsandbytes behind one adapter that knows its traps (0.50, x86 CPU and CUDA).

- The classification head would be quantized too (the default skip list matches nothing): every Linear outside the
  encoder is named as skipped.
- CPUs with AVX512-BF16 pack 4-bit weights in tiles and crash on other shapes: `unsupported` says so before a run.
- The first forward repacks weights in place, and saving (or a mere state_dict) after it stores garbage:
  `check_unused` refuses to save a model that has answered. Moving such a model breaks it too: nothing here does.
- The repacking fails while gradients are on: models only ever run under `torch.inference_mode`.
- A compute dtype saved on one host may not exist on the next (a T4 has no bf16): `adapt` sets it by the device.
- With the package `kernels` installed, importing it downloads native code: that package is not among the requirements.
- Embeddings are never quantized: sizes count them as they are, and the page says so.
"""

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compression.errors import CompressionError, UnsupportedError
from compression.models.classifier import Classifier, load_classifier, on_meta, read_config
from compression.models.device import compute_dtype, cpu_flags
from compression.schemes import Fp4, Int8, Nf4

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel

Bnb = Int8 | Nf4 | Fp4
BLOCK = 64  # weights that share one scale
_NESTED_BLOCK = 256  # scales that share one scale of scales
_TILE_OUT, _TILE_IN = 32, 64


def load_quantized(folder: Path, scheme: Bnb, device: "torch.device") -> Classifier:
    """The full-precision classifier in `folder`, quantized while it loads and not yet run; the rest of it is fp16.

    Raises UnsupportedError if this host cannot run the result.
    """
    import torch

    config = read_config(folder)
    if reason := unsupported(scheme, device.type, config):
        raise UnsupportedError(reason)
    options = _options(scheme, head_modules(config), compute_dtype(device))
    quiet()
    return load_classifier(
        folder, device, quantization_config=options, dtype=torch.float16, device_map={"": str(device)}
    )


def unsupported(scheme: Bnb, device: str, config: "PretrainedConfig | None" = None) -> str | None:
    """Why a model of this config cannot be quantized and run on this host ('cpu' or 'cuda'), or None if it can."""
    flags = cpu_flags()
    if device == "cpu" and "avx2" not in flags:
        return "bitsandbytes needs a CPU with AVX2, or a GPU. Choose none or fp16."
    if device == "cpu" and not isinstance(scheme, Int8) and "avx512_bf16" in flags and config is not None:
        for name, (outputs, inputs) in _matrices(config)[0].items():
            if outputs % _TILE_OUT or inputs % _TILE_IN:
                return (
                    f"4-bit on this CPU (AVX512-BF16) needs sizes in multiples of {_TILE_IN}, and {name} is "
                    f"{outputs} × {inputs}. Choose hidden and feed-forward sizes in multiples of {_TILE_IN}, or int8."
                )
    return None


def head_modules(config: "PretrainedConfig") -> list[str]:
    """Names of the Linear layers outside the encoder: the classification head, which stays in fp16."""
    return list(_matrices(config)[1])


def stored_tensors(scheme: Bnb, outputs: int, inputs: int) -> list[int]:
    """Bytes of each tensor one (outputs, inputs) matrix becomes on disk: packed weights, scales, tables."""
    weights = outputs * inputs
    if isinstance(scheme, Int8):
        return [weights, 4 * outputs, 1]
    blocks = -(-weights // BLOCK)
    packed, table, description = -(-weights // 2), 16 * 4, 80
    if not scheme.double:
        return [packed, 4 * blocks, table, description]
    return [packed, blocks, 4 * -(-blocks // _NESTED_BLOCK), 256 * 4, table, 2 * description]


def check_unused(model: "PreTrainedModel") -> None:
    """Raises CompressionError if the model has run: its packed weights can no longer be saved correctly."""
    for module in model.modules():
        state = getattr(getattr(module, "weight", None), "quant_state", None)
        if getattr(state, "packing_format_for_cpu", False):
            raise CompressionError(
                "A 4-bit model was used before it was saved. Save first, then load it again to use it."
            )


def adapt(model: "PreTrainedModel", device: "torch.device") -> None:
    """Gives 4-bit layers the compute dtype this device does fast, whatever host saved them."""
    import bitsandbytes

    quiet()
    for module in model.modules():
        if isinstance(module, bitsandbytes.nn.Linear4bit):
            module.compute_dtype = compute_dtype(device)
            module.compute_type_is_set = True


def quiet() -> None:
    """Silences what bitsandbytes says at import and at every call of an int8 layer."""
    for name in ("bitsandbytes.autograd._functions", "bitsandbytes.backends.cpu.ops"):
        logging.getLogger(name).setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", module=r"bitsandbytes\..*")


def _options(scheme: Bnb, skipped: list[str], compute: "torch.dtype") -> Any:
    from transformers import BitsAndBytesConfig

    match scheme:
        case Int8():
            return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=skipped)
        case Nf4() | Fp4():
            return BitsAndBytesConfig(
                load_in_4bit=True,
                bnb_4bit_quant_type=scheme.scheme,
                bnb_4bit_use_double_quant=scheme.double,
                bnb_4bit_compute_dtype=compute,
                llm_int8_skip_modules=skipped,
            )


def _matrices(config: "PretrainedConfig") -> tuple[dict[str, tuple[int, int]], dict[str, tuple[int, int]]]:
    """(outputs, inputs) of every Linear by name: those of the encoder, and those of the head outside it."""
    import torch

    model = on_meta(config)
    inside: dict[str, tuple[int, int]] = {}
    outside: dict[str, tuple[int, int]] = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            place = inside if name.startswith(f"{model.base_model_prefix}.") else outside
            place[name] = (module.out_features, module.in_features)
    return inside, outside

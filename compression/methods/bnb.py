"""bitsandbytes behind one adapter that knows its traps (0.50, x86 CPU and CUDA).

- The classification head would be quantized too (the default skip list matches nothing): every Linear outside the
  encoder is named as skipped.
- CPUs with AVX512-BF16 pack 4-bit weights in tiles and crash on other shapes: `unsupported` says so before a run.
- The first forward repacks weights in place, and saving (or a mere state_dict) after it stores garbage:
  `check_unused` refuses to save a model that has answered. Moving such a model breaks it too: nothing here does.
- The repacking fails while gradients are on: models only ever run under `torch.inference_mode`.
- A compute dtype saved on one host may not exist on the next (a T4 has no bf16): `adapt` sets it by the device.
- With the package `kernels` installed, importing it downloads native code: that package is not among the requirements.
- Embeddings it quantizes could not be saved. With `embeddings`, each table is quantized by its functions (8-bit: to the
  grid of packed-int8), kept as it will be stored, and run in fp16; `artefacts.packed` writes and reads it.
"""

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compression.errors import CompressionError, UnsupportedError
from compression.methods import packing
from compression.methods.grids import GRIDS
from compression.methods.qat import is_table
from compression.models.classifier import Classifier, load_classifier, on_meta, read_config
from compression.models.device import compute_dtype, cpu_flags
from compression.models.records import record
from compression.schemes import Fp4, Int8, Nf4

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel

Bnb = Int8 | Nf4 | Fp4
BLOCK = 64  # weights that share one scale
_NESTED_BLOCK = 256  # scales that share one scale of scales
_TILE_OUT, _TILE_IN = 32, 64
TABLE_PARTS = _ABSMAX, _NESTED, _OFFSET = ".absmax", ".nested_absmax", ".nested_offset"
_KEPT = "as_stored"  # attribute of a table


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
    classifier = load_classifier(
        folder, device, quantization_config=options, dtype=torch.float16, device_map={"": str(device)}
    )
    if scheme.embeddings:
        _quantize_tables(classifier.model, scheme)
    return classifier


def tables(model: "PreTrainedModel") -> "dict[str, torch.nn.Embedding]":
    """The model's embedding tables by name: tokens, positions, token types."""
    return {name: module for name, module in model.named_modules() if is_table(module, name)}


def kept_tables(model: "PreTrainedModel") -> "dict[str, dict[str, torch.Tensor]]":
    """The tensors that stand for each table on disk, by the table's name, of a model that was just quantized."""
    return {name: getattr(module, _KEPT) for name, module in tables(model).items()}


def encode_table(weight: "torch.Tensor", scheme: Bnb) -> "dict[str, torch.Tensor]":
    """The tensors that stand for an embedding table, by what is appended to the name of its weight."""
    from bitsandbytes.functional import quantize_4bit

    if isinstance(scheme, Int8):
        return packing.encode(weight, GRIDS["packed-int8"])
    codes, state = quantize_4bit(
        weight.contiguous(), blocksize=BLOCK, compress_statistics=scheme.double, quant_type=scheme.scheme
    )
    parts = {packing.CODES: codes.flatten(), _ABSMAX: state.absmax}
    if scheme.double:
        parts |= {_NESTED: state.state2.absmax, _OFFSET: state.offset.reshape(1)}
    return parts


def decode_table(parts: "dict[str, torch.Tensor]", shape: tuple[int, int], scheme: Bnb) -> "torch.Tensor":
    """The embedding table, float16, that `encode_table` made these tensors of.

    Raises ModelError if their sizes are not those of a table of this shape: native code reads them unchecked.
    """
    import torch
    from bitsandbytes.functional import QuantState, create_dynamic_map, dequantize_4bit

    if isinstance(scheme, Int8):
        return packing.decode(parts, shape, GRIDS["packed-int8"]).half()
    weights = shape[0] * shape[1]
    blocks = -(-weights // BLOCK)
    codes = packing.expect(parts, packing.CODES, torch.uint8, (-(-weights // 2),))
    absmax = packing.expect(parts, _ABSMAX, torch.uint8 if scheme.double else torch.float32, (blocks,))
    state = QuantState(absmax, torch.Size(shape), None, BLOCK, scheme.scheme, torch.float16)
    if scheme.double:
        outer = packing.expect(parts, _NESTED, torch.float32, (-(-blocks // _NESTED_BLOCK),))
        state.state2 = QuantState(
            outer, code=create_dynamic_map().to(outer.device), blocksize=_NESTED_BLOCK, dtype=torch.float32
        )
        state.offset, state.nested = packing.expect(parts, _OFFSET, torch.float32, (1,)), True
    table: torch.Tensor = dequantize_4bit(codes.unsqueeze(1), state)
    return table


def _quantize_tables(model: "PreTrainedModel", scheme: Bnb) -> None:
    import torch

    for module in tables(model).values():
        parts = encode_table(module.weight.detach(), scheme)
        with torch.no_grad():
            module.weight.copy_(decode_table(parts, (module.num_embeddings, module.embedding_dim), scheme))
        setattr(module, _KEPT, parts)  # what runs is rounded to fp16, and would not be quantized to the same again
    record(model.config, **scheme.model_dump())


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


def table_tensors(scheme: Bnb, rows: int, columns: int) -> list[int]:
    """Bytes of each tensor one embedding table becomes on disk."""
    if isinstance(scheme, Int8):
        return packing.encoded_bytes((rows, columns), GRIDS["packed-int8"], zeros=0)
    blocks = -(-rows * columns // BLOCK)
    codes = -(-rows * columns // 2)
    return [codes, blocks, 4 * -(-blocks // _NESTED_BLOCK), 4] if scheme.double else [codes, 4 * blocks]


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


def expanded(model: "PreTrainedModel") -> "PreTrainedModel":
    """The model in fp32, 4-bit weights expanded to the values they stand for; one that has not run yet.

    What no scheme of bitsandbytes holds is only made fp32. Raises CompressionError for a model that has run.
    """
    check_unused(model)
    if hasattr(model.config, "quantization_config"):
        model = model.dequantize()
    return model.float()


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

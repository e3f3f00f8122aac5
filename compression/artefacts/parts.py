"""Where the bytes of a saved model live: its folder by part, read from the headers of its files.

    embeddings     word pieces, positions, segments, and their norm
    attention      query, key, value and output matrices of all layers, and their norms
    feed-forward   the two matrices of all layers, and their norms
    layers         both of these, of an ONNX file, which does not tell them apart
    n-grams        the buckets of a linear model
    head           what comes after the layers: pooler and classifier
    state          what turns codes back into weights: scales, zero points, tables of levels
    tokenizer      its files
    other          config, headers, graph

Together they are what `weight.size_bytes` counts: fp32 for a model that runs in it, what is on disk for all others.
"""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from compression.artefacts.weight import runs_in_fp32, size_bytes, tensor_bytes
from compression.errors import ModelError
from compression.methods.linear import is_linear
from compression.models.classifier import explaining
from compression.models.onnx_model import FILE, MAX_BYTES

PARTS = ("embeddings", "attention", "feed-forward", "layers", "n-grams", "head", "state", "tokenizer", "other")
_TOKENIZER = ("tokenizer", "vocab", "special_tokens", "added_tokens", "merges", "sentencepiece", "spiece")
# What quantizers append to a weight's name: bitsandbytes' levels, scales and scales of scales, and this package's own.
_STATE = frozenset({"absmax", "quant_map", "nested_absmax", "nested_quant_map", "nested_offset", "quant_state"})
_STATE |= {"SCB", "weight_format", "scales"}
# Of ONNX operators with quantized weights: which input holds codes, which the state that goes with them.
_TABLES = ("Gather", "GatherBlockQuantized")
_MATRICES = ("MatMulNBits", "MatMulInteger")
_STATE_OF = {"MatMulNBits": (2, 3), "MatMulInteger": (3,), "GatherBlockQuantized": (2, 3), "DequantizeLinear": (1, 2)}


def bytes_by_part(folder: Path) -> dict[str, int]:
    """The bytes of the model in `folder` by part, in the order of PARTS, those that there are; their sum is
    `size_bytes`. Raises ModelError if the folder holds no model that can be read.
    """
    try:
        counted = _weights(folder)
        for path in folder.iterdir():
            if path.is_file() and path.name.startswith(_TOKENIZER):
                counted["tokenizer"] += path.stat().st_size
        counted["other"] += size_bytes(folder) - sum(counted.values())
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise ModelError(f"The model in {folder} cannot be read ({error}). Save it again.") from None
    return {part: counted[part] for part in PARTS if counted[part]}


def part_of(name: str) -> str:
    """The part that a tensor of a Hugging Face classifier belongs to, by its name."""
    words = name.split(".")
    if _STATE & set(words):
        return "state"
    if any(word.startswith("embeddings") for word in words):
        return "embeddings"
    if any("attention" in word or word == "sa_layer_norm" for word in words):
        return "attention"
    return "feed-forward" if "layer" in words else "head"


def _weights(folder: Path) -> "Counter[str]":
    """Bytes of weights by part."""
    if (folder / FILE).is_file():
        return _onnx(folder / FILE)
    name_part: Callable[[str], str] = _linear_part if is_linear(folder) else part_of
    counted: Counter[str] = Counter()
    full = runs_in_fp32(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    for path in folder.glob("*.safetensors"):
        for name, stored, in_fp32 in tensor_bytes(path):
            counted[name_part(name)] += in_fp32 if full else stored
    return counted


def _linear_part(name: str) -> str:
    return "head" if name == "bias" else "state" if name.endswith(".scales") else "n-grams"


def _onnx(path: Path) -> "Counter[str]":
    """Bytes of an ONNX model's weights by what reads them: their names say nothing."""
    import onnx

    if path.stat().st_size > MAX_BYTES:
        raise ModelError(f"{path} has more than {MAX_BYTES:,} bytes. Use a smaller model.")
    with explaining(f"{path} is no ONNX model ({{}}). Save the model again."):
        graph = onnx.load(path, load_external_data=False).graph
    read_by = {name: (node.op_type, place) for node in graph.node for place, name in enumerate(node.input)}
    counted: Counter[str] = Counter()
    for weight in graph.initializer:
        operator, place = read_by.get(weight.name, ("", 0))
        counted[_onnx_part(operator, place, len(weight.dims))] += weight.ByteSize()
    return counted


def _onnx_part(operator: str, place: int, dimensions: int) -> str:
    if place in _STATE_OF.get(operator, ()) or (operator, dimensions) == ("Mul", 1):
        return "state"
    if operator in _TABLES and place == 0 and dimensions == 2:
        return "embeddings"
    if operator in _MATRICES and place == 1:
        return "layers"
    return "head" if operator in ("MatMul", "Gemm") and dimensions == 2 else "other"

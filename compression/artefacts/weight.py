"""What a model folder weighs: bytes on disk, and bytes in the precision it is evaluated in."""

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import Any

from compression.methods.linear import is_linear
from compression.models.classifier import SCHEME_KEY, count_parameters, explaining, read_config
from compression.models.records import COMPRESSION_KEY

_FLOATS = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
_BYTES = _FLOATS | {"I64": 8, "U64": 8, "I32": 4, "U32": 4, "I16": 2, "U16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def count_weights(folder: Path) -> int:
    """Logical weights of the model in `folder`, before packing. Raises ModelError."""
    if is_linear(folder):
        return int(json.loads((folder / "config.json").read_text(encoding="utf-8"))["features"]) + 1
    return count_parameters(read_config(folder))


def size_stored_bytes(folder: Path) -> int:
    """Sum of the sizes of all files in `folder`, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def size_bytes(folder: Path) -> int:
    """Bytes of the folder with weights counted in the precision they are evaluated in.

    A full-precision model runs in fp32 and counts 4 bytes a weight, also where its file holds fp16; a folder in one of
    this package's schemes counts what is on disk. Raises ModelError if the weights are none.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    stored = size_stored_bytes(folder)
    if not runs_in_fp32(config):
        return stored
    tensors = [tensor for path in folder.glob("*.safetensors") for tensor in tensor_bytes(path)]
    return stored + sum(in_fp32 - on_disk for _, on_disk, in_fp32 in tensors)


def runs_in_fp32(config: Mapping[str, Any]) -> bool:
    """Whether a folder with this config.json holds a model in full precision, in none of this package's schemes."""
    packed = config.get(COMPRESSION_KEY, {}).get("scheme", "none") != "none"
    return not (packed or SCHEME_KEY in config or "quantization_config" in config)


def tensor_bytes(path: Path) -> list[tuple[str, int, int]]:
    """Of each tensor of a safetensors file its name, its bytes there, and its bytes if floating-point numbers were
    stored in fp32; from the file's header alone. Raises ModelError."""
    from safetensors import safe_open

    with (
        explaining(f"The weights in {path} cannot be read ({{}}). Save the model again."),
        safe_open(path, "numpy") as file,
    ):
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        found = []
        for name, tensor in slices.items():
            numbers, each = prod(tensor.get_shape()), _BYTES.get(tensor.get_dtype(), 1)
            found.append((name, numbers * each, numbers * (4 if tensor.get_dtype() in _FLOATS else each)))
        return found

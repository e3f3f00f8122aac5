"""What a model folder weighs: bytes on disk, and bytes in the precision it is evaluated in."""

import json
import struct
from math import prod
from pathlib import Path
from typing import Any

from compression.models.classifier import SCHEME_KEY

_FLOAT_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


def size_stored_bytes(folder: Path) -> int:
    """Sum of the sizes of all files in `folder`, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def size_bytes(folder: Path) -> int:
    """Bytes of the folder with weights counted in the precision they are evaluated in.

    A full-precision model runs in fp32 and counts 4 bytes a weight, also where its file holds fp16; a folder in one of
    this package's schemes counts what is on disk.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    stored = size_stored_bytes(folder)
    if SCHEME_KEY in config or "quantization_config" in config:
        return stored
    return stored + sum(
        int(prod(tensor["shape"])) * (4 - _FLOAT_BYTES[tensor["dtype"]])
        for path in folder.glob("*.safetensors")
        for tensor in tensors(path).values()
        if tensor["dtype"] in _FLOAT_BYTES
    )


def tensors(path: Path) -> dict[str, Any]:
    """The header of a safetensors file: each tensor's name with its `dtype`, `shape` and `data_offsets`."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header: dict[str, Any] = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return header

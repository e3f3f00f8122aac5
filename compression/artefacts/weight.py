"""What a model folder weighs: bytes on disk, and bytes in the precision it is evaluated in."""

import json
from math import prod
from pathlib import Path

from compression.methods.linear import is_linear
from compression.models.classifier import SCHEME_KEY, count_parameters, explaining, read_config
from compression.models.records import COMPRESSION_KEY

_FLOAT_BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}


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
    packed = config.get(COMPRESSION_KEY, {}).get("scheme", "none") != "none"
    if packed or SCHEME_KEY in config or "quantization_config" in config:
        return stored
    return stored + sum(_missing_bytes(path) for path in folder.glob("*.safetensors"))


def _missing_bytes(path: Path) -> int:
    """How many bytes the floating-point weights of a file would grow by if they were stored in fp32."""
    from safetensors import safe_open

    with (
        explaining(f"The weights in {path} cannot be read ({{}}). Save the model again."),
        safe_open(path, "numpy") as file,
    ):
        slices = [file.get_slice(name) for name in file.keys()]  # noqa: SIM118 - not a mapping
        return sum(prod(s.get_shape()) * (4 - _FLOAT_BYTES.get(s.get_dtype(), 4)) for s in slices)

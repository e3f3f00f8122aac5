"""What runs a model on this CPU: PyTorch, or ONNX Runtime where that was measured to be faster and to agree.

`measure.runtime.choose` measures; here its choice is kept, by the model's content, and followed:

    home/cache/runtimes/<what it holds for>.json   the choice, and what it rests on
                        <what it holds for>.onnx   the model as an fp32 graph, where it was exported for this
"""

import hashlib
import os
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from compression import cached
from compression.artefacts.folder import digest, load
from compression.artefacts.onnx import is_onnx, load_onnx
from compression.models.classifier import Classifier
from compression.models.device import cpu_flags, cpu_name
from compression.places import home

if TYPE_CHECKING:
    import torch

MAX_BYTES = 2_000_000_000  # of all kept; those unused for longest go first
PYTORCH, ONNX_RUNTIME = "PyTorch", "ONNX Runtime"


class Runtime(BaseModel):
    """What runs a model here, and why.

    `p50_ms` are the candidates' milliseconds for one URL, taken in turn on the same URLs. `difference` is the largest
    one between the probabilities of PyTorch and ONNX Runtime on `texts` URLs, `flipped` on how many of them the verdict
    differs; None where there was nothing to compare.
    """

    model_config = ConfigDict(frozen=True)

    name: Literal["PyTorch", "ONNX Runtime"]
    threads: int | None = None  # of ONNX Runtime, on one URL; None: all there are
    p50_ms: dict[str, float] = {}
    difference: float | None = None
    flipped: int | None = None
    texts: int = 0
    reason: str
    cpu: str
    cpu_flags: tuple[str, ...]


def known(folder: Path) -> Runtime | None:
    """The runtime chosen for the model in `folder` on this CPU with these versions, None if none has been yet.

    With COMPRESSION_RUNTIME=torch no choice is followed.
    """
    if not choosing():
        return None
    record, graph = places(folder)
    if (content := cached.read(record)) is None:
        return None
    try:
        runtime = Runtime.model_validate_json(content)
    except ValidationError:
        return None
    if runtime.name == ONNX_RUNTIME and not (is_onnx(folder) or graph.is_file()):
        return None
    return runtime


def choosing() -> bool:
    """Whether a runtime is chosen at all on this host (COMPRESSION_RUNTIME is not torch)."""
    return os.environ.get("COMPRESSION_RUNTIME", "auto").strip().casefold() != "torch"


def keep(folder: Path, runtime: Runtime, graph: bytes | None) -> None:
    """Keeps a choice for the model in `folder`, with the graph it exported. Raises OSError."""
    record, path = places(folder)
    if graph is not None:
        cached.write(path, graph)
    cached.write(record, runtime.model_dump_json().encode())
    cached.sweep(record.parent, MAX_BYTES)


def served(
    folder: Path, device: "torch.device", not_safe: str | None = None, runtime: Runtime | None = None
) -> Classifier:
    """The classifier in `folder` as `runtime` runs it, on the CPU; by its own means without one or on a GPU.

    Raises ModelError or ConfigError.
    """
    if runtime is None or runtime.name == PYTORCH or device.type != "cpu":
        return load(folder, device, not_safe)
    graph = None if is_onnx(folder) else places(folder)[1]
    return load_onnx(folder, not_safe, graph, runtime.threads)


def places(folder: Path) -> tuple[Path, Path]:
    """Where a choice for the model in `folder` is kept, and where its graph."""
    import torch

    host = [cpu_name(), *cpu_flags(), str(torch.get_num_threads())]
    key = hashlib.sha256("\n".join([digest(folder), *_versions(), *host]).encode()).hexdigest()
    base = home() / "cache" / "runtimes" / key
    return base.with_suffix(".json"), base.with_suffix(".onnx")


@cache
def _versions() -> tuple[str, ...]:
    """Read once: each costs some milliseconds, and every verdict asks."""
    return tuple(f"{name} {version(name)}" for name in ("torch", "transformers", "onnxruntime"))

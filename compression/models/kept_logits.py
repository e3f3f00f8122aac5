"""Logits that were computed before, kept on disk by everything they follow from.

    home/cache/logits/<sha256 of the parts of the key>.safetensors

The cache may be lost or broken at any time: what cannot be read is computed again, what cannot be written is not kept.
"""

import hashlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from compression import cached
from compression.places import home

if TYPE_CHECKING:
    import torch

MAX_BYTES = 500_000_000  # of all files; those unused for longest go first


def kept(key: Iterable[str], rows: int, compute: "Callable[[], torch.Tensor]") -> "torch.Tensor":
    """What `compute` returns, logits (rows, 2) float32 on the CPU, or the same bits from when the key was last used.

    The key names everything the logits follow from, its parts in order.
    """
    from safetensors.torch import save

    content = hashlib.sha256()
    for part in key:
        coded = part.encode("utf-8", "surrogatepass")
        content.update(len(coded).to_bytes(8, "little") + coded)  # so that no two keys run together
    path = home() / "cache" / "logits" / f"{content.hexdigest()}.safetensors"
    found = _read(path, rows)
    if found is None:
        found = compute()
        with suppress(OSError):
            cached.write(path, save({"logits": found.contiguous()}))
            cached.sweep(path.parent, MAX_BYTES)
    return found


def _read(path: Path, rows: int) -> "torch.Tensor | None":
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    if (content := cached.read(path)) is None:
        return None
    try:
        logits: torch.Tensor = load(content)["logits"]
    except (SafetensorError, KeyError, ValueError):
        return None
    if logits.shape != (rows, 2) or logits.dtype != torch.float32 or not torch.isfinite(logits).all():
        return None
    return logits

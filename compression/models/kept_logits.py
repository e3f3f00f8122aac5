"""Logits that were computed before, kept on disk by everything they follow from.

    home/cache/logits/<sha256 of the parts of the key>.safetensors

The cache may be lost or broken at any time: what cannot be read is computed again, what cannot be written is not kept.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from compression.places import home

if TYPE_CHECKING:
    import torch

MAX_BYTES = 500_000_000  # of all files; those unused for longest go first


def kept(key: Iterable[str], rows: int, compute: "Callable[[], torch.Tensor]") -> "torch.Tensor":
    """What `compute` returns, logits (rows, 2) float32 on the CPU, or the same bits from when the key was last used.

    The key names everything the logits follow from, its parts in order.
    """
    content = hashlib.sha256()
    for part in key:
        coded = part.encode("utf-8", "surrogatepass")
        content.update(len(coded).to_bytes(8, "little") + coded)  # so that no two keys run together
    path = home() / "cache" / "logits" / f"{content.hexdigest()}.safetensors"
    found = _read(path, rows)
    if found is None:
        found = compute()
        with suppress(OSError):
            _write(path, found)
            _sweep(path.parent)
    return found


def _read(path: Path, rows: int) -> "torch.Tensor | None":
    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        content = path.read_bytes()
        logits: torch.Tensor = load(content)["logits"]
    except (OSError, SafetensorError, KeyError, ValueError):
        return None
    if logits.shape != (rows, 2) or logits.dtype != torch.float32 or not torch.isfinite(logits).all():
        return None
    with suppress(OSError):
        path.touch()
    return logits


def _write(path: Path, logits: "torch.Tensor") -> None:
    """Writes all or nothing: no reader ever sees a half, and after a crash there is none."""
    from safetensors.torch import save

    content = save({"logits": logits.contiguous()})
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _sweep(folder: Path) -> None:
    """Removes the files unused for longest until the rest, abandoned drafts included, weigh at most `MAX_BYTES`."""
    files = []
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another process sweeps too
            files.append((path.lstat().st_mtime, path.lstat().st_size, path))
    weight = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if weight <= MAX_BYTES:
            return
        path.unlink(missing_ok=True)
        weight -= size

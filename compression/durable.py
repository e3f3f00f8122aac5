"""Files that a kill or a power cut leaves as they were or as they are to be, never in between."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def write(path: Path, fill: Callable[[Path], object]) -> None:
    """Puts into the place of `path` the file that `fill` writes where it is told to; it is on disk when this returns.

    Raises what `fill` raises and OSError; then `path` is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}")  # always the same: what a kill leaves of it, the next one writes over
    try:
        fill(draft)
        _flush(draft)
        draft.replace(path)
    except BaseException:
        with suppress(OSError):  # a disk that has become read-only is what the first error says
            draft.unlink(missing_ok=True)
        raise
    _flush(path.parent)


def sync(folder: Path) -> None:
    """Sees to it that all that lies in a folder is on disk. Raises OSError."""
    for path in (*folder.rglob("*"), folder, folder.parent):
        _flush(path)


def _flush(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

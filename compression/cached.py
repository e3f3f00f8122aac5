"""Files that may be lost at any time: written whole or not at all, and swept when they weigh too much."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Writes all or nothing: no reader ever sees a half, and after a crash there is none. Raises OSError."""
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


def read(path: Path) -> bytes | None:
    """The file's content, which counts as its last use; None if it cannot be had."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    with suppress(OSError):
        path.touch()
    return content


def sweep(folder: Path, max_bytes: int) -> None:
    """Removes the files unused for longest until the rest, abandoned drafts included, weigh at most `max_bytes`."""
    files = []
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # another process sweeps too
            files.append((path.lstat().st_mtime, path.lstat().st_size, path))
    weight = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if weight <= max_bytes:
            return
        path.unlink(missing_ok=True)
        weight -= size

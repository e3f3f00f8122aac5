"""The folders of what runs made: one a computation, below one place; a link there is removed, never followed."""

import logging
import os
import re
import shutil
import time
from collections.abc import Collection
from pathlib import Path

from compression.errors import StorageError

STRAY_SECONDS = 7 * 24 * 3600.0  # how long a folder stays that no run refers to

_LOG = logging.getLogger(__name__)
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_id(text: str) -> bool:
    """Whether this can be the id of a run, or of a computation."""
    return bool(_ID.fullmatch(text))


def remove(folder: Path) -> None:
    """Removes a folder with all that is in it, if it is there. Raises StorageError."""
    try:
        if folder.is_symlink():
            folder.unlink()
        elif folder.exists():
            shutil.rmtree(folder)
    except OSError as error:
        raise StorageError(f"{folder} cannot be removed ({error.strerror}). Remove it by hand.") from error


def size_bytes(folder: Path) -> int:
    """The bytes of all files in a folder; 0 if it is not there or cannot be read."""
    return sum(
        (Path(place) / name).lstat().st_size
        for place, _, names in os.walk(folder)
        for name in names
        if os.path.lexists(Path(place) / name)
    )


def touch(places: Path) -> None:
    """Lets the time after which a stray folder goes begin now, for every folder below `places`."""
    for folder in places.iterdir():
        os.utime(folder, follow_symlinks=False)


def sweep(places: Path, used: Collection[str]) -> None:
    """Removes what lies below `places`, is not named in `used`, and has not been touched for `STRAY_SECONDS`.

    Such folders are left by a database that broke, by a removal that failed, or by an import that was cut off.
    """
    for folder in places.iterdir():
        if folder.name in used or folder.lstat().st_mtime > time.time() - STRAY_SECONDS:
            continue
        try:
            remove(folder)
            _LOG.warning("%s belonged to no run for a week, and was removed", folder)
        except StorageError:
            _LOG.exception("%s belongs to no run, and stays", folder)

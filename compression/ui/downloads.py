"""Where files lie that visitors may download.

The folder's name is random, so that nobody else finds what is in it, and it goes after an hour, as uploads do.
"""

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gradio.utils import get_upload_folder

from compression.errors import ResourceError
from compression.ui.words import say

KEPT_SECONDS = 3600.0
MOST_BYTES = 4_000_000_000  # of all together: the oldest go first
_PREFIX = "download-"


@contextmanager
def folder_of_its_own() -> Iterator[Path]:
    """A folder that the page may hand out, and whose name nobody guesses; it stays if all goes well."""
    place = Path(get_upload_folder())
    _sweep(place)
    folder = place / f"{_PREFIX}{secrets.token_hex(24)}"
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError:
        raise ResourceError(say("download.no-room")) from None
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _sweep(place: Path) -> None:
    """Removes what is an hour old, which Gradio forgets when the server stops, and the oldest of what is too much."""
    held: list[tuple[float, int, Path]] = []
    for folder in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another visitor's call has just removed it
            size = sum(file.stat().st_size for file in folder.iterdir())
            held.append((folder.lstat().st_mtime, size, folder))
    together = 0
    for made, size, folder in sorted(held, reverse=True):
        together += size
        if made < time.time() - KEPT_SECONDS or together > MOST_BYTES:
            shutil.rmtree(folder, ignore_errors=True)

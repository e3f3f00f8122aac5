"""Files made for a visitor: each in a folder of its own that nobody guesses, which goes after an hour, as uploads do.

Gradio forgets what it handed out when the server stops, and leaves the folders; so whoever makes the next one looks.
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
MOST_BYTES = 4_000_000_000  # of all of a kind: the oldest go first


@contextmanager
def folder_of_its_own(prefix: str) -> Iterator[Path]:
    """A folder that the page may hand out, and whose name nobody guesses; it stays if all goes well.

    Raises ResourceError where there can be none.
    """
    place = Path(get_upload_folder())
    _sweep(place, prefix)
    folder = place / f"{prefix}{secrets.token_hex(24)}"
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError:
        raise ResourceError(say("file.no-room")) from None
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _sweep(place: Path, prefix: str) -> None:
    """Removes what is an hour old, and the oldest of what is too much together."""
    held: list[tuple[float, int, Path]] = []
    for folder in place.glob(f"{prefix}*"):
        with suppress(OSError):  # another visitor's call has just removed it
            size = sum(file.stat().st_size for file in folder.iterdir())
            held.append((folder.lstat().st_mtime, size, folder))
    together = 0
    for made, size, folder in sorted(held, reverse=True):
        together += size
        if made < time.time() - KEPT_SECONDS or together > MOST_BYTES:
            shutil.rmtree(folder, ignore_errors=True)

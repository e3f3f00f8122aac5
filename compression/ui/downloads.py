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
    """Removes what was made an hour ago: Gradio forgets it when the server stops, and leaves the folders."""
    for folder in place.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another visitor's call has just removed it
            if folder.lstat().st_mtime < time.time() - KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)

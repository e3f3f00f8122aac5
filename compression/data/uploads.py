"""Files that visitors brought, kept by what they hold: the same file twice is one.

    home/uploads/<sha256 of the content>.csv or .parquet, named in recipes as upload:<sha256>

On the page a file is read for those alone who brought it: whoever has a link to a run sees its address too.
"""

import hashlib
import os
import re
import tempfile
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from compression.config import RunConfig
from compression.data.files import SUFFIXES, read_table
from compression.errors import ConfigError, DataError, ResourceError, actionable
from compression.places import place

PREFIX = "upload:"
GONE = "The uploaded file is no longer here, or is another visitor's. Upload it, or choose other data."
MAX_BYTES = 5_000_000
MAX_ROWS = 20_000
MOST_UNUSED = 100  # uploads that no run uses; the oldest go first
UNUSED_SECONDS = 24 * 3600.0
_ADDRESS = re.compile(PREFIX + "([0-9a-f]{64})")


@dataclass(frozen=True)
class Upload:
    """Where an upload is to be found again, and how many rows it holds."""

    address: str
    rows: int


def brought_with(config: RunConfig, home: Path) -> list[str]:
    """The addresses of the uploads that a recipe reads, also of those that it names by their place on disk."""
    found = []
    for source in filter(None, (config.data, config.distillation.unlabelled)):
        if is_upload(source):
            found.append(source)
            continue
        with suppress(ConfigError):
            path = place(source).resolve()
            if path.is_relative_to(_folder(home).resolve()):
                found.append(PREFIX + path.stem)
    return found


def is_upload(source: str) -> bool:
    """Whether a recipe's data is meant to be an upload; its address may still be wrong."""
    return source.startswith(PREFIX)


def keep(
    file: Path,
    called: str,
    home: Path,
    announce: Callable[[str], None] = lambda address: None,
    max_bytes: int = MAX_BYTES,
) -> Upload:
    """Checks a file and copies it under `home`, its address being announced before it is there.

    Raises DataError, in which it is `called` so, or ResourceError.
    """
    suffix = file.suffix.lower()
    if suffix not in SUFFIXES:
        raise DataError(f"{called} is neither .csv nor .parquet. Save the data in one of these forms.")
    try:
        if file.stat().st_size > max_bytes:
            raise DataError(f"{called} is larger than {max_bytes / 1e6:g} MB. Give a smaller file.")
        table = read_table(file, called, MAX_ROWS)
        content = file.read_bytes()
        name = hashlib.sha256(content).hexdigest()
        announce(PREFIX + name)
        _write(_folder(home) / f"{name}{suffix}", content)
    except OSError as error:
        raise actionable(error) or ResourceError(
            f"{called} cannot be kept here ({error.strerror}). Free some disk space, or set COMPRESSION_HOME to a "
            "folder that can be written to."
        ) from error
    return Upload(PREFIX + name, len(table))


def find(address: str, home: Path) -> Path:
    """The file at an address. Raises DataError if there is none: it leaves with the last run that uses it."""
    found = _ADDRESS.fullmatch(address)
    paths = [_folder(home) / f"{found[1]}{suffix}" for suffix in SUFFIXES] if found else []
    for path in paths:
        if path.is_file() and not path.is_symlink():
            return path
    raise DataError(GONE)


def remove(address: str, home: Path) -> None:
    """Removes the file at an address, if there is one; a link is removed, never followed."""
    if found := _ADDRESS.fullmatch(address):
        for suffix in SUFFIXES:
            with suppress(OSError):  # what stays is swept later
                (_folder(home) / f"{found[1]}{suffix}").unlink(missing_ok=True)


def sweep(home: Path, used: Collection[str]) -> None:
    """Removes uploads that no run uses: those of yesterday, and all but the newest `MOST_UNUSED`."""
    changed = {PREFIX + path.stem: path.lstat().st_mtime for path in _folder(home).glob("[0-9a-f]*.*")}
    unused = sorted(changed.keys() - set(used), key=lambda address: -changed[address])
    for newer, address in enumerate(unused):
        if newer >= MOST_UNUSED or changed[address] < time.time() - UNUSED_SECONDS:
            remove(address, home)


def _folder(home: Path) -> Path:
    return home / "uploads"


def _write(path: Path, content: bytes) -> None:
    """Writes all or nothing, replacing whatever was there, so that an upload's age starts anew."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=".")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise

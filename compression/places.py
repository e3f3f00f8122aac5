"""Where things are on this host: paths as people type them, and whether strangers use the page."""

import os
from pathlib import Path

from compression.errors import ConfigError


def place(text: str) -> Path:
    """The path a person typed, `~` expanded. Raises ConfigError where it can be no path on this host."""
    try:
        path = Path(text).expanduser()
        path.stat()  # a name that is too long, holds a zero byte or leads back to itself fails here
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return path
    except (OSError, RuntimeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"{text[:80]!r} can be no path on this host ({reason}). Check it.") from None
    return path


def hosted() -> bool:
    """Whether this process runs on a Space, where visitors are strangers and must not reach the disk."""
    return bool(os.environ.get("SPACE_ID"))


def home() -> Path:
    """Where runs and uploads are kept: COMPRESSION_HOME, or ~/.compression-lab."""
    return Path(os.environ.get("COMPRESSION_HOME") or "~/.compression-lab").expanduser()

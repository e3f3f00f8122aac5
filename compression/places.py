"""Where things are on this host: paths as people type them, and whether strangers use the page."""

import os
import tempfile
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


def settle() -> Path | None:
    """Sees to it that runs, downloads and uploads have folders to go to; returns a temporary one, if runs or downloads
    have to go there.

    What COMPRESSION_HOME, HF_HOME and GRADIO_TEMP_DIR say stands. Otherwise downloads go where a Space puts what its
    README preloads, also if HOME points elsewhere; and what would go to a folder that cannot be written goes to a
    temporary one. Call it before huggingface_hub (or gradio, which imports it) reads its variables.
    """
    shared = str(Path(tempfile.gettempdir(), "gradio"))  # uploads; another account may have made it first
    places = {"COMPRESSION_HOME": "~/.compression-lab", "GRADIO_TEMP_DIR": shared}
    if not any(os.environ.get(name) for name in ("HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME")):
        places["HF_HOME"] = _preloaded() or "~/.cache/huggingface"
    unfit = [name for name, usual in places.items() if not os.environ.get(name) and not _fits(name, usual)]
    if not unfit:
        return None
    temporary = Path(tempfile.mkdtemp(prefix="compression-lab-"))
    for name in unfit:
        os.environ[name] = str(temporary / name.lower())
    return temporary if unfit != ["GRADIO_TEMP_DIR"] else None  # nobody misses an upload that has been kept


def _preloaded() -> str | None:
    """Where the Space's build has left models: below the home of this account, whatever HOME says."""
    if not hosted():
        return None
    import pwd

    try:
        found = Path(pwd.getpwuid(os.getuid()).pw_dir, ".cache", "huggingface")
    except KeyError:  # an account without a name has no home
        return None
    return str(found) if (found / "hub").is_dir() else None


def _fits(variable: str, usual: str) -> bool:
    """Whether a folder can be written, in which case `variable` names it."""
    try:
        folder = Path(usual).expanduser()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, RuntimeError):  # RuntimeError: nobody knows where the home is
        return False
    os.environ[variable] = str(folder)
    return True

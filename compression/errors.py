"""Everything that can go wrong in words a user can act on.

    CompressionError            exit code 2 on the command line, a message on the page
    ├── ConfigError             the recipe: which key, which value, what would be legal
    ├── DataError               rows, columns, labels, splits
    ├── ModelError              a model folder that cannot be used
    ├── UnsupportedError        legal, but not on this host: names the host's reason
    ├── ResourceError           disk, memory
    └── StorageError            the runs kept on disk
    RunCancelled                not an error: how `report` stops a run
    └── RunInterrupted          one that is to go on later

Every message is one sentence or two: what is wrong, then what to do.
"""

import errno
import os


class CompressionError(Exception):
    """Base of all errors a user can act on; `str(error)` is the sentence to show."""


class ConfigError(CompressionError):
    """A recipe that cannot be run; `key` is the dotted recipe key at fault, or None."""

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key

    def __reduce__(self) -> tuple[type, tuple[str, str | None]]:
        return type(self), (str(self), self.key)


class DataError(CompressionError):
    """Data that cannot be read or trained on."""


class ModelError(CompressionError):
    """A model folder that is missing, broken, unsafe or of the wrong kind."""


class UnsupportedError(CompressionError):
    """Something this host cannot do; the message gives the host's reason."""


class ResourceError(CompressionError):
    """The host ran out of something: disk or memory."""


class StorageError(CompressionError):
    """The store of runs cannot be read or written."""


class RunCancelled(Exception):
    """Raised by `report` inside a run to stop it; only the owner of the run catches it."""


class RunInterrupted(RunCancelled):
    """Stops a run that shall go on later: a training keeps how far it is before it lets it through."""


def actionable(error: BaseException) -> CompressionError | None:
    """`error` as something the user can act on (out of memory, disk full), or None if it is a bug of ours."""
    if isinstance(error, CompressionError):
        return error
    if out_of_memory(error):
        return ResourceError(
            "The host ran out of memory. Use a smaller batch size, fewer or narrower layers, "
            "or a shorter maximum length."
        )
    if disk_full(error):
        return ResourceError("The disk is full. Free some space, or delete runs you no longer need, and run again.")
    return None


def out_of_memory(error: BaseException) -> bool:
    """Whether the host or its GPU had no memory left; torch has its own error for a GPU, and words for the rest."""
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "can't allocate memory" in str(error)
    )


def disk_full(error: BaseException) -> bool:
    """Whether a file could not be written for want of space, or because the host lets none grow so large."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return True
    # safetensors reports it as an error of its own kind, with the system's words in it
    return any(os.strerror(number) in str(error) for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def sentence(error: object) -> str:
    """The words of an error on one line; what a visitor typed may stand in them, and must not move the cursor."""
    return " ".join("".join(c if c.isprintable() else " " for c in str(error)).split())

"""The files and repositories that the stand-in holds."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LARGE = 1_000_000
LARGE_SUFFIXES = (".safetensors", ".bin", ".parquet", ".h5", ".onnx")
PIECE = 1 << 16


@dataclass
class Stored:
    """A file of a repository: on disk as `path`, or pushed as `content`."""

    path: Path | None = None
    content: bytes = b""

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path else len(self.content)

    def pieces(self, start: int = 0) -> Iterator[bytes]:
        if self.path is None:
            yield self.content[start:]
            return
        with self.path.open("rb") as file:
            file.seek(start)
            while piece := file.read(PIECE):
                yield piece

    def digest(self, kind: str) -> str:
        content = hashlib.sha256() if kind == "sha256" else hashlib.sha1(b"blob %d\0" % self.size)
        for piece in self.pieces():
            content.update(piece)
        return content.hexdigest()


@dataclass
class StoredRepo:
    """A repository at its one commit; `files` by path."""

    id: str
    files: dict[str, Stored]
    private: bool = False
    sha: str = ""
    oids: dict[str, tuple[str, str | None]] = field(default_factory=dict)  # path → git SHA-1, SHA-256 if large

    def commit(self) -> None:
        """Makes what `files` holds the newest commit."""
        for path, stored in self.files.items():
            large = is_large(path, stored.size)
            sha256 = stored.digest("sha256") if large else None
            pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {stored.size}\n"
            git = Stored(content=pointer.encode()) if large else stored
            self.oids[path] = (git.digest("sha1"), sha256)
        listing = json.dumps([self.id, *((path, self.oids[path]) for path in sorted(self.files))])
        self.sha = hashlib.sha1(listing.encode()).hexdigest()


def is_large(path: str, size: int) -> bool:
    """Whether the Hub would keep a file apart from the repository, as LFS."""
    return size > LARGE or path.endswith(LARGE_SUFFIXES)

"""The Hub's own cache folder: where a repository's files lie, and fetching one into it so that a retry resumes."""

import errno
import hashlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compression.catalog import BUNDLED
from compression.errors import ResourceError
from compression.hub.connection import Repo, endpoint, explain, failures, online, require_online, token_to_send

if TYPE_CHECKING:
    import httpx2

Transfer = Callable[[str, int, int], None]  # what is being done, bytes done, bytes in all; may raise to stop it

COMMIT = re.compile(r"[0-9a-f]{40}")
_REPORT_SECONDS = 0.2
_CONNECT_SECONDS, _READ_SECONDS = 2.0, 4.0


def ignore(doing: str, done_bytes: int, total_bytes: int) -> None:
    """A `report` that does nothing."""


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository; its content is known by SHA-256 (large files) or by git's SHA-1."""

    name: str
    size: int
    sha256: str | None
    git_sha1: str

    @property
    def key(self) -> str:
        """The name of its content in the cache."""
        return self.sha256 or self.git_sha1


def storage(repo: Repo) -> Path:
    """The folder of the cache that holds all of a repository."""
    from huggingface_hub import constants

    return Path(constants.HF_HUB_CACHE) / f"{repo.kind}s--{repo.id.replace('/', '--')}"


def snapshot(repo: Repo, sha: str) -> Path:
    """The folder with a repository's files at a commit (absent while none was fetched)."""
    return storage(repo) / "snapshots" / sha


def known_commits(repo: Repo) -> list[str]:
    """Commits in the cache that stand for the revision, the likeliest first; none of them need be complete.

    A pinned commit stands for `main` only where the Hub cannot be asked which one that is.
    """
    if COMMIT.fullmatch(repo.revision):
        return [repo.revision]
    reference = storage(repo) / "refs" / repo.revision
    named = [reference.read_text(encoding="utf-8").strip()] if reference.is_file() else []
    if named or repo.revision != "main" or online():
        return named
    folders = (folder for folder in storage(repo).glob("snapshots/*") if COMMIT.fullmatch(folder.name))
    newest_first = sorted(folders, key=lambda folder: folder.stat().st_mtime, reverse=True)
    return [folder.name for folder in newest_first]


def remember_revision(repo: Repo, sha: str) -> None:
    """Notes that `repo.revision` stands for the commit `sha`, for the next time without a network."""
    if repo.revision != sha:
        write_atomically(storage(repo) / "refs" / repo.revision, sha)


def write_atomically(path: Path, text: str) -> None:
    """Writes a small text file so that no reader sees half of it. Raises ResourceError."""
    with _writing(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)


def download_all(
    repo: Repo, sha: str, files: Sequence[RemoteFile], report: Transfer = ignore, token: str | None = None
) -> list[Path]:
    """Paths of `files` in the cache, at the commit `sha`, fetched where they are not there yet.

    Raises HubError or ResourceError in a sentence, and whatever `report` raises; what has arrived is kept either way,
    and the next call goes on from there.
    """
    missing = [file for file in files if not has(repo, sha, file)]
    total = sum(file.size for file in missing)
    if missing:
        require_online(repo)
        _check_space(repo, total)
    done = 0
    for file in missing:

        def arrived(size: int, doing: str = f"Downloading {repo.id}: {file.name}", before: int = done) -> None:
            report(doing, before + size, total)

        try:
            _download(repo, sha, file, arrived, token)
        except failures() as error:
            raise repo.refused(explain(repo, error)) from None
        done += file.size
    return [snapshot(repo, sha) / file.name for file in files]


def has(repo: Repo, sha: str, file: RemoteFile) -> bool:
    """Whether the file is in the cache, whole."""
    path = snapshot(repo, sha) / file.name
    return path.is_file() and path.stat().st_size == file.size


def _download(repo: Repo, sha: str, file: RemoteFile, arrived: Callable[[int], None], token: str | None) -> None:
    import httpx2

    blob = storage(repo) / "blobs" / file.key
    partial = blob.with_name(f"{file.key}.incomplete")
    with _writing(storage(repo)), _locked(repo, file, lambda: arrived(0)):
        blob.parent.mkdir(parents=True, exist_ok=True)
        if not (blob.is_file() and blob.stat().st_size == file.size):
            if not partial.is_file() or _size(partial) < file.size:
                try:
                    with _opened(repo, sha, file, _size(partial), token) as response:
                        _append(response, partial, file, arrived)
                except (httpx2.RemoteProtocolError, httpx2.ReadTimeout, httpx2.ReadError):
                    if not _size(partial):  # not one byte: there is nothing to go on from
                        raise
            _accept(repo, file, partial, blob)
        _point(snapshot(repo, sha) / file.name, blob)
    arrived(file.size)


@contextmanager
def _opened(repo: Repo, sha: str, file: RemoteFile, start: int, token: str | None) -> "Iterator[httpx2.Response]":
    """The file's content from byte `start` on, as a stream. Raises HubError, and httpx2's errors while it is read."""
    import httpx2
    from huggingface_hub import get_session, hf_hub_url, hf_raise_for_status

    url = hf_hub_url(repo.id, file.name, repo_type=repo.kind, revision=sha, endpoint=endpoint())
    headers = {"Accept-Encoding": "identity"}
    if secret := token_to_send(token):
        headers["Authorization"] = f"Bearer {secret}"  # httpx2 drops it where the Hub sends us on to another host
    if 0 < start < file.size:
        headers["Range"] = f"bytes={start}-"
    timeout = httpx2.Timeout(_READ_SECONDS, connect=_CONNECT_SECONDS)
    with get_session().stream("GET", url, headers=headers, timeout=timeout) as response:
        hf_raise_for_status(response)
        yield response


def _append(response: "httpx2.Response", partial: Path, file: RemoteFile, arrived: Callable[[int], None]) -> None:
    """Writes the stream behind what is there (or anew, if the server starts from the beginning)."""
    reported = float("-inf")
    with partial.open("ab" if response.status_code == 206 else "wb") as target:
        for chunk in response.iter_bytes():
            target.write(chunk)
            if target.tell() > file.size:  # more than announced: do not fill the disk; the checksum will refuse it
                return
            if time.monotonic() - reported >= _REPORT_SECONDS:
                arrived(target.tell())
                reported = time.monotonic()


def _accept(repo: Repo, file: RemoteFile, partial: Path, blob: Path) -> None:
    """Makes the partial file the content in the cache if it is what the Hub announced."""
    size = _size(partial)
    if size < file.size:
        raise repo.refused(
            f"The download of {repo.id} broke off ({file.name}, {size / 1e6:.1f} of {file.size / 1e6:.1f} MB). "
            "Try again: it goes on from there."
        )
    if size > file.size or _checksum(partial, file) != file.key:
        partial.unlink()
        raise repo.refused(
            f"{file.name} of {repo.id} arrived damaged: it is not what the Hub announced. "
            f"Try again to fetch it anew, or use '{BUNDLED}'."
        )
    partial.replace(blob)


def _checksum(path: Path, file: RemoteFile) -> str:
    content = hashlib.sha256() if file.sha256 else hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            content.update(chunk)
    return content.hexdigest()


def _point(path: Path, blob: Path) -> None:
    """Puts `path` into the snapshot: a link to the content, or the content itself where links are not possible."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    try:
        path.symlink_to(os.path.relpath(blob, path.parent))
    except OSError:
        shutil.move(blob, path)


@contextmanager
def _locked(repo: Repo, file: RemoteFile, waiting: Callable[[], None]) -> Iterator[None]:
    """Keeps others (huggingface_hub itself, too) from fetching the same content; `waiting` is called while they do."""
    from filelock import FileLock, Timeout

    path = storage(repo).parent / ".locks" / storage(repo).name / f"{file.key}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    while not lock.is_locked:
        waiting()
        try:
            lock.acquire(timeout=0.5)
        except Timeout:
            continue
    try:
        yield
    finally:
        lock.release()


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Turns what the disk refuses into a ResourceError; the Hub's own errors pass."""
    from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

    try:
        yield
    except (HfHubHTTPError, OfflineModeIsEnabled):
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ResourceError(f"The disk is full, so {folder.name} was not fetched. Free some space first.") from None
        raise ResourceError(
            f"The Hub's cache {folder} cannot be written ({error.strerror or error}). "
            "Set HF_HOME to a folder that can be, and start again."
        ) from None


def _check_space(repo: Repo, needed: int) -> None:
    existing = next(folder for folder in (storage(repo), *storage(repo).parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise ResourceError(
            f"{repo.id} needs {needed / 1e6:,.0f} MB and the disk has {free / 1e6:,.0f} MB left. Free some space first."
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0

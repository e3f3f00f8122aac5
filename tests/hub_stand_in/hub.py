"""The Hub itself: its repositories, what was asked of it, and what it is told to do wrong."""

import threading
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Literal

from hub_stand_in.routes import Handler, Request
from hub_stand_in.stored import Stored, StoredRepo

Failure = Literal[
    "missing",  # no such repository (401 for the nameless, as the Hub does it)
    "private",  # the same, seen from outside
    "gated",  # listed, but its files are refused
    "disabled",
    "rate-limited",  # 429 with Retry-After
    "broken",  # 500
    "hang",  # accepts, never answers
    "sign-in page",  # 200 and HTML, as a hotel's network does
    "truncated",  # half of a file, then the connection ends
    "stall",  # half of a file, then silence
    "damaged",  # a file with one byte changed
    "slow",  # a file in 64 pieces, each after `hub.step` was set
]
WHILE_SERVING = ("truncated", "stall", "damaged", "slow")


class HubStandIn:
    """A Hub on a free port of 127.0.0.1, from `with` to the end of its block."""

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], StoredRepo] = {}
        self.requests: list[Request] = []
        self.uploads: dict[str, bytes] = {}
        self.step = threading.Semaphore(0)  # release it to let "slow" send its next piece
        self._failures: dict[str, tuple[str, int | None]] = {}
        self._renamed: dict[tuple[str, str], str] = {}
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("HandlerOfThis", (Handler,), {"stand_in": self}))
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "HubStandIn":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        self.step.release(10_000)
        self._server.shutdown()
        self._server.server_close()

    def add_model(self, repo_id: str, folder: Path, private: bool = False) -> str:
        """Serves the files of `folder` as a model; returns the commit. The same id again is a new commit."""
        return self._add("models", repo_id, folder, private)

    def add_dataset(self, repo_id: str, folder: Path, private: bool = False) -> str:
        """Serves the files of `folder` as a data set; returns the commit."""
        return self._add("datasets", repo_id, folder, private)

    def rename(self, old: str, new: str, kind: str = "models") -> None:
        """Moves a repository; the old id redirects to the new one, as on the Hub."""
        repo = self.repos.pop((kind, old))
        repo.id = new
        self.repos[kind, new] = repo
        self._renamed[kind, old] = new

    def fail(self, repo_id: str, failure: Failure, times: int | None = None) -> None:
        """Makes a repository fail, always or so many times; `repo_id` "*" is the Hub as a whole."""
        self._failures[repo_id] = (failure, times)

    def heal(self, repo_id: str) -> None:
        """Ends a failure."""
        self._failures.pop(repo_id, None)

    def asked(self, part: str) -> list[Request]:
        """The requests whose path has `part` in it, in order."""
        return [request for request in self.requests if part in request.path]

    def failure(self, repo_id: str, serving: bool) -> str | None:
        """What is wrong with a repository now; counts down where it is wrong only so many times."""
        for key in (repo_id, "*"):
            kind, left = self._failures.get(key, (None, None))
            if kind is None or (kind in WHILE_SERVING) != serving:
                continue
            if left is not None:
                self._failures[key] = (kind, left - 1)
                if left == 1:
                    self.heal(key)
            return kind
        return None

    def wait_for_the_end(self) -> None:
        """Returns when the stand-in closes: how a hanging answer hangs."""
        self._closing.wait(60)

    def resolve(self, kind: str, repo_id: str) -> str:
        """The id under which a repository is found now."""
        return self._renamed.get((kind, repo_id), repo_id)

    def _add(self, kind: str, repo_id: str, folder: Path, private: bool) -> str:
        files = {p.relative_to(folder).as_posix(): Stored(p) for p in sorted(folder.rglob("*")) if p.is_file()}
        repo = StoredRepo(repo_id, files, private)
        repo.commit()
        self.repos[kind, repo_id] = repo
        return repo.sha

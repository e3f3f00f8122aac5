"""Which runtime serves a model soonest is found behind the page, in a process of its own, one model at a time.

Until then, and wherever it fails, PyTorch answers.
"""

import atexit
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue

_PRIORITY = 10  # nice: verdicts and training go first
_MOST_SECONDS = 600.0


class Choosing:
    """A queue of model folders, and the thread that has each of them measured once."""

    def __init__(self) -> None:
        self._waiting: SimpleQueue[list[str]] = SimpleQueue()
        self._asked: set[str] = set()
        self._done = threading.Condition()  # guards all below
        self._left = 0  # not yet measured
        self._thread: threading.Thread | None = None
        self._going: subprocess.Popen[bytes] | None = None
        atexit.register(self._stop)

    def consider(
        self, folders: Mapping[str, Path], not_safe: Mapping[str, str | None], recipe: Path | None = None
    ) -> None:
        """Has a runtime chosen for each of these models that has none yet, on the data of `recipe` (a config.json).

        `not_safe` are classes by the model's name. Returns at once.
        """
        from compression.artefacts.folder import digest
        from compression.models.device import here
        from compression.predict.runtime import choosing, known

        if not choosing() or here().type != "cpu":
            return
        for name, folder in folders.items():
            with self._done:
                if (held := digest(folder)) in self._asked:
                    continue
                self._asked.add(held)
            if known(folder) is None:
                options = ["--recipe", str(recipe)] if recipe and recipe.is_file() else []
                classes = ["--not-safe", chosen] if (chosen := not_safe.get(name)) else []
                with self._done:
                    self._left += 1
                self._waiting.put([str(folder), *options, *classes])
        with self._done:
            if self._thread is None and self._left:
                self._thread = threading.Thread(target=self._work, name="choosing", daemon=True)
                self._thread.start()

    def settled(self, timeout: float) -> bool:
        """Whether all that was asked for has been measured within so many seconds; for tests and scripts."""
        with self._done:
            return self._done.wait_for(lambda: self._left == 0, timeout)

    def _work(self) -> None:
        while True:
            arguments = self._waiting.get()
            command = [sys.executable, "-m", "compression", "runtime", *arguments, "--json"]
            nothing = subprocess.DEVNULL
            with suppress(OSError, subprocess.TimeoutExpired):  # no memory for a process: PyTorch goes on answering
                self._going = subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing)
                os.setpriority(os.PRIO_PROCESS, self._going.pid, _PRIORITY)
                self._going.wait(_MOST_SECONDS)
            self._stop()
            with self._done:
                self._left -= 1
                self._done.notify_all()

    def _stop(self) -> None:
        if self._going is not None and self._going.poll() is None:
            self._going.kill()
            self._going.wait()


CHOOSING = Choosing()

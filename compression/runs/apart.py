"""A run in a process of its own: it can be stopped wherever it is, and what kills it leaves the page alone.

    worker's thread ── recipe, folder ──▶ child: pipeline(config, report, folder)
       report(event) ◀── event, event, … ──┤          stops at its next report once it is told to,
        return, raise ◀── result or error ──┘          and is killed if it comes to none in time

The child serves the runs that follow too, for it takes seconds to import the libraries, and ends when nothing has come
for a while, or when its parent has gone.
"""

import multiprocessing
import os
import queue
import signal
import tempfile
import threading
import time
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from compression.config import RunConfig
from compression.errors import ResourceError, RunCancelled, RunInterrupted, actionable
from compression.events import Event, Watch
from compression.result import Result
from compression.runs.worker import Pipeline

_LOOK_S = 0.25  # how often the worker is asked whether a run that reports nothing may go on
_CANCEL_S, _INTERRUPT_S = 2.0, 6.0  # how long a run may take to stop; one that is to go on later has more to write
_IDLE_S = 300.0
_FIRST_TO_GO = b"500"  # of -1000 to 1000: whom Linux kills when memory runs out

_SIGKILL, _SIGTERM = -9, -15  # as exit codes

_KILLED = (
    "The system ended this run's process, most likely because memory ran out. Use a smaller batch size, a smaller "
    "student, a shorter maximum length or less data; Resume goes on with the recipe as it is."
)


class Apart:
    """A pipeline that computes in a child process; called like the one it is made from, by one thread.

    The child is started by the first call. `pipeline` must pickle: a function of a module does. Of the host's GPUs the
    child sees the one of the id `gpu`, or all.
    """

    def __init__(self, pipeline: Pipeline, gpu: str | None = None) -> None:
        self.gpu = gpu
        self._pipeline = pipeline
        self._child: _Child | None = None

    def __call__(self, config: RunConfig, report: Watch, folder: Path) -> Result:
        """What the pipeline returns or raises, and what `report` raises: that stops the child.

        Raises ResourceError when the system has killed the child.
        """
        while True:
            if self._child is None or not self._child.alive():
                self.close()
                self._child = _Child(self._pipeline, self.gpu)
            try:
                return self._child.answer(config, folder, report)
            except _Gone as gone:
                if gone.code == _SIGKILL:
                    raise ResourceError(_KILLED) from None
                if gone.code == _SIGTERM:  # while it was still importing
                    raise RunInterrupted from None
                if gone.code != 0:  # else it has gone for want of work, before it took this in
                    raise RuntimeError(f"The process of a run ended by itself, with code {gone.code}.") from None

    def close(self) -> None:
        """Ends the child, if there is one; what it was doing is lost."""
        if self._child is not None:
            self._child.end()
            self._child = None


class _Gone(Exception):
    """The child has ended, with this exit code."""

    def __init__(self, code: int | None) -> None:
        super().__init__(code)
        self.code = code


class _Child:
    """A child process as its parent sees it, and what it leaves in the system's folder for temporary files."""

    def __init__(self, pipeline: Pipeline, gpu: str | None) -> None:
        self._scratch = tempfile.TemporaryDirectory(prefix="compression-", ignore_cleanup_errors=True)
        spawning = multiprocessing.get_context("spawn")  # a fork would share locks with threads it does not have
        self._pipe, theirs = spawning.Pipe()
        arguments = (theirs, pipeline, self._scratch.name, gpu)
        self._process = spawning.Process(target=_serve, args=arguments, name="run", daemon=True)
        self._process.start()
        theirs.close()

    def alive(self) -> bool:
        """Whether it has not ended."""
        return self._process.is_alive()

    def answer(self, config: RunConfig, folder: Path, report: Watch) -> Result:
        """Hands it a recipe and passes on what it reports, until it returns or raises.

        Raises `_Gone` if it ends without.
        """
        self._send((config, folder))
        while True:
            kind, content = self._next()
            if kind in ("event", "nothing"):
                try:
                    report(content)
                except BaseException as reason:
                    self._stop(reason)
                    raise
            elif kind == "result":
                result: Result = content
                return result
            elif kind == "error":
                raise content
            else:
                raise RuntimeError(f"In the process of a run: {content}")

    def end(self) -> None:
        """Kills it, unless it has ended, and takes away what it left."""
        self._process.kill()
        self._process.join()
        self._pipe.close()
        self._scratch.cleanup()

    def _next(self) -> tuple[str, Any]:
        try:
            message: tuple[str, Any] = self._pipe.recv() if self._pipe.poll(_LOOK_S) else ("nothing", None)
        except (EOFError, OSError):
            raise self._gone() from None
        return message

    def _send(self, message: Any) -> None:
        try:
            self._pipe.send(message)
        except OSError:
            raise self._gone() from None

    def _gone(self) -> _Gone:
        self._process.join(_CANCEL_S)
        code = self._process.exitcode  # None where it has let go of us, and hangs
        self._process.kill()
        self._process.join(_CANCEL_S)
        return _Gone(code)

    def _stop(self, reason: BaseException) -> None:
        """Has the run stop for good if it was cancelled, else so that it can go on; kills it if it does not do so."""
        cancelled = isinstance(reason, RunCancelled) and not isinstance(reason, RunInterrupted)
        deadline = time.monotonic() + (_CANCEL_S if cancelled else _INTERRUPT_S)
        with suppress(_Gone):
            self._send(RunCancelled if cancelled else RunInterrupted)
            while time.monotonic() < deadline:
                if self._next()[0] not in ("event", "nothing"):
                    return
        self.end()


def _serve(pipe: Connection, pipeline: Pipeline, scratch: str, gpu: str | None) -> None:
    """Runs in the child: one recipe after the other, until nothing comes any more."""
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu  # read once, by the first who asks CUDA for anything
    tempfile.tempdir = os.environ["TMPDIR"] = scratch
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: the page decides what becomes of its run
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_bytes(_FIRST_TO_GO)
    recipes: queue.SimpleQueue[tuple[RunConfig, Path]] = queue.SimpleQueue()
    told = _Told()
    signal.signal(signal.SIGTERM, told.interrupt)  # of a system that ends all processes at once
    threading.Thread(target=_listen, args=(pipe, recipes, told), name="parent", daemon=True).start()
    with suppress(queue.Empty, OSError):
        while not told.ending:
            config, folder = recipes.get(timeout=_IDLE_S)
            told.computing = True
            pipe.send(_outcome(pipe, pipeline, config, folder, told))
            told.computing = False


class _Told:
    """What the child has been told by others: how to stop what it computes, and whether to end then."""

    def __init__(self) -> None:
        self.stop: type[RunCancelled] | None = None
        self.ending = self.computing = False

    def interrupt(self, *_: object) -> None:
        self.stop, self.ending = RunInterrupted, True
        if not self.computing:
            raise SystemExit


def _listen(pipe: Connection, recipes: "queue.SimpleQueue[tuple[RunConfig, Path]]", told: _Told) -> None:
    """Takes in recipes and the wish to stop, and ends this process with its parent."""
    try:
        while True:
            message = pipe.recv()
            if isinstance(message, tuple):
                told.stop = None  # what came too late for the last one is not meant for this one
                recipes.put(message)
            else:
                told.stop = message
    finally:
        os._exit(1)


def _outcome(pipe: Connection, pipeline: Pipeline, config: RunConfig, folder: Path, told: _Told) -> tuple[str, Any]:
    sending = threading.Lock()  # a step may report from more than one thread

    def report(event: Event | None) -> None:
        if told.stop is not None:
            raise told.stop
        with sending:
            pipe.send(("event", event))

    try:
        return "result", pipeline(config, report, folder)
    except RunCancelled as stopped:
        return "error", type(stopped)()
    except Exception as error:  # another process is waiting: whatever it was must reach it
        reason = actionable(error)
        return ("bug", traceback.format_exc()) if reason is None else ("error", reason)

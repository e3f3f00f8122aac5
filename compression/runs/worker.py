"""The life of runs on the server: the threads that take one computation after the other from start to end.

    submit ▶ queued ▶ running ▶ succeeded | failed | cancelled | interrupted
      ▲        └──── cancel ─────────────────────▲        (by the end of the process)
      └──────────── resume ◀ failed, interrupted

Visitors only submit, ask to cancel or to go on, and look. The pipelines are arguments, so that runs know nothing of
models; each has a thread.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from compression.config import RunConfig
from compression.data import uploads
from compression.errors import CompressionError, RunCancelled, RunInterrupted, actionable, sentence
from compression.events import Event, Watch
from compression.hub import keys_at_fault
from compression.result import Result
from compression.runs import folders
from compression.runs.estimate import Past
from compression.runs.history import UNDO_SECONDS
from compression.runs.line import Line
from compression.runs.snapshot import Status
from compression.runs.store import INTERRUPTED, RunStore
from compression.runs.work import Work
from compression.settings import Limits

Pipeline = Callable[[RunConfig, Watch, Path], Result]

_LOG = logging.getLogger(__name__)
_NICE = 5  # on top of the process's own
_LOOK_ROUND_S = 60.0  # how often an idle worker completes what was deleted

_OUR_BUG = "Something went wrong that should not have. The server's log says what; press Run to try again."


class Runs(Line):
    """All runs of a server, and the workers that compute them: one for each pipeline, which calls it and no other.

    `pipeline(config, report, folder)` does the work of a run and leaves its files in `folder`; where an earlier attempt
    was cut off, it finds there what that one left, and goes on from it. A visitor has one run computed at a time,
    however many workers are free. Whatever is deleted can be had back for `undo_seconds`.
    """

    def __init__(
        self,
        store: RunStore,
        *pipelines: Pipeline,
        precomputed: Path | None = None,
        limits: Limits | None = None,
        undo_seconds: float = UNDO_SECONDS,
    ) -> None:
        super().__init__(store, len(pipelines), precomputed, limits or Limits(), undo_seconds)
        self._pipelines = pipelines
        self._stopping = False
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Starts the workers, unless one is going already."""
        with self._changed:
            if not any(thread.is_alive() for thread in self._threads):
                self._stopping = False
                self._threads = [
                    threading.Thread(target=self._work, args=(pipeline,), name="runs", daemon=True)
                    for pipeline in self._pipelines
                ]
                for thread in self._threads:
                    thread.start()

    def stop(self, timeout: float) -> None:
        """Stops the workers, waiting at most `timeout` seconds; the runs that are going on become interrupted.

        One does so also where it does not come to a report in time; then nothing it reports counts any more.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            threads = self._threads
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        with self._changed:
            for work in [*self._running]:
                self._end(work, "interrupted", INTERRUPTED)

    def keep_upload(self, file: Path, called: str, owner: str) -> uploads.Upload:
        """Keeps a visitor's file where recipes find it, and clears away what nobody came to use.

        Raises DataError, in which the file is `called` so, ResourceError or StorageError.
        """

        def bring(address: str) -> None:
            with self._changed:  # not while another's last run is being deleted, and with it this very file
                self._store.bring(address, owner)

        kept = uploads.keep(file, called, self._store.home, bring, self.limits.upload_bytes)
        with self._changed:
            uploads.sweep(self._store.home, self._store.uploads_in_use())
        return kept

    def _work(self, pipeline: Pipeline) -> None:
        _give_way()
        while (work := self._next()) is not None:
            self._go_through(work, pipeline)

    def _next(self) -> Work | None:
        with self._changed:
            while not self._changed.wait_for(lambda: self._beginning() or self._stopping, _LOOK_ROUND_S):
                self._clear_up(set())
            if self._stopping:
                return None
            work = self._beginning()[0]
            self._waiting.remove(work)
            self._running.append(work)
            work.ahead, work.start_at = 0, time.time()
            for run in work.runs.values():
                begun = replace(run, status="running", started=work.start_at, changes=run.changes + 1)
                work.runs[run.run_id] = begun
            self._last_turns |= dict.fromkeys(work.owners(), work.start_at)
            self._arrange()
            return work

    def _go_through(self, work: Work, pipeline: Pipeline) -> None:
        try:
            with self._changed:
                self._store.save(*work.runs.values())
                context = next(iter(work.contexts.values()))
            folder = self._store.folder(work.id)
            folder.mkdir(parents=True, exist_ok=True)
            deadline = time.monotonic() + self.limits.wall_seconds
            result = context.run(pipeline, work.config, partial(self._report, work, deadline), folder)
        except RunCancelled as stopped:
            if work.overdue:
                self._end(work, "failed", _overdue(self.limits))
            elif isinstance(stopped, RunInterrupted) and not work.cancelled.is_set():
                self._end(work, "interrupted", INTERRUPTED)
            else:
                self._end(work, "cancelled")
        except Exception as error:  # whatever it was, it ends this computation and no other
            if not isinstance(error, CompressionError):
                _LOG.exception("The runs %s failed", ", ".join(work.runs))
            self._end(work, "failed", _sentence(error), at_fault=keys_at_fault(error, work.config))
        else:
            self._end(work, "succeeded", result=result)

    def _report(self, work: Work, deadline: float, event: Event | None) -> None:
        work.overdue = time.monotonic() > deadline
        if work.cancelled.is_set() or work.over:
            raise RunCancelled
        if work.overdue or self._stopping:
            raise RunInterrupted
        if event is not None:
            work.take_in(event, self._store)

    def _end(
        self,
        work: Work,
        status: Status,
        error: str | None = None,
        result: Result | None = None,
        at_fault: tuple[str, ...] = (),
    ) -> None:
        with self._changed:
            if work.over:
                return
            work.over = True
            self._running.remove(work)
            size = folders.size_bytes(self._store.folder(work.id))
            for run in work.runs.values():
                ended = replace(run, status=status, ended=time.time(), changes=run.changes + 1, size_bytes=size)
                work.runs[run.run_id] = replace(ended, error=error, result=result, at_fault=at_fault)
            try:
                if status != "cancelled":  # else a follower who has just resumed goes on from what is on disk
                    work.write(self._store)
                self._store.save(*work.runs.values())
                for run_id in work.runs:
                    del self._live[run_id]
            except Exception:  # the runs then end in memory only; the next one must get its turn
                _LOG.exception("The end of the runs %s could not be written", ", ".join(work.runs))
            if status == "cancelled":
                for run in work.runs.values():
                    self._without_files(run)
            if result is not None:
                self._past.insert(0, Past.of(work.config, sum(stage.seconds for stage in result.stages)))
            self._clear_up({work.id})
            self._arrange()


def _give_way() -> None:
    """Has this thread, and those that compute for it, give way to verdicts (on Linux a thread has its own priority)."""
    with suppress(OSError, AttributeError):
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) + _NICE)


def _overdue(limits: Limits) -> str:
    minutes = limits.wall_seconds / 60
    return (
        f"This run has taken the {minutes:,.0f} minutes that a run may take here. Press Resume to go on from where it "
        "is, or use fewer epochs, less data or a smaller student."
    )


def _sentence(error: Exception) -> str:
    """What to tell the visitor about why a run failed; a traceback is for the log alone."""
    reason = actionable(error)
    return _OUR_BUG if reason is None else sentence(reason)

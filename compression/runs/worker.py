"""The life of runs on the server: a queue, and the one thread that takes a run from start to end.

    submit ▶ queued ▶ running ▶ succeeded | failed | cancelled
               └──── cancel ────────────────────▲      (cut off by the end of the process: interrupted)

Visitors only submit, ask to cancel, and look. The pipeline is an argument, so that runs know nothing of models.
"""

import contextvars
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path

from compression.config import RunConfig
from compression.data import uploads
from compression.errors import CompressionError, ResourceError, RunCancelled, StorageError, actionable, sentence
from compression.events import Event, Progress, Report, TrainingStep
from compression.hub import keys_at_fault
from compression.result import Result
from compression.runs import examples
from compression.runs.snapshot import Fold, Run, Snapshot, Status, advance, describe, snapshot
from compression.runs.store import INTERRUPTED, MOST_HELD, RunStore

Pipeline = Callable[[RunConfig, Report, Path], Result]

_LOG = logging.getLogger(__name__)
_WRITE_EVERY_S = 0.25  # how long step events may wait to be written; all others are written at once
_FINISHED_KEPT = 64  # snapshots of finished runs kept in memory

_OUR_BUG = "Something went wrong that should not have. The server's log says what; press Run to try again."


@dataclass
class _Live:
    """A run that has not ended, in memory; only the worker writes `state` and what is below it."""

    run: Run
    context: contextvars.Context  # of the visitor's request: hosts that lend a GPU read there whose share to use
    cancelled: threading.Event = field(default_factory=threading.Event)
    state: Fold = field(default_factory=Fold)
    held: list[tuple[int, float, Event]] = field(default_factory=list)  # not yet written
    written: set[int] = field(default_factory=set)  # numbers of the step events on disk
    written_at: float = 0.0  # time.monotonic()

    def write(self, store: RunStore) -> None:
        """Writes what is held, and drops from disk the step events that later ones have made needless."""
        needed = self.state.rests_on()
        rows = [row for row in self.held if row[0] in needed or not _is_step(row[2])]
        store.save(self.run, rows, self.written - needed)
        self.written = (self.written & needed) | {row[0] for row in rows if _is_step(row[2])}
        self.held, self.written_at = [], time.monotonic()


class Runs:
    """All runs of a server. Whoever knows a run's id may look at it; only its owner may cancel or delete it.

    Those computed beforehand, in a folder each below `precomputed`, are everyone's to look at and nobody's to delete.

    `pipeline(config, report, folder)` does the work of a run and leaves its files in `folder`. An owner may have
    `waiting_per_owner` runs in the queue besides the one that is going on, all owners together `waiting`.
    """

    def __init__(
        self,
        store: RunStore,
        pipeline: Pipeline,
        *,
        precomputed: Path | None = None,
        waiting_per_owner: int = 2,
        waiting: int = 40,
    ) -> None:
        self._store = store
        self._pipeline = pipeline
        self._examples = examples.find(precomputed) if precomputed else {}
        self._waiting_per_owner = waiting_per_owner
        self._waiting = waiting
        self._changed = threading.Condition(threading.RLock())  # guards all below; notified when a status changes
        self._line: list[_Live] = []  # the first one is running, or about to
        self._live: dict[str, _Live] = {}
        self._finished = lru_cache(_FINISHED_KEPT)(self._load)
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Starts the worker, unless it is going already."""
        with self._changed:
            if self._thread is None or not self._thread.is_alive():
                self._stopping = False
                self._thread = threading.Thread(target=self._work, name="runs", daemon=True)
                self._thread.start()

    def stop(self, timeout: float) -> None:
        """Stops the worker, waiting at most `timeout` seconds; the run that is going on becomes interrupted."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join(timeout)

    def keep_upload(self, file: Path, called: str, owner: str) -> uploads.Upload:
        """Keeps a visitor's file where recipes find it, and clears away what nobody came to use.

        Raises DataError, in which the file is `called` so, ResourceError or StorageError.
        """

        def bring(address: str) -> None:
            with self._changed:  # not while another's last run is being deleted, and with it this very file
                self._store.bring(address, owner)

        kept = uploads.keep(file, called, self._store.home, bring)
        with self._changed:
            uploads.sweep(self._store.home, self._store.uploads_in_use())
        return kept

    def submit(self, config: RunConfig, owner: str) -> str:
        """Queues a run and returns its id at once. Raises ResourceError when the queue or the owner's share is full."""
        if not owner:
            raise StorageError("This page does not know yet who you are. Reload it, then press Run again.")
        name = describe(config)
        with self._changed:
            self._check_room(owner)
            run = Run(secrets.token_hex(12), owner, name, config, status="queued", created=time.time())
            self._store.save(run)
            live = _Live(run, contextvars.copy_context())
            self._live[run.run_id] = live
            self._line.append(live)
            self._changed.notify_all()
        return run.run_id

    def cancel(self, run_id: str, owner: str) -> None:
        """Ends a queued run at once and a running one at its next report; one that has ended stays as it is.

        Raises StorageError for an unknown run or another's.
        """
        with self._changed:
            run = self._owned(run_id, owner)
            if run.status == "queued":
                self._end(self._live[run_id], "cancelled")
            elif run.status == "running":
                self._live[run_id].cancelled.set()

    def delete(self, run_id: str, owner: str) -> None:
        """Removes a run that has ended, with its files. Raises StorageError if it has not, is unknown or another's."""
        with self._changed:
            if self._owned(run_id, owner).ended is None:
                raise StorageError("This run has not ended yet. Cancel it first, then delete it.")
            self._store.delete(run_id)
            self._live.pop(run_id, None)
            self._finished.cache_clear()

    def snapshot(self, run_id: str) -> Snapshot | None:
        """The run as it is now, None if there is none of this id."""
        with self._changed:
            live = self._live.get(run_id)
            if live is None:
                return self._finished(run_id)
            return snapshot(live.run, live.state, self._line.index(live) if live in self._line else 0)

    def owned(self, owner: str) -> list[Snapshot]:
        """All runs of an owner, newest first."""
        found = [self.snapshot(run_id) for run_id in self._store.run_ids(owner)]
        return [seen for seen in found if seen is not None]

    def examples(self) -> tuple[str, ...]:
        """The ids of the runs computed beforehand."""
        return tuple(self._examples)

    def first_sight(self) -> str:
        """The id of the precomputed run to open with; empty if there is none."""
        return next(iter(self._examples), "")

    def owns(self, run_id: str, owner: str) -> bool:
        """Whether the run exists and is this owner's."""
        with self._changed:
            live = self._live.get(run_id)
        return live.run.owner == owner if live else run_id in self._store.run_ids(owner)

    def folder(self, run_id: str) -> Path:
        """Where a run keeps its models and result. Raises StorageError if this can be no run's id."""
        return self._examples.get(run_id) or self._store.folder(run_id)

    def wait(self, run_id: str, timeout: float) -> Snapshot | None:
        """The run once it has ended, or as it is after `timeout` seconds; for tests and scripts."""
        with self._changed:
            self._changed.wait_for(lambda: (seen := self.snapshot(run_id)) is None or seen.ended is not None, timeout)
            return self.snapshot(run_id)

    def _load(self, run_id: str) -> Snapshot | None:
        if run_id in self._examples:
            return examples.read(run_id, self._examples[run_id])
        found = self._store.load(run_id)
        return None if found is None else snapshot(*found)

    def _owned(self, run_id: str, owner: str) -> Run:
        live = self._live.get(run_id)
        found = (live.run, live.state) if live else self._store.load(run_id)
        if found is None:
            raise StorageError("This run no longer exists. Reload the page to see the runs there are.")
        if found[0].owner != owner:
            raise StorageError("This run belongs to another visitor: only whoever started it may cancel or delete it.")
        return found[0]

    def _check_room(self, owner: str) -> None:
        waiting = self._line[1:]
        if sum(live.run.owner == owner for live in waiting) >= self._waiting_per_owner:
            raise ResourceError(
                f"You have {self._waiting_per_owner} runs waiting already. Cancel one, or wait until one has ended."
            )
        if len(waiting) >= self._waiting:
            raise ResourceError(f"{self._waiting} runs are waiting already. Try again in a few minutes.")

    def _work(self) -> None:
        while (live := self._next()) is not None:
            self._go_through(live)

    def _next(self) -> _Live | None:
        with self._changed:
            self._changed.wait_for(lambda: self._line or self._stopping)
            if self._stopping:
                return None
            live = self._line[0]
            live.run = replace(live.run, status="running", started=time.time(), changes=live.run.changes + 1)
            self._changed.notify_all()
            return live

    def _go_through(self, live: _Live) -> None:
        run = live.run
        try:
            live.write(self._store)
            folder = self._store.folder(run.run_id)
            folder.mkdir(parents=True, exist_ok=True)
            result = live.context.run(self._pipeline, run.config, lambda event: self._report(live, event), folder)
        except RunCancelled:
            if live.cancelled.is_set() or not self._stopping:
                self._end(live, "cancelled")
            else:
                self._end(live, "interrupted", INTERRUPTED)
        except Exception as error:  # whatever it was, it ends this run and no other
            if not isinstance(error, CompressionError):
                _LOG.exception("Run %s failed", run.run_id)
            self._end(live, "failed", _sentence(error), at_fault=keys_at_fault(error, run.config))
        else:
            self._end(live, "succeeded", result=result)

    def _report(self, live: _Live, event: Event) -> None:
        if live.cancelled.is_set() or self._stopping:
            raise RunCancelled
        at = time.time()
        live.state = advance(live.state, at, event)
        live.held.append((live.state.changes, at, event))
        overdue = time.monotonic() - live.written_at >= _WRITE_EVERY_S or len(live.held) >= MOST_HELD
        if overdue or not _is_step(event):
            live.write(self._store)

    def _end(
        self,
        live: _Live,
        status: Status,
        error: str | None = None,
        result: Result | None = None,
        at_fault: tuple[str, ...] = (),
    ) -> None:
        if status != "succeeded":
            try:
                self._store.remove_folder(live.run.run_id)
            except StorageError:
                _LOG.exception("What run %s made stays on disk", live.run.run_id)
        with self._changed:
            run = replace(live.run, status=status, ended=time.time(), changes=live.run.changes + 1)
            live.run = replace(run, error=error, result=result, at_fault=at_fault)
            self._line.remove(live)
            try:
                live.write(self._store)
                del self._live[live.run.run_id]
            except Exception:  # the run then ends in memory only; the next one must get its turn
                _LOG.exception("The end of run %s could not be written", live.run.run_id)
            self._changed.notify_all()


def _is_step(event: Event) -> bool:
    return isinstance(event, (Progress, TrainingStep))


def _sentence(error: Exception) -> str:
    """What to tell the visitor about why a run failed; a traceback is for the log alone."""
    reason = actionable(error)
    return _OUR_BUG if reason is None else sentence(reason)

"""The line of computations that wait: who gets in, who leaves, and whose turn it is.

A recipe that several visitors run at the same time is computed once: each has a run of their own that follows the
computation, and it ends when the last of them leaves.
"""

import contextvars
import logging
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import count
from math import inf
from pathlib import Path

from compression.config import RunConfig
from compression.errors import ResourceError, StorageError
from compression.runs.estimate import expected_seconds
from compression.runs.fold import Fold, resumed
from compression.runs.history import UNDO_SECONDS, History
from compression.runs.snapshot import RESUMABLE, Run, describe
from compression.runs.store import RunStore, new_id
from compression.runs.work import Work
from compression.settings import Limits

_LOG = logging.getLogger(__name__)
_PAST_RUNS = 200  # that estimates rest on


class Line(History):
    """Runs, and the line in which they wait for one of so many workers, who move them from `_waiting` to `_running`."""

    def __init__(
        self,
        store: RunStore,
        workers: int,
        precomputed: Path | None,
        limits: Limits,
        undo_seconds: float = UNDO_SECONDS,
    ) -> None:
        super().__init__(store, precomputed, limits, undo_seconds)
        self._workers = workers
        self._waiting: list[Work] = []  # in the order of their turns
        self._running: list[Work] = []
        self._last_turns: dict[str, float] = {}  # of those who have a run that has not ended, in unix seconds
        self._past = store.past(_PAST_RUNS)
        self._arrivals = count()

    def submit(self, config: RunConfig, owner: str) -> str:
        """Queues a run and returns its id at once; an equal one that waits or goes on is followed, not computed again.

        Who runs this very recipe already gets the id of that run. Raises ConfigError for a recipe beyond the limits,
        DataError for another's upload, and ResourceError when the line or the owner's share of it is full.
        """
        if not owner:
            raise StorageError("This page does not know yet who you are. Reload it, then press Run again.")
        self.limits.check(config)
        self.check_uploads(config, owner)
        with self._changed:
            twin = self._equal(config)
            if twin and (own := twin.run_of(owner)):
                return own.run_id
            run = Run(new_id(), owner, describe(config), config, status="queued", created=time.time(), work=new_id())
            self._enter(run, twin, Fold())
        return run.run_id

    def resume(self, run_id: str, owner: str) -> None:
        """Queues a run that failed or was interrupted once more, to go on from what it left.

        One that has not ended stays as it is. Raises StorageError if there is nothing to resume, and otherwise what
        `submit` does.
        """
        with self._changed:
            run = self._owned(run_id, owner)
            if run.ended is None:
                return
            if run.status not in RESUMABLE:
                raise StorageError("Only a run that failed or was interrupted can be resumed. Press Run for a new one.")
            self.limits.check(run.config)
            found = self._store.load(run_id)
            run = replace(run, started=None, ended=None, error=None, at_fault=(), changes=run.changes + 1)
            if result := self._store.finished(run.work):  # somebody else's run has brought the computation to its end
                self._save(replace(run, status="succeeded", result=result, ended=time.time()))
                return
            twin = self._equal(run.config)
            if twin and (own := twin.run_of(owner)):
                raise StorageError(f"The same recipe is going on already, as “{own.name}”. Open that run.")
            self._enter(replace(run, status="queued"), twin, resumed(found[1]) if found else Fold())
            if twin and twin.id != run.work:
                self._store.tidy(run.work)

    def cancel(self, run_id: str, owner: str) -> None:
        """Ends a run: at once, or, where it is going on for its owner alone, at its next report. Its files go.

        One that has ended stays as it is. Raises StorageError for an unknown run or another's.
        """
        with self._changed:
            run, work = self._owned(run_id, owner), self._live.get(run_id)
            if work is None or run.ended is not None:
                return
            if work in self._running and len(work.runs) == 1:
                work.cancelled.set()
                return
            run = replace(run, status="cancelled", ended=time.time(), changes=run.changes + 1)
            self._store.save(run)
            del self._live[run_id], work.runs[run_id], work.contexts[run_id]
            if not work.runs:
                self._waiting.remove(work)
            self._without_files(run)
            self._arrange()

    def hand_over(self, before: str, after: str) -> None:
        """Makes all runs of one owner another's, whatever their status."""
        with self._changed:
            self._store.hand_over(before, after)
            for run_id, work in self._live.items():
                if (run := work.runs[run_id]).owner == before:
                    work.runs[run_id] = replace(run, owner=after)
            turns = [self._last_turns[owner] for owner in (before, after) if owner in self._last_turns]
            self._last_turns |= {after: max(turns)} if turns else {}
            self._finished.cache_clear()
            self._arrange()

    def _equal(self, config: RunConfig) -> Work | None:
        """The computation of this very recipe that waits or goes on, unless it is about to be cancelled."""
        unfinished = [*self._running, *self._waiting]
        return next((w for w in unfinished if w.config == config and not w.cancelled.is_set()), None)

    def _enter(self, run: Run, twin: Work | None, state: Fold) -> None:
        """Lets a run follow its twin, or wait for its turn with what `state` says of an earlier attempt."""
        begun = twin in self._running
        if begun:
            run = replace(run, status="running", started=time.time())
        else:
            self._check_room(run.owner, joining=twin is not None)
        if twin is not None and twin.id != run.work:
            run = replace(run, work=twin.id, changes=run.changes + state.changes)  # the revision goes on growing
        last_turn = time.time() if begun else self._last_turns.get(run.owner) or self._store.last_turn(run.owner)
        self._store.save(run)
        if twin is None:
            written = state.step_numbers()
            twin = Work(run.work, run.config, {}, {}, next(self._arrivals), state=state, written=written)
            self._waiting.append(twin)
        twin.runs[run.run_id], twin.contexts[run.run_id] = run, contextvars.copy_context()
        self._live[run.run_id], self._last_turns[run.owner] = twin, last_turn
        self._finished.cache_clear()
        self._arrange()

    def _check_room(self, owner: str, joining: bool) -> None:
        beginning = self._beginning()
        behind = [work for work in self._waiting if work not in beginning]
        share, room = self.limits.waiting, self.limits.queue
        if sum(owner in work.owners() for work in behind) >= share:
            raise ResourceError(f"You have {share} runs waiting already. Cancel one, or wait until one has ended.")
        if len(behind) >= room and not joining:
            raise ResourceError(f"{room} runs are waiting already. Try again in a few minutes.")

    def _without_files(self, run: Run) -> None:
        try:
            self._store.let_go(run)
        except StorageError:
            _LOG.exception("What run %s made stays on disk", run.run_id)
        self._finished.cache_clear()

    def _arrange(self) -> None:
        """Settles whose turn it is, and when, after any change."""
        unfinished = {owner for work in self._live.values() if not work.over for owner in work.owners()}
        self._last_turns = {owner: at for owner, at in self._last_turns.items() if owner in unfinished}
        self._waiting = turns(self._waiting, self._last_turns)
        for place, work in enumerate(self._waiting, len(self._running)):
            work.ahead, work.expected_seconds = place, expected_seconds(work.config, self._past)
        foretell(self._running, self._waiting, self._workers)
        self._changed.notify_all()

    def _beginning(self) -> list[Work]:
        """Those for which a worker is free, in the order of their turns.

        Nobody gets a second worker: a computation waits while all who follow it have another going on. It waits also
        while a cancelled one that had its folder has not ended.
        """
        going = [*self._running]
        for work in self._waiting:
            free = len(going) < self._workers and all(other.id != work.id for other in going)
            if free and not work.owners() <= {owner for other in going for owner in other.owners()}:
                going.append(work)
        return going[len(self._running) :]


def turns(waiting: Iterable[Work], last_turns: Mapping[str, float]) -> list[Work]:
    """The computations in the order in which they will begin: the turn goes round among the visitors.

    `last_turns` says when each visitor's last run began. Next is whoever has waited longest for a turn, with the first
    of their computations; visitors who follow the same one have their turn together.
    """
    left, last, order = sorted(waiting, key=lambda work: work.arrived), dict(last_turns), list[Work]()
    latest = max(last.values(), default=0.0)
    while left:
        work = min(left, key=lambda work: (min(last.get(owner, 0.0) for owner in work.owners()), work.arrived))
        left.remove(work)
        order.append(work)
        latest += 1.0
        last |= dict.fromkeys(work.owners(), latest)
    return order


def foretell(running: Iterable[Work], waiting: Iterable[Work], workers: int) -> None:
    """Settles when those who wait, in the order of their turns, may be expected to begin; None if it cannot be told.

    Each goes to the first worker that is free, but not before one of its followers has nothing else going on.
    """
    now = time.time()
    ends = [(work, _expected_end(work, now)) for work in running]
    free = [end for _, end in ends] + [now] * (workers - len(ends))
    for work in waiting:
        idle = (max((end for other, end in ends if owner in other.owners()), default=now) for owner in work.owners())
        begins = max(min(free), min(idle))
        work.start_at = None if begins == inf else begins
        free.remove(max(at for at in free if at <= begins))  # those free before that are for others meanwhile
        ends.append((work, _expected_end(work, now)))
        free.append(ends[-1][1])


def _expected_end(work: Work, now: float) -> float:
    """When a computation may be expected to have ended, in unix seconds; infinity if that cannot be told."""
    if work.start_at is None or work.expected_seconds is None:
        return inf
    return max(now, work.start_at + work.expected_seconds)

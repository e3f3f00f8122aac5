"""A computation that has not ended, and the runs that follow it."""

import contextvars
import threading
import time
from dataclasses import dataclass, field

from compression.config import RunConfig
from compression.events import Event, Progress, TrainingStep
from compression.runs.fold import Fold, advance
from compression.runs.snapshot import Run
from compression.runs.store import MOST_HELD, RunStore

_WRITE_EVERY_S = 0.25  # how long step events may wait to be written; all others are written at once


@dataclass
class Work:
    """A computation in memory, waiting or going on. Its folder and its events are kept under `id`.

    `runs` are those that follow it, by their ids, at most one of each visitor; the last one to leave ends it. Only its
    worker writes `state` and what is below it; all else is guarded by the lock of `Runs`.
    """

    id: str
    config: RunConfig
    runs: dict[str, Run]
    contexts: dict[str, contextvars.Context]  # of the visitors' requests: hosts that lend a GPU read there whose to use
    arrived: int  # in which order they came
    cancelled: threading.Event = field(default_factory=threading.Event)
    overdue: bool = False  # whether it has taken longer than it may
    over: bool = False  # whether its end has been settled, by the worker or without it
    ahead: int = 0  # computations before it
    start_at: float | None = None  # when it may be expected to begin, in unix seconds
    expected_seconds: float | None = None
    state: Fold = field(default_factory=Fold)
    held: list[tuple[int, float, Event]] = field(default_factory=list)  # not yet written
    written: set[int] = field(default_factory=set)  # numbers of the step events on disk
    written_at: float = 0.0  # time.monotonic()

    def run_of(self, owner: str) -> Run | None:
        """The run of this owner that follows it."""
        return next((run for run in self.runs.values() if run.owner == owner), None)

    def owners(self) -> set[str]:
        """Whose runs follow it."""
        return {run.owner for run in self.runs.values()}

    def take_in(self, event: Event, store: RunStore) -> None:
        """Adds an event that has just happened, and writes what has waited for long enough."""
        at = time.time()
        self.state = advance(self.state, at, event)
        self.held.append((self.state.changes, at, event))
        overdue = time.monotonic() - self.written_at >= _WRITE_EVERY_S or len(self.held) >= MOST_HELD
        if overdue or not _is_step(event):
            self.write(store)

    def write(self, store: RunStore) -> None:
        """Writes what is held, and drops from disk the step events that later ones have made needless."""
        needed = self.state.rests_on()
        rows = [row for row in self.held if row[0] in needed or not _is_step(row[2])]
        store.append(self.id, rows, self.written - needed)
        self.written = (self.written & needed) | {row[0] for row in rows if _is_step(row[2])}
        self.held, self.written_at = [], time.monotonic()


def _is_step(event: Event) -> bool:
    return isinstance(event, (Progress, TrainingStep))

"""A run on the command line that is told to end: it stops where it can go on from, and soon."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from compression.errors import RunInterrupted
from compression.events import Event, Report

TERMINATED = 128 + signal.SIGTERM
_PATIENCE_S = 8.0  # those who send SIGTERM seldom wait longer than ten before they kill


@contextmanager
def stopping(report: Report) -> Iterator[Report]:
    """The report, which interrupts the run once this process has been sent SIGTERM.

    If the run does not end soon after, for it reports nothing, the process does, with the same code.
    """
    told = threading.Event()
    late = threading.Timer(_PATIENCE_S, os._exit, (TERMINATED,))
    late.daemon = True

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # who says it twice means now
        told.set()
        late.start()

    def watched(event: Event) -> None:
        if told.is_set():
            raise RunInterrupted
        report(event)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield watched
    finally:
        late.cancel()
        signal.signal(signal.SIGTERM, before)

"""The compare section of finished runs, drawn once each: a room of people may open one page at once."""

import threading
from typing import TYPE_CHECKING, Any

from compression.runs.snapshot import Snapshot
from compression.runs.worker import Runs
from compression.ui import drawing
from compression.ui.evidence import evidence

if TYPE_CHECKING:
    from compression.measure.evidence import Evidence

Updates = dict[str, Any]
_KEPT = 16  # half a megabyte each


class Outcomes:
    """What has been drawn last. Nothing in it is one visitor's: names and prices are drawn elsewhere."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._lock = threading.Lock()  # of those who look at once, one draws
        self._drawn: dict[tuple[str, bool, Evidence | None], Updates] = {}

    def of(self, snapshot: Snapshot | None, reference: bool) -> Updates:
        """The compare section of the run on show, with or without the article's points."""
        sure = evidence(self._runs, snapshot)
        if snapshot is None or snapshot.result is None:
            return drawing.outcome(snapshot, reference, sure)
        key = (snapshot.run_id, reference, sure)
        with self._lock:
            if key not in self._drawn:
                self._drawn[key] = drawing.outcome(snapshot, reference, sure)
                for oldest in list(self._drawn)[:-_KEPT]:
                    del self._drawn[oldest]
            return self._drawn[key]

"""The evidence of the run on show, gathered once: resampling takes longer than drawing."""

import threading
from typing import TYPE_CHECKING

from compression.runs.snapshot import Snapshot
from compression.runs.worker import Runs

if TYPE_CHECKING:
    from compression.measure.evidence import Evidence

_KEPT = 32
_gathered: "dict[tuple[str, str, int], Evidence]" = {}
_lock = threading.Lock()  # of visitors who look at one run at once, one gathers


def evidence(runs: Runs, snapshot: Snapshot | None) -> "Evidence | None":
    """What the predictions of a finished run say; None while it has no result."""
    if snapshot is None or snapshot.result is None:
        return None
    from compression.measure.evidence import gather
    from compression.measure.predictions import PREDICTIONS

    folder = runs.folder(snapshot.run_id)
    file = folder / PREDICTIONS
    key = (snapshot.run_id, snapshot.result.environment.created, file.stat().st_mtime_ns if file.is_file() else 0)
    with _lock:
        if key not in _gathered:
            _gathered[key] = gather(snapshot.result, folder)
            while len(_gathered) > _KEPT:
                del _gathered[next(iter(_gathered))]
        return _gathered[key]

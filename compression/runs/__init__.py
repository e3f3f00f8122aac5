"""The life of a run on the server: kept in a store, owned by a worker, seen as snapshots."""

from compression.runs.snapshot import Snapshot, Status
from compression.runs.store import RunStore
from compression.runs.worker import Runs

__all__ = ["RunStore", "Runs", "Snapshot", "Status"]

"""Runs computed beforehand, for the page to open with: read from plain files, shown as snapshots, owned by nobody.

<name>/result.json          as any run leaves it, but without places on the disk it was computed on
       events.json          the command that made it, and the events its snapshot rests on
       predictions.parquet  what its models said of each URL, as any run leaves it (`measure.predictions`)
       models/<model>/      those of its models that are shipped
"""

import json
import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from compression.catalog import BUNDLED, BUNDLED_TEACHER
from compression.errors import ResourceError
from compression.events import EVENT, Event, Progress, Report, TrainingStep
from compression.result import ModelReport, Result
from compression.runs.fold import Fold, advance, fold
from compression.runs.snapshot import Run, Snapshot, describe, snapshot

_LOG = logging.getLogger(__name__)


class Recording:
    """A `report` that keeps the events a snapshot of the finished run rests on, and passes all of them on."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._state = Fold()
        self._held: dict[int, tuple[float, Event]] = {}

    def __call__(self, event: Event) -> None:
        """Keeps the event and passes it on."""
        at = time.time()
        self._state = advance(self._state, at, event)
        self._held[self._state.changes] = at, event
        self._report(event)

    def events(self) -> list[tuple[float, Event]]:
        """The events, each with its time in unix seconds; of steps only as many as are drawn."""
        needed = self._state.rests_on()
        return [
            held
            for number, held in self._held.items()
            if number in needed or not isinstance(held[1], (Progress, TrainingStep))
        ]


def write(folder: Path, command: str, result: Result, events: Iterable[tuple[float, Event]]) -> None:
    """Writes what `read` reads, but for predictions and models."""
    kept = [[round(at, 3), event.model_dump(mode="json")] for at, event in events]
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "result.json", result.to_json(), indent=2)
    _write_json(folder / "events.json", {"command": command, "events": kept}, indent=None)


def find(folder: Path) -> dict[str, Path]:
    """The folder of every example below `folder`, by the id of its run, in the order of their names."""
    return {f"example-{path.parent.name}": path.parent for path in sorted(folder.glob("*/result.json"))}


def read(run_id: str, folder: Path) -> Snapshot | None:
    """The example in `folder` as a finished run; None if it cannot be understood."""
    try:
        result = Result.read(folder)
        kept = json.loads((folder / "events.json").read_text(encoding="utf-8"))
        events = [(at, EVENT.validate_python(event)) for at, event in kept["events"]]
        began, ended, command = events[0][0], events[-1][0], str(kept["command"])
    except (ResourceError, OSError, ValueError, LookupError, TypeError):
        _LOG.warning("The precomputed run in %s cannot be read", folder, exc_info=True)
        return None
    result = result.model_copy(
        update={"models": {name: _placed(name, model, result, folder) for name, model in result.models.items()}}
    )
    run = Run(run_id, "", describe(result.config), result.config, "succeeded", began, 1, began, ended, None, result)
    return replace(snapshot(run, fold(events)), precomputed_by=command)


def _placed(name: str, model: ModelReport, result: Result, folder: Path) -> ModelReport:
    """The model with the place it has here; with none if it is not shipped."""
    bundled = name == "teacher" and result.config.teacher == BUNDLED
    place = BUNDLED_TEACHER if bundled else folder / "models" / name
    return model.model_copy(update={"folder": str(place) if place.is_dir() else ""})


def _write_json(path: Path, content: object, indent: int | None) -> None:
    path.write_text(json.dumps(content, indent=indent) + "\n", encoding="utf-8")

"""A run as a row of the table of runs, and back."""

import json
from dataclasses import fields
from typing import Any

from compression.config import RunConfig
from compression.result import Result
from compression.runs.snapshot import Run

_NAMES = tuple(field.name for field in fields(Run))
COLUMNS = ", ".join(_NAMES)
SAVE = (
    f"INSERT INTO runs ({COLUMNS}) VALUES ({', '.join('?' * len(_NAMES))}) "
    f"ON CONFLICT (run_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _NAMES[1:])}"
)


def to_row(run: Run) -> tuple[Any, ...]:
    """The values of `COLUMNS`."""
    values = {name: getattr(run, name) for name in _NAMES}
    values["config"] = run.config.model_dump_json()
    values["result"] = None if run.result is None else json.dumps(run.result.to_json())
    values["at_fault"] = " ".join(run.at_fault)
    return tuple(values.values())


def from_row(row: tuple[Any, ...]) -> Run:
    """The run whose `COLUMNS` these are. Raises pydantic.ValidationError for one that this version cannot read."""
    values = dict(zip(_NAMES, row, strict=True))
    values["config"] = RunConfig.model_validate_json(values["config"])
    if values["result"] is not None:
        values["result"] = Result.from_json(json.loads(values["result"]))
    values["at_fault"] = tuple((values["at_fault"] or "").split())
    values["pinned"] = bool(values["pinned"])
    return Run(**values)

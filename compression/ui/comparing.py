"""The wiring of what the compare section offers beside its charts."""

from typing import Any

from compression.runs.worker import Runs
from compression.ui import form
from compression.ui.changing import take_step
from compression.ui.sections.controls import Parts
from compression.ui.wiring import BUTTON, drawn, io


def wire(parts: Parts, runs: Runs) -> None:
    """Wires the compare section's buttons."""

    def step(viewing: str, *given: Any) -> Any:
        return take_step(runs, viewing, dict(zip(form.KEYS, given, strict=True)))

    changed = [*form.KEYS, "preset", "saved", "undo", "next-step"]
    parts["next-step"].click(**io(parts, drawn(parts, step), ["viewing", *form.KEYS], changed), **BUTTON)

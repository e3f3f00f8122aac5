"""The wiring of what the compare section offers beside its charts."""

from functools import partial
from typing import Any

from compression.runs.worker import Runs
from compression.ui import behaving, form
from compression.ui.changing import take_step
from compression.ui.sections.controls import Parts
from compression.ui.wiring import BUTTON, DATA, drawn, io


def wire(parts: Parts, runs: Runs) -> None:
    """Wires the compare section's buttons."""

    def step(viewing: str, *given: Any) -> Any:
        return take_step(runs, viewing, dict(zip(form.KEYS, given, strict=True)))

    changed = [*form.KEYS, "preset", "saved", "undo", "next-step"]
    parts["next-step"].click(**io(parts, drawn(parts, step), ["viewing", *form.KEYS], changed), **BUTTON)

    asked = ["viewing", "wanted-recall"]
    behave = drawn(parts, partial(behaving.behave, runs))
    shown = {"show_progress": "minimal", "show_progress_on": [parts["flips"]]}
    parts["fold-behaviour"].expand(**io(parts, behave, asked, behaving.PARTS), **DATA, **shown)
    thresholds = drawn(parts, partial(behaving.thresholds, runs))
    parts["wanted-recall"].release(**io(parts, thresholds, asked, ["thresholds"]), **BUTTON)

"""The wiring of what Compare offers beside its charts, and of looking for what models disagree on."""

from functools import partial
from typing import Any

import gradio as gr

from compression.runs.worker import Runs
from compression.ui import behaving, disagreeing, form, taking_along
from compression.ui.changing import take_step
from compression.ui.sections.controls import Parts
from compression.ui.views.receipt import million_table
from compression.ui.wiring import BUTTON, DATA, FILE, PROGRESS, QUICK, SEARCH, drawn, io, shown_by


def wire(parts: Parts, runs: Runs) -> None:
    """Wires the compare section's buttons."""

    def step(viewing: str, *given: Any) -> Any:
        return take_step(runs, viewing, dict(zip(form.KEYS, given, strict=True)))

    changed = [*form.KEYS, "preset", "saved", "undo", "next-step"]
    parts["next-step"].click(**io(parts, drawn(parts, step), ["viewing", *form.KEYS], changed), **BUTTON)

    def million(viewing: str, price: Any) -> Any:
        snapshot = runs.snapshot(viewing) if viewing else None
        return {"million": million_table(snapshot.result, price)} if snapshot and snapshot.result else {}

    parts["price"].input(**io(parts, drawn(parts, million), ["viewing", "price"], ["million"]), **BUTTON)

    asked = ["viewing", "wanted-recall"]
    behave = drawn(parts, partial(behaving.behave, runs))
    shown = {"show_progress": "minimal", "show_progress_on": [parts["flips"]]}
    parts["fold-behaviour"].expand(**io(parts, behave, [*asked, "browser"], behaving.PARTS), **DATA, **shown)
    thresholds = drawn(parts, partial(behaving.thresholds, runs))
    parts["wanted-recall"].release(**io(parts, thresholds, asked, ["thresholds"]), **BUTTON)

    def take(progress: gr.Progress = PROGRESS, *given: Any) -> Any:
        updates = taking_along.take(runs, shown_by(progress), *given)
        return {parts[name]: update for name, update in updates.items()}

    making = {"show_progress": "full", "show_progress_on": [parts["taken"]]}
    parts["take-button"].click(
        **io(parts, take, ["viewing", "take", "browser"], ["taken", "take-file"]), **FILE, **making
    )
    parts["take"].change(**io(parts, drawn(parts, taking_along.nothing_yet), (), ["taken", "take-file"]), **QUICK)

    def disagree(progress: gr.Progress = PROGRESS, *given: Any) -> Any:
        updates = disagreeing.disagree(runs, shown_by(progress), *given)
        return {parts[name]: update for name, update in updates.items()}

    searching = {"show_progress": "full", "show_progress_on": [parts["disagreements"]]}
    parts["disagree"].click(
        **io(parts, disagree, ["viewing", "url", "browser"], ["disagreements"]), **SEARCH, **searching
    )

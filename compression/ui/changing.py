"""The form changed by a click: what another choice, or a step onward, puts into it, and what brings it back."""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from compression.errors import CompressionError
from compression.runs.worker import Runs
from compression.ui import form, markup
from compression.ui.evidence import evidence
from compression.ui.views import parts
from compression.ui.words import named, say

Updates = dict[str, Any]


def changed(before: form.Values, changes: Mapping[str, Any], saved: Any) -> Updates:
    """The form with some values changed; `saved`, if there is anything, can be brought back as after a preset."""
    values = {**before, **changes}
    return {
        **{key: value for key, value in values.items() if value != before[key]},
        "preset": form.preset_of(values),
        "saved": saved,
        "undo": gr.Button(visible=bool(saved)),
    }


def take_step(runs: Runs, viewing: str, before: form.Values) -> Updates:
    """Puts what would make the run on show smaller still into the recipe; what stood there can be brought back."""
    snapshot = runs.snapshot(viewing) if viewing else None
    if snapshot is None or snapshot.result is None:
        return {}
    step = parts.step_of(snapshot.result, parts.rows(snapshot.result, evidence(runs, snapshot)))
    if step is None:
        return {}
    values = {**before, **step.changes}
    try:
        if form.to_config(values) == form.to_config(before):
            return {"next-step": markup.alert(say("next.cannot"))}
    except CompressionError:
        return {"next-step": markup.alert(say("next.cannot"))}
    done = markup.text("p", say("next.done", step=named("next", step.action)), "notice")
    return changed(before, step.changes, dict(before)) | {"next-step": f'<div role="status">{done}</div>'}

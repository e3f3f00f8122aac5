"""What happens when the page measures how sensitive each part of the recipe's teacher is. Takes a minute or two."""

from typing import Any

import gradio as gr

from compression.errors import CompressionError
from compression.events import Report
from compression.runs.worker import Runs
from compression.ui import form, step_charts
from compression.ui.views.refusal import refusal
from compression.ui.views.sensitivity import sensitivity_table
from compression.ui.visitor import known

Updates = dict[str, Any]
_MEASURED: dict[tuple[str, str, str | None], Any] = {}  # by teacher and data: a class that asks the same waits once
_KEPT = 32


def measure(runs: Runs, browser: Any, values: form.Values, report: Report) -> Updates:
    """Measures the recipe's teacher on its validation split, and draws it; or says why it cannot be."""
    from compression.artefacts import folder as artefact
    from compression.data.sources import load_data
    from compression.measure.sensitivity import sensitivity
    from compression.models.classifier import locate
    from compression.models.device import here

    try:
        config = form.to_config(values)
        form.refuse_local_paths(config)
        runs.check_uploads(config, known(browser)["visitor"])
        data = load_data(config.data, config.columns, splits=config.splits)
        folder = locate(config.teacher)
        key = (artefact.digest(folder), data.digest, config.labels.not_safe)
        if key not in _MEASURED:
            teacher = artefact.load(folder, here(), config.labels.not_safe)
            _MEASURED[key] = sensitivity(teacher, data.splits["validation"], report=report)
            while len(_MEASURED) > _KEPT:
                _MEASURED.pop(next(iter(_MEASURED)), None)
        rows = _MEASURED[key]
    except CompressionError as error:
        return {"sensitivity-plot": gr.Plot(None, visible=False), "sensitivity-numbers": refusal(error)}
    return {
        "sensitivity-plot": gr.Plot(step_charts.sensitivity(rows), visible=True),
        "sensitivity-numbers": sensitivity_table(rows),
    }

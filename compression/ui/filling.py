"""The form filled: with a preset's values, a run's recipe, or what a link says."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from compression.errors import CompressionError
from compression.links import from_query
from compression.runs.snapshot import Snapshot
from compression.ui import form
from compression.ui.views.refusal import refusal

Updates = dict[str, Any]


def fill(values: form.Values) -> Updates:
    """The form with these values, and what they use unfolded."""
    folds = {name: gr.update(open=used) for name, used in form.folds(values).items()}
    return {**values, "preset": form.preset_of(values), **folds}


def recipe_of(snapshot: Snapshot) -> Updates:
    """The form showing a run's recipe; a run computed beforehand leaves the form as the visitor has it."""
    return {} if snapshot.precomputed_by is not None else fill(form.to_values(snapshot.config))


def recipe_in(query: Sequence[tuple[str, str]]) -> Updates:
    """The form showing the recipe of a link; a sentence where it says something that can be none."""
    try:
        config = from_query(query)
        if config is None:
            return {}
        form.refuse_local_paths(config)
    except CompressionError as error:
        return {"message": refusal(error)}
    return fill(form.to_values(config))

"""What the page says of several of a visitor's runs: those they chose side by side, and all of them as points."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gradio as gr

from compression.errors import CompressionError, ConfigError
from compression.runs.snapshot import Snapshot
from compression.runs.worker import Runs
from compression.ui import markup, run_charts
from compression.ui.views.comparison import SPLIT
from compression.ui.views.history import MOST_COMPARED
from compression.ui.views.refusal import refusal
from compression.ui.views.side_by_side import LETTERS, Column, side_by_side
from compression.ui.views.standing import COSTS, standing, standing_table
from compression.ui.visitor import known
from compression.ui.words import say

if TYPE_CHECKING:
    from compression.measure.intervals import Interval
    from compression.measure.predictions import Predictions
    from compression.result import Metrics

Updates = dict[str, Any]


def fronts(own: Sequence[Snapshot], viewing: str) -> Updates:
    """The charts of all runs that succeeded; sentences until there are two."""
    updates: Updates = {}
    for cost in COSTS:
        points = standing(own, viewing, cost)
        if len(points) < 2:
            updates |= {f"front-{cost}-plot": gr.Plot(None, visible=False)}
            updates[f"front-{cost}-numbers"] = markup.empty(f"front-{cost}.empty")
        else:
            updates |= {f"front-{cost}-plot": gr.Plot(run_charts.front(points, cost), visible=True)}
            updates[f"front-{cost}-numbers"] = standing_table(points, cost)
    return updates


def compare(runs: Runs, chosen: str, browser: Any) -> Updates:
    """The runs whose ids are `chosen`, with spaces between, side by side; all of them must be the visitor's."""
    visitor = known(browser)["visitor"]
    run_ids = list(dict.fromkeys(chosen.split()))
    try:
        if not 2 <= len(run_ids) <= MOST_COMPARED:
            raise ConfigError(say("compare.choose", most=MOST_COMPARED))
        columns, predictions = [], []
        for letter, run_id in zip(LETTERS, run_ids, strict=False):
            snapshot = runs.snapshot(run_id) if runs.owns(run_id, visitor) else None
            if snapshot is None or snapshot.result is None:
                raise ConfigError(say("message.unknown-run"))
            found = _predictions(runs.folder(run_id))
            metrics = snapshot.result.models["compressed"].metrics[SPLIT]
            columns.append(Column(letter, snapshot, snapshot.result, _intervals(metrics, found)))
            predictions.append(found)
        return {"compared": side_by_side(columns, _differences(columns, predictions))}
    except CompressionError as error:
        return {"compared": refusal(error)}


def _predictions(folder: Path) -> "Predictions | None":
    """What the run's compressed model said of each test URL, if that is here."""
    from compression.measure.predictions import read_predictions

    found = read_predictions(folder).get(SPLIT)
    return found if found is not None and len(found) and "compressed" in found.probabilities else None


def _intervals(metrics: "Metrics", found: "Predictions | None") -> "dict[str, Interval | None]":
    """The 95 % interval of each metric; of shares alone where the predictions are not here."""
    from compression.measure.intervals import intervals, wilson

    if found is not None:
        return vars(intervals(found.labels.tolist(), {"": found.probabilities["compressed"]})[""])
    (tn, fp), (fn, tp) = metrics.confusion
    shares = {"accuracy": (tn + tp, metrics.examples), "precision": (tp, tp + fp), "recall": (tp, tp + fn)}
    return {name: wilson(hits, cases) if cases else None for name, (hits, cases) in shares.items()}


def _differences(columns: Sequence[Column], predictions: "Sequence[Predictions | None]") -> list[str]:
    """How each run's compressed model did against the first one's, on the very same URLs."""
    from compression.measure.paired import in_words, paired

    first, *others = zip(columns, predictions, strict=True)
    said = []
    for column, found in others:
        if first[1] is None or found is None or found.digests != first[1].digests:
            continue
        by = paired(found.labels.tolist(), first[1].probabilities["compressed"], found.probabilities["compressed"])
        said.append(in_words(by, column.letter, first[0].letter) + ".")
    return said

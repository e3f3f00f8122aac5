"""Figures about steps: the staircase that a run is, and what each part of a model could bear. Pure, as all charts."""

from collections.abc import Sequence
from itertools import pairwise
from math import log10
from typing import TYPE_CHECKING

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from compression.result import Result
from compression.ui import units
from compression.ui.figure import COLOURS, ENTRY, INK, SHAPES, bars, marked, styled, ticks
from compression.ui.views.parts import Row, parts_of
from compression.ui.views.sensitivity import drawn, rises
from compression.ui.views.staircase import Step, steps
from compression.ui.words import named, say

if TYPE_CHECKING:
    from compression.measure.sensitivity import Sensitivity

_MODELS = ("teacher", "student", "compressed")
_STYLE_OF = {
    "embeddings": 0,
    "n-grams": 0,
    "attention": 1,
    "feed-forward": 2,
    "layers": 2,
    "head": 3,
    "state": 4,
    "tokenizer": 5,
    "other": 6,
}
_LABELLED = 0.07  # of a bar: in a narrower piece a number does not fit
_FAR_BELOW = 0.06  # an accuracy so much below all that were trained would flatten the rest


def staircase(result: Result) -> go.Figure:
    """Accuracy on validation above, bytes (log) below, both by step: two panels, never two axes in one."""
    made = steps(result)
    figure = styled(
        make_subplots(rows=2, cols=1, shared_xaxes=True, row_heights=[0.45, 0.55], vertical_spacing=0.08), 460
    )
    names = [named("stage", step.stage) for step in made]
    _add_accuracies(figure, names, made)
    for index, model in enumerate(_MODELS):
        own = [(name, step) for name, step in zip(names, made, strict=True) if step.model == model]
        figure.add_bar(
            x=[name for name, _ in own],
            y=[step.size_bytes / 1e6 for _, step in own],
            text=[units.mega(step.size_bytes) for _, step in own],
            name=named("model", model),
            textposition="outside",
            textangle=0,
            cliponaxis=False,
            marker=marked(index),
            hovertemplate="%{x}: %{y:.3g} MB<extra></extra>",
            row=2,
            col=1,
        )
    sizes = [step.size_bytes / 1e6 for step in made if step.size_bytes]
    low, high = (log10(min(sizes)), log10(max(sizes))) if sizes else (0.0, 1.0)
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=names, showgrid=False, automargin=True)
    axis = {"title": say("chart.staircase.size"), "tickvals": ticks(low - 0.5, high)}
    figure.update_yaxes(type="log", range=[low - 0.5, high + 0.3], row=2, col=1, **axis)
    figure.update_yaxes(title=say("chart.staircase.accuracy"), row=1, col=1)
    figure.update_layout(barmode="overlay")
    return figure


def bytes_by_part(rows: "Sequence[Row]") -> go.Figure:
    """What each model consists of, in shares of its bytes: a lying bar a row, told apart by colour, pattern, label."""
    figure = styled(go.Figure(), 130 + 46 * len(rows))
    names = [f"{row.name}<br>{units.megabytes(row.total)}" for row in rows]
    for part in parts_of(rows):
        shares = [row.parts.get(part, 0) / row.total for row in rows]
        figure.add_bar(
            y=names,
            x=shares,
            orientation="h",
            name=named("part", part),
            text=[units.share(share) if share >= _LABELLED else "" for share in shares],
            customdata=[units.megabytes(row.parts.get(part, 0)) for row in rows],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="inside",
            marker=marked(_STYLE_OF[part]),
            hovertemplate="%{fullData.name}: %{customdata}<extra></extra>",
        )
    fitting = {"mode": "hide", "minsize": 11}  # a number that does not fit is left out, on a phone sooner
    figure.update_layout(
        uniformtext=fitting, barmode="stack", bargap=0.3, legend_traceorder="normal", legend_entrywidth=ENTRY + 22
    )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_xaxes(tickformat=".0%", range=[0, 1])
    return figure


def sensitivity(rows: "Sequence[Sensitivity]") -> go.Figure:
    """How much the loss rises with one part alone pruned or rounded: a group a part, a bar a kind."""
    groups = {part: rises(rows, part) for part in drawn(rows)}
    figure = bars(groups, lambda rise: f"{rise:+.3f}".replace("-", "−"), 110 + 52 * len(groups), kind="sensitivity")
    values = [value for group in groups.values() for value in group.values() if value is not None]
    low, high = min([0.0, *values]), max([1e-3, *values])
    room = 0.3 * (high - low)  # for the numbers at the ends of the bars
    figure.update_xaxes(range=[low - (room if low < 0 else 0), high + room])
    return figure


def _add_accuracies(figure: go.Figure, names: Sequence[str], made: Sequence[Step]) -> None:
    """A line through the accuracies; one far below stands at the bottom as a triangle, with its number."""
    measured = [
        (name, step, step.accuracy) for name, step in zip(names, made, strict=True) if step.accuracy is not None
    ]
    if not measured:
        return
    trained = [value for _, step, value in measured if step.stage not in ("student", "vocabulary")]
    floor = min(trained or [value for *_, value in measured])
    low = [value < floor - _FAR_BELOW for *_, value in measured]
    shown = [100 * (floor if below else value) for (*_, value), below in zip(measured, low, strict=True)]
    spread = max(1.0, max(shown) - min(shown))
    bottom = min(shown) - 0.55 * spread
    heights = [bottom + 0.15 * spread if below else height for height, below in zip(shown, low, strict=True)]
    figure.add_scatter(
        x=[name for name, *_ in measured],
        y=heights,
        mode="lines+markers+text",
        text=[f"{100 * value:.1f}" for *_, value in measured],
        textposition=[f"{side} center" for side in _sides(heights)],
        textfont={"size": 11, "color": INK},
        line={"color": INK, "width": 1.5, "shape": "hv"},
        marker={
            "size": 11,
            "color": [COLOURS[_MODELS.index(step.model)] for _, step, _ in measured],
            "symbol": [
                "triangle-down-open" if below else SHAPES[_MODELS.index(step.model)]
                for (_, step, _), below in zip(measured, low, strict=True)
            ],
        },
        hovertemplate="%{x}: %{text} %<extra></extra>",
        cliponaxis=False,
        showlegend=False,
        row=1,
        col=1,
    )
    figure.update_yaxes(range=[bottom - 0.1 * spread, max(shown) + 0.45 * spread], row=1, col=1)


def _sides(heights: Sequence[float]) -> list[str]:
    """Where each number stands, so that the line, which comes from the step before, does not cross it."""
    return ["top", *("bottom" if after < before else "top" for before, after in pairwise(heights))]

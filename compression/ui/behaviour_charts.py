"""Figures about how models behave: curves over thresholds, calibration, accuracy by sort of URL. Pure functions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import plotly.graph_objects as go

from compression.ui.figure import COLOURS, DASHES, INK, SHAPES, bars, style, styled, whiskers
from compression.ui.words import named, say

if TYPE_CHECKING:
    from compression.measure.calibration import Calibration
    from compression.measure.curves import Curve
    from compression.measure.groups import Group

_POINTS = 150  # of a curve: more are not seen
_COMPARED = ("teacher", "compressed")  # by sort of URL: four bars a group would be a wall


def roc(curves: "Mapping[str, Curve]") -> go.Figure:
    """False-positive rate against recall, a line a model; chance is the diagonal."""
    figure = _lines(curves)
    _add_diagonal(figure, [0, 1], say("chart.roc.chance"))
    figure.update_xaxes(title=say("chart.roc.x"), range=[0, 1], tickformat=".0%")
    figure.update_yaxes(title=say("chart.roc.y"), range=[0, 1.02], tickformat=".0%")
    return figure


def precision_recall(curves: "Mapping[str, Curve]") -> go.Figure:
    """Recall against precision, a line a model."""
    figure = _lines(curves)
    lowest = min(float(min(curve.y)) for curve in curves.values())
    figure.update_xaxes(title=say("chart.roc.y"), range=[0, 1], tickformat=".0%")
    figure.update_yaxes(title=say("metric.precision"), range=[lowest - 0.02, 1.02], tickformat=".0%")
    return figure


def reliability(found: "Calibration") -> go.Figure:
    """How often verdicts are right against how sure they are, before and after the temperature, with intervals."""
    figure = styled(go.Figure(), 340)
    for number, (name, told) in enumerate((("before", found.before), ("after", found.after))):
        rates = [one.accuracy for one in told.bins]
        figure.add_scatter(
            x=[one.confidence for one in told.bins],
            y=rates,
            name=say(f"chart.reliability.{name}", error=f"{100 * told.ece:.1f}"),
            mode="lines+markers",
            line={"color": COLOURS[number], "dash": DASHES[number]},
            marker={"symbol": SHAPES[number], "size": 9},
            error_y=whiskers(rates, [one.interval for one in told.bins]),
            text=[f"{one.examples:,}" for one in told.bins],
            hovertemplate="%{x:.0%} → %{y:.0%} (%{text})<extra></extra>",
        )
    _add_diagonal(figure, [0.5, 1], say("chart.reliability.right"))
    figure.update_xaxes(title=say("chart.reliability.x"), range=[0.48, 1.02], tickformat=".0%")
    figure.update_yaxes(title=say("chart.reliability.y"), tickformat=".0%")
    return figure


def breakdown(groups: "Sequence[Group]") -> go.Figure:
    """Accuracy by sort of URL, teacher and compressed model, with intervals; too small groups are left out."""
    told = {group_name(group).replace(" (", "<br>("): group.shares for group in groups if group.shares}
    models = [name for name in _COMPARED if all(name in shares for shares in told.values())]
    rates = {group: {name: shares[name].accuracy for name in models} for group, shares in told.items()}
    intervals = {group: {name: shares[name].interval for name in models} for group, shares in told.items()}
    height = 80 + len(told) * (16 + 17 * len(models))
    figure = bars(rates, lambda value: f"{100 * value:.1f} %", height, within=intervals)
    figure.update_xaxes(tickformat=".0%", range=[0, 1.35], tickvals=[0, 0.5, 1], tickangle=0)
    return figure


def group_name(group: "Group") -> str:
    """'TLD com', 'Length 26 to 50', with how many URLs it has."""
    name = f".{group.name}" if group.facet == "tld" and group.name else group.name
    return f"{named('facet', group.facet)} {name or say('facet.none')} ({group.examples:,})"


def _lines(curves: "Mapping[str, Curve]") -> go.Figure:
    figure = styled(go.Figure(), 380)
    for number, (name, curve) in enumerate(curves.items()):
        own, every = style(name, number), max(1, len(curve.x) // _POINTS)
        rows = sorted({*range(0, len(curve.x), every), len(curve.x) - 1})
        figure.add_scatter(
            x=[round(float(curve.x[row]), 5) for row in rows],
            y=[round(float(curve.y[row]), 5) for row in rows],
            name=named("model", name),
            mode="lines",
            line={"color": COLOURS[own], "dash": DASHES[own], "width": 2.5},
            hovertemplate="%{fullData.name}: %{x:.1%}, %{y:.1%}<extra></extra>",
        )
    return figure


def _add_diagonal(figure: go.Figure, ends: list[float], name: str) -> None:
    line = {"color": INK, "width": 1, "dash": "dot"}
    figure.add_scatter(x=ends, y=ends, mode="lines", line=line, name=name, hoverinfo="skip")

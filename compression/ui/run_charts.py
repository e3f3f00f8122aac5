"""Figures about many runs at once. Pure, as all charts."""

from collections.abc import Sequence
from math import log10

import plotly.graph_objects as go

from compression.catalog import ARTICLE_POINTS
from compression.ui.figure import COLOURS, INK, styled, ticks
from compression.ui.views.standing import Point
from compression.ui.words import say

_LABELLED = 12  # more numbers than these would cover each other: then only the best ones and the run on show have one


def front(points: Sequence[Point], cost: str) -> go.Figure:
    """Cost (log) against accuracy, a point a run: those that none beats joined, the others grey.

    With sizes, the article's own three points stand beside them, hollow.
    """
    figure = styled(go.Figure(), 400)
    scale = 1e6 if cost == "size" else 1.0
    best = sorted((p for p in points if p.best), key=lambda point: point.cost)
    beaten = [p for p in points if p.comparable and not p.best]
    other = [p for p in points if not p.comparable]
    few = len(points) <= _LABELLED
    for name, chosen, look in (
        (say("front.best"), best, {"symbol": "circle", "size": 13, "color": COLOURS[2]}),
        (say("front.beaten"), beaten, {"symbol": "circle", "size": 10, "color": INK, "opacity": 0.6}),
        (_other(cost), other, {"symbol": "x-thin", "size": 9, "color": INK, "line": {"width": 2, "color": INK}}),
    ):
        figure.add_scatter(
            x=[p.cost / scale for p in chosen],
            y=[p.accuracy for p in chosen],
            text=[str(p.number) if few or p.best or p.shown else "" for p in chosen],
            hovertext=[f"{p.number} · {p.name}" for p in chosen],
            hovertemplate="%{hovertext}<br>%{x:.3g}, %{y:.2%}<extra></extra>",
            mode="lines+markers+text" if chosen is best else "markers+text",
            line={"color": COLOURS[2], "width": 1.5, "shape": "hv"},
            marker=look,
            textposition="top center",
            textfont={"size": 12, "color": INK},
            cliponaxis=False,
            name=name,
            visible=bool(chosen),
        )
    shown = [p for p in points if p.shown]
    figure.add_scatter(
        x=[p.cost / scale for p in shown],
        y=[p.accuracy for p in shown],
        mode="markers",
        marker={"symbol": "circle-open", "size": 24, "color": COLOURS[1], "line": {"width": 3}},
        hoverinfo="skip",
        cliponaxis=False,
        name=say("front.shown"),
        visible=bool(shown),
    )
    if cost == "size":
        _add_article(figure)
    costs = [log10(x) for trace in figure.data for x in trace.x if x > 0]
    low, high = min(costs), max(costs)
    room = max(0.15, 0.12 * (high - low))
    title = say("chart.size.axis" if cost == "size" else "front.time.axis")
    figure.update_xaxes(title=title, type="log", range=[low - room, high + room], tickvals=ticks(low, high))
    right = [y for trace in figure.data for y in trace.y]
    above = max(0.01, 0.12 * (max(right) - min(right)))  # for the numbers of the points
    figure.update_yaxes(title=say("metric.accuracy"), tickformat=".1%", range=[min(right) - above, max(right) + above])
    return figure


def _add_article(figure: go.Figure) -> None:
    figure.add_scatter(
        x=[point.size_bytes / 1e6 for point in ARTICLE_POINTS],
        y=[point.accuracy for point in ARTICLE_POINTS],
        hovertext=[point.name for point in ARTICLE_POINTS],
        hovertemplate="%{fullData.name}: %{hovertext}<br>%{x:.3g} MB, %{y:.2%}<extra></extra>",
        mode="lines+markers",
        line={"color": INK, "width": 1.5, "dash": "dot"},
        marker={"symbol": "diamond-open", "size": 10, "color": INK},
        cliponaxis=False,
        name=say("chart.reference"),
    )


def _other(cost: str) -> str:
    return say("front.other.size" if cost == "size" else "front.other.time")

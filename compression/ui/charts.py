"""Results and curves as Plotly figures: pure functions, no gradio.

A model is told by place, shape, pattern and direct label, never by colour alone. Titles stand above the figures, in the
page, where they wrap.
"""

from collections.abc import Sequence
from math import log10
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from compression.catalog import ARTICLE_POINTS
from compression.events import TrainingStep
from compression.result import ModelReport, Result
from compression.ui import labels
from compression.ui.figure import COLOURS, INK, SHAPES, bars, style, styled, ticks, whiskers
from compression.ui.views.comparison import METRICS, SPLIT, measured, timed, within
from compression.ui.words import named, say

if TYPE_CHECKING:
    from compression.measure.evidence import Evidence

_IN_LINE = ("teacher", "student", "compressed")  # made one from the other; further models stand beside them


def loss_curve(curve: Sequence[TrainingStep]) -> go.Figure:
    """Total, soft and hard loss by step; where several stages train, one after the other, a line between them."""
    figure = styled(go.Figure(), 300)
    lines = (("total", "loss", "solid", 1.0), ("soft", "soft_loss", "dash", 0.6), ("hard", "hard_loss", "dot", 0.6))
    starts = _starts(curve)
    steps = [starts[point.stage] + point.step for point in curve]
    for (part, field, dash, opacity), colour in zip(lines, COLOURS, strict=False):
        losses = [round(getattr(point, field), 5) for point in curve]
        line = {"color": colour, "dash": dash, "width": 2.5 * opacity}
        figure.add_scatter(x=steps, y=losses, name=say(f"chart.loss.{part}"), line=line, mode="lines", opacity=opacity)
    if len(starts) > 1:
        for stage, start in starts.items():
            words = {"annotation_text": named("stage", stage), "annotation_position": "top right"}
            figure.add_vline(start, line={"color": INK, "width": 1, "dash": "dot"}, annotation_font_size=11, **words)
    figure.update_xaxes(
        title=say("chart.loss.steps"), range=[0, starts[curve[-1].stage] + curve[-1].steps] if curve else [0, 1]
    )
    figure.update_yaxes(rangemode="tozero")
    return figure


def size_accuracy(result: Result, reference: bool = True, sure: "Evidence | None" = None) -> go.Figure:
    """Size (log) against accuracy on test, the models joined in the order they were made, others beside them.

    Whiskers are the 95 % intervals of the accuracies, small open circles the same recipe with other seeds. `reference`
    adds the article's own three points, in grey and hollow.
    """
    figure = styled(go.Figure(), 400)
    models = result.models
    in_line = [name for name in models if name in _IN_LINE]
    _join(figure, *_points(result, in_line, sure), name=say("chart.run"))
    if beside := [name for name in models if name not in _IN_LINE]:
        _join(figure, *_points(result, beside, sure), name=say("chart.beside"))
        figure.data[-1].update(mode="markers+text")
    for name, accuracies in (result.spread or {}).items():
        _add_seeds(figure, models[name].size_bytes / 1e6, accuracies[1:], style(name))
    if reference:
        article = [(p.name, p.size_bytes / 1e6, p.accuracy) for p in ARTICLE_POINTS]
        _join(figure, article, name=say("chart.reference"))
    sizes = [x for trace in figure.data for x in trace.x]
    low, high = log10(min(sizes)), log10(max(sizes))
    room = max(0.25, 0.2 * (high - low))  # for the labels of the outermost points
    figure.update_xaxes(
        title=say("chart.size.axis"), type="log", range=[low - room, high + room], tickvals=ticks(low, high)
    )
    ends = [end for name in models if (interval := within(sure, name, "accuracy")) for end in interval]
    figure.update_yaxes(tickformat=".1%", range=_padded([*ends, *(y for trace in figure.data for y in trace.y)]))
    labels.place(figure)
    return figure


def metrics(result: Result, sure: "Evidence | None" = None) -> go.Figure:
    """Accuracy, precision, recall and F1 on test, a group a metric, a bar a model, with their 95 % intervals."""
    models = measured(result)
    groups = {say(f"metric.{metric}"): {name: getattr(m, metric) for name, m in models.items()} for metric in METRICS}
    intervals = {say(f"metric.{metric}"): {name: within(sure, name, metric) for name in models} for metric in METRICS}
    height = 70 + len(groups) * (20 + 17 * len(models))
    figure = bars(groups, lambda value: f"{100 * value:.1f} %", height, within=intervals)
    figure.update_xaxes(tickformat=".0%", range=[0, 1.2], tickvals=[0, 0.25, 0.5, 0.75, 1])
    return figure


def latency(result: Result) -> go.Figure:
    """Median and 95th percentile of milliseconds a URL, a bar a model."""
    models = {name: m for name, m in result.models.items() if timed(m)}
    groups = {
        say(f"chart.latency.{percentile}"): {name: getattr(m.latency_ms, percentile) for name, m in models.items()}
        for percentile in ("p50", "p95")
    }
    figure = bars(groups, lambda value: f"{value:.1f} ms", 130 + len(groups) * (24 + 20 * len(models)))
    figure.update_xaxes(title="ms", range=[0, 1.45 * max(m.latency_ms.p95 for m in models.values())])
    return figure


def confusion(model: ModelReport) -> go.Figure:
    """The confusion matrix on test: rows the truth, columns the verdict, shaded by share of the row."""
    cells = [list(row) for row in model.metrics[SPLIT].confusion]
    labels = [named("verdict", "Safe"), named("verdict", "Not Safe")]
    figure = styled(go.Figure(), 230)
    figure.add_heatmap(
        z=[[cell / (sum(row) or 1) for cell in row] for row in cells],
        x=labels,
        y=labels,
        text=cells,
        texttemplate="%{text}",
        textfont={"size": 17},
        hovertemplate="%{y} → %{x}: %{text}<extra></extra>",
        colorscale=[[0, "rgba(47,134,201,0.06)"], [1, "rgba(47,134,201,0.6)"]],
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=3,
        ygap=3,
    )
    figure.update_xaxes(title=say("chart.confusion.says"), showgrid=False)
    figure.update_yaxes(title=say("chart.confusion.is"), showgrid=False, autorange="reversed")
    return figure


def _starts(curve: Sequence[TrainingStep]) -> dict[str, int]:
    """After how many steps of the stages before it each stage of the curve begins."""
    starts: dict[str, int] = {}
    total = 0
    for point in curve:
        if point.stage not in starts:
            starts[point.stage] = total
            total += point.steps
    return starts


def _points(
    result: Result, names: Sequence[str], sure: "Evidence | None"
) -> tuple[list[tuple[str, float, float]], list[int], dict[str, Any]]:
    """Models as labelled points, the style of each, and their whiskers."""
    models = {name: result.models[name] for name in names}
    points = [(named("model", name), m.size_bytes / 1e6, m.metrics[SPLIT].accuracy) for name, m in models.items()]
    intervals = [within(sure, name, "accuracy") for name in names]
    return points, [style(name) for name in names], whiskers([y for *_, y in points], intervals, width=5)


def _join(
    figure: go.Figure,
    points: list[tuple[str, float, float]],
    styles: Sequence[int] | None = None,
    error: dict[str, Any] | None = None,
    *,
    name: str,
) -> None:
    """Named points with a line through them, each with its name; hollow and grey without styles."""
    shapes = [SHAPES[number] for number in styles] if styles else [f"{SHAPES[i % 3]}-open" for i in range(len(points))]
    figure.add_scatter(
        x=[x for _, x, _ in points],
        y=[y for _, _, y in points],
        text=[label for label, _, _ in points],
        mode="lines+markers+text",
        line={"color": INK, "width": 1.5, "dash": "solid" if styles else "dot"},
        error_y=error,
        marker={
            "symbol": shapes,
            "size": 15 if styles else 11,
            "color": [COLOURS[number] for number in styles] if styles else INK,
        },
        textfont={"size": 13 if styles else 11, "color": INK},
        hovertemplate="%{text}<br>%{x:.1f} MB, %{y:.2%}<extra></extra>",
        cliponaxis=False,
        name=name,
    )


def _add_seeds(figure: go.Figure, size: float, accuracies: Sequence[float], number: int) -> None:
    figure.add_scatter(
        x=[size] * len(accuracies),
        y=accuracies,
        mode="markers",
        marker={"symbol": "circle-open", "size": 7, "color": COLOURS[number]},
        hovertemplate="%{y:.2%}<extra></extra>",
        name=say("chart.seeds"),
        showlegend=False,
    )


def _padded(values: list[float]) -> list[float]:
    """An axis range that leaves room for labels above and below the points."""
    low, high = min(values), max(values)
    pad = max(0.006, 0.25 * (high - low))
    return [low - pad, high + pad]

"""Results and curves as Plotly figures: pure functions, no gradio.

Backgrounds are transparent and text is mid-grey, so that a figure reads on light and dark alike (the style sheet then
gives the text the theme's own colour). A model is told by place, shape, pattern and direct label, never by colour
alone. Titles stand above the figures, in the page, where they wrap.
"""

from collections.abc import Callable, Sequence
from math import log10

import plotly.graph_objects as go

from compression.catalog import ARTICLE_POINTS
from compression.events import TrainingStep
from compression.result import ModelReport, Result
from compression.ui.views.comparison import METRICS, SPLIT, timed
from compression.ui.words import named, say

INK = "#7b8794"
GRID = "rgba(127, 137, 150, 0.25)"
# Blue, orange, bluish green, purple: distinct under the common colour-vision deficiencies (after Okabe and Ito).
COLOURS = ("#2f86c9", "#e08a00", "#0f9f77", "#b66bb0")
SHAPES = ("circle", "square", "diamond", "triangle-up")
PATTERNS = ("", "/", "x", ".")
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


def size_accuracy(result: Result, reference: bool = True) -> go.Figure:
    """Size (log) against accuracy on test, the models joined in the order they were made, others beside them.

    `reference` adds the article's own three points, in grey and hollow.
    """
    figure = styled(go.Figure(), 400)
    points = {
        name: (named("model", name), m.size_bytes / 1e6, m.metrics[SPLIT].accuracy) for name, m in result.models.items()
    }
    _join(figure, [points[name] for name in points if name in _IN_LINE], say("chart.run"), COLOURS)
    if beside := [points[name] for name in points if name not in _IN_LINE]:
        _join(figure, beside, say("chart.beside"), COLOURS[3:])
        figure.data[-1].update(mode="markers+text", marker={"symbol": "triangle-up"})
    if reference:
        article = [(p.name, p.size_bytes / 1e6, p.accuracy) for p in ARTICLE_POINTS]
        _join(figure, article, say("chart.reference"))
    sizes = [x for trace in figure.data for x in trace.x]
    accuracies = [y for trace in figure.data for y in trace.y]
    low, high = log10(min(sizes)), log10(max(sizes))
    room = max(0.25, 0.2 * (high - low))  # for the labels of the outermost points
    figure.update_xaxes(
        title=say("chart.size.axis"), type="log", range=[low - room, high + room], tickvals=ticks(low, high)
    )
    figure.update_yaxes(tickformat=".1%", range=_padded(accuracies))
    return figure


def metrics(result: Result) -> go.Figure:
    """Accuracy, precision, recall and F1 on test, a group a metric, a bar a model."""
    groups = {
        say(f"metric.{metric}"): {name: getattr(m.metrics[SPLIT], metric) for name, m in result.models.items()}
        for metric in METRICS
    }
    figure = bars(groups, lambda value: f"{100 * value:.1f} %", 420)
    figure.update_xaxes(tickformat=".0%", range=[0, 1.16], tickvals=[0, 0.25, 0.5, 0.75, 1])
    return figure


def latency(result: Result) -> go.Figure:
    """Median and 95th percentile of milliseconds a URL, a bar a model."""
    models = {name: m for name, m in result.models.items() if timed(m)}
    groups = {
        say(f"chart.latency.{percentile}"): {name: getattr(m.latency_ms, percentile) for name, m in models.items()}
        for percentile in ("p50", "p95")
    }
    figure = bars(groups, lambda value: f"{value:.1f} ms", 280)
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


def _join(
    figure: go.Figure, points: list[tuple[str, float, float]], name: str, colours: Sequence[str] | None = None
) -> None:
    """Named points with a line through them, labels on alternating sides; hollow and grey without colours."""
    shapes = [SHAPES[i % len(SHAPES)] + ("" if colours else "-open") for i in range(len(points))]
    sides = ("top center", "bottom center") if colours else ("bottom center", "top center", "bottom left")
    figure.add_scatter(
        x=[x for _, x, _ in points],
        y=[y for _, _, y in points],
        text=[label for label, _, _ in points],
        mode="lines+markers+text",
        textposition=[sides[i % len(sides)] for i in range(len(points))],
        line={"color": INK, "width": 1.5, "dash": "solid" if colours else "dot"},
        marker={
            "symbol": shapes,
            "size": 15 if colours else 11,
            "color": [colours[i % len(colours)] if colours else INK for i in range(len(points))],
        },
        textfont={"size": 13 if colours else 11, "color": INK},
        hovertemplate="%{text}<br>%{x:.1f} MB, %{y:.2%}<extra></extra>",
        cliponaxis=False,
        name=name,
    )


def bars(
    groups: dict[str, dict[str, float | None]], label: Callable[[float], str], height: int, kind: str = "model"
) -> go.Figure:
    """Lying bars, so that names and numbers stay readable on a phone: a group a key, a bar a model, labelled."""
    figure = styled(go.Figure(), height)
    for i, name in enumerate(next(iter(groups.values()))):
        values = [group[name] for group in groups.values()]
        pattern = {
            "shape": PATTERNS[i % 4],
            "solidity": 0.2,
            "fillmode": "overlay",
            "fgcolor": "rgba(255,255,255,0.75)",
        }
        figure.add_bar(
            y=list(groups),
            x=values,
            orientation="h",
            name=named(kind, name),
            text=["" if value is None else label(value) for value in values],
            textposition="outside",
            cliponaxis=False,
            marker={"color": COLOURS[i % 4], "pattern": pattern},
            hovertemplate="%{fullData.name}: %{text}<extra></extra>",
        )
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def _padded(values: list[float]) -> list[float]:
    """An axis range that leaves room for labels above and below the points."""
    low, high = min(values), max(values)
    pad = max(0.006, 0.25 * (high - low))
    return [low - pad, high + pad]


def ticks(low: float, high: float) -> list[float]:
    """Round sizes between powers of ten `low` and `high`, few enough for a phone."""
    steps: tuple[int, ...] = (1, 2, 5) if high - low < 1.2 else (1, 3) if high - low < 2 else (1,)
    candidates = [step * 10.0**power for power in range(-3, 7) for step in steps]
    return [tick for tick in candidates if 10**low / 2 <= tick <= 10**high * 2]


def styled(figure: go.Figure, height: int) -> go.Figure:
    """The figure in the page's own style, `height` pixels high and as wide as its place."""
    figure.update_layout(
        template=None,
        height=height,
        autosize=True,
        font={"color": INK, "family": "system-ui, sans-serif", "size": 12},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 16, "r": 16, "t": 12, "b": 24},
        showlegend=True,
        legend={"orientation": "h", "x": 0, "xref": "container", "y": 0, "yref": "container", "yanchor": "bottom"},
        bargap=0.28,
        bargroupgap=0.08,
        dragmode=False,
    )
    figure.update_xaxes(gridcolor=GRID, zeroline=False, automargin=True, fixedrange=True)
    figure.update_yaxes(gridcolor=GRID, zeroline=False, automargin=True, fixedrange=True)
    return figure

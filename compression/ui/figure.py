"""The style that all figures share, and lying bars: backgrounds are transparent and text is mid-grey, so that a figure
reads on light and dark alike (the style sheet then gives the text the theme's own colour).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from compression.ui.words import named

Groups = Mapping[str, Mapping[str, float | None]]  # group → name → value, if it is defined
Interval = tuple[float, float]

INK = "#7b8794"
GRID = "rgba(127, 137, 150, 0.25)"
# Blue, orange, bluish green, purple, vermilion, light and dark grey: distinct under the common colour-vision
# deficiencies (after Okabe and Ito).
COLOURS = ("#2f86c9", "#e08a00", "#0f9f77", "#b66bb0", "#c8452d", "#8a94a0", "#55616d")
SHAPES = ("circle", "square", "diamond", "triangle-up", "pentagon", "cross", "star")
PATTERNS = ("", "/", "x", ".", "\\", "-", "+")
DASHES = ("solid", "dash", "dashdot", "dot", "longdash", "longdashdot", "solid")
ENTRY = 118  # pixels of a legend's entry: on a phone two stand side by side
_STYLED = ("teacher", "student", "compressed", "control", "untaught", "majority")


def style(name: str, otherwise: int = 0) -> int:
    """Which colour, shape, pattern and dash a model has in every figure; `otherwise` for what is no model."""
    return _STYLED.index(name) if name in _STYLED else otherwise % len(COLOURS)


def marked(number: int) -> dict[str, Any]:
    """The marker of bars in a style: a colour, and a pattern that tells it apart without colour."""
    fill = {"solidity": 0.2, "fillmode": "overlay", "fgcolor": "rgba(255,255,255,0.75)"}
    return {"color": COLOURS[number], "pattern": {"shape": PATTERNS[number], **fill}}


def bars(
    groups: Groups,
    label: Callable[[float], str],
    height: int,
    kind: str = "model",
    within: Mapping[str, Mapping[str, Interval | None]] | None = None,
) -> go.Figure:
    """Lying bars, so that names and numbers stay readable on a phone: a group a key, a bar a model, labelled.

    `within` are intervals, drawn as whiskers where there are any; the label then stands after the whisker.
    """
    figure = styled(go.Figure(), height)
    for i, name in enumerate(next(iter(groups.values()))):
        values = [group[name] for group in groups.values()]
        words = ["" if value is None else label(value) for value in values]
        shared: dict[str, Any] = {"y": list(groups), "name": named(kind, name), "orientation": "h", "offsetgroup": name}
        figure.add_bar(
            x=values,
            text=words,
            textposition="none" if within else "outside",
            constraintext="none",
            cliponaxis=False,
            marker=marked(style(name, i)),
            hovertemplate="%{fullData.name}: %{text}<extra></extra>",
            **shared,
        )
        if within:
            intervals = [within.get(group, {}).get(name) for group in groups]
            figure.data[-1].error_x = whiskers(values, intervals)
            ends = [interval[1] if interval else value for interval, value in zip(intervals, values, strict=True)]
            after = {"mode": "text", "textposition": "middle right", "textfont": {"size": 11, "color": INK}}
            figure.add_scatter(
                x=ends,
                text=[f" {word}" for word in words],
                cliponaxis=False,
                showlegend=False,
                hoverinfo="skip",
                **after,
                **shared,
            )
    figure.update_layout(scattermode="group", scattergap=figure.layout.bargap, legend_entrywidth=ENTRY)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def whiskers(values: Sequence[float | None], intervals: Sequence[Interval | None], **more: Any) -> dict[str, Any]:
    """Error bars from the values to the ends of their intervals; none where there is no interval."""
    known = [
        (interval[0], value, interval[1]) if interval and value is not None else (0.0, 0.0, 0.0)
        for value, interval in zip(values, intervals, strict=True)
    ]
    ends = {"array": [high - value for _, value, high in known], "arrayminus": [value - low for low, value, _ in known]}
    return {"type": "data", "symmetric": False, "color": INK, "thickness": 1.5, "width": 3, **ends, **more}


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

"""Where the names of points stand in a figure, so that they cover neither points nor whiskers nor one another."""

from collections.abc import Callable, Iterator, Sequence
from math import log10

import plotly.graph_objects as go

_SIDES = (
    "top right",
    "bottom left",
    "bottom right",
    "top left",
    "top center",
    "bottom center",
    "middle right",
    "middle left",
)
_WIDE, _HIGH = 240.0, 240.0  # pixels between the axes on a phone: what is apart there is so on a wider page
_LETTER, _LINE = 0.56, 1.25  # width and height in font sizes
_GAP = 8.0  # from a point's middle to its name
_OUTSIDE = 3.0  # how much worse it is to stand beyond the axes than on something

Box = tuple[float, float, float, float]  # left, bottom, right, top
At = Callable[[float, float], tuple[float, float]]  # from the axes' units to pixels


def place(figure: go.Figure) -> None:
    """Chooses for each named point the side where its name covers least, points before names, in their order.

    The axes must have their ranges, x a logarithmic one.
    """
    low, high = figure.layout.xaxis.range
    bottom, top = figure.layout.yaxis.range

    def at(x: float, y: float) -> tuple[float, float]:
        return (log10(x) - low) / (high - low) * _WIDE, (y - bottom) / (top - bottom) * _HIGH

    taken = [box for trace in figure.data for box in _points(trace, at)]
    for trace in figure.data:
        if "text" not in (trace.mode or ""):
            continue
        sides = []
        for x, y, words in zip(trace.x, trace.y, trace.text, strict=True):
            boxes = {side: _label(*at(x, y), words, trace.textfont.size, side) for side in _SIDES}
            sides.append(min(_SIDES, key=lambda side: _cost(boxes[side], taken)))
            taken.append(boxes[sides[-1]])
        trace.textposition = sides


def _points(trace: go.Scatter, at: At) -> Iterator[Box]:
    """The places of a trace's points and whiskers."""
    error = trace.error_y
    for i, (x, y) in enumerate(zip(trace.x, trace.y, strict=True)):
        across, up = at(x, y)
        yield across - _GAP, up - _GAP, across + _GAP, up + _GAP
        if error.array is not None:
            yield across - 2, at(x, y - error.arrayminus[i])[1], across + 2, at(x, y + error.array[i])[1]


def _label(x: float, y: float, words: str, size: float, side: str) -> Box:
    wide, high = len(words) * size * _LETTER, size * _LINE
    vertical, horizontal = side.split()
    left = {"left": x - _GAP - wide, "center": x - wide / 2, "right": x + _GAP}[horizontal]
    below = {"bottom": y - _GAP - high, "middle": y - high / 2, "top": y + _GAP}[vertical]
    return left, below, left + wide, below + high


def _cost(box: Box, taken: Sequence[Box]) -> float:
    covered = sum(_shared(box, other) for other in taken)
    area = (box[2] - box[0]) * (box[3] - box[1])
    return covered + _OUTSIDE * (area - _shared(box, (0.0, 0.0, _WIDE, _HIGH)))


def _shared(one: Box, other: Box) -> float:
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, wide) * max(0.0, high)

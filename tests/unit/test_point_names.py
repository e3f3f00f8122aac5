"""Names of points that lie close together stand apart, whatever a run's sizes and accuracies are."""

from itertools import combinations
from math import log10

import plotly.graph_objects as go
import pytest

from compression.ui import labels
from compression.ui.figure import whiskers


def figure(points: dict[str, tuple[float, float]], spread: float) -> go.Figure:
    """Named points with whiskers, on axes from 1 to 1,000 MB and from 0.8 to 1."""
    drawn = go.Figure()
    for name, (x, y) in points.items():
        error = whiskers([y], [(y - spread, y + spread)])
        drawn.add_scatter(x=[x], y=[y], text=[name], mode="markers+text", textfont={"size": 13}, error_y=error)
    drawn.update_xaxes(type="log", range=[0, 3])
    drawn.update_yaxes(range=[0.8, 1.0])
    return drawn


def boxes(drawn: go.Figure) -> list[labels.Box]:
    """Where the names stand, in the pixels of the page that they were placed for."""
    found = []
    for trace in drawn.data:
        across = log10(trace.x[0]) / 3 * labels._WIDE
        up = (trace.y[0] - 0.8) / 0.2 * labels._HIGH
        found.append(labels._label(across, up, trace.text[0], 13, trace.textposition[0]))
    return found


@pytest.mark.parametrize(
    "points",
    [
        {"Teacher": (27.5, 0.887), "Student": (22.8, 0.898), "Control": (22.8, 0.9)},
        {"Teacher": (30.0, 0.9), "Student": (30.0, 0.9)},
        {"Teacher": (400.0, 0.99), "Student": (3.0, 0.82)},
        {"A": (20.0, 0.9), "B": (21.0, 0.9), "C": (20.0, 0.91), "D": (21.0, 0.91)},
    ],
)
def test_names_of_close_points_do_not_cover_one_another(points: dict[str, tuple[float, float]]) -> None:
    drawn = figure(points, 0.02)
    labels.place(drawn)
    for one, other in combinations(boxes(drawn), 2):
        assert labels._shared(one, other) == 0


def test_a_name_stays_between_the_axes_and_off_the_whisker() -> None:
    drawn = figure({"At the right": (990.0, 0.9), "At the top": (10.0, 0.995)}, 0.004)
    labels.place(drawn)
    for left, below, right, above in boxes(drawn):
        assert 0 <= left < right <= labels._WIDE
        assert 0 <= below < above <= labels._HIGH
    drawn = figure({"Here": (30.0, 0.9)}, 0.05)
    labels.place(drawn)
    assert drawn.data[0].textposition[0].split()[1] != "center", "the whisker is above and below"

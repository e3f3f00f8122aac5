"""All of a visitor's runs that succeeded, as points to plot against each other, and the same as a table."""

from collections.abc import Sequence
from dataclasses import dataclass

from compression.measure.front import front
from compression.result import Result
from compression.runs.snapshot import Snapshot
from compression.ui import markup, units
from compression.ui.views.comparison import SPLIT, timed
from compression.ui.words import say

COSTS = ("size", "time")


@dataclass(frozen=True)
class Point:
    """A run's compressed model: what it costs (bytes, or milliseconds a URL) and its accuracy on test.

    `comparable` says that it was measured on the same test URLs as the run that all are held against (and, where the
    cost is time, on the same machine); `best` that no comparable one costs no more and is no less accurate.
    """

    number: int  # the oldest run's is 1
    name: str
    cost: float
    accuracy: float
    comparable: bool
    best: bool
    shown: bool  # whether it is the run on show


def standing(snapshots: Sequence[Snapshot], viewing: str, cost: str) -> list[Point]:
    """The runs that succeeded, the oldest first, held against the one on show, or else the newest."""
    done = [(s, s.result) for s in reversed(snapshots) if s.result is not None]
    if cost == "time":
        done = [(s, result) for s, result in done if timed(result.models["compressed"])]
    if not done:
        return []
    against = next((result for s, result in done if s.run_id == viewing), done[-1][1])
    found = []
    for number, (s, result) in enumerate(done, start=1):
        model = result.models["compressed"]
        comparable = same_data(result, against) and (cost == "size" or same_host(result, against))
        costs = float(model.size_bytes) if cost == "size" else model.latency_ms.p50
        accuracy = model.metrics[SPLIT].accuracy
        found.append((number, s, costs, accuracy, comparable))
    rivals = [each for each in found if each[4]]
    best = {rivals[index][0] for index in front([(costs, accuracy) for _, _, costs, accuracy, _ in rivals])}
    return [
        Point(number, s.name, costs, accuracy, comparable, number in best, s.run_id == viewing)
        for number, s, costs, accuracy, comparable in found
    ]


def standing_table(points: Sequence[Point], cost: str) -> str:
    """The points as a folded table, a row a run."""
    rows = [
        (
            f"{point.number} · {point.name}" + (f" ({say('front.shown')})" if point.shown else ""),
            units.mega(point.cost) if cost == "size" else f"{point.cost:.1f}",
            units.percent(point.accuracy),
            say("front.best" if point.best else "front.beaten")
            if point.comparable
            else say("front.other.size" if cost == "size" else "front.other.time"),
        )
        for point in points
    ]
    headers = [
        say("column.run"),
        say("column.size" if cost == "size" else "column.p50"),
        say("metric.accuracy"),
        say("column.standing"),
    ]
    title = say("chart.front-size" if cost == "size" else "chart.front-time")
    return markup.folded(say("table.numbers"), markup.table(title, headers, rows, "standing"))


def same_data(one: Result, other: Result) -> bool:
    """Whether two runs were measured on the same test URLs."""
    return _data(one) == _data(other)


def same_host(one: Result, other: Result) -> bool:
    """Whether two runs were timed on the same machine, as far as their results tell."""
    here, there = one.environment, other.environment
    return (here.device, here.cpu, here.threads) == (there.device, there.cpu, there.threads)


def _data(result: Result) -> object:
    config = result.config
    return result.inputs.get("data") or (config.data, config.columns, config.splits)

"""Two to six runs side by side: what differs in their recipes, their steps, and all that was measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from html import escape
from typing import Any

from compression import recipe
from compression.data.uploads import PREFIX, is_upload
from compression.measure.intervals import Interval, Intervals
from compression.result import Metrics, Result
from compression.runs.snapshot import Snapshot
from compression.ui import markup, units
from compression.ui.views.comparison import SPLIT, timed
from compression.ui.views.staircase import steps
from compression.ui.views.standing import same_data, same_host
from compression.ui.words import LANGUAGES, named, say

LETTERS = "ABCDEF"
METRICS = tuple(field.name for field in fields(Intervals))


@dataclass(frozen=True)
class Column:
    """A run, its result, and how sure each metric of its compressed model is (None: that cannot be told)."""

    letter: str
    run: Snapshot
    result: Result
    intervals: Mapping[str, Interval | None]


def side_by_side(columns: Sequence[Column], differences: Sequence[str]) -> str:
    """The whole comparison; `differences` say who was right more often than the first one, and whether by chance."""
    return "".join(
        [
            _runs(columns),
            *(markup.text("p", note, "notice") for note in _cautions(columns)),
            *(markup.text("p", words, "difference") for words in differences),
            _measured(columns),
            _recipes(columns),
            _staircases(columns),
        ]
    )


def _runs(columns: Sequence[Column]) -> str:
    """Which letter stands for which run."""
    items = "".join(
        f"<li><b>{c.letter}</b><span>{escape(c.run.name)}"
        f"{markup.text('small', units.moment(c.run.created))}</span></li>"
        for c in columns
    )
    return f'<ul class="letters">{items}</ul>'


def _cautions(columns: Sequence[Column]) -> list[str]:
    """What must not be read off the tables, where it would be wrong."""
    first = columns[0].result
    data = [c.letter for c in columns if not same_data(c.result, first)]
    hosts = [c.letter for c in columns if not same_host(c.result, first)]
    said = []
    if data:
        said.append(say("compare.other-data", letters=", ".join(data)))
    if hosts:
        said.append(say("compare.other-host", letters=", ".join(hosts)))
    return said


def _measured(columns: Sequence[Column]) -> str:
    models = [(c, c.result.models["compressed"]) for c in columns]
    rows: list[list[str]] = [
        [say("column.size"), *(units.mega(m.size_bytes) for _, m in models)],
        [say("column.parameters"), *(f"{m.parameters / 1e6:.2f}" for _, m in models)],
    ]
    for metric in METRICS:
        cells = [_with_interval(metric, m.metrics[SPLIT], c.intervals.get(metric)) for c, m in models]
        rows.append([say(f"metric.{metric}"), *cells])
    for percentile in ("p50", "p95"):
        times = [f"{getattr(m.latency_ms, percentile):.1f}" if timed(m) else say("table.undefined") for _, m in models]
        rows.append([say(f"column.{percentile}"), *times])
    return _titled(say("compare.measured"), columns, rows)


def _titled(title: str, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    """A table with its title above, where it wraps however wide the table is."""
    table = markup.table(title, ["", *(c.letter for c in columns)], rows, "compared")
    return markup.text("h3", title) + table


def _with_interval(metric: str, metrics: Metrics, interval: Interval | None) -> str:
    value = getattr(metrics, metric)
    if value is None:
        return say("table.undefined")
    shown = f"{value:.4f}" if metric == "roc_auc" else f"{100 * value:.1f} %"
    if interval is None:
        return shown
    low, high = (f"{end:.4f}" if metric == "roc_auc" else f"{100 * end:.1f}" for end in interval)
    return f"{shown} ({low} … {high})"


def _recipes(columns: Sequence[Column]) -> str:
    """The keys of the recipes whose values differ, a row each."""
    flat = [recipe.flatten(c.run.config) for c in columns]
    rows = []
    for key in recipe.keys():  # noqa: SIM118 (a function, not a mapping)
        values = [_value(key, each.get(key)) for each in flat]
        if len(set(values)) > 1:
            rows.append([LANGUAGES["en"][key], *values])
    if not rows:
        return markup.text("p", say("compare.same-recipe"), "quiet")
    return _titled(say("compare.recipes"), columns, rows)


def _value(key: str, value: Any) -> str:
    """A value of the recipe as the form calls it."""
    if value is None or value == "":
        return say("table.undefined")
    if isinstance(value, bool):
        return say("compare.yes" if value else "compare.no")
    if isinstance(value, str) and is_upload(value):
        return say("compare.upload", digest=value.removeprefix(PREFIX)[:6])
    return LANGUAGES["en"].get(f"{key}={value}", f"{value:g}" if isinstance(value, float) else str(value))


def _staircases(columns: Sequence[Column]) -> str:
    """A row a step that any of the runs took, and what it made of the model: bytes, and accuracy on validation."""
    taken = [{step.stage: step for step in steps(c.result)} for c in columns]
    rows = []
    for stage in merged([list(each) for each in taken]):
        cells = []
        for each in taken:
            step = each.get(stage)
            words = say("table.undefined")
            if step is not None:
                words = f"{units.megabytes(step.size_bytes)}, {units.percent(step.accuracy)}"
            cells.append(words)
        rows.append([named("stage", stage), *cells])
    if not rows:
        return ""
    return _titled(say("compare.staircases"), columns, rows)


def merged(lists: Sequence[Sequence[str]]) -> list[str]:
    """The entries of all lists, once each, in an order in which each list's own stand, where there is one."""
    found: list[str] = []
    for entries in lists:
        at = 0
        for entry in entries:
            if entry in found:
                at = found.index(entry) + 1
            else:
                found.insert(at, entry)
                at += 1
    return found

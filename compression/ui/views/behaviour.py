"""How models behave beyond their scores: verdicts that flipped, loyalty to the teacher, sorts of URLs, thresholds."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from compression.ui import markup, units
from compression.ui.behaviour_charts import group_name
from compression.ui.urls import defang
from compression.ui.words import named, say

if TYPE_CHECKING:
    import numpy as np

    from compression.measure.behaviour import Loyalty
    from compression.measure.calibration import Calibration
    from compression.measure.curves import Curve, OperatingPoint
    from compression.measure.groups import Group
    from compression.measure.predictions import Predictions

STEPS = (("teacher", "student"), ("student", "compressed"), ("teacher", "compressed"))
LISTED = 50  # URLs of a list
_RATES, _RECALLS = (0.005, 0.01, 0.02, 0.05, 0.1), (0.8, 0.9, 0.95, 0.99)


def flips_card(kept: "Predictions", texts: Sequence[str | None] | None) -> str:
    """What each stage did to the verdicts: how many it mended and broke, and which, where the URLs are at hand."""
    from compression.measure.behaviour import flips

    pieces = [] if texts else [markup.text("p", say("flips.not-at-hand"), "notice")]
    for before, after in STEPS:
        if not {before, after} <= set(kept.probabilities):
            continue
        first, second = kept.probabilities[before], kept.probabilities[after]
        found = flips(kept.labels.tolist(), first, second)
        words = say(
            "flips.counts",
            before=named("model", before),
            after=named("model", after),
            repaired=f"{len(found.repaired):,}",
            broken=f"{len(found.broken):,}",
            examples=f"{len(kept):,}",
        )
        pieces.append(markup.text("p", words))
        for kind, rows in (("broken", found.broken), ("repaired", found.repaired)):
            if texts and rows:
                table = _listed(rows, kept, texts, first, second)
                summary = say(f"flips.{kind}", shown=min(len(rows), LISTED), count=f"{len(rows):,}")
                pieces.append(markup.folded(summary, table))
    return markup.text("h3", say("flips")) + "".join(pieces)


def loyalty_table(found: "Mapping[str, Loyalty]") -> str:
    """How closely each model keeps to the teacher, with what that means."""
    rows = [
        (
            named("model", name),
            f"{units.percent(own.label)}\n{_interval(own.label_interval)}",
            units.percent(own.probability),
        )
        for name, own in found.items()
    ]
    headers = [say("column.model"), say("column.label-loyalty"), say("column.probability-loyalty")]
    return markup.table(say("loyalty.caption"), headers, rows) + markup.text("p", say("loyalty.note"), "quiet")


def breakdown_table(groups: "Sequence[Group]") -> str:
    """Accuracy by sort of URL, a row a group, a column a model, folded."""
    models = list(next((group.shares for group in groups if group.shares), {}))
    rows = [
        (
            group_name(group),
            *(
                f"{units.percent(group.shares[name].accuracy)}\n{_interval(group.shares[name].interval)}"
                if group.shares
                else say("breakdown.few")
                for name in models
            ),
        )
        for group in groups
    ]
    headers = [say("column.group"), *(named("model", name) for name in models)]
    table = markup.table(say("chart.breakdown"), headers, rows)
    return markup.text("p", say("breakdown.note"), "quiet") + markup.folded(say("table.numbers"), table)


def roc_table(curves: "Mapping[str, Curve]") -> str:
    """The recall that each model reaches at some false-positive rates, folded."""
    found = {name: _best(curve, _RATES, at_least=False) for name, curve in curves.items()}
    return _at("column.false-positive-rate", _RATES, found, "chart.roc")


def precision_recall_table(curves: "Mapping[str, Curve]") -> str:
    """The precision that each model has at some recalls, folded."""
    best = {name: _best(curve, _RECALLS, at_least=True) for name, curve in curves.items()}
    return _at("metric.recall", _RECALLS, best, "chart.precision-recall")


def thresholds_table(points: "Mapping[str, OperatingPoint]", wanted: float) -> str:
    """What a threshold chosen on validation for a wanted recall does on test, a row a model."""
    rows = [
        (
            named("model", name),
            f"{point.threshold:.3f}",
            units.percent(point.recall),
            units.percent(point.false_positive_rate),
            units.percent(point.precision),
        )
        for name, point in points.items()
    ]
    columns = ("model", "threshold", "recall-told", "false-positive-rate", "precision-told")
    caption = say("thresholds.caption", recall=units.share(wanted))
    return markup.table(caption, [say(f"column.{column}") for column in columns], rows)


def calibration_table(found: "Mapping[str, Calibration]") -> str:
    """Expected calibration error before and after each model's temperature."""
    rows = [
        (named("model", name), f"{100 * own.before.ece:.1f}", f"{own.temperature:.2f}", f"{100 * own.after.ece:.1f}")
        for name, own in found.items()
    ]
    columns = ("model", "ece-before", "temperature", "ece-after")
    headers = [say(f"column.{column}") for column in columns]
    note = markup.text("p", say("calibration.note"), "quiet")
    return markup.table(say("calibration.caption"), headers, rows) + note


def _listed(
    rows: Sequence[int], kept: "Predictions", texts: Sequence[str | None], before: "np.ndarray", after: "np.ndarray"
) -> str:
    """The first of these rows with truth and both probabilities, addresses made unclickable."""
    cells = [
        (
            defang(texts[row] or "") or say("table.undefined"),
            named("verdict", "Not Safe" if kept.labels[row] else "Safe"),
            units.percent(float(before[row])),
            units.percent(float(after[row])),
        )
        for row in rows[:LISTED]
    ]
    headers = [say(f"column.{column}") for column in ("url", "truth", "before", "after")]
    return markup.table(say("flips.caption"), headers, cells, "urls")


def _best(curve: "Curve", places: Sequence[float], at_least: bool) -> dict[float, float | None]:
    """The highest y of a curve where x is at least, or at most, each place."""
    pairs = list(zip(curve.x, curve.y, strict=True))
    return {
        place: max((float(y) for x, y in pairs if (x >= place if at_least else x <= place)), default=None)
        for place in places
    }


def _at(first: str, places: Sequence[float], found: "Mapping[str, Mapping[float, float | None]]", title: str) -> str:
    rows = [(units.share(place), *(units.percent(own[place]) for own in found.values())) for place in places]
    headers = [say(first), *(named("model", name) for name in found)]
    return markup.folded(say("table.numbers"), markup.table(say(title), headers, rows))


def _interval(ends: tuple[float, float]) -> str:
    return f"{100 * ends[0]:.1f} … {100 * ends[1]:.1f}"

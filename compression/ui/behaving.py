"""What happens when a visitor asks how the models of the run on show behave: computed only then."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from compression.errors import CompressionError
from compression.runs.snapshot import Snapshot
from compression.runs.worker import Runs
from compression.ui import behaviour_charts, markup
from compression.ui.at_hand import tested
from compression.ui.evidence import evidence
from compression.ui.views import behaviour
from compression.ui.views.refusal import refusal
from compression.ui.words import say

if TYPE_CHECKING:
    from compression.measure.evidence import Evidence
    from compression.measure.predictions import Predictions

Updates = dict[str, Any]
CHARTS = ("breakdown", "roc", "precision-recall", "reliability")
PARTS = ("flips", "loyalty", "thresholds", *(f"{name}-{what}" for name in CHARTS for what in ("plot", "numbers")))
WANTED = 95.0  # per cent of the phishing URLs, at first
_SHOWN_GROUPS = 6  # top-level domains


def closed() -> Updates:
    """The fold before it is opened, also for another run than the one it was opened for."""
    nothing = {name: "" for name in PARTS if not name.endswith("-plot")}
    plots = {f"{name}-plot": gr.Plot(None, visible=False) for name in CHARTS}
    return nothing | plots | {"flips": markup.empty("behaviour.empty"), "fold-behaviour": gr.Accordion(open=False)}


def behave(runs: Runs, viewing: str, wanted: Any, browser: Any = None) -> Updates:
    """All that the fold holds, for the run on show."""
    snapshot = runs.snapshot(viewing) if viewing else None
    sure = evidence(runs, snapshot)
    if snapshot is None or sure is None:
        return {"flips": markup.empty("behaviour.empty")}
    if "test" not in sure.said:
        return {"flips": markup.text("p", say("behaviour.none"), "notice")}
    sentences, charts = told(sure, texts_of(runs, browser, snapshot, sure.said["test"]), wanted)
    updates: Updates = dict(sentences)
    for name, (figure, numbers) in charts.items():
        updates |= {f"{name}-plot": gr.Plot(figure, visible=figure is not None), f"{name}-numbers": numbers}
    return updates


def told(
    sure: "Evidence", texts: Sequence[str | None] | None, wanted: Any
) -> tuple[dict[str, str], dict[str, tuple[Any, str]]]:
    """How models behave whose predictions on test were kept: sentences and tables, and charts with their numbers.

    A figure is None where there is none, and a sentence in the numbers' place says why.
    """
    from compression.measure.behaviour import loyalty

    test = sure.said["test"]
    teacher = test.probabilities.get("teacher")
    others = {name: own for name, own in test.probabilities.items() if name != "teacher"}
    loyal = {name: loyalty(teacher, own) for name, own in others.items()} if teacher is not None else {}
    sentences = {
        "flips": behaviour.flips_card(test, texts),
        "loyalty": behaviour.loyalty_table(loyal) if loyal else "",
        "thresholds": _thresholds(sure, wanted),
    }
    charts = {"breakdown": _breakdown(test, texts), **_curves(test), "reliability": _calibration(sure)}
    return sentences, charts


def thresholds(runs: Runs, viewing: str, wanted: Any) -> Updates:
    """What the threshold for a wanted recall, in per cent, does to each model of the run on show."""
    sure = evidence(runs, runs.snapshot(viewing) if viewing else None)
    return {"thresholds": _thresholds(sure, wanted) if sure else _notice(say("behaviour.validation"))}


def _thresholds(sure: "Evidence", wanted: Any) -> str:
    from compression.measure.curves import threshold_table

    if not {"test", "validation"} <= set(sure.said):
        return _notice(say("behaviour.validation"))
    recall, test, validation = _share(wanted), sure.said["test"], sure.said["validation"]
    try:
        points = {
            name: threshold_table(
                (validation.labels.tolist(), validation.probabilities[name]), (test.labels.tolist(), own), (recall,)
            )[0]
            for name, own in test.probabilities.items()
        }
    except CompressionError as error:
        return refusal(error)
    return behaviour.thresholds_table(points, recall)


def texts_of(runs: Runs, browser: Any, snapshot: Snapshot, test: "Predictions") -> Sequence[str | None] | None:
    """The URL of each row, where the run's data is on this host, and may be read for whoever visits it."""
    data = tested(runs, browser, snapshot.config)
    texts = test.texts(data.texts) if data else ()
    return texts if any(texts) else None


def _breakdown(test: "Predictions", texts: Sequence[str | None] | None) -> tuple[Any, str]:
    from compression.measure.groups import breakdown

    if texts is None:
        return None, _notice(say("breakdown.not-at-hand"))
    groups = breakdown(texts, test.labels.tolist(), test.probabilities)
    domains = [group for group in groups if group.facet == "tld"][:_SHOWN_GROUPS]
    groups = (*domains, *(group for group in groups if group.facet != "tld"))
    if not any(group.shares for group in groups):
        return None, _notice(say("breakdown.too-few"))
    return behaviour_charts.breakdown(groups), behaviour.breakdown_table(groups)


def _curves(test: "Predictions") -> dict[str, tuple[Any, str]]:
    from compression.measure.curves import precision_recall, roc

    labels = test.labels.tolist()
    try:
        rocs = {name: roc(labels, own) for name, own in test.probabilities.items()}
        others = {name: precision_recall(labels, own) for name, own in test.probabilities.items()}
    except CompressionError:
        return dict.fromkeys(("roc", "precision-recall"), (None, _notice(say("behaviour.one-class"))))
    return {
        "roc": (behaviour_charts.roc(rocs), behaviour.roc_table(rocs)),
        "precision-recall": (behaviour_charts.precision_recall(others), behaviour.precision_recall_table(others)),
    }


def _calibration(sure: "Evidence") -> tuple[Any, str]:
    from compression.measure.calibration import calibration

    if "validation" not in sure.said:
        return None, _notice(say("behaviour.validation"))
    validation, test = sure.said["validation"], sure.said["test"]
    found = {
        name: calibration((validation.labels.tolist(), validation.probabilities[name]), (test.labels.tolist(), own))
        for name, own in test.probabilities.items()
    }
    shown = found.get("compressed") or next(iter(found.values()))
    return behaviour_charts.reliability(shown), behaviour.calibration_table(found)


def _share(wanted: Any) -> float:
    """A wanted recall in per cent as a share, whatever was sent."""
    is_number = isinstance(wanted, (int, float)) and not isinstance(wanted, bool) and wanted == wanted
    return float(min(max(wanted if is_number else WANTED, 1), 100)) / 100


def _notice(words: str) -> str:
    return markup.text("p", words, "notice")

"""What happens when a visitor asks how the models of the run on show behave: computed only then."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from compression.errors import CompressionError
from compression.runs.snapshot import Snapshot
from compression.runs.worker import Runs
from compression.ui import behaviour_charts, form, markup
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


def behave(runs: Runs, viewing: str, wanted: Any) -> Updates:
    """All that the fold holds, for the run on show."""
    from compression.measure.behaviour import loyalty

    snapshot = runs.snapshot(viewing) if viewing else None
    sure = evidence(runs, snapshot)
    if snapshot is None or sure is None:
        return {"flips": markup.empty("behaviour.empty")}
    test = sure.said.get("test")
    if test is None:
        return {"flips": markup.text("p", say("behaviour.none"), "notice")}
    texts = _texts(snapshot, test)
    teacher = test.probabilities.get("teacher")
    others = {name: own for name, own in test.probabilities.items() if name != "teacher"}
    loyal = {name: loyalty(teacher, own) for name, own in others.items()} if teacher is not None else {}
    return {
        "flips": behaviour.flips_card(test, texts),
        "loyalty": behaviour.loyalty_table(loyal) if loyal else "",
        **_breakdown(test, texts),
        **_curves(test),
        **_calibration(sure),
        "thresholds": thresholds(runs, viewing, wanted)["thresholds"],
    }


def thresholds(runs: Runs, viewing: str, wanted: Any) -> Updates:
    """What the threshold for a wanted recall, in per cent, does to each model of the run on show."""
    from compression.measure.curves import threshold_table

    sure = evidence(runs, runs.snapshot(viewing) if viewing else None)
    if sure is None or not {"test", "validation"} <= set(sure.said):
        return {"thresholds": markup.text("p", say("behaviour.validation"), "notice")}
    recall, test, validation = _share(wanted), sure.said["test"], sure.said["validation"]
    try:
        points = {
            name: threshold_table(
                (validation.labels.tolist(), validation.probabilities[name]), (test.labels.tolist(), own), (recall,)
            )[0]
            for name, own in test.probabilities.items()
        }
    except CompressionError as error:
        return {"thresholds": refusal(error)}
    return {"thresholds": behaviour.thresholds_table(points, recall)}


def _texts(snapshot: Snapshot, test: "Predictions") -> Sequence[str | None] | None:
    """The URL of each row, where the run's data is on this host, and may be read for whoever visits it."""
    from compression.data.at_hand import at_hand

    try:
        form.refuse_local_paths(snapshot.config)
    except CompressionError:
        return None
    data = at_hand(snapshot.config)
    texts = test.texts(data.texts) if data else ()
    return texts if any(texts) else None


def _breakdown(test: "Predictions", texts: Sequence[str | None] | None) -> Updates:
    from compression.measure.groups import breakdown

    if texts is None:
        return _none("breakdown", say("breakdown.not-at-hand"))
    groups = breakdown(texts, test.labels.tolist(), test.probabilities)
    domains = [group for group in groups if group.facet == "tld"][:_SHOWN_GROUPS]
    groups = (*domains, *(group for group in groups if group.facet != "tld"))
    if not any(group.shares for group in groups):
        return _none("breakdown", say("breakdown.too-few"))
    return _chart("breakdown", behaviour_charts.breakdown(groups), behaviour.breakdown_table(groups))


def _curves(test: "Predictions") -> Updates:
    from compression.measure.curves import precision_recall, roc

    labels = test.labels.tolist()
    try:
        rocs = {name: roc(labels, own) for name, own in test.probabilities.items()}
        others = {name: precision_recall(labels, own) for name, own in test.probabilities.items()}
    except CompressionError:
        none = [_none(name, say("behaviour.one-class")) for name in ("roc", "precision-recall")]
        return none[0] | none[1]
    return _chart("roc", behaviour_charts.roc(rocs), behaviour.roc_table(rocs)) | _chart(
        "precision-recall", behaviour_charts.precision_recall(others), behaviour.precision_recall_table(others)
    )


def _calibration(sure: "Evidence") -> Updates:
    from compression.measure.calibration import calibration

    if "validation" not in sure.said:
        return _none("reliability", say("behaviour.validation"))
    validation, test = sure.said["validation"], sure.said["test"]
    found = {
        name: calibration((validation.labels.tolist(), validation.probabilities[name]), (test.labels.tolist(), own))
        for name, own in test.probabilities.items()
    }
    shown = found.get("compressed") or next(iter(found.values()))
    return _chart("reliability", behaviour_charts.reliability(shown), behaviour.calibration_table(found))


def _share(wanted: Any) -> float:
    """A wanted recall in per cent as a share, whatever was sent."""
    is_number = isinstance(wanted, (int, float)) and not isinstance(wanted, bool) and wanted == wanted
    return float(min(max(wanted if is_number else WANTED, 1), 100)) / 100


def _chart(name: str, figure: Any, numbers: str) -> Updates:
    return {f"{name}-plot": gr.Plot(figure, visible=True), f"{name}-numbers": numbers}


def _none(name: str, words: str) -> Updates:
    return {f"{name}-plot": gr.Plot(None, visible=False), f"{name}-numbers": markup.text("p", words, "notice")}

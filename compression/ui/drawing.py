"""A snapshot as updates of the page's parts: what is drawn while a run goes on, and what once it has ended."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import gradio as gr

from compression.result import Result
from compression.runs.snapshot import RESUMABLE, Snapshot
from compression.ui import behaving, charts, markup, notes, step_charts
from compression.ui.pushing import forget
from compression.ui.views import comparison, precomputed
from compression.ui.views import parts as part_bytes
from compression.ui.views.certainty import certainty_card
from compression.ui.views.progress import UNFINISHED, epochs_table, loss_table, progress
from compression.ui.views.receipt import PRICE, million_table, receipt_card
from compression.ui.views.staircase import staircase_table, steps
from compression.ui.words import say

if TYPE_CHECKING:
    from compression.measure.evidence import Evidence

Updates = dict[str, Any]
CHARTS = ("size-accuracy", "staircase", "bytes", "metrics", "latency")
# What the compare section says beside its charts, and what it says only when it is asked.
MORE = ("certainty", "next-step", "bytes-lessons", "receipt", "price", "million", "fold-behaviour", *behaving.PARTS)
MORE += ("taking", "take", "taken", "take-file")
CURVE_DRAWINGS = 25
_START_STEP_S = 10.0  # an estimated start is drawn anew when it has moved by so much
MODELS = ("teacher", "student", "compressed")  # with a confusion matrix of their own; further ones are in its table


def mark(snapshot: Snapshot | None, cancelling: bool = False, going: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What tells one drawing from the next: equal marks, equal pages.

    `going` is how the visitor's runs stand that have not ended, by their ids: the list of runs is drawn from them too.
    """
    own = dict(sorted((going or {}).items()))
    if snapshot is None:
        nothing = {"run": "", "revision": 0, "ahead": 0, "starts": 0, "followers": 0, "status": "", "curve": 0}
        return {**nothing, "cancelling": "", "going": own}
    return {
        "run": snapshot.run_id,
        "revision": snapshot.revision,
        "ahead": snapshot.ahead,
        "starts": (snapshot.start_eta_seconds or 0.0) // _START_STEP_S,
        "followers": snapshot.followers,
        "status": snapshot.status,
        "curve": _curve_mark(snapshot),
        "cancelling": snapshot.run_id if cancelling else "",
        "going": own,
    }


def unfinished(snapshot: Snapshot | None) -> bool:
    """Whether there is more to come."""
    return snapshot is not None and snapshot.status in UNFINISHED


def going(snapshot: Snapshot, mine: bool, cancelling: bool) -> Updates:
    """The run section without its curve: state, epochs and what the two buttons can do now."""
    busy = mine and unfinished(snapshot)
    stop = say("cancelling" if cancelling and busy else "cancel")
    return {
        "progress": progress(snapshot, mine, cancelling),
        "epochs": epochs_table(snapshot.epochs),
        "run": gr.Button(interactive=not busy),
        "cancel": gr.Button(stop, interactive=busy and not cancelling),
        "resume": gr.Button(visible=mine and snapshot.status in RESUMABLE),
    }


def loss(snapshot: Snapshot | None) -> Updates:
    """The loss curve so far."""
    if snapshot is None or not snapshot.curve:
        return _no_chart("loss")
    return _chart("loss", charts.loss_curve(snapshot.curve), loss_table(snapshot.curve))


def outcome(snapshot: Snapshot | None, reference: bool, sure: "Evidence | None" = None) -> Updates:
    """The compare section: drawn from the result and how sure it is, or sentences about what will be."""
    updates: Updates = {} if snapshot else _nothing_going()
    own = snapshot is not None and snapshot.precomputed_by is None
    done = snapshot is not None and snapshot.result is not None
    updates |= {"push": gr.Column(visible=done and own), "push-message": "", **forget()}
    updates |= behaving.closed()
    updates["precomputed"] = precomputed.mark(snapshot) if snapshot else ""
    updates["example"] = snapshot.run_id if snapshot and not own else None
    if snapshot is None or snapshot.result is None:
        updates |= {"summary": markup.empty("summary.empty"), "reference": gr.Checkbox(visible=False)}
        updates |= {"certainty": markup.empty("certainty.empty"), "next-step": "", "bytes-lessons": ""}
        updates |= {"receipt": markup.empty("receipt.empty"), "price": gr.Number(visible=False), "million": ""}
        for name in CHARTS:
            updates |= _no_chart(name)
        return updates | _confusion(None)
    result = snapshot.result
    updates |= {"summary": comparison.summary_card(result, own), "reference": gr.Checkbox(visible=True)}
    updates |= size_accuracy(result, reference, sure)
    updates |= _staircase(result) | _bytes(result, sure)
    updates |= _chart("metrics", charts.metrics(result, sure), comparison.everything(result, sure))
    updates["certainty"] = certainty_card(result, sure)
    updates |= _confusion(result) | _receipt(result)
    updates |= _chart("latency", charts.latency(result), comparison.latency_table(result))
    distilled = [point for point in snapshot.curve if point.stage == "distill"]
    if distilled:
        updates["why-alpha"] = markup.text("p", notes.alpha(snapshot.config.distillation, distilled[-1]))
    return updates


def size_accuracy(result: Result, reference: bool, sure: "Evidence | None") -> Updates:
    """The size-accuracy chart alone."""
    return _chart("size-accuracy", charts.size_accuracy(result, reference, sure), comparison.size_table(result))


def _staircase(result: Result) -> Updates:
    if not steps(result):
        return _no_chart("staircase")
    return _chart("staircase", step_charts.staircase(result), staircase_table(result))


def _bytes(result: Result, sure: "Evidence | None") -> Updates:
    rows = part_bytes.rows(result, sure)
    if not rows:
        none = {"next-step": "", "bytes-lessons": "", "bytes-numbers": markup.empty("bytes.none")}
        return _no_chart("bytes") | none
    return {
        **_chart("bytes", step_charts.bytes_by_part(rows), part_bytes.bytes_table(rows)),
        "next-step": part_bytes.offer(result, rows),
        "bytes-lessons": part_bytes.lessons(result, rows),
    }


def _receipt(result: Result) -> Updates:
    million = {"price": gr.Number(value=PRICE, visible=True), "million": million_table(result, PRICE)}
    return {"receipt": receipt_card(result), **million}


def _confusion(result: Result | None) -> Updates:
    updates: Updates = {
        "confusion-numbers": comparison.confusion_table(result) if result else markup.empty("confusion.empty")
    }
    for name in MODELS:
        figure = charts.confusion(result.models[name]) if result else None
        updates[f"confusion-{name}"] = gr.Plot(figure, visible=figure is not None)
        updates[f"confusion-{name}-title"] = gr.HTML(visible=figure is not None)
    return updates


def _curve_mark(snapshot: Snapshot) -> int:
    """Grows at most `CURVE_DRAWINGS` times a stage: drawing a chart costs the visitor's machine more than text."""
    if not snapshot.curve:
        return 0
    last = snapshot.curve[-1]
    before = CURVE_DRAWINGS * len({point.stage for point in snapshot.curve[:-1]} - {last.stage})
    return 1 + before + CURVE_DRAWINGS * last.step // max(last.steps, 1)


def _nothing_going() -> Updates:
    return {
        "progress": markup.empty("progress.empty"),
        "epochs": markup.empty("epochs.empty"),
        "run": gr.Button(interactive=True),
        "cancel": gr.Button(say("cancel"), interactive=False),
        "resume": gr.Button(visible=False),
    }


def _chart(name: str, figure: Any, numbers: str) -> Updates:
    return {f"{name}-plot": gr.Plot(figure, visible=True), f"{name}-numbers": numbers}


def _no_chart(name: str) -> Updates:
    return {f"{name}-plot": gr.Plot(None, visible=False), f"{name}-numbers": markup.empty(f"{name}.empty")}

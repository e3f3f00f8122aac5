"""One URL in the eyes of every model of a run."""

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING

from compression.ui import markup, units
from compression.ui.urls import defang
from compression.ui.views.precomputed import absent
from compression.ui.words import named, say

if TYPE_CHECKING:
    from compression.predict.predictor import Prediction


def verdict_cards(url: str, predictions: "Mapping[str, Prediction]", sizes: Mapping[str, int]) -> str:
    """The URL, defanged, and a card a model: label, probability, milliseconds, size; who of `sizes` is silent."""
    shown = f'<p class="read">{escape(say("verdict.reads"))} <code>{escape(defang(url))}</code></p>'
    cards = "".join(_card(name, prediction, sizes.get(name)) for name, prediction in predictions.items())
    silent = absent([name for name in sizes if name not in predictions])
    return f'<div role="status">{shown}<div class="verdict-cards">{cards}</div>{silent}</div>'


def _card(name: str, prediction: "Prediction", size_bytes: int | None) -> str:
    safe = prediction.label == "Safe"
    sign = "✓" if safe else "⚠"  # never by colour alone
    label = f'<p class="label"><span aria-hidden="true">{sign}</span> {escape(named("verdict", prediction.label))}</p>'
    sure = say("verdict.probability", share=units.percent(prediction.probability))
    facts = f"{prediction.latency_ms:.1f} ms" + (f" · {units.megabytes(size_bytes)}" if size_bytes else "")
    title, facts = markup.text("h3", named("model", name)), markup.text("p", facts, "quiet")
    body = title + label + markup.bar(prediction.probability, sure) + markup.text("p", sure) + facts
    return f'<article class="verdict {"safe" if safe else "unsafe"}">{body}</article>'

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
    from compression.predict.runtime import Runtime


def verdict_cards(
    url: str,
    predictions: "Mapping[str, Prediction]",
    sizes: Mapping[str, int],
    runtimes: "Mapping[str, Runtime | None] | None" = None,
) -> str:
    """The URL, defanged, and a card a model: label, probability, milliseconds, runtime, size; who of `sizes` is silent.

    Below, what was measured where a runtime was chosen.
    """
    shown = f'<p class="read">{escape(say("verdict.reads"))} <code>{escape(defang(url))}</code></p>'
    cards = "".join(_card(name, prediction, sizes.get(name)) for name, prediction in predictions.items())
    silent = absent([name for name in sizes if name not in predictions])
    chosen = {name: runtime for name, runtime in (runtimes or {}).items() if runtime is not None}
    return f'<div role="status">{shown}<div class="verdict-cards">{cards}</div>{silent}{_measured(chosen)}</div>'


def _measured(runtimes: "Mapping[str, Runtime]") -> str:
    """What runs each model here, and what else was tried; nothing while nothing was chosen."""
    if not runtimes:
        return ""
    lines = "".join(f"<li>{escape(_choice(name, runtime))}</li>" for name, runtime in runtimes.items())
    first = next(iter(runtimes.values()))
    flags = ", ".join(first.cpu_flags) or say("runtime.no-flags")
    head = f"<summary>{escape(say('runtime.title'))}</summary>"
    cpu = markup.text("p", say("runtime.cpu", cpu=first.cpu, flags=flags), "quiet")
    return f'<details class="runtimes">{head}<ul>{lines}</ul>{cpu}</details>'


def _choice(name: str, runtime: "Runtime") -> str:
    times = ", ".join(f"{called} {p50:.2f} ms" for called, p50 in sorted(runtime.p50_ms.items(), key=lambda i: i[1]))
    words = say("runtime.choice", model=named("model", name), runtime=runtime.name, reason=runtime.reason)
    if times:
        words += " " + say("runtime.times", times=times)
    if runtime.difference is not None:
        words += " " + say(
            "runtime.agreement", difference=f"{runtime.difference:.4f}", texts=runtime.texts, flipped=runtime.flipped
        )
    return words


def _card(name: str, prediction: "Prediction", size_bytes: int | None) -> str:
    safe = prediction.label == "Safe"
    sign = "✓" if safe else "⚠"  # never by colour alone
    label = f'<p class="label"><span aria-hidden="true">{sign}</span> {escape(named("verdict", prediction.label))}</p>'
    sure = say("verdict.probability", share=units.percent(prediction.probability))
    facts = f"{prediction.latency_ms:.1f} ms · {prediction.runtime}" + (
        f" · {units.megabytes(size_bytes)}" if size_bytes else ""
    )
    title, facts = markup.text("h3", named("model", name)), markup.text("p", facts, "quiet")
    body = title + label + markup.bar(prediction.probability, sure) + markup.text("p", sure) + facts
    return f'<article class="verdict {"safe" if safe else "unsafe"}">{body}</article>'

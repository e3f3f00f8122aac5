"""The student before anything runs: how large, how much smaller than the teacher, and where its bytes live."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from compression.config import Linear, RunConfig
from compression.ui import markup, units
from compression.ui.views.comparison import ratio
from compression.ui.words import friendly, say

if TYPE_CHECKING:  # the engine's module is not loaded to draw a number
    from compression.measure.size import Estimate


def estimate_card(estimate: "Estimate", config: RunConfig) -> str:
    """Parameters, bytes before and after quantization, the ratio to the teacher, and a bar of parts."""
    scheme = say(f"quantization.scheme={config.quantization.scheme}")
    numbers = [
        (say("estimate.parameters"), units.millions(estimate.student_parameters)),
        (say("estimate.student"), units.megabytes(estimate.student_bytes)),
        (say("estimate.compressed", scheme=scheme), units.megabytes(estimate.compressed_bytes)),
        (say("estimate.ratio"), f"{ratio(estimate.teacher_bytes / estimate.compressed_bytes)}×"),
    ]
    shape = (
        _linear(estimate, config.student)
        if isinstance(config.student, Linear)
        else say(
            "estimate.shape",
            layers=estimate.layers,
            heads=estimate.heads,
            hidden_size=estimate.hidden_size,
            intermediate_size=estimate.intermediate_size,
            teacher_parameters=units.millions(estimate.teacher_parameters),
            teacher_bytes=units.megabytes(estimate.teacher_bytes),
        )
    )
    title = markup.text("h3", say("estimate.title"))
    return title + markup.figures(numbers) + _parts(estimate) + markup.text("p", shape, "quiet")


def schemes_card(refused: Mapping[str, str], chosen: str) -> str:
    """The schemes this host cannot run, each with the reason; an alert if the chosen one is among them."""
    sentences = {
        scheme: say("message.unsupported", scheme=say(f"quantization.scheme={scheme}"), reason=friendly(reason))
        for scheme, reason in refused.items()
    }
    alert = markup.alert(sentences.pop(chosen, ""))
    return alert + "".join(markup.text("p", sentence, "quiet") for sentence in sentences.values())


def _linear(estimate: "Estimate", student: Linear) -> str:
    return say(
        "estimate.linear",
        features=f"{student.features:,}",
        teacher_parameters=units.millions(estimate.teacher_parameters),
        teacher_bytes=units.megabytes(estimate.teacher_bytes),
    )


def _parts(estimate: "Estimate") -> str:
    """A stacked bar with its legend, which also is its text for screen readers."""
    total = sum(estimate.parts.values()) or 1
    pieces, legend = [], []
    for index, (name, size) in enumerate(estimate.parts.items()):
        pieces.append(f'<span class="part-{index}" style="flex-grow:{size / total:.4f}"></span>')
        words = markup.text("span", f"{name} {units.megabytes(size)} ({units.share(size / total)})")
        legend.append(f'<li><i class="part-{index}" aria-hidden="true"></i>{words}</li>')
    bar = f'<div class="parts" aria-hidden="true">{"".join(pieces)}</div>'
    title = markup.text("h4", say("estimate.parts"))
    return f'{title}{bar}<ul class="legend">{"".join(legend)}</ul>'

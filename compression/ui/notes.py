"""The "Why?" notes, fed with this run's numbers."""

from typing import TYPE_CHECKING

from compression.config import DistillationConfig, Linear, RunConfig
from compression.events import TrainingStep
from compression.ui import units
from compression.ui.words import say

if TYPE_CHECKING:
    from compression.measure.preview import Preview
    from compression.measure.size import Estimate


def embeddings(estimate: "Estimate", config: RunConfig) -> str:
    """How much of the compressed model is embeddings, and what would shrink them."""
    total = sum(estimate.parts.values())
    if isinstance(config.student, Linear):
        return say("why.embeddings.linear", total=units.megabytes(total))
    rows, encoder = estimate.parts.get("embeddings", 0), estimate.parts.get("encoder", 0)
    return say(
        "why.embeddings.rounded" if config.quantization.embeddings else "why.embeddings.text",
        share=units.share(rows / total),
        embeddings=units.megabytes(rows),
        total=units.megabytes(total),
        encoder=units.megabytes(encoder),
    )


def padding(preview: "Preview", config: RunConfig) -> str:
    """How much of the arithmetic padding to the longest allowed input would waste on this data."""
    limit, median = config.distillation.max_length, preview.token_lengths["p50"]
    words = say("why.padding.text", p50=f"{median:.0f}", limit=limit, waste=units.share(max(0.0, 1 - median / limit)))
    return words + " " + say("why.padding.on" if config.training.bucketing else "why.padding.off")


def alpha(distillation: DistillationConfig, step: TrainingStep | None = None) -> str:
    """What α weighs, and what that came to at a step of this run."""
    soft = distillation.soft_weight
    words = say(
        "why.alpha.text",
        alpha=f"{soft:g}",
        soft_share=units.share(soft),
        hard_share=units.share(1 - soft),
        temperature=f"{distillation.temperature:g}",
    )
    if step is None or not _two_terms(distillation):
        return words
    return (
        words
        + " "
        + say(
            "why.alpha.step",
            step=step.step,
            alpha=f"{soft:g}",
            rest=f"{1 - soft:g}",
            soft=f"{step.soft_loss:.3f}",
            hard=f"{step.hard_loss:.3f}",
            loss=f"{step.loss:.3f}",
        )
    )


def _two_terms(distillation: DistillationConfig) -> bool:
    """Whether α weighs the same two losses at every step: no schedule, nothing imitated inside, no URL unlabelled."""
    extra = distillation.hidden_weight or distillation.attention_weight or distillation.soft_weight_end is not None
    return not (extra or distillation.generated or distillation.recombined or distillation.unlabelled)

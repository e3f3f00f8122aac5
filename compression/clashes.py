"""Steps of a recipe that cannot go together, each with the reason: refused when the recipe is built.

What depends on a model or on the host is not known here; `measure.limits` refuses that before anything runs.
"""

from collections.abc import Callable
from typing import NamedTuple

from compression.config import Linear, RunConfig
from compression.errors import ConfigError
from compression.schemes import Fp4, Int8, Nf4, OnnxInt4, OnnxInt8, Trainable


class Clash(NamedTuple):
    """When two settings cannot stand together, the recipe key to change, and why."""

    found: Callable[[RunConfig], bool]
    key: str
    why: str


def _structured(config: RunConfig) -> bool:
    return bool(config.structured.heads or config.structured.neurons or config.structured.layers)


def _linear(config: RunConfig) -> bool:
    return isinstance(config.student, Linear)


_NO_ENCODER = "student.init = linear has no encoder"

CLASHES = (
    Clash(
        lambda c: c.qat.start != "none" and not isinstance(c.quantization, Trainable),
        "qat.start",
        "only the rounding of packed-int8, packed-int4 and ternary can be trained with. Choose one of these as "
        "quantization.scheme, or qat.start = none",
    ),
    Clash(
        lambda c: c.qat.start == "initialization" and (_structured(c) or c.pruning.sparsity > 0),
        "qat.start",
        "a student trained anew from its initialization would forget what was pruned. Use qat.start = student, or no "
        "pruning",
    ),
    Clash(
        lambda c: c.distillation.attention_weight > 0 and c.vocabulary.method != "keep",
        "distillation.attention_weight",
        "attention maps can be compared only where teacher and student read the same tokens, and vocabulary.method "
        "changes the student's. Use vocabulary.method = keep, or distillation.attention_weight = 0",
    ),
    Clash(
        lambda c: c.structured.heads > 0 and isinstance(c.quantization, Int8 | Nf4 | Fp4),
        "structured.heads",
        "no standard model has fewer heads than its width asks for, and bitsandbytes quantizes only standard ones. Use "
        "a packed or ONNX scheme, or structured.heads = 0",
    ),
    Clash(
        lambda c: c.pruning.sparsity > 0 and c.pruning.schedule == "gradual" and c.pruning.epochs == 0,
        "pruning.epochs",
        "gradual pruning goes on while the student trains. Use at least one epoch, or pruning.schedule = one-shot",
    ),
    Clash(
        lambda c: _linear(c) and c.vocabulary.method != "keep",
        "vocabulary.method",
        f"{_NO_ENCODER} and no vocabulary: it reads characters. Use vocabulary.method = keep",
    ),
    Clash(
        lambda c: _linear(c) and c.distillation.hidden_weight + c.distillation.attention_weight > 0,
        "distillation.hidden_weight",
        f"{_NO_ENCODER}, so no hidden states or attention to compare. Use 0 for both",
    ),
    Clash(
        lambda c: _linear(c) and _structured(c),
        "structured.heads",
        f"{_NO_ENCODER}, so no heads, neurons or layers to remove. Use 0 for all three",
    ),
    Clash(
        lambda c: _linear(c) and c.pruning.sparsity > 0,
        "pruning.sparsity",
        f"{_NO_ENCODER}, so no matrices to prune. Use 0, and fewer student.features to make it smaller",
    ),
    Clash(
        lambda c: _linear(c) and c.qat.start != "none",
        "qat.start",
        f"{_NO_ENCODER}, and what is trained there is solved exactly. Use qat.start = none",
    ),
    Clash(
        lambda c: _linear(c) and isinstance(c.quantization, Int8 | Nf4 | Fp4 | OnnxInt8 | OnnxInt4),
        "quantization.scheme",
        f"{_NO_ENCODER}, which bitsandbytes and ONNX Runtime need. Use none, fp16, bf16 or a packed scheme",
    ),
)


def refuse_clashes(config: RunConfig) -> None:
    """Raises ConfigError, with the reason, if steps of the recipe cannot go together."""
    for clash in CLASHES:
        if clash.found(config):
            section, _, name = clash.key.partition(".")
            value = getattr(getattr(config, section), name)
            raise ConfigError(f"{clash.key} = {value} is not possible: {clash.why}.", clash.key)

"""What would make a model smaller still: one change of its recipe, chosen by where most of its bytes are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from compression.config import Linear, RunConfig
from compression.schemes import Bf16, Fp4, Fp16, Int8, Nf4, NoQuantization, OnnxInt8, PackedInt8

_LEAST_WORDS, _LEAST_FEATURES = 1_000, 4_096
_FOUR_BITS = {"quantization.scheme": "packed-int4", "quantization.embeddings": True}
_STORED_ALIKE = ("other", "head")  # what no step of a recipe shrinks


@dataclass(frozen=True)
class NextStep:
    """The part that takes most, its share of all bytes, the recipe's changes, and how they are called
    (`next.<action>`)."""

    part: str
    share: float
    action: str
    changes: Mapping[str, Any]


def next_step(parts: Mapping[str, int], config: RunConfig) -> NextStep | None:
    """The step that this recipe could take next; None where there is none that shrinks the largest part."""
    total = sum(parts.values())
    largest = max((part for part in parts if part not in _STORED_ALIKE), key=lambda part: parts[part], default=None)
    if largest is None:
        return None
    match largest:
        case "embeddings":
            found = _embeddings(config)
        case "tokenizer":
            found = _fewer_words(config)
        case "state":
            found = _state(config)
        case "n-grams":
            found = _n_grams(config)
        case _:
            found = _fewer_bits(config) or _fewer_layers(config)
    return NextStep(largest, parts[largest] / total, *found) if found else None


_Found = tuple[str, dict[str, Any]] | None


def _embeddings(config: RunConfig) -> _Found:
    match config.quantization:
        case NoQuantization() | Fp16() | Bf16():
            return _fewer_bits(config)
        case scheme if not scheme.embeddings:
            return "quantize-embeddings", {"quantization.embeddings": True}
    return _fewer_words(config)


def _fewer_words(config: RunConfig) -> _Found:
    vocabulary = config.vocabulary
    if vocabulary.method == "keep":
        return "trim", {"vocabulary.method": "trim"}
    if vocabulary.size is not None and vocabulary.size // 2 >= _LEAST_WORDS:
        return "fewer-words", {"vocabulary.size": vocabulary.size // 2}
    return ("rare-words", {"vocabulary.min_count": 2}) if vocabulary.min_count == 1 else None


def _state(config: RunConfig) -> _Found:
    match config.quantization:
        case Nf4(double=False) | Fp4(double=False):
            return "double", {"quantization.double": True}
    return None


def _n_grams(config: RunConfig) -> _Found:
    assert isinstance(config.student, Linear)
    if found := _fewer_bits(config):
        return found
    fewer = config.student.features // 2
    return ("fewer-features", {"student.features": fewer}) if fewer >= _LEAST_FEATURES else None


def _fewer_bits(config: RunConfig) -> _Found:
    match config.quantization:
        case NoQuantization() | Fp16() | Bf16() | Int8() | OnnxInt8() | PackedInt8():
            return "four-bits", dict(_FOUR_BITS)
    return None


def _fewer_layers(config: RunConfig) -> _Found:
    if isinstance(config.student, Linear) or not config.student.layers or config.student.layers < 2:
        return None
    return "fewer-layers", {"student.layers": config.student.layers - 1}

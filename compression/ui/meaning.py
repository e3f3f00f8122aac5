"""Which controls have a meaning beside the values of the others: all others are hidden, and their values rest.

What a student of some `init` or a quantization of some `scheme` takes is read off the recipe's own classes; that a
step which is switched off needs no settings stands in one table.
"""

from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, Literal, get_args

from pydantic import BaseModel

from compression import recipe
from compression.config import Linear, RunConfig
from compression.schemes import Trainable

Values = Mapping[str, Any]

KEYS = recipe.keys()
# The control that decides the class of a section which has several.
OPENERS = {
    name: f"{name}.{field.discriminator}"
    for name, field in RunConfig.model_fields.items()
    if isinstance(field.discriminator, str)
}
_TRAINABLE = tuple(part.model_fields["scheme"].default for part in get_args(Trainable))
_LINEAR = Linear.model_fields["init"].default


def plain(value: Any) -> Any:
    """An emptied text is no text, spaces around one are a slip of the hand, and a list or object is but its text."""
    value = repr(value)[:80] if isinstance(value, (list, dict)) else value
    return (value.strip() or None) if isinstance(value, str) else value


def taken(key: str, values: Values) -> bool:
    """Whether the class that the values choose for the key's section has such a field at all."""
    section, _, name = key.rpartition(".")
    if section not in OPENERS or key == OPENERS[section]:
        return True
    chosen = plain(values.get(OPENERS[section]))
    return any(_takes(part, name) for part in _classes(section) if _tag(section, part) == chosen)


def applies(key: str, values: Values) -> bool:
    """Whether a control has a meaning beside the others (`student.base` only for a pretrained student, …)."""
    return taken(key, values) and all(holds(values) for holds in _NEEDS.get(key, ()))


def starting(key: str) -> Any:
    """What a control shows while the chosen class of its section has no such field: another class's default, or ''."""
    section, _, name = key.rpartition(".")
    fields = [part.model_fields[name] for part in _classes(section) if _takes(part, name)]
    value = next((field.default for field in fields if not field.is_required()), None)
    return "" if value is None else value


def _classes(section: str) -> tuple[type[BaseModel], ...]:
    return get_args(RunConfig.model_fields[section].annotation)


def _tag(section: str, part: type[BaseModel]) -> Any:
    return part.model_fields[OPENERS[section].rpartition(".")[2]].default


def _takes(part: type[BaseModel], name: str) -> bool:
    annotation: object = part.model_fields[name].annotation
    return not any(annotation == nothing for nothing in (NoneType, Literal[False]))


def _above_zero(*keys: str) -> Callable[[Values], bool]:
    return lambda values: any(_number(values.get(key)) > 0 for key in keys)


def _one_of(key: str, *choices: str) -> Callable[[Values], bool]:
    return lambda values: plain(values.get(key)) in choices


def _given(*keys: str) -> Callable[[Values], bool]:
    return lambda values: any(plain(values.get(key)) is not None for key in keys)


def _encoder(values: Values) -> bool:
    return bool(plain(values.get("student.init")) != _LINEAR)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0


_NEW_TOKENS = (_encoder, _one_of("vocabulary.method", "trim", "train"))
_REMOVED = (_encoder, _above_zero("structured.heads", "structured.neurons", "structured.layers"))
_ZEROED = (_above_zero("pruning.sparsity"),)
_ROUNDED = (_one_of("quantization.scheme", *_TRAINABLE),)
_QAT = (*_ROUNDED, _one_of("qat.start", "student", "initialization"))
_TUNED = (_above_zero("fine_tuning.epochs"),)

# What must hold for a control to have a meaning, beside its section's class having the field.
_NEEDS: dict[str, tuple[Callable[[Values], bool], ...]] = {
    "fine_tuning.learning_rate": _TUNED,
    "fine_tuning.train": _TUNED,
    "fine_tuning.last_layers": (*_TUNED, _one_of("fine_tuning.train", "last-layers")),
    "fine_tuning.patience": _TUNED,
    "student.width": (_given("student.hidden_size", "student.intermediate_size"),),
    "vocabulary.method": (_encoder,),
    "vocabulary.size": _NEW_TOKENS,
    "vocabulary.min_count": _NEW_TOKENS,
    "distillation.hidden_weight": (_encoder,),
    "distillation.attention_weight": (_encoder,),
    "distillation.layer_map": (_encoder, _above_zero("distillation.hidden_weight", "distillation.attention_weight")),
    "structured.heads": (_encoder,),
    "structured.neurons": (_encoder,),
    "structured.layers": (_encoder,),
    "structured.importance": _REMOVED,
    "structured.epochs": _REMOVED,
    "structured.learning_rate": _REMOVED,
    "pruning.scope": _ZEROED,
    "pruning.importance": _ZEROED,
    "pruning.schedule": _ZEROED,
    "pruning.epochs": _ZEROED,
    "pruning.learning_rate": _ZEROED,
    "qat.start": _ROUNDED,
    "qat.epochs": _QAT,
    "qat.learning_rate": _QAT,
}


def _conditional(key: str) -> bool:
    section, _, name = key.rpartition(".")
    return key in _NEEDS or (section in OPENERS and not all(_takes(part, name) for part in _classes(section)))


DEPENDENT = tuple(key for key in KEYS if _conditional(key))  # the controls that may be hidden

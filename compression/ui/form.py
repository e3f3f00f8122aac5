"""The form and the recipe: every control's address is a dotted recipe key, so both ways are one loop.

Nothing here knows gradio: values come as the page sends them (unchecked) and leave as a `RunConfig`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from compression import recipe
from compression.catalog import BASES, BUNDLED, DATA_SETS, PRESETS, TEACHERS
from compression.config import RunConfig
from compression.errors import ConfigError
from compression.places import hosted
from compression.ui.words import say

Values = Mapping[str, Any]
Kind = Literal["choice", "open choice", "switch", "slider", "number", "optional number", "text"]

KEYS = recipe.keys()
DEFAULT_PRESET = "quick"
# Which control opens when another is set so; the recipe's own classes say when it may be given at all.
OPENED_BY = {"student.base": "student.init", "quantization.double": "quantization.scheme"}
# Numbers that are easier to slide than to type, with their step.
STEPS = {"distillation.temperature": 0.5, "distillation.soft_weight": 0.05}
# What the open choices offer beside free text.
OFFERED = {"teacher": TEACHERS, "data": DATA_SETS, "student.base": BASES}
# What to set where a source cannot be had: the bundled choice, which needs no network.
REMEDIES = {
    "teacher": ("teacher", BUNDLED),
    "data": ("data", BUNDLED),
    "student.base": ("student.init", "teacher-layers"),
}
# What a look at the data depends on.
SOURCES = ("teacher", "data", *(key for key in KEYS if key.startswith(("columns.", "splits.", "labels."))))
# Recipe keys that may name something on the server's disk.
_PLACES = ("teacher", "data", "student.base")


def kind(key: str) -> Kind:
    """Which sort of control a recipe key needs; follows from the type of its field."""
    if key in OFFERED:
        return "open choice"
    if recipe.choices(key):
        return "choice"
    if isinstance(recipe.flatten(RunConfig())[key], bool):
        return "switch"
    if key in STEPS:
        return "slider"
    if recipe.bounds(key)[1] < float("inf"):
        return "optional number" if recipe.flatten(RunConfig())[key] is None else "number"
    return "text"


def to_config(values: Values) -> RunConfig:
    """The recipe that the form's values make. Raises ConfigError, in the words of the control's label."""
    given = [(key, _tidy(values.get(key))) for key in KEYS if key in values and applies(key, values)]
    try:
        return recipe.parse(recipe.nest(given))
    except ConfigError as error:
        if error.key in KEYS:
            raise ConfigError(_refusal(error.key), error.key) from None
        raise


def to_values(config: RunConfig) -> dict[str, Any]:
    """The form's values that show a recipe, empty text for nothing; `to_config(to_values(config)) == config`."""
    return {key: "" if value is None else value for key, value in recipe.flatten(config).items()}


def preset_values(name: str) -> dict[str, Any]:
    """The form's values for a preset. Raises KeyError for an unknown name."""
    return to_values(recipe.parse(PRESETS[name].settings))


def filling_presets() -> tuple[str, ...]:
    """The presets that fill the form; the others ('custom') leave it as it is."""
    return tuple(name for name, preset in PRESETS.items() if preset.settings)


def preset_of(values: Values) -> str:
    """The preset these values are exactly, or 'custom'."""
    try:
        config = to_config(values)
    except ConfigError:
        return "custom"
    return next((name for name in filling_presets() if recipe.parse(PRESETS[name].settings) == config), "custom")


def applies(key: str, values: Values) -> bool:
    """Whether a control has a meaning beside the others (`student.base` only for a pretrained student, …)."""
    if key not in OPENED_BY:
        return True
    opener = OPENED_BY[key]
    probe = "any" if kind(key) in ("text", "open choice") else True
    try:
        recipe.parse(recipe.nest([(opener, _tidy(values.get(opener))), (key, probe)]))
    except ConfigError:
        return False
    return True


def refuse_local_paths(config: RunConfig) -> None:
    """Raises ConfigError if the recipe names a place on the disk while the page is hosted for strangers."""
    flat = recipe.flatten(config)
    for key in _PLACES:
        place = flat[key]
        if hosted() and place not in (None, BUNDLED) and _is_local(place):
            raise ConfigError(say("message.local", label=say(key)), key)


def _refusal(key: str) -> str:
    if kind(key) in ("text", "open choice"):
        return say("message.text", label=say(key))
    legal = recipe.legal(key).replace("nothing (null)", say("message.nothing"))
    return say("message.illegal", label=say(key), legal=legal)


def _is_local(place: str) -> bool:
    """A path rather than a Hub id `owner/name`: it looks like one, or something is there."""
    looks = place.startswith(("/", ".", "~")) or "\\" in place or ".." in place or place.count("/") > 1
    return looks or place.lower().endswith((".csv", ".parquet", ".tsv")) or Path(place).exists()


def _tidy(value: Any) -> Any:
    """An emptied text is no text, spaces around one are a slip of the hand, and a list or object is but its text."""
    value = repr(value)[:80] if isinstance(value, (list, dict)) else value
    return (value.strip() or None) if isinstance(value, str) else value

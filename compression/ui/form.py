"""The form and the recipe: every control's address is a dotted recipe key, so both ways are one loop.

Nothing here knows gradio: values come as the page sends them (unchecked) and leave as a `RunConfig`.
"""

from pathlib import Path
from typing import Any, Literal

from compression import recipe
from compression.catalog import BASES, BUNDLED, DATA_SETS, PRESETS, TEACHERS
from compression.config import RunConfig
from compression.errors import ConfigError
from compression.places import hosted
from compression.ui.meaning import DEPENDENT, KEYS, OPENERS, Values, applies, plain, starting, taken
from compression.ui.words import say

__all__ = ["DEPENDENT", "KEYS", "Values", "applies"]

Kind = Literal["choice", "open choice", "switch", "slider", "number", "optional number", "text"]

DEFAULT_PRESET = "quick"
# Numbers that are easier to slide than to type, with their step.
STEPS = {
    "distillation.temperature": 0.5,
    "distillation.soft_weight": 0.05,
    "distillation.ngram_weight": 0.05,
    "structured.heads": 0.05,
    "structured.neurons": 0.05,
    "pruning.sparsity": 0.05,
}
# What is folded away until a recipe uses it, and how the keys in it begin.
FOLDS = {
    "fold-fine-tuning": ("fine_tuning.",),
    "fold-shape": ("student.width", "student.positions"),
    "fold-more-data": (
        "distillation.generated",
        "distillation.recombined",
        "distillation.unlabelled",
        "distillation.n",
    ),
    "fold-inside": ("distillation.hidden", "distillation.attention", "distillation.layer"),
    "fold-structured": ("structured.",),
    "fold-pruning": ("pruning.",),
    "fold-qat": ("qat.",),
    "fold-controls": ("controls.",),
}
# What holds nothing but controls that may all be hidden together, and one of these.
GROUPS = {
    "fold-shape": "student.positions",
    "group-vocabulary": "vocabulary.method",
    "fold-inside": "distillation.hidden_weight",
    "fold-structured": "structured.heads",
}
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
_PLACES = ("teacher", "data", "student.base", "distillation.unlabelled")


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
    """The recipe that the form's values make. Raises ConfigError, in the words of the control's label.

    What is hidden never stands in the way: a hidden value that cannot be is not read.
    """
    given = {key: plain(values[key]) for key in KEYS if key in values and taken(key, values)}
    # In a section of several classes an emptied field follows the class.
    given = {key: value for key, value in given.items() if value is not None or _section(key) not in OPENERS}
    while True:
        try:
            return recipe.parse(recipe.nest(given.items()))
        except ConfigError as error:
            at_fault = _section(error.key or "")
            hidden = [key for key in given if _section(key) == at_fault and not applies(key, values)]
            if not hidden:
                raise _in_words(error) from None
            for key in hidden:
                del given[key]


def to_values(config: RunConfig) -> dict[str, Any]:
    """The form's values that show a recipe, empty text for nothing; `to_config(to_values(config)) == config`."""
    values = {key: "" if value is None else value for key, value in recipe.flatten(config).items()}
    return {key: value if taken(key, values) else starting(key) for key, value in values.items()}


def folds(values: Values) -> dict[str, bool]:
    """Whether each part of the page that is folded away until it is used is used by these values."""
    default = to_values(RunConfig())
    changed = [key for key in KEYS if key in values and values[key] != default[key] and applies(key, values)]
    return {name: any(key.startswith(begins) for key in changed) for name, begins in FOLDS.items()}


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


def refuse_local_paths(config: RunConfig) -> None:
    """Raises ConfigError if the recipe names a place on the disk while the page is hosted for strangers."""
    flat = recipe.flatten(config)
    for key in _PLACES:
        place = flat[key]
        if hosted() and place not in (None, BUNDLED) and _is_local(place):
            raise ConfigError(say("message.local", label=say(key)), key)


def _in_words(error: ConfigError) -> ConfigError:
    """The refusal of a value in the words of its label; why steps cannot go together is said as it is."""
    key, message = error.key, str(error)
    if key not in KEYS or not ("legal is" in message or "is missing" in message):
        return error
    assert key is not None
    if key == "distillation.layer_map":
        return ConfigError(say("message.layer-map", label=say(key)), key)
    if kind(key) in ("text", "open choice"):
        return ConfigError(say("message.text", label=say(key)), key)
    legal = recipe.legal(key).replace("nothing (null)", say("message.nothing"))
    return ConfigError(say("message.illegal", label=say(key), legal=legal), key)


def _section(key: str) -> str:
    return key.rpartition(".")[0]


def _is_local(place: str) -> bool:
    """A path rather than a Hub id `owner/name`: it looks like one, or something is there."""
    looks = place.startswith(("/", ".", "~")) or "\\" in place or ".." in place or place.count("/") > 1
    return looks or place.lower().endswith((".csv", ".parquet", ".tsv")) or Path(place).exists()

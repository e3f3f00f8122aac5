"""A recipe as something to pass on: a link, a command, a script. Each gives that very recipe back.

All three say only what differs from the preset that page and command line start with, and the seed in any case.
"""

import json
import shlex
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from compression.catalog import preset_settings
from compression.config import RunConfig
from compression.recipe import flatten, keys, nest, parse

_START = "quick"
# What a link may say beside a recipe: the run to show, sections to hide, and what Gradio and Spaces read.
_BESIDE = ("run", "hide", "view", "logs", "deep_link")


def settings(config: RunConfig) -> dict[str, Any]:
    """Dotted keys and values that, laid over the starting preset, give this recipe; the seed is always among them."""
    start, flat = flatten(parse(preset_settings(_START))), flatten(config)
    told = {key: value for key, value in flat.items() if key == "seed" or key not in start or start[key] != value}
    if parse(preset_settings(_START), nest(told.items())) == config:
        return told
    return flat  # what a switch of class would have kept from the preset is said too


def to_query(config: RunConfig) -> str:
    """The recipe as the query of a link, without its question mark."""
    return urlencode({key: _typed(value) for key, value in settings(config).items()})


def from_query(query: Iterable[tuple[str, str]]) -> RunConfig | None:
    """The recipe that a link's parameters give, over the starting preset or the one they name; None without any.

    A key may be written without its section where only one section has it: `temperature=4`.
    Raises ConfigError for what can be no recipe.
    """
    told = [(key, value) for key, value in query if key not in _BESIDE and not key.startswith("__")]
    if not told:
        return None
    presets = [value for key, value in told if key == "preset"]
    given = [(_full(key), None if value == "null" else value) for key, value in told if key != "preset"]
    return parse(preset_settings(presets[-1] if presets else _START), nest(given))


def to_command(config: RunConfig) -> str:
    """The command that runs this recipe."""
    told = [part for key, value in settings(config).items() for part in ("--set", f"{key}={_typed(value)}")]
    return shlex.join(["python", "-m", "compression", "run", *told, "--output", "out"])


def to_python(config: RunConfig) -> str:
    """The script that runs this recipe, from a checkout."""
    lines = [f"    {key!r}: {value!r}," for key, value in settings(config).items()]
    return "\n".join(
        [
            "from pathlib import Path",
            "",
            "from compression.catalog import preset_settings",
            "from compression.pipeline import run",
            "from compression.recipe import nest, parse",
            "",
            "settings = {",
            *lines,
            "}",
            f'recipe = parse(preset_settings("{_START}"), nest(settings.items()))',
            'result = run(recipe, output=Path("out"))',
            'print(result.models["compressed"].metrics["test"])',
        ]
    )


def _full(key: str) -> str:
    """The dotted key that a short one stands for, or the key itself where that is not clear."""
    if "." in key or key in keys():
        return key
    found = [each for each in keys() if each.rpartition(".")[2] == key]
    return found[0] if len(found) == 1 else key


def _typed(value: Any) -> str:
    """A value as a person types it after `--set KEY=`."""
    return value if isinstance(value, str) else json.dumps(value)

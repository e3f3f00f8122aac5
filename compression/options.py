"""What several commands share: options, and how they print."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from compression.config import Device
from compression.errors import ConfigError
from compression.recipe import parse

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value on standard output and nothing else.")]
Data = Annotated[
    str, typer.Option(help="bundled, a CSV or Parquet file, or a folder of train, validation, test files.")
]
Output = Annotated[Path, typer.Option(help="Folder to write to; created if absent.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what the output folder holds.")]
TextColumn = Annotated[str | None, typer.Option(help="Column that holds the URL, where it is not found by name.")]
LabelColumn = Annotated[str | None, typer.Option(help="Column that holds the label, where it is not found by name.")]
Positive = Annotated[str | None, typer.Option(help="The label that means phishing, or several, commas between.")]
NotSafe = Annotated[
    str | None, typer.Option(help="The model's classes that mean Not Safe (names or numbers, commas between).")
]
Settings = Annotated[list[str] | None, typer.Option("--set", help="KEY=VALUE of the recipe; may be repeated.")]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]


class SplitName(StrEnum):
    """What `evaluate` can measure on."""

    validation = "validation"
    test = "test"
    all = "all"


def device_of(word: str) -> Device:
    """The device a person typed. Raises ConfigError for none."""
    return parse({"device": word}).device


def recipe_file(path: Path) -> dict[str, Any]:
    """The recipe in a JSON file, unchecked. Raises ConfigError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(
            f"{path} cannot be read as a recipe ({error}). Give a JSON file such as a run's config.json."
        ) from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} is not a recipe. Give a JSON object such as a run's config.json.")
    return content


def show(content: Any) -> None:
    """Prints a JSON object on one line, and anything else as rich does."""
    if isinstance(content, dict):
        print(json.dumps(content))
        return
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 140).print(content)

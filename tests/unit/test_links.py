"""A recipe passed on as a link, a command or a script comes back as the very same recipe."""

import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from gated_runs import Serve

from compression import recipe
from compression.__main__ import _assignment
from compression.catalog import PRESETS
from compression.config import RunConfig
from compression.errors import ConfigError
from compression.links import from_query, settings, to_command, to_python, to_query
from compression.recipe import nest, parse
from compression.ui.handlers import Handlers
from compression.ui.views.share import share_card

OTHERS: dict[str, dict[str, Any]] = {
    "random weights": {"student": {"init": "random", "layers": 2, "hidden_size": 64, "heads": 2}},
    "linear": {"student": {"init": "linear"}, "quantization": {"scheme": "ternary"}},
    "nothing given of layers": {"student": {"layers": None}},
    "awkward texts": {"teacher": "a b&c=d?#'\"", "data": "./räume/übung.csv", "columns": {"text": "null-ish %41"}},
    "switches and numbers": {"training": {"bucketing": False}, "distillation": {"learning_rate": 1e-7}, "seed": 7},
    "no scheme": {"quantization": {"scheme": "none"}},
}


def _recipes() -> Iterator[Any]:
    for name, preset in PRESETS.items():
        yield pytest.param(parse(preset.settings), id=name)
    for name, changes in OTHERS.items():
        yield pytest.param(parse(PRESETS["quick"].settings, changes), id=name)
    yield pytest.param(RunConfig(), id="defaults")


RECIPES = list(_recipes())


@pytest.mark.parametrize("config", RECIPES)
def test_a_link_gives_the_recipe_back(config: RunConfig) -> None:
    assert from_query(parse_qsl(to_query(config), keep_blank_values=True)) == config


@pytest.mark.parametrize("config", RECIPES)
def test_the_command_gives_the_recipe_back(config: RunConfig) -> None:
    words = shlex.split(to_command(config))
    assert words[:4] == ["python", "-m", "compression", "run"]
    told = [_assignment(after) for before, after in pairwise(words) if before == "--set"]
    assert parse(PRESETS["quick"].settings, nest(told)) == config


@pytest.mark.parametrize("config", RECIPES)
def test_the_script_runs_the_recipe(config: RunConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[RunConfig] = []

    class Result:
        def __init__(self, config: RunConfig, output: Path) -> None:
            ran.append(config)
            self.models = {"compressed": self}
            self.metrics = {"test": None}

    monkeypatch.setattr("compression.pipeline.run", Result)
    exec(compile(to_python(config), "script", "exec"), {})
    assert ran == [config]


def test_only_what_differs_is_said_and_always_the_seed() -> None:
    assert settings(parse(PRESETS["quick"].settings)) == {"seed": 0}
    changed = parse(PRESETS["quick"].settings, {"distillation": {"temperature": 4.0}})
    assert settings(changed) == {"distillation.temperature": 4.0, "seed": 0}


def test_a_link_may_be_written_by_hand() -> None:
    found = from_query([("temperature", "4"), ("student.layers", "2"), ("hide", "pruning"), ("__theme", "dark")])
    assert found == parse(PRESETS["quick"].settings, {"distillation": {"temperature": 4}, "student": {"layers": 2}})
    assert from_query([("preset", "Tiny"), ("seed", "3")]) == parse(PRESETS["tiny"].settings, {"seed": 3})
    assert from_query([("run", "abc"), ("hide", "pruning"), ("view", "api")]) is None


@pytest.mark.parametrize(
    ("query", "says"),
    [
        (("temperature", "hot"), "distillation.temperature"),
        (("epochs", "3"), "epochs is not a recipe key"),  # four sections have it
        (("nonsense", "1"), "nonsense is not a recipe key"),
        (("student.layers", "10**9"), "student.layers"),
        (("preset", "huge"), "no preset 'huge'"),
    ],
)
def test_what_a_link_cannot_mean_is_said(query: tuple[str, str], says: str, serve: Serve) -> None:
    with pytest.raises(ConfigError, match=r"\.") as refused:
        from_query([query])
    assert says in str(refused.value)
    shown = Handlers(serve().runs).attach(None, [query])
    assert 'role="alert"' in shown["message"]
    assert "distillation.temperature" not in shown, "the form stays as it is"


def test_a_link_fills_the_form(serve: Serve) -> None:
    shown = Handlers(serve().runs).attach(None, [("temperature", "4"), ("seed", "5")])
    assert (shown["distillation.temperature"], shown["seed"], shown["preset"]) == (4.0, 5, "custom")


def test_a_link_opens_no_place_of_a_host(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "you/lab")
    shown = Handlers(serve().runs).attach(None, [("data", "/etc/passwd")])
    assert 'role="alert"' in shown["message"]
    assert "data" not in shown


def test_what_is_shown_is_escaped() -> None:
    shown = share_card(parse({"teacher": "<script>alert(1)</script>"}))
    assert "<script>" not in shown
    assert set(recipe.keys()) >= set(settings(RunConfig()))

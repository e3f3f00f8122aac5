"""The head of the README, which is what a Space is built from: legal, and true of this checkout."""

import re
import tomllib
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import yaml

from compression.catalog import ARTICLE_BASE, ARTICLE_DATA, ARTICLE_TEACHER
from compression.hub.models import CONFIG, VOCABULARIES, WEIGHTS

ROOT = Path(__file__).parents[2]
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
HARDWARE = {"cpu-basic", "cpu-upgrade", "t4-small", "t4-medium", "l4x1", "l4x4", "l40sx1", "a10g-small", "a100-large"}
KEYS = {
    *("title", "emoji", "colorFrom", "colorTo", "sdk", "sdk_version", "python_version", "app_file", "pinned"),
    *("license", "short_description", "suggested_hardware", "startup_duration_timeout", "tags", "models"),
    *("datasets", "preload_from_hub", "hf_oauth", "hf_oauth_scopes"),
}


@pytest.fixture(scope="module")
def head() -> dict[str, Any]:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(readme.split("---\n")[1])
    return found


def test_every_key_is_one_that_spaces_know(head: dict[str, Any]) -> None:
    assert set(head) <= KEYS
    assert head["sdk"] == "gradio"
    assert {head["colorFrom"], head["colorTo"]} <= COLOURS
    assert head["suggested_hardware"] in HARDWARE
    assert re.fullmatch(r"\d+[mh]", head["startup_duration_timeout"])
    assert len(head["short_description"]) <= 60


def test_the_emoji_is_one(head: dict[str, Any]) -> None:
    symbol, *rest = head["emoji"]
    assert unicodedata.category(symbol) == "So"
    assert rest in ([], ["\N{VARIATION SELECTOR-16}"])


def test_versions_are_those_this_project_runs_with(head: dict[str, Any]) -> None:
    assert f"gradio=={head['sdk_version']}\n" in (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert isinstance(head["python_version"], str), "in quotes, or 3.10 is read as 3.1"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["requires-python"] == ">=3.11,<3.14"
    assert (3, 11) <= tuple(map(int, head["python_version"].split("."))) < (3, 14)


def test_what_it_names_is_here(head: dict[str, Any]) -> None:
    assert (ROOT / head["app_file"]).is_file()
    assert head["license"] == "apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_visitors_may_sign_in_for_no_more_than_a_push(head: dict[str, Any]) -> None:
    assert head["hf_oauth"] is True
    assert head["hf_oauth_scopes"] == ["contribute-repos"]
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert "authlib==" in requirements
    assert "itsdangerous==" in requirements


def test_what_is_preloaded_is_what_the_article_loads(head: dict[str, Any]) -> None:
    assert head["models"] == [ARTICLE_TEACHER, ARTICLE_BASE]
    assert head["datasets"] == [ARTICLE_DATA]
    preloaded = [entry.split(" ") for entry in head["preload_from_hub"]]
    assert [repo for repo, _ in preloaded] == head["models"]
    for _, files in preloaded:
        names = set(files.split(","))
        assert {CONFIG, WEIGHTS} < names
        assert names & set(VOCABULARIES)

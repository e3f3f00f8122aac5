"""The house rules, read from the files: layers, the README's tree, the pins, and a word for everything on the form."""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compression import recipe
from compression.ui import form
from compression.ui.words import LANGUAGES

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "compression"
README = (ROOT / "README.md").read_text(encoding="utf-8")

# A module imports only from layers before its own; names on one line do not import each other.
LAYERS = [
    ("compression",),
    ("errors",),
    ("schemes",),
    ("config",),
    ("clashes",),
    ("recipe",),
    ("result",),
    ("events", "catalog"),
    ("links",),
    ("places", "cached", "durable"),
    ("settings",),
    ("hub",),
    ("data",),
    ("models",),
    ("methods",),
    ("artefacts",),
    ("predict",),
    ("measure",),
    ("export",),
    ("step",),
    ("stages",),
    ("repeats",),
    ("unfinished",),
    ("assess",),
    ("pipeline", "runs"),
    ("precompute",),
    ("ui", "console", "options", "stopping"),
    ("measuring",),
    ("__main__",),
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
SOURCES = sorted(PACKAGE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def layer(dotted: str) -> str:
    """The layer of a module 'compression.a.b': its first part below the package."""
    parts = dotted.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def imports(path: Path) -> list[str]:
    """Every module a file imports, wherever in the file."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            names = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == "compression" else []
            found += names or [str(node.module)]
    return found


def own_layer(path: Path) -> str:
    relative = path.relative_to(PACKAGE).with_suffix("")
    return "compression" if relative.parts == ("__init__",) else relative.parts[0]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_modules_import_only_from_lower_layers(path: Path) -> None:
    mine = own_layer(path)
    assert mine in RANK, f"give {mine} a layer"
    for module in imports(path):
        if module.split(".")[0] == "compression":
            theirs = layer(module) if layer(module) != "__version__" else "compression"
            assert theirs == mine or RANK[theirs] < RANK[mine], f"{mine} must not import {module}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_only_the_page_knows_gradio(path: Path) -> None:
    if own_layer(path) != "ui":
        assert not [module for module in imports(path) if module.split(".")[0] == "gradio"]


@pytest.mark.parametrize("path", [*SOURCES, *TESTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_holds_one_idea(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


def test_no_remote_code_and_no_pickles() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert "trust_remote_code=True" not in text, path
        assert not re.search(r"torch\.load|import pickle", text), path


def tree_in_readme() -> set[str]:
    """The paths of the README's tree: a folder ends with /, what stands indented below it lies in it."""
    block = re.search(r"```\n(app\.py .*?)```", README, re.DOTALL)
    assert block, "the README has a tree that begins with app.py"
    found, folder = set(), ""
    for line in block[1].splitlines():
        name = line.split()[0]
        if line.startswith(" "):
            found.add(folder + name)
        else:
            folder = name if name.endswith("/") else ""
            found.add(name)
    return found


def test_the_readmes_tree_is_the_tree() -> None:
    top = {"app.py", "requirements.txt", "README.md", "pyproject.toml", "LICENSE", "CHANGELOG.md"}
    expected = top | {"compression/", "tests/", "assets/"}
    for path in [*PACKAGE.iterdir(), *(ROOT / "tests").iterdir(), *(ROOT / "assets").iterdir()]:
        if path.name.startswith(("__init__", "__pycache__", ".")) or path.suffix == ".pyc":
            continue
        expected.add(f"{path.parent.name}/{path.name}" + ("/" if path.is_dir() else ""))
    assert tree_in_readme() == expected


def test_front_matter_names_the_pinned_gradio() -> None:
    requirements = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    assert (
        re.search(r"^sdk_version: (.*)$", README, re.MULTILINE)[1]
        == re.search(r"^gradio==(.*)$", requirements, re.M)[1]
    )  # type: ignore[index]


def test_requirements_are_pinned_exactly_and_used() -> None:
    names = {"nvidia-ml-py": "pynvml", "scikit-learn": "sklearn"}
    used = {module.split(".")[0] for path in [*SOURCES, ROOT / "app.py"] for module in imports(path)}
    used |= {"accelerate"}  # transformers needs it to load what bitsandbytes quantizes
    used |= {"onnxscript"}  # torch exports to ONNX with it
    used |= {"authlib", "itsdangerous"}  # gradio needs them to let visitors of a Space sign in
    used |= {"httptools", "uvloop"}  # uvicorn, which serves the page, takes them where they are
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition("==")
        assert version, line
        assert names.get(name, name) in used, f"{name} is not imported"


ELEMENT_IDS = """
import json
from compression.ui.page import build
print(json.dumps([block.elem_id for block in build(None).blocks.values()]))
"""


def test_every_recipe_key_is_on_the_form(fresh_process: Callable[..., Any]) -> None:
    shown = fresh_process(ELEMENT_IDS)
    assert [key for key in recipe.keys() if key.replace(".", "-") not in shown] == []  # noqa: SIM118


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_recipe_key_has_words(language: str) -> None:
    words = LANGUAGES[language]
    for key in form.KEYS:
        assert words[key]
        assert words[f"{key}.info"]
        for choice in recipe.choices(key):
            assert words[f"{key}={choice}"]


def test_nothing_mentions_where_it_was_made() -> None:
    for path in [*SOURCES, *TESTS, ROOT / "README.md", ROOT / "CHANGELOG.md"]:
        text = path.read_text(encoding="utf-8")
        assert "/work" + "/" not in text, path
        assert "../" + "shared" not in text, path

"""The word tables and the code agree: no word that nothing says, nothing said that has no word."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from compression import recipe
from compression.catalog import PRESETS
from compression.ui import form
from compression.ui.words import LANGUAGES

PACKAGE = Path(__file__).parents[2] / "compression"
TREES = [
    ast.parse(path.read_text(encoding="utf-8"))
    for path in PACKAGE.rglob("*.py")
    if path.parent.name != "words" or path.name == "__init__.py"
]
STRINGS = {node.value for tree in TREES for node in ast.walk(tree) if isinstance(node, ast.Constant)}
NAMES = {node.id for tree in TREES for node in ast.walk(tree) if isinstance(node, ast.Name)}
# What a placeholder stands for, where not every name in the code can stand there.
VALUES = {
    "progress.{}": {"succeeded", "failed", "cancelled", "interrupted"},
    "progress.ahead.{}": {"0", "1"},
    "example.{}": {"quick", "real", "tiny"},
}


def said() -> Iterator[str]:
    """Every address given to `say`, `empty` or `named`, or looked up in a table; what an f-string fills in is {}."""
    for tree in TREES:
        for node in ast.walk(tree):
            match node:
                case ast.Call(
                    ast.Name("say" | "empty" | "fold") | ast.Attribute(attr="say" | "empty" | "fold"), [first, *_]
                ):
                    yield from addresses(first)
                case ast.Subscript(ast.Subscript(ast.Name("LANGUAGES")), address):
                    yield from addresses(address)
                case ast.Call(ast.Name("named"), [ast.Constant(kind), name, *_]):
                    yield from (f"{kind}.{value}" for value in addresses(name) or ["{}"])


def addresses(node: ast.expr) -> list[str]:
    """What an argument may be: a text, either of two, an f-string with its gaps, or nothing that can be read here."""
    match node:
        case ast.Constant(str(value)):
            return [value]
        case ast.JoinedStr(parts):
            return ["".join(part.value if isinstance(part, ast.Constant) else "{}" for part in parts)]  # type: ignore[misc]
        case ast.IfExp(_, one, other):
            return addresses(one) + addresses(other)
    return []


def of_the_recipe() -> Iterator[str]:
    """The addresses of controls and choices: made of keys and values, wherever they are said."""
    for key in form.KEYS:
        yield from (key, f"{key}.info", *(f"{key}={choice}" for choice in recipe.choices(key)))
        if form.kind(key) == "optional number":
            yield f"{key}.unset"
    for key, values in form.OFFERED.items():
        yield from (f"{key}={value}" for value in values)
    yield from (f"preset={name}" for name in PRESETS)


def is_said(address: str, templates: set[str]) -> bool:
    """Whether an address is one of the templates, filled with names that stand in the code."""
    for template in templates:
        pattern = re.escape(template).replace(r"\{\}", "(.+)")
        filled = re.fullmatch(pattern, address)
        if filled and set(filled.groups()) <= VALUES.get(template, STRINGS | NAMES):
            return True
    return False


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_is_said(language: str) -> None:
    templates = {*said(), *of_the_recipe()}
    assert [address for address in LANGUAGES[language] if not is_said(address, templates)] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_said_has_words(language: str) -> None:
    assert [address for address in said() if "{}" not in address and address not in LANGUAGES[language]] == []

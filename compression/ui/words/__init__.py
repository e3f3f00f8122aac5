"""Every word on the page, by address: a recipe key (`student.layers`), a choice (`student.init=random`) or a place.

One table a language; a second language is one more module with the same keys and one more line in `LANGUAGES`.
"""

from typing import Any

from compression.ui.words import en

LANGUAGES: dict[str, dict[str, str]] = {"en": en.WORDS}


def say(address: str, language: str = "en", **values: Any) -> str:
    """The words at an address, with `values` filled in. Raises KeyError for an address that has none."""
    return LANGUAGES[language][address].format(**values)


def named(kind: str, name: str, language: str = "en") -> str:
    """The words for `kind.name` (a stage, a model, a status), or the name itself where there are none yet."""
    return LANGUAGES[language].get(f"{kind}.{name}", name)

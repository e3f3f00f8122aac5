"""Every word on the page, by address: a recipe key (`student.layers`), a choice (`student.init=random`) or a place.

One table a language; a second language is one more module with the same keys and one more line in `LANGUAGES`.
"""

import re
from collections.abc import Sequence
from typing import Any

from compression.places import hosted
from compression.ui.words import en

LANGUAGES: dict[str, dict[str, str]] = {"en": en.WORDS}

# A dotted recipe key in a sentence, and the value it may be given there.
_SETTING = re.compile(r"\b([a-z_]+\.[a-z_]+)(?: = (-?[\w.-]*\w))?")


# An absolute path of two parts or more, outside a URL; its last name is kept.
_SERVER_PATH = re.compile(r"(?<![\w:/])/(?:[^\s/]+/)+([^\s/]+)")


def say(address: str, language: str = "en", **values: Any) -> str:
    """The words at an address, with `values` filled in. Raises KeyError for an address that has none."""
    return LANGUAGES[language][address].format(**values)


def friendly(message: str, language: str = "en") -> str:
    """A message of the engine in the page's words: labels for recipe keys, names for choices."""
    words = LANGUAGES[language]

    def label(found: re.Match[str]) -> str:
        key, value = found.groups()
        if key not in words:
            return found[0]
        return f"“{words[key]}: {words.get(f'{key}={value}', value)}”" if value else f"“{words[key]}”"

    if hosted():  # strangers learn nothing of the server's folders
        message = _SERVER_PATH.sub(r"\1", message)
    return _SETTING.sub(label, message)


def listed(things: Sequence[str], language: str = "en") -> str:
    """Things as a phrase: 'a', 'a and b', 'a, b and c'."""
    *most, last = things
    return LANGUAGES[language]["list.and"].format(most=", ".join(most), last=last) if most else last


def named(kind: str, name: str, language: str = "en") -> str:
    """The words for `kind.name` (a stage, a model, a status), or the name itself where there are none yet."""
    return LANGUAGES[language].get(f"{kind}.{name}", name)

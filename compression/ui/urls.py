"""URLs are hostile text: cleaned before a model reads them, defanged before a person sees them, never opened."""

import unicodedata

from compression.errors import DataError
from compression.ui.words import say

LIMIT = 2048
_UNSEEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}  # control, format (bidi), surrogate, line and paragraph separators


def clean(text: object) -> str:
    """The URL a visitor typed: NFC, without characters nobody sees and without outer space.

    Raises: DataError, with a sentence to show, if nothing is left or more than `LIMIT` characters are.
    """
    raw = text if isinstance(text, str) else ""
    if len(raw) > 4 * LIMIT:  # before normalizing, whose time grows with the text
        raise DataError(say("message.url.long", length=len(raw), limit=LIMIT))
    url = visible(raw).strip()
    if not url:
        raise DataError(say("message.url.empty"))
    if len(url) > LIMIT:
        raise DataError(say("message.url.long", length=len(url), limit=LIMIT))
    return url


def visible(text: str) -> str:
    """The text in NFC without characters that cannot be seen but change how the rest reads."""
    return "".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) not in _UNSEEN)


def defang(url: str) -> str:
    """The URL so that nothing makes it a link: `hxxps://exa[.]mple`. Not escaped: that is the drawing's job."""
    return "".join(defanged(visible(url)))


def defanged(url: str) -> list[str]:
    """Each character of the URL as `defang` shows it, so that any piece of the URL can be shown so; '' if unseen."""
    host = url.find("://") + 3 if "://" in url else 0
    path = url.find("/", host) if "/" in url[host:] else len(url)
    shown = []
    for at, character in enumerate(url):
        if unicodedata.category(character) in _UNSEEN:
            character = ""
        elif at < host:
            character = {"t": "x", "T": "X"}.get(character, character)
        elif at < path:
            character = "[.]" if character == "." else character
        elif url.startswith("://", at):
            character = "[:]"
        shown.append(character)
    return shown

"""Why something cannot be done, and the one click that puts the bundled choice in the place of what is at fault."""

from collections.abc import Sequence
from html import escape

from compression.errors import CompressionError, sentence
from compression.ui import markup
from compression.ui.words import friendly, listed, say


def refusal(error: CompressionError, at_fault: Sequence[str] = ()) -> str:
    """The error's sentence in the page's words, with a button where the bundled choice would help."""
    return markup.alert(friendly(sentence(error))) + remedy(at_fault)


def remedy(at_fault: Sequence[str]) -> str:
    """The button that puts the bundled choice in the place of what these recipe keys name; nothing for no keys."""
    if not at_fault:
        return ""
    words = say("remedy", choices=choices(at_fault))
    return f'<button type="button" class="remedy" data-remedy="{escape(" ".join(at_fault))}">{escape(words)}</button>'


def choices(at_fault: Sequence[str]) -> str:
    """The bundled choices for these recipe keys, as one phrase."""
    return listed([say(f"remedy.{key}") for key in at_fault])

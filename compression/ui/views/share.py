"""The recipe to pass on: as a link to this page, as a command, as a Python script."""

from html import escape

from compression.config import RunConfig
from compression.links import to_command, to_python, to_query
from compression.ui import markup
from compression.ui.words import say

# The link's first half is known to the browser alone. Where it may not write to the clipboard, the text is selected.
COPYING = """
element.addEventListener('click', async (event) => {
    const button = event.target.closest('button[data-copy]');
    if (!button) return;
    const shown = button.parentElement.querySelector('code');
    const link = button.dataset.copy === 'link';
    const text = (link ? location.origin + location.pathname : '') + shown.textContent;
    try {
        await navigator.clipboard.writeText(text);
        button.textContent = button.dataset.copied;
    } catch {
        const range = document.createRange();
        range.selectNodeContents(shown);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        button.textContent = button.dataset.selected;
    }
    setTimeout(() => { button.textContent = button.dataset.words; }, 2500);
});
"""


def share_card(config: RunConfig) -> str:
    """Three ways to pass the recipe on, each with a button that copies it."""
    ways = (("link", f"?{to_query(config)}"), ("command", to_command(config)), ("python", to_python(config)))
    return '<div class="share">' + "".join(_way(*way) for way in ways) + "</div>"


def _way(name: str, text: str) -> str:
    words = say(f"share.{name}")
    said = f'data-copied="{escape(say("share.copied"))}" data-selected="{escape(say("share.selected"))}"'
    button = (
        f'<button type="button" data-copy="{name}" data-words="{escape(words)}" {said} aria-live="polite">'
        f"{escape(words)}</button>"
    )
    return f'<div>{button}<pre tabindex="0">{markup.text("code", text)}</pre></div>'

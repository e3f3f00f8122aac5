"""Small pieces of HTML. Every text that goes in is escaped here, so views cannot forget to."""

from collections.abc import Iterable, Sequence
from html import escape

from compression.ui.words import say


def text(tag: str, words: str, css: str = "") -> str:
    """One element with escaped words."""
    attribute = f' class="{escape(css)}"' if css else ""
    return f"<{tag}{attribute}>{escape(words)}</{tag}>"


def empty(address: str) -> str:
    """The sentence that stands where something will appear."""
    return text("p", say(address), "empty")


def alert(message: str) -> str:
    """A sentence about something to put right, announced by screen readers; nothing for no message."""
    return f'<p class="alert" role="alert">{escape(message)}</p>' if message else ""


def heading(number: int, section: str) -> str:
    """A section's number, name and one line about it."""
    title = f'<span class="number" aria-hidden="true">{number}</span>{escape(say(f"section.{section}"))}'
    return f"<h2>{title}</h2>" + text("p", say(f"section.{section}.lead"), "lead")


def table(caption: str, headers: Sequence[str], rows: Iterable[Sequence[object]], css: str = "") -> str:
    """A table whose first column names its rows; what follows a line break in a cell stands small below it."""
    head = "".join(f'<th scope="col">{escape(h)}</th>' for h in headers)
    body = "".join(
        f'<tr><th scope="row">{escape(str(first))}</th>' + "".join(f"<td>{_cell(str(c))}</td>" for c in rest) + "</tr>"
        for first, *rest in rows
    )
    return (
        f'<div class="scroll"><table class="data {escape(css)}"><caption><span>{escape(caption)}</span></caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(content: str) -> str:
    first, _, below = content.partition("\n")
    return escape(first) + (text("small", below) if below else "")


def folded(summary: str, content: str) -> str:
    """Content (already HTML) behind a line to open."""
    return f"<details><summary>{escape(summary)}</summary>{content}</details>"


def figures(pairs: Iterable[tuple[str, str]]) -> str:
    """A row of large numbers with their names, as a description list."""
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs)
    return f'<dl class="figures">{items}</dl>'


def bar(fraction: float, label: str) -> str:
    """A progress bar with its value for screen readers."""
    percent = max(0.0, min(100.0, 100 * fraction))
    return (
        f'<div class="bar" role="meter" aria-label="{escape(label)}" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{percent:.0f}"><div style="width:{percent:.1f}%"></div></div>'
    )

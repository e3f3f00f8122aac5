"""A URL taken apart, and what in it moved each model's verdict. All that was typed is defanged and escaped."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from compression.ui import markup, units
from compression.ui.urls import defanged, visible
from compression.ui.views.precomputed import absent
from compression.ui.words import named, say

if TYPE_CHECKING:
    from compression.predict.anatomy import Anatomy, Part
    from compression.predict.attribution import Attribution, Reasons, Token

_WITHOUT_HOST = ("path", "query", "fragment", "percent")  # parts and remarks
_LONGEST = 300  # characters of a part that are shown
_SLIGHT = 0.05  # of the darkest shade; what is lighter is not shaded
_HEAVY = 0.5  # log odds that are shaded darkest where no piece weighs more: trifles stay pale


def address_table(found: "Anatomy") -> str:
    """The parts of a URL in a table: what each is called, how it is written, and what is worth knowing about it."""
    rows = "".join(_row(part) for part in found.parts)
    head = "".join(f'<th scope="col">{escape(say(f"column.{name}"))}</th>' for name in ("part", "written", "remarks"))
    return (
        f'<div class="scroll"><table class="data address" aria-label="{escape(say("fold-anatomy"))}">'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _row(part: "Part") -> str:
    remarks = "".join(
        markup.text(
            "p", say(f"remark.{r.kind}", found=_harmless(r.found, r.kind), meaning=_harmless(r.meaning, r.kind))
        )
        for r in part.remarks
    )
    name, written = escape(named("address", part.name)), escape(_harmless(part.text, part.name))
    return f'<tr><th scope="row">{name}</th><td><code dir="ltr">{written}</code></td><td>{remarks}</td></tr>'


def _harmless(text: str, of: str = "") -> str:
    """Text that no program takes for an address; the dots of what may be a path or a file's name are left."""
    shown = visible(text).replace("://", "[:]//")
    return _shortened(shown if of in _WITHOUT_HOST else shown.replace(".", "[.]"))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def reasons_view(url: str, found: "Mapping[str, Reasons]", sizes: Mapping[str, int]) -> str:
    """Of each model how it split the URL, each piece shaded by its weight, and the same as a table."""
    models = "".join(_model(url, name, reasons, sizes.get(name)) for name, reasons in found.items())
    silent = absent([name for name in sizes if name not in found])
    legend = markup.text("p", say("reasons.legend"), "quiet") if found else ""
    return f'<div role="status">{legend}{models}{silent}</div>'


def _model(url: str, name: str, reasons: "Reasons", size_bytes: int | None) -> str:
    seen = reasons.occlusion
    facts = [say("reasons.pieces", count=len(seen.tokens)), named("hidden", seen.hidden)]
    facts += [units.megabytes(size_bytes)] if size_bytes else []
    title = markup.text("h4", named("model", name)) + markup.text("p", " · ".join(facts), "quiet")
    if not seen.tokens:
        return f'<section class="reasons">{title}{markup.text("p", say("reasons.none"))}</section>'
    lead = markup.text("p", _heaviest(url, seen))
    strip = f'<div class="strip" dir="ltr" aria-hidden="true">{_strip(url, seen.tokens)}</div>'
    numbers = markup.folded(say("table.numbers"), _numbers(url, name, reasons))
    return f'<section class="reasons">{title}{lead}{strip}{numbers}</section>'


def _heaviest(url: str, seen: "Attribution") -> str:
    """What hiding the heaviest piece would do to the probability, as a sentence."""
    heaviest = max(seen.tokens, key=lambda token: abs(token.weight))
    before, after = (units.percent(_probability(odds)) for odds in (seen.log_odds, seen.log_odds - heaviest.weight))
    if before == after:
        return say("reasons.no-piece", before=before)
    return say("reasons.heaviest", piece=_shown(url, heaviest), before=before, after=after)


def _probability(log_odds: float) -> float:
    from math import exp

    return 1 / (1 + exp(-log_odds)) if log_odds >= 0 else 1 - 1 / (1 + exp(log_odds))


def _strip(url: str, tokens: "Sequence[Token]") -> str:
    """The URL with its pieces in boxes, and between them, plain, what the model does not read."""
    letters = defanged(url)
    most = max(_HEAVY, *(abs(token.weight) for token in tokens))
    boxes, at = [], 0
    for token in tokens:
        start, end = token.span or (at, at)
        boxes.append(_unread("".join(letters[at:start])))
        own = "".join(letters[max(start, at) : end]) or visible(token.text)
        boxes.append(_box(own, token.weight, most))
        at = max(at, end)
    return "".join(boxes) + _unread("".join(letters[at:]))


def _box(piece: str, weight: float, most: float) -> str:
    share = abs(weight) / most
    number = markup.text("small", _signed(weight)) if share >= _SLIGHT else "<small></small>"
    css = "" if share < _SLIGHT else " against" if weight < 0 else " for"
    return f'<span class="token{css}" style="--share:{share:.2f}">{escape(piece)}{number}</span>'


def _unread(text: str) -> str:
    return markup.text("span", _shortened(text), "unread") if text else ""


def _numbers(url: str, name: str, reasons: "Reasons") -> str:
    headers = [say("column.piece"), say("column.token"), say("column.hidden")]
    columns = [[_signed(token.weight) for token in reasons.occlusion.tokens]]
    if reasons.gradients:
        headers.append(say("column.gradients"))
        columns.append([_signed(token.weight) for token in reasons.gradients.tokens])
    rows = [
        (_shown(url, token), _harmless(token.text), *weights)
        for token, *weights in zip(reasons.occlusion.tokens, *columns, strict=True)
    ]
    table = markup.table(say("reasons.caption", model=named("model", name)), headers, rows, "pieces")
    return table + (markup.text("p", say("reasons.gradients"), "quiet") if reasons.gradients else "")


def _shown(url: str, token: "Token") -> str:
    """The piece of the URL a token stands for, or the token itself where that is not known."""
    return _shortened("".join(defanged(url)[slice(*token.span)])) if token.span else _harmless(token.text)


def _signed(weight: float) -> str:
    """Log odds with their sign, '+1.3' or '−0.25'; '0.00' for what rounds to nothing."""
    shown = f"{weight:+.1f}" if abs(weight) >= 0.95 else f"{weight:+.2f}"
    return shown[1:] if float(shown) == 0 else shown.replace("-", "−")

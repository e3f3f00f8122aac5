"""The verdicts on a whole file: what came out, and a table of the first rows to sort, search and narrow down."""

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

from compression.catalog import LABELS
from compression.ui import markup, units
from compression.ui.urls import defang
from compression.ui.words import named, say

if TYPE_CHECKING:
    from compression.predict.batch import Summary

# A row of the file to download: URL, label and probability, the last two empty where there is no verdict.
Row = Sequence[str]


def verdicts_card(summary: "Summary", model: str, notes: Sequence[str], rows: Sequence[Row]) -> str:
    """The counts, what took how long, what is to be known, and `rows` as a table."""
    counts = {"not_safe": summary.not_safe, "skipped": summary.skipped}
    counts["safe"] = summary.rows - sum(counts.values())
    done = say("file.done", rows=f"{summary.rows:,}", **{name: f"{count:,}" for name, count in counts.items()})
    time = f"{summary.seconds:.1f} s" if summary.seconds < 10 else units.duration(summary.seconds)
    rate = f"{summary.urls_per_second:,.0f}"
    sentences = [say("file.speed", model=model, time=time, rate=rate), *notes]
    if len(rows) < summary.rows:
        sentences.append(say("file.shown", shown=f"{len(rows):,}", rows=f"{summary.rows:,}"))
    quiet = "".join(markup.text("p", sentence, "quiet") for sentence in sentences)
    return f'<div role="status">{markup.text("p", done, "headline")}{quiet}</div>{_tools(len(rows))}{_table(rows)}'


def _tools(rows: int) -> str:
    """A search field and a choice of verdict, for the table below them."""
    verdicts = "".join(f"<option>{escape(named('verdict', label))}</option>" for label in LABELS.values())
    return (
        f'<div class="tools"><label>{escape(say("file.search"))} <input type="search" autocomplete="off"></label>'
        f'<label>{escape(say("file.show"))} <select><option value="">{escape(say("file.all"))}</option>{verdicts}'
        f"</select></label><span>{escape(say('file.matching'))} <output>{rows}</output></span></div>"
    )


def _table(rows: Sequence[Row]) -> str:
    names = [say(f"column.{name}") for name in ("row", "url", "verdict", "probability")]
    head = "".join(f'<th scope="col"><button type="button">{escape(name)}</button></th>' for name in names)
    body = "".join(_row(number, row) for number, row in enumerate(rows, start=1))
    caption = escape(say("file.caption"))
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="{caption}"><table class="data verdicts">'
        f"<caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(number: int, row: Row) -> str:
    url, label, probability = row
    undefined = say("table.undefined")
    verdict = named("verdict", label) if label else undefined
    share = units.percent(float(probability)) if probability else undefined
    return (
        f'<tr><th scope="row">{number}</th><td>{escape(defang(url))}</td><td>{escape(verdict)}</td>'
        f'<td data-value="{escape(probability or "-1")}">{escape(share)}</td></tr>'
    )

"""The data before anything runs."""

from typing import TYPE_CHECKING

from compression.catalog import LABELS
from compression.config import RunConfig
from compression.ui import markup, units
from compression.ui.urls import defang, visible
from compression.ui.words import friendly, named, say

if TYPE_CHECKING:
    from compression.data.sources import Reading
    from compression.measure.preview import Preview

_SHOWN = 12  # label values and classes, which a file may have thousands of
_NAME_LENGTH = 60  # characters of a column, value or class


def preview_card(preview: "Preview", config: RunConfig) -> str:
    """How the data is read, rows and class balance a split, token lengths, what was skipped, a few defanged rows."""
    lengths = {name: f"{value:.0f}" for name, value in preview.token_lengths.items()}
    sentences = [say("preview.tokens", **lengths)]
    if preview.truncated:
        cut = units.share(preview.truncated)
        sentences.append(say("preview.truncated", share=cut, limit=config.distillation.max_length))
    sentences += [friendly(note) for note in preview.notes]
    examples = [(defang(url), named("verdict", label)) for url, label in preview.examples]
    return (
        _splits(preview)
        + (_labels(preview.reading) if preview.reading else "")
        + _classes(preview.classes)
        + "".join(markup.text("p", sentence) for sentence in sentences)
        + markup.table(say("preview.examples"), [say("column.url"), say("column.label")], examples, "urls")
    )


def _splits(preview: "Preview") -> str:
    """Rows and class balance of each split, and which file or Hub split it is."""
    rows, origins = [], preview.reading.origins if preview.reading else {}
    for split, count in preview.rows.items():
        phishing = preview.phishing.get(split, 0)
        row = [named("split", split), f"{count:,}", f"{phishing:,} ({units.share(phishing / count if count else 0)})"]
        if preview.reading:
            row.append(_short(origins[split]) if split in origins else say("preview.split-here"))
        rows.append(row)
    headers = [say("column.split"), say("column.rows"), say("column.phishing")]
    if preview.reading:
        headers.append(say("column.origin"))
    return markup.table(say("preview.caption"), headers, rows)


def _labels(reading: "Reading") -> str:
    """The columns that were read, and what each label value was taken for."""
    headers = [say("column.value"), say("column.meaning"), say("column.rows")]
    rows = [
        (_short(value), named("verdict", LABELS[label]), f"{count:,}")
        for value, (label, count) in list(reading.values.items())[:_SHOWN]
    ]
    columns = say("preview.columns", text=_short(reading.text), label=_short(reading.label))
    return (
        markup.text("p", columns)
        + markup.table(say("preview.values"), headers, rows)
        + _more(len(reading.values) - len(rows))
    )


def _classes(classes: list[tuple[str, str | None]]) -> str:
    """The teacher's classes, and what each was taken for; nothing where there are none to show."""
    rows = [
        (str(number), _short(name), named("verdict", meaning) if meaning else say("preview.undecided"))
        for number, (name, meaning) in enumerate(classes[:_SHOWN])
    ]
    headers = [say("column.number"), say("column.class"), say("column.meaning")]
    return markup.table(say("preview.classes"), headers, rows) + _more(len(classes) - len(rows)) if rows else ""


def _more(count: int) -> str:
    return markup.text("p", say("preview.more", count=f"{count:,}"), "quiet") if count > 0 else ""


def _short(name: str) -> str:
    """A name out of a file, fit to be shown."""
    shown = visible(name)
    return shown if len(shown) <= _NAME_LENGTH else shown[: _NAME_LENGTH - 1] + "…"

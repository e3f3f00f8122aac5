"""The data before anything runs."""

from typing import TYPE_CHECKING

from compression.config import RunConfig
from compression.ui import markup, units
from compression.ui.urls import defang
from compression.ui.words import named, say

if TYPE_CHECKING:
    from compression.measure.preview import Preview


def preview_card(preview: "Preview", config: RunConfig) -> str:
    """Rows and class balance a split, token lengths, what was skipped, and a few defanged rows."""
    rows = []
    for split, count in preview.rows.items():
        phishing = preview.phishing.get(split, 0)
        rows.append((split, f"{count:,}", f"{phishing:,} ({units.share(phishing / count if count else 0)})"))
    headers = [say("column.split"), say("column.rows"), say("column.phishing")]
    lengths = {name: f"{value:.0f}" for name, value in preview.token_lengths.items()}
    cut = units.share(preview.truncated)
    sentences = [say("preview.tokens", **lengths)]
    if preview.truncated:
        sentences.append(say("preview.truncated", share=cut, limit=config.distillation.max_length))
    sentences += preview.notes
    examples = [(defang(url), named("verdict", label)) for url, label in preview.examples]
    return (
        markup.table(say("preview.caption"), headers, rows)
        + "".join(markup.text("p", sentence) for sentence in sentences)
        + markup.table(say("preview.examples"), [say("column.url"), say("column.label")], examples, "urls")
    )

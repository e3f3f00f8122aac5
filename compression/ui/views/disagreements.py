"""Where teacher and compressed model part ways: edited URLs, and URLs of the test split."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from compression.ui import markup, units
from compression.ui.urls import defang
from compression.ui.words import named, say

if TYPE_CHECKING:
    import numpy as np

    from compression.measure.predictions import Predictions
    from compression.predict.disagree import Search

SHOWN = 6
_LONGEST = 40  # characters of a piece that are shown


def edited_card(search: "Search") -> str:
    """The edits of the typed URL on which the verdicts differ."""
    title = markup.text("h4", say("disagree.edited"))
    if not search.found:
        sentence = say("disagree.none.cut" if search.cut_short else "disagree.none", asked=f"{search.asked:,}")
        return title + markup.text("p", sentence)
    rows = [
        (
            defang(found.edit.url),
            say(f"edit.{found.edit.kind}", piece=defang(found.edit.piece)[:_LONGEST]),
            *(_verdict(probability) for probability in (found.one, found.other)),
        )
        for found in search.found
    ]
    headers = [say("column.url"), say("column.edit"), named("model", "teacher"), named("model", "compressed")]
    caption = say("disagree.found", count=len(rows), asked=f"{search.asked:,}")
    return title + markup.table(caption, headers, rows, "urls")


def tested_card(kept: "Predictions | None", texts: Sequence[str | None] | None) -> str:
    """The test URLs on which the verdicts differ: the first few, or how many, where the URLs are not at hand."""
    title = markup.text("h4", say("disagree.tested"))
    if kept is None or not {"teacher", "compressed"} <= set(kept.probabilities):
        return title + markup.text("p", say("disagree.unkept"))
    teacher, compressed = kept.probabilities["teacher"], kept.probabilities["compressed"]
    rows = _apart(teacher, compressed)
    counted = say("disagree.counted", count=f"{len(rows):,}", examples=f"{len(kept):,}")
    if not rows:
        return title + markup.text("p", counted)
    if not texts:
        return title + markup.text("p", f"{counted} {say('disagree.not-at-hand')}")
    cells = [
        (
            defang(texts[row] or "") or say("table.undefined"),
            named("verdict", "Not Safe" if kept.labels[row] else "Safe"),
            _verdict(float(teacher[row])),
            _verdict(float(compressed[row])),
        )
        for row in rows[:SHOWN]
    ]
    headers = [say("column.url"), say("column.truth"), named("model", "teacher"), named("model", "compressed")]
    return title + markup.table(counted, headers, cells, "urls")


def _apart(teacher: "np.ndarray", compressed: "np.ndarray") -> list[int]:
    """The rows on which the verdicts differ, those first that both are surest of."""
    from compression.predict.predictor import THRESHOLD

    rows = [row for row in range(len(teacher)) if (teacher[row] >= THRESHOLD) != (compressed[row] >= THRESHOLD)]
    return sorted(rows, key=lambda row: -abs(teacher[row] - compressed[row]))


def _verdict(probability: float) -> str:
    """A verdict, and its probability below it."""
    from compression.predict.predictor import label_of

    return f"{named('verdict', label_of(probability))}\n{units.percent(probability)}"

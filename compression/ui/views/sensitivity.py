"""What each part of a model could bear, as a table, and which of it is drawn."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from compression.ui import markup, units
from compression.ui.words import named, say

if TYPE_CHECKING:
    from compression.measure.sensitivity import Sensitivity


def drawn(rows: "Sequence[Sensitivity]") -> list[str]:
    """The parts to draw, in order: the whole ones, for half a layer ('layer 0: attention') stands in the table."""
    return [part for part in dict.fromkeys(row.part for row in rows) if ":" not in part]


def rises(rows: "Sequence[Sensitivity]", part: str) -> dict[str, float | None]:
    """By how much the loss rises for each kind of change to this part, in nats; None where it was not measured."""
    by_kind = {row.kind: row.loss - row.baseline_loss for row in rows if row.part == part}
    return {kind: by_kind.get(kind) for kind in dict.fromkeys(row.kind for row in rows)}


def sensitivity_table(rows: "Sequence[Sensitivity]") -> str:
    """Every part and kind with loss, rise, accuracy and the bytes it would save, as a folded table."""
    if not rows:
        return markup.empty("sensitivity.empty")
    baseline = markup.text("p", say("sensitivity.baseline", loss=f"{rows[0].baseline_loss:.4f}"), "quiet")
    headers = [say(f"column.{column}") for column in ("part", "done", "loss", "rise")]
    headers += [say("metric.accuracy"), say("column.saved")]
    cells = [
        (
            row.part,
            named("sensitivity", row.kind),
            f"{row.loss:.4f}",
            f"{row.loss - row.baseline_loss:+.4f}".replace("-", "−"),
            units.percent(row.accuracy),
            units.mega(row.saved_bytes),
        )
        for row in rows
    ]
    return baseline + markup.folded(say("table.numbers"), markup.table(say("chart.sensitivity"), headers, cells))

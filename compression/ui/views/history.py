"""The visitor's own runs, newest first, each to open again or delete."""

from collections.abc import Sequence
from html import escape

from compression.runs.snapshot import Snapshot
from compression.ui import markup, units
from compression.ui.views.comparison import SPLIT, ratio
from compression.ui.views.progress import UNFINISHED
from compression.ui.words import named, say


def run_list(snapshots: Sequence[Snapshot], viewing: str) -> str:
    """A row a run; `viewing` is the id of the one the page shows now."""
    if not snapshots:
        return markup.empty("runs.empty")
    return '<ul class="run-list">' + "".join(_row(s, s.run_id == viewing) for s in snapshots) + "</ul>"


def _row(snapshot: Snapshot, shown: bool) -> str:
    status = f'<span class="status {escape(snapshot.status)}">{escape(named("status", snapshot.status))}</span>'
    facts = " · ".join([*_numbers(snapshot), units.moment(snapshot.created)])
    css = ' class="shown" aria-current="true"' if shown else ""
    return (
        f"<li{css}><div>{status}{markup.text('strong', snapshot.name)}{markup.text('p', facts, 'quiet')}</div>"
        f'<div class="buttons">{_button("open", snapshot)}{_delete(snapshot)}</div></li>'
    )


def _numbers(snapshot: Snapshot) -> list[str]:
    if snapshot.result is None:
        return []
    teacher, compressed = snapshot.result.models["teacher"], snapshot.result.models["compressed"]
    smaller = say("summary.smaller", ratio=ratio(teacher.size_bytes / compressed.size_bytes))
    accuracy = f"{say('metric.accuracy')} {units.percent(compressed.metrics[SPLIT].accuracy)}"
    return [smaller, accuracy]


def _delete(snapshot: Snapshot) -> str:
    return "" if snapshot.status in UNFINISHED else _button("delete", snapshot)


def _button(action: str, snapshot: Snapshot) -> str:
    words = say(f"runs.{action}")
    sure = f' data-sure="{escape(say("runs.sure"))}"' if action == "delete" else ""
    return (
        f'<button type="button" data-action="{action}" data-run="{escape(snapshot.run_id)}"{sure} '
        f'aria-label="{escape(f"{words}: {snapshot.name}")}">{escape(words)}</button>'
    )

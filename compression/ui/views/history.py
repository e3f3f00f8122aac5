"""The visitor's own runs, newest first: each to open, name, note, pin, take along, compare or delete."""

from collections.abc import Sequence
from html import escape

from compression.runs.snapshot import NAME_LENGTH, NOTE_LENGTH, Snapshot
from compression.ui import markup, units
from compression.ui.views.comparison import SPLIT, ratio
from compression.ui.views.progress import UNFINISHED
from compression.ui.words import named, say

SHOWN = 50  # rows; a search finds the others
MOST_COMPARED = 6


def run_list(snapshots: Sequence[Snapshot], viewing: str, deleted: Sequence[Snapshot] = (), sought: str = "") -> str:
    """A row a run; `viewing` is the id of the one the page shows now, `sought` what these were found by.

    Those `deleted` that can be had back stand where they stood, each with the button that does so.
    """
    rows = [(s.created or 0.0, _row(s, s.run_id == viewing)) for s in snapshots[:SHOWN]]
    rows += [(s.created or 0.0, _gone(s)) for s in deleted]
    parts = []
    if sum(snapshot.result is not None for snapshot in snapshots) > 1:
        parts.append(_choosing())
    if rows:
        parts.append('<ul class="run-list">' + "".join(row for _, row in sorted(rows, reverse=True)) + "</ul>")
    if not snapshots and sought:
        parts.append(markup.text("p", say("runs.none", sought=sought), "quiet"))
    elif not rows:
        parts.append(markup.empty("runs.empty"))
    if (further := len(snapshots) - SHOWN) > 0:
        parts.append(markup.text("p", say("runs.more", count=further), "quiet"))
    return "".join(parts)


def _choosing() -> str:
    words = escape(say("runs.compare"))
    return (
        f'<div class="choosing"><button type="button" class="compare" data-most="{MOST_COMPARED}" disabled>{words}'
        f"</button>{markup.text('span', say('runs.compare.info', most=MOST_COMPARED), 'quiet')}</div>"
    )


def _row(snapshot: Snapshot, shown: bool) -> str:
    status = f'<span class="status {escape(snapshot.status)}">{escape(named("status", snapshot.status))}</span>'
    pinned = markup.text("span", say("runs.pinned"), "pinned") if snapshot.pinned else ""
    facts = " · ".join([*_numbers(snapshot), units.moment(snapshot.created)])
    css = ' class="shown" aria-current="true"' if shown else ""
    return (
        f'<li{css} data-run="{escape(snapshot.run_id)}"><div class="run-head">{_choice(snapshot)}{status}{pinned}'
        f"{markup.text('strong', snapshot.name)}</div>{markup.text('p', facts, 'quiet')}{_note(snapshot)}"
        f'<div class="buttons">{_buttons(snapshot)}</div>{_editor(snapshot)}</li>'
    )


def _gone(snapshot: Snapshot) -> str:
    words = markup.text("span", say("runs.deleted", name=snapshot.name))
    run_id = escape(snapshot.run_id)
    return f'<li class="gone" role="status" data-run="{run_id}">{words}{_button("undelete", snapshot)}</li>'


def _choice(snapshot: Snapshot) -> str:
    """The box to tick for a comparison; a run without a result has none."""
    if snapshot.result is None:
        return ""
    label = escape(say("runs.choose", name=snapshot.name))
    return f'<input type="checkbox" name="choose" aria-label="{label}">'


def _numbers(snapshot: Snapshot) -> list[str]:
    if snapshot.result is None:
        return []
    teacher, compressed = snapshot.result.models["teacher"], snapshot.result.models["compressed"]
    smaller = say("summary.smaller", ratio=ratio(teacher.size_bytes / compressed.size_bytes))
    accuracy = f"{say('metric.accuracy')} {units.percent(compressed.metrics[SPLIT].accuracy)}"
    gone = [say("runs.without-files")] if snapshot.size_bytes == 0 else []
    return [smaller, accuracy, *gone]


def _note(snapshot: Snapshot) -> str:
    return markup.text("p", snapshot.note, "note") if snapshot.note else ""


def _buttons(snapshot: Snapshot) -> str:
    actions = ["open", "unpin" if snapshot.pinned else "pin"]
    if snapshot.status == "succeeded" and snapshot.size_bytes != 0:
        actions.append("export")
    if snapshot.status not in UNFINISHED:
        actions.append("delete")
    return "".join(_button(action, snapshot) for action in actions)


def _button(action: str, snapshot: Snapshot) -> str:
    words = say(f"runs.{action}")
    return (
        f'<button type="button" data-action="{action}" data-run="{escape(snapshot.run_id)}" '
        f'aria-label="{escape(f"{words}: {snapshot.name}")}">{escape(words)}</button>'
    )


def _editor(snapshot: Snapshot) -> str:
    name, note = escape(snapshot.name), escape(snapshot.note)
    fields = (
        f'<label>{escape(say("runs.name"))}<input name="name" maxlength="{NAME_LENGTH}" value="{name}"></label>'
        f'<label>{escape(say("runs.note"))}<textarea name="note" rows="2" maxlength="{NOTE_LENGTH}">{note}</textarea>'
        f"</label>{_button('save', snapshot)}"
    )
    label = escape(say("runs.edit.of", name=snapshot.name))
    return (
        f'<details class="edit"><summary aria-label="{label}">{escape(say("runs.edit"))}</summary>'
        f'<div class="fields">{fields}</div></details>'
    )

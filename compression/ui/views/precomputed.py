"""A run computed beforehand: said wherever its numbers stand, so that nobody takes them for this host's."""

from collections.abc import Sequence
from html import escape

from compression.runs.snapshot import Snapshot
from compression.ui import markup, units
from compression.ui.words import say


def mark(snapshot: Snapshot) -> str:
    """When, on what and by which command the run was made; nothing for a run made here."""
    if snapshot.precomputed_by is None:
        return ""
    made = say("precomputed.made", when=units.moment(snapshot.ended), device=snapshot.device)
    command = f"<code>{escape(snapshot.precomputed_by)}</code>"
    return f'<p class="made">{escape(made)} {command}. {escape(say("precomputed.run"))}</p>'


def absent(names: Sequence[str]) -> str:
    """Which of a run's models cannot answer, because they are not shipped; nothing for none."""
    models = say("and").join(say(f"model.{name}") for name in names)
    return markup.text("p", say("precomputed.absent", models=models), "notice") if names else ""

"""A run computed beforehand: said wherever its numbers stand, so that nobody takes them for this host's."""

from html import escape

from compression.result import Result
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


def answering(result: Result) -> str:
    """Which of a run's models cannot answer, because they are not shipped; nothing if all can."""
    absent = [say(f"model.{name}") for name, model in result.models.items() if not model.folder]
    if not absent:
        return ""
    return markup.text("p", say("precomputed.absent", models=say("and").join(absent)), "notice")

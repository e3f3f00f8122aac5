"""What happens when a visitor looks for URLs on which teacher and compressed model disagree. Nothing typed is kept."""

from typing import Any

from compression.errors import CompressionError
from compression.events import Report
from compression.runs.worker import Runs
from compression.ui import markup
from compression.ui.behaving import texts_of
from compression.ui.classifying import asked
from compression.ui.evidence import evidence
from compression.ui.urls import clean
from compression.ui.views.disagreements import edited_card, tested_card
from compression.ui.views.refusal import refusal
from compression.ui.words import say

Updates = dict[str, Any]


def disagree(runs: Runs, report: Report, viewing: str, text: Any, browser: Any = None) -> Updates:
    """Edits of the typed URL, if one is typed, and test URLs of the run on show, on which the two disagree."""
    try:
        snapshot = runs.snapshot(viewing) if viewing else None
        sure = evidence(runs, snapshot)
        if snapshot is None or sure is None:
            return {"disagreements": markup.text("p", say("disagree.no-run"), "notice")}
        kept = sure.said.get("test")
        blank = not text or (isinstance(text, str) and not text.strip())
        edited = _edited(runs, report, viewing, text) if not blank else markup.text("p", say("disagree.type"), "notice")
        texts = texts_of(runs, browser, snapshot, kept) if kept is not None else None
        return {"disagreements": edited + tested_card(kept, texts)}
    except CompressionError as error:
        return {"disagreements": refusal(error)}


def _edited(runs: Runs, report: Report, viewing: str, text: Any) -> str:
    from compression.predict.disagree import disagreements, edits
    from compression.predict.predictor import loaded

    url, models = clean(text), asked(runs, viewing)
    if not {"teacher", "compressed"} <= set(models.folders):
        return markup.text("p", say("disagree.absent"), "notice")
    pair = [loaded(models.folders[name], models.not_safe.get(name)) for name in ("teacher", "compressed")]
    return edited_card(disagreements(edits(url), pair[0].probabilities, pair[1].probabilities, report))

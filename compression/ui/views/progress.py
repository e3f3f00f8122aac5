"""A run going on: where it stands, what it says, its losses and its epochs."""

from collections.abc import Sequence
from html import escape

from compression.catalog import DATA_SETS
from compression.data.uploads import is_upload
from compression.events import EpochEnded, TrainingStep
from compression.hub.connection import is_hub_id
from compression.runs.snapshot import RESUMABLE, Snapshot
from compression.ui import markup, units
from compression.ui.urls import visible
from compression.ui.views.refusal import remedy
from compression.ui.words import friendly, named, say

UNFINISHED = ("queued", "running")
_TABLE_ROWS = 12
_NAME_LENGTH = 60  # characters of a data set's name that are shown


def progress(snapshot: Snapshot, mine: bool, cancelling: bool = False) -> str:
    """The whole of a run's state, for people."""
    parts = [_header(snapshot)]
    if snapshot.precomputed_by is not None:
        parts.append(markup.text("p", say("precomputed.here")))
    elif not mine:
        parts.append(markup.text("p", say("message.shared"), "quiet"))
    if snapshot.status == "queued":
        parts.append(markup.text("p", waiting(snapshot)))
    if snapshot.followers > 1 and snapshot.status in UNFINISHED:
        parts.append(markup.text("p", say("progress.shared", count=snapshot.followers), "quiet"))
    if cancelling and snapshot.status in UNFINISHED:
        parts.append(markup.text("p", say("progress.cancelling"), "notice"))
    if snapshot.stages:
        parts.append(_stages(snapshot))
    if snapshot.status in ("running", *RESUMABLE):
        parts.append(_step(snapshot))
    parts += [markup.text("p", notice, "notice") for notice in snapshot.notices]
    parts.append(_ending(snapshot, mine))
    return "".join(parts)


def waiting(snapshot: Snapshot) -> str:
    """How many runs a queued one waits for, and how long that may be expected to take."""
    count = snapshot.ahead
    words = say(f"progress.ahead.{count}") if count in (0, 1) else say("progress.ahead.n", count=count)
    if not snapshot.start_eta_seconds:
        return words
    return words + " " + say("progress.starts", time=units.duration(snapshot.start_eta_seconds))


def have_already(snapshot: Snapshot) -> str:
    """An offer to open a run of the visitor's own instead of computing it once more."""
    words = say("have", moment=units.moment(snapshot.ended), name=snapshot.name)
    buttons = "".join(
        f'<button type="button" class="remedy" data-action="{action}" data-run="{escape(snapshot.run_id)}">'
        f"{escape(say(f'have.{action}'))}</button>"
        for action in ("open", "again")
    )
    return f'<div role="status">{markup.text("p", words, "notice")}<div class="offer">{buttons}</div></div>'


def loss_table(curve: Sequence[TrainingStep]) -> str:
    """A dozen points of the loss curve as a folded table."""
    stride = max(1, len(curve) // _TABLE_ROWS)
    chosen = list(curve[::stride])
    if chosen[-1] is not curve[-1]:
        chosen.append(curve[-1])
    headers = [say("column.step"), *(say(f"chart.loss.{part}") for part in ("total", "soft", "hard"))]
    several = len({p.stage for p in chosen}) > 1
    steps = [f"{named('stage', p.stage)} {p.step}" if several else p.step for p in chosen]
    losses = [(f"{p.loss:.4f}", f"{p.soft_loss:.4f}", f"{p.hard_loss:.4f}") for p in chosen]
    rows = [(step, *loss) for step, loss in zip(steps, losses, strict=True)]
    return markup.folded(say("table.numbers"), markup.table(say("chart.loss"), headers, rows))


def epochs_table(epochs: Sequence[EpochEnded]) -> str:
    """Scores on validation: the student after each epoch of each stage that trains, and the teacher."""
    if not epochs:
        return markup.empty("epochs.empty")
    names = ("accuracy", "precision", "recall", "f1")
    only_distilled = {e.stage for e in epochs} == {"distill"}
    learners = [say("model.student") if only_distilled else named("stage", e.stage) for e in epochs]
    rows = [
        (f"{learner}, {e.epoch} / {e.epochs}", *(units.percent(getattr(e.student, n)) for n in names))
        for learner, e in zip(learners, epochs, strict=True)
    ]
    if teacher := epochs[-1].teacher:
        rows.append((say("model.teacher"), *(units.percent(getattr(teacher, n)) for n in names)))
    headers = [say("column.epoch"), *(say(f"metric.{n}") for n in names)]
    return markup.table(say("epochs.caption"), headers, rows, "epochs")


def _header(snapshot: Snapshot) -> str:
    word = "precomputed" if snapshot.precomputed_by is not None else snapshot.status
    status = f'<span class="status {escape(word)}">{escape(named("status", word))}</span>'
    where = say("progress.data", data=_data(snapshot.config.data), device=snapshot.device) if snapshot.device else ""
    link = f'<a href="?run={escape(snapshot.run_id)}">{escape(say("progress.link"))}</a>'
    return (
        f'<div class="run-line" role="status">{status}<strong>{escape(snapshot.name)}</strong>'
        f'<span class="quiet">{escape(where)}</span>{link}</div>'
    )


def _data(source: str) -> str:
    """What a run's data is called; of a place on the server only its last name."""
    if is_upload(source):
        return say("progress.upload")
    if source in DATA_SETS:
        return say(f"data={source}")
    name = source if is_hub_id(source) else source.rstrip("/\\").replace("\\", "/").rpartition("/")[2]
    return visible(name)[:_NAME_LENGTH]


def _stages(snapshot: Snapshot) -> str:
    seconds = {report.name: report.seconds for report in snapshot.stage_reports}
    items = []
    for stage in snapshot.stages:
        name = escape(named("stage", stage))
        if stage in seconds:
            items.append(f'<li class="done">{name} <small>{units.duration(seconds[stage])}</small></li>')
        elif stage == snapshot.stage and snapshot.status == "running":
            items.append(f'<li class="current" aria-current="step">{name}</li>')
        else:
            items.append(f'<li class="{"stopped" if stage == snapshot.stage else "waiting"}">{name}</li>')
    return f'<ol class="stages">{"".join(items)}</ol>'


def _step(snapshot: Snapshot) -> str:
    if not snapshot.steps:
        return ""
    doing = snapshot.doing or say("progress.training")
    words = say(
        "progress.step" if snapshot.status == "running" else "progress.reached",
        doing=doing,
        step=snapshot.step,
        steps=snapshot.steps,
    )
    if snapshot.eta_seconds is not None:
        words += " · " + say("progress.eta", time=units.duration(snapshot.eta_seconds))
    return markup.bar(snapshot.step / snapshot.steps, doing) + markup.text("p", words, "step")


def _ending(snapshot: Snapshot, mine: bool) -> str:
    if snapshot.status in UNFINISHED or snapshot.precomputed_by is not None:
        return ""
    if snapshot.status == "interrupted" and not mine:
        return markup.text("p", say("progress.interrupted.shared"))
    seconds = (snapshot.ended or 0) - (snapshot.started or snapshot.ended or 0)
    sentence = say(f"progress.{snapshot.status}", error=friendly(snapshot.error or ""), time=units.duration(seconds))
    if snapshot.status == "failed":
        return markup.alert(sentence) + remedy(snapshot.at_fault)
    return markup.text("p", sentence)

"""What happens when the page asks: the only callers of the engine. Each handler maps values to updates by part's name.

Errors a visitor can act on come back as a sentence in one of the updates; nothing else is caught. The engine is
imported where it is called, so that the page is built and served before torch is loaded.
"""

import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from compression import hub
from compression.catalog import BUNDLED_TEACHER
from compression.config import RunConfig
from compression.errors import CompressionError
from compression.runs.snapshot import Snapshot
from compression.runs.worker import Runs
from compression.ui import classifying, drawing, form, keeping, markup, notes, running, taking_along, whole_file
from compression.ui.changing import changed
from compression.ui.choosing import CHOOSING
from compression.ui.evidence import evidence
from compression.ui.filling import fill, recipe_in, recipe_of
from compression.ui.outcomes import Outcomes
from compression.ui.sections.connection import forgotten, here
from compression.ui.sections.controls import offered
from compression.ui.urls import visible
from compression.ui.views.estimate import estimate_card, schemes_card
from compression.ui.views.preview import preview_card
from compression.ui.views.refusal import choices, refusal
from compression.ui.views.share import share_card
from compression.ui.visitor import by_name, has_name, known
from compression.ui.words import say

Updates = dict[str, Any]
_NAME_LENGTH = 80  # characters of an upload's name that are shown


class Handlers:
    """The handlers of one page over one `Runs`; holds no visitor's state."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._outcomes = Outcomes(runs)

    # Who is there, and what they look at

    def attach(self, browser: Any, query: Sequence[tuple[str, str]] = (), user: str | None = None) -> Updates:
        """On page load: know the visitor again; show the link's run, else their last, else a precomputed one.

        `user` is who has signed in to the Hub. What their browser ran before they did is theirs from now on.

        What the link says of the recipe fills the form, before all else.
        """
        browser, asked_run = known(browser), dict(query).get("run", "")[:64]
        try:
            browser = self._signed_in(browser, user)
            snapshot = self._runs.snapshot(asked_run or browser["run"])
        except CompressionError:  # `refresh`, which follows, meets it too and says it
            snapshot = None
        viewing = snapshot.run_id if snapshot else asked_run or self._runs.first_sight()
        shown = recipe_of(snapshot) if snapshot else {}
        attached = {"browser": browser, "viewing": viewing, "seen": None, "connection": here()}
        return {**attached, **shown, **recipe_in(query)}

    def _signed_in(self, browser: dict[str, str], user: str | None) -> dict[str, str]:
        """What the browser keeps of a visitor who has signed in; of one who has signed out, nobody's id."""
        visitor = browser["visitor"]
        if user is None:
            return known({**browser, "visitor": ""}) if has_name(visitor) else browser
        own = by_name(user, self._runs.secret())
        if not has_name(visitor):
            self._runs.hand_over(visitor, own)
        return {**browser, "visitor": own}

    def look(self, browser: Any, viewing: str | None, seen: Any) -> Updates | None:
        """What a tick finds, drawn by others: `news` for `refresh`, or that the run on show has `moved`, for `follow`.

        Everybody asks once a second, and Gradio draws each output of an event anew, changed or not: these are few. The
        timer rests once nothing is new and nothing goes on.
        """
        if viewing is None or seen is None:
            return {"news": time.time()}
        try:
            snapshot, now = self._now(browser, viewing, seen)
        except CompressionError:  # `refresh` meets it too and says it
            return {"news": time.time()}
        other = {name for name in now if seen[name] != now[name]}
        if not other:
            return None if drawing.unfinished(snapshot) or now["going"] else {"timer": gr.Timer(active=False)}
        return {"news" if {"run", "status", "going", "cancelling"} & other else "moved": time.time()}

    def follow(self, browser: Any, viewing: str, seen: Any) -> Updates | None:
        """How far the run on show has come; the rest of the page stays."""
        try:
            snapshot, now = self._now(browser, viewing, seen)
        except CompressionError as error:
            return {"progress": refusal(error)}
        if snapshot is None or seen is None:
            return None
        drawn = drawing.going(snapshot, self._owns(browser, viewing), bool(now["cancelling"]))
        known_so_far = {name: now[name] for name in ("revision", "ahead", "starts", "followers", "curve")}
        updates = {"seen": seen | known_so_far, "progress": drawn["progress"], "epochs": drawn["epochs"]}
        return updates | (drawing.loss(snapshot) if seen["curve"] != now["curve"] else {})

    def _now(self, browser: Any, viewing: str, seen: Any) -> tuple[Snapshot | None, Updates]:
        """The run on show, and the mark of how it and the visitor's others stand."""
        snapshot = self._runs.snapshot(viewing) if viewing else None
        going = self._runs.going(known(browser)["visitor"])
        return snapshot, drawing.mark(snapshot, bool(seen and seen.get("cancelling") == viewing and viewing), going)

    def refresh(self, browser: Any, viewing: str | None, seen: Any, reference: bool, search: Any) -> Updates | None:
        """The page's results brought up to date; None if nothing has changed since `seen`."""
        if viewing is None:
            return {"connection": forgotten()}
        try:
            snapshot, now = self._now(browser, viewing, seen)
            if seen == now:
                return None
            updates = {"seen": now, "timer": gr.Timer(active=True)}
            other = {name for name in now if seen is None or seen[name] != now[name]}
            if {"run", "status", "going"} & other:
                updates |= keeping.listed(self._runs, browser, viewing, search)
            if {"run", "status"} & other:
                updates |= self._outcomes.of(snapshot, bool(reference))
                updates |= whole_file.offered(self._runs, viewing) | taking_along.offered(self._runs, snapshot)
            if {"run", "curve"} & other:
                updates |= drawing.loss(snapshot)
            if viewing and snapshot is None:
                updates |= {"viewing": "", "progress": markup.alert(say("message.unknown-run"))}
            elif snapshot:
                updates |= drawing.going(snapshot, self._owns(browser, viewing), now["cancelling"] == viewing)
            return updates
        except CompressionError as error:
            return {"progress": refusal(error), "timer": gr.Timer(active=False)}

    # The recipe

    def choose_preset(self, name: str, values: form.Values) -> Updates:
        """Fills the form with a preset, and offers to bring back settings of one's own that it replaces."""
        if name not in form.filling_presets():
            return {"undo": gr.Button(visible=False)}
        own = dict(values) if form.preset_of(values) == "custom" else None
        return {**fill(form.preset_values(name)), "saved": own, "undo": gr.Button(visible=own is not None)}

    def undo_preset(self, saved: Any) -> Updates:
        """Brings back the settings that a preset replaced."""
        return {**fill(saved), "saved": None, "undo": gr.Button(visible=False)} if saved else {}

    def edited(self, values: form.Values) -> Updates:
        """Shows which preset the form still is, if any."""
        return {"preset": form.preset_of(values)}

    def assess(self, values: form.Values) -> Updates:
        """What the recipe comes to before anything runs: sizes, notes, and what this host cannot do."""
        from compression.measure import limits

        updates: Updates = {key: gr.update(visible=form.applies(key, values)) for key in form.DEPENDENT}
        updates |= {name: gr.update(visible=form.applies(key, values)) for name, key in form.GROUPS.items()}
        updates |= {"estimate": "", "why-embeddings": markup.empty("why.embeddings.empty"), "unsupported": ""}
        updates["share"] = markup.empty("share.empty")
        try:
            config = form.to_config(values)
            updates["share"] = share_card(config)
            updates["why-alpha"] = markup.text("p", notes.alpha(config.distillation))
            estimate = _estimate(config)
            updates["estimate"] = estimate_card(estimate, config)
            updates["why-embeddings"] = markup.text("p", notes.embeddings(estimate, config))
            refused = limits.refused_schemes(limits.plan(config))
            updates["unsupported"] = schemes_card(refused, config.quantization.scheme)
        except CompressionError as error:
            updates["estimate"] = running.form_refusal(error, values) + updates["estimate"]
        return updates

    def hub_state(self) -> Updates:
        """A quiet word if the Hub cannot be reached now; nothing while it can."""
        return {"hub": "" if hub.online() else markup.text("p", say("hub.offline"), "notice")}

    def put_right(self, at_fault: str, saved: Any, values: form.Values) -> Updates:
        """Puts the bundled choice in the place of what these recipe keys name; all else stays as far as it can.

        What the visitor had made themselves can be brought back, as after a preset.
        """
        keys = [key for key in form.REMEDIES if key in at_fault.split()]
        if not keys:
            return {}
        before, own = values, form.preset_of(values) == "custom"
        values = {**values, **dict(form.REMEDIES[key] for key in keys)}
        words = say("remedy.done", choices=choices(keys))
        if tokens := _too_long(values):
            values["distillation.max_length"] = tokens
            words = say("remedy.shortened", choices=choices(keys), tokens=tokens)
        message = f'<div role="status">{markup.text("p", words, "notice")}</div>'
        return changed(before, values, dict(before) if own else saved) | {"message": message}

    def preview(self, browser: Any, values: form.Values) -> Updates:
        """Rows, balance, token lengths and examples of the chosen data."""
        from compression.measure.preview import preview

        try:
            config = form.to_config(values)
            form.refuse_local_paths(config)
            self._runs.check_uploads(config, known(browser)["visitor"])
            found = preview(config)
        except CompressionError as error:
            return {"preview": running.form_refusal(error, values), "why-padding": markup.empty("why.padding.empty")}
        padding = markup.text("p", notes.padding(found, config))
        return {"preview": preview_card(found, config), "why-padding": padding}

    def upload(self, browser: Any, file: str | None) -> Updates:
        """Keeps a file the visitor brought, and makes it the data."""
        if not file:
            return {}
        browser = known(browser)
        called = visible(Path(file).name)[:_NAME_LENGTH]
        try:
            kept = self._runs.keep_upload(Path(file), called, browser["visitor"])
        except CompressionError as error:
            return {"upload": None, "uploaded": refusal(error)}
        choice = (say("upload.choice", name=called), kept.address)
        return {
            "browser": browser,
            "upload": None,
            "uploaded": markup.text("p", say("upload.kept", name=called, rows=f"{kept.rows:,}"), "notice"),
            "data": gr.Dropdown(choices=[*offered("data"), choice], value=kept.address),
            "preset": "custom",
        }

    # A run

    def start(self, browser: Any, values: form.Values) -> Updates:
        """Submits the form's recipe, unless the visitor has its result already and is asked first."""
        return running.start(self._runs, browser, values)

    def answered(self, action: str, run_id: str, browser: Any) -> Updates:
        """What the visitor chose where they were asked: to see the result they have, or to compute it once more."""
        try:
            if action == "again":
                return running.again(self._runs, browser, run_id)
            return running.show(self._runs, browser, run_id) if action == "open" else {}
        except CompressionError as error:
            return {"message": refusal(error)}

    def resume(self, browser: Any, viewing: str) -> Updates:
        """Has the run on show go on from what it had reached."""
        return running.resume(self._runs, browser, viewing)

    def cancel(self, browser: Any, viewing: str, seen: Any) -> Updates:
        """Asks the run on show to stop."""
        return running.cancel(self._runs, browser, viewing, seen)

    def reference(self, viewing: str, show: bool) -> Updates:
        """The size-accuracy chart with or without the article's points."""
        snapshot = self._runs.snapshot(viewing) if viewing else None
        sure = evidence(self._runs, snapshot)
        return drawing.size_accuracy(snapshot.result, bool(show), sure) if snapshot and snapshot.result else {}

    def classify(self, viewing: str, text: Any) -> Updates:
        """A verdict from each model of the run on show, and the parts of the URL."""
        return classifying.classify(self._runs, viewing, text)

    def explain(self, viewing: str, text: Any) -> Updates:
        """What in the URL moved each verdict."""
        return classifying.explain(self._runs, viewing, text)

    def _owns(self, browser: Any, run_id: str) -> bool:
        return self._runs.owns(run_id, known(browser)["visitor"])


def warm_up() -> None:
    """Does what visitors would wait for: asks whether the Hub is there, loads what the first estimate needs (torch),
    and has a runtime chosen for the model that answers first.
    """
    hub.online()
    with suppress(CompressionError):
        _estimate(RunConfig())
        CHOOSING.consider({"teacher": BUNDLED_TEACHER}, {})


def _too_long(values: form.Values) -> int:
    """How many tokens the student can read, if the recipe asks for more; else 0."""
    from compression.measure.limits import planned_student

    with suppress(CompressionError):
        config = form.to_config(values)
        student = planned_student(config)
        tokens = student.max_position_embeddings if student else config.distillation.max_length
        return int(tokens) if config.distillation.max_length > tokens else 0
    return 0


def _estimate(config: RunConfig) -> Any:
    from compression.measure.size import estimate

    form.refuse_local_paths(config)
    return estimate(config)

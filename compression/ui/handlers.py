"""What happens when the page asks: the only callers of the engine. Each handler maps values to updates by part's name.

Errors a visitor can act on come back as a sentence in one of the updates; nothing else is caught. The engine is
imported where it is called, so that the page is built and served before torch is loaded.
"""

import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import gradio as gr

from compression.catalog import BUNDLED_TEACHER
from compression.config import RunConfig
from compression.errors import CompressionError, ConfigError, sentence
from compression.recipe import choices, parse
from compression.runs.snapshot import Snapshot
from compression.runs.worker import Runs
from compression.ui import drawing, form, markup, notes
from compression.ui.sections.controls import offered
from compression.ui.urls import clean, visible
from compression.ui.views.estimate import estimate_card
from compression.ui.views.history import run_list
from compression.ui.views.preview import preview_card
from compression.ui.views.verdicts import verdict_cards
from compression.ui.words import friendly, say

Updates = dict[str, Any]
# What BrowserState keeps: the visitor's random id, which owns runs and is never shown, and the last run's id.
NOBODY = {"visitor": "", "run": ""}
_MOMENT_SECONDS = 0.7
_NAME_LENGTH = 80  # characters of an upload's name that are shown
_ID_LENGTH = 32  # characters of a visitor id: 24 random bytes in base64


class Handlers:
    """The handlers of one page over one `Runs`; holds no visitor's state."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    # Who is there, and what they look at

    def attach(self, browser: Any, asked_run: str) -> Updates:
        """On page load: know the visitor again, and show the run of the link, else their last one with its recipe."""
        browser = _known(browser)
        try:
            snapshot = self._runs.snapshot(asked_run or browser["run"])
        except CompressionError:  # `refresh`, which follows, meets it too and says it
            snapshot = None
        viewing = snapshot.run_id if snapshot else asked_run
        shown = _fill(form.to_values(snapshot.config)) if snapshot else {}
        return {"browser": browser, "viewing": viewing, "seen": None, **shown}

    def refresh(self, browser: Any, viewing: str, seen: Any, reference: bool) -> Updates | None:
        """The page's results brought up to date; None if nothing has changed since `seen`."""
        try:
            snapshot = self._runs.snapshot(viewing) if viewing else None
            now = drawing.mark(snapshot, cancelling=bool(seen and seen.get("cancelling") == viewing and viewing))
            if seen == now:
                return None
            updates = {"seen": now, "timer": gr.Timer(active=drawing.unfinished(snapshot))}
            changed = {name for name in now if seen is None or seen[name] != now[name]}
            if {"run", "status"} & changed:
                updates |= self._list(browser, viewing) | drawing.outcome(snapshot, bool(reference))
            if {"run", "curve"} & changed:
                updates |= drawing.loss(snapshot)
            if viewing and snapshot is None:
                updates |= {"viewing": "", "progress": markup.alert(say("message.unknown-run"))}
            elif snapshot:
                updates |= drawing.going(snapshot, self._owns(browser, viewing), now["cancelling"] == viewing)
            return updates
        except CompressionError as error:
            return {"progress": _alert(error), "timer": gr.Timer(active=False)}

    # The recipe

    def choose_preset(self, name: str, values: form.Values) -> Updates:
        """Fills the form with a preset, and offers to bring back settings of one's own that it replaces."""
        if name not in form.filling_presets():
            return {"undo": gr.Button(visible=False)}
        own = dict(values) if form.preset_of(values) == "custom" else None
        return {**form.preset_values(name), "saved": own, "undo": gr.Button(visible=own is not None)}

    def undo_preset(self, saved: Any) -> Updates:
        """Brings back the settings that a preset replaced."""
        return {**_fill(saved), "saved": None, "undo": gr.Button(visible=False)} if saved else {}

    def edited(self, values: form.Values) -> Updates:
        """Shows which preset the form still is, if any."""
        return {"preset": form.preset_of(values)}

    def assess(self, values: form.Values) -> Updates:
        """What the recipe comes to before anything runs: sizes, notes, and what this host cannot do."""
        updates: Updates = {key: gr.update(visible=form.applies(key, values)) for key in form.OPENED_BY}
        try:
            config = form.to_config(values)
            updates["why-alpha"] = markup.text("p", notes.alpha(config.distillation))
            estimate = _estimate(config)
            updates["unsupported"] = _limits(config)
            updates["estimate"] = estimate_card(estimate, config)
            updates["why-embeddings"] = markup.text("p", notes.embeddings(estimate))
        except CompressionError as error:
            updates["estimate"] = _alert(error)
            updates["why-embeddings"] = markup.empty("why.embeddings.empty")
        return updates

    def preview(self, values: form.Values) -> Updates:
        """Rows, balance, token lengths and examples of the chosen data."""
        from compression.measure.preview import preview

        try:
            config = form.to_config(values)
            form.refuse_local_paths(config)
            found = preview(config)
        except CompressionError as error:
            return {"preview": _alert(error), "why-padding": markup.empty("why.padding.empty")}
        padding = markup.text("p", notes.padding(found, config))
        return {"preview": preview_card(found, config), "why-padding": padding}

    def upload(self, file: str | None) -> Updates:
        """Keeps a file the visitor brought, and makes it the data."""
        if not file:
            return {}
        called = visible(Path(file).name)[:_NAME_LENGTH]
        try:
            kept = self._runs.keep_upload(Path(file), called)
        except CompressionError as error:
            return {"upload": None, "uploaded": _alert(error)}
        choice = (say("upload.choice", name=called), kept.address)
        return {
            "upload": None,
            "uploaded": markup.text("p", say("upload.kept", name=called, rows=f"{kept.rows:,}"), "notice"),
            "data": gr.Dropdown(choices=[*offered("data"), choice], value=kept.address),
            "preset": "custom",
        }

    # A run

    def start(self, browser: Any, values: form.Values) -> Updates:
        """Submits a run and shows it; a recipe that cannot run is refused with the reason."""
        from compression.pipeline import check

        browser = _known(browser)
        try:
            config = form.to_config(values)
            form.refuse_local_paths(config)
            check(config)
            run_id = self._runs.submit(config, browser["visitor"])
        except CompressionError as error:
            return {"message": _alert(error)}
        return {"browser": {**browser, "run": run_id}, "viewing": run_id, "seen": None, "message": ""}

    def cancel(self, browser: Any, viewing: str, seen: Any) -> Updates:
        """Asks the run on show to stop; most do within a moment, else the page says that it will."""
        try:
            self._runs.cancel(viewing, _known(browser)["visitor"])
            self._runs.wait(viewing, _MOMENT_SECONDS)  # the next drawing then shows the end, not the one a tick later
        except CompressionError as error:
            return {"message": _alert(error)}
        waiting = gr.Button(say("cancelling"), interactive=False)
        return {"seen": {**(seen or drawing.mark(None)), "cancelling": viewing, "revision": -1}, "cancel": waiting}

    def row_button(self, action: str, run_id: str, browser: Any, viewing: str) -> Updates:
        """Opens or deletes one of the visitor's runs."""
        browser = _known(browser)
        try:
            if action == "delete":
                self._runs.delete(run_id, browser["visitor"])
                viewing = "" if viewing == run_id else viewing
                return {"viewing": viewing, "seen": None}
            snapshot = self._runs.snapshot(run_id)
            if snapshot is None:
                raise ConfigError(say("message.unknown-run"))
        except CompressionError as error:
            return {"runs": _alert(error) + self._list(browser, viewing)["runs"]}
        shown = _fill(form.to_values(snapshot.config))
        return {"browser": {**browser, "run": run_id}, "viewing": run_id, "seen": None, **shown}

    def reference(self, viewing: str, show: bool) -> Updates:
        """The size-accuracy chart with or without the article's points."""
        snapshot = self._runs.snapshot(viewing) if viewing else None
        return drawing.size_accuracy(snapshot.result, bool(show)) if snapshot and snapshot.result else {}

    def classify(self, viewing: str, text: Any) -> Updates:
        """A verdict from each model of the run on show, or from the bundled teacher before there is one."""
        from compression.artefacts.weight import size_bytes
        from compression.predict.predictor import classify

        try:
            url = clean(text)
            snapshot = self._runs.snapshot(viewing) if viewing else None
            if snapshot and snapshot.result:
                folders = self._folders(snapshot)
                sizes = {name: model.size_bytes for name, model in snapshot.result.models.items()}
            else:
                folders = {"teacher": BUNDLED_TEACHER}
                sizes = {"teacher": size_bytes(BUNDLED_TEACHER)}
            return {"verdicts": verdict_cards(url, classify(url, folders), sizes)}
        except CompressionError as error:
            return {"verdicts": _alert(error)}

    def _folders(self, snapshot: Snapshot) -> Mapping[str, Path]:
        assert snapshot.result is not None
        base = self._runs.folder(snapshot.run_id)  # a folder given as absolute (the bundled teacher's) stays itself
        return {name: base / model.folder for name, model in snapshot.result.models.items()}

    def _owns(self, browser: Any, run_id: str) -> bool:
        return self._runs.owns(run_id, _known(browser)["visitor"])

    def _list(self, browser: Any, viewing: str) -> Updates:
        return {"runs": run_list(self._runs.owned(_known(browser)["visitor"]), viewing)}


def warm_up() -> None:
    """Loads what the first estimate needs (torch, seconds long), so that no visitor waits for it."""
    with suppress(CompressionError):
        _estimate(RunConfig())


def _known(browser: Any) -> dict[str, str]:
    """What the browser keeps, checked: it comes from the visitor, so it may be anything."""
    kept = browser if isinstance(browser, dict) else NOBODY
    visitor, run = kept.get("visitor"), kept.get("run")
    if not isinstance(visitor, str) or len(visitor) != _ID_LENGTH:
        visitor = secrets.token_urlsafe(24)
    return {"visitor": visitor, "run": run if isinstance(run, str) else ""}


def _alert(error: CompressionError) -> str:
    return markup.alert(friendly(sentence(error)))


def _fill(values: form.Values) -> Updates:
    return {**values, "preset": form.preset_of(values)}


def _estimate(config: RunConfig) -> Any:
    from compression.measure.size import estimate

    form.refuse_local_paths(config)
    return estimate(config)


def _limits(config: RunConfig) -> str:
    """The schemes this host cannot run, each with the reason; an alert if the recipe's own is one of them."""
    reasons = {}
    for scheme in choices("quantization.scheme"):
        if reason := _unsupported(_with_scheme(config, scheme)):
            reasons[scheme] = reason
    chosen = markup.alert(reasons.pop(config.quantization.scheme, ""))
    return chosen + "".join(markup.text("p", reason, "quiet") for reason in reasons.values())


def _with_scheme(config: RunConfig, scheme: str) -> RunConfig:
    return parse(config.model_dump(exclude={"quantization"}), {"quantization": scheme})


def _unsupported(config: RunConfig) -> str:
    """Why this host cannot run the recipe's scheme, as a sentence; empty if it can."""
    from compression.methods.quantize import unsupported
    from compression.models.classifier import locate, read_config
    from compression.models.device import resolve
    from compression.models.student import plan_student

    student = plan_student(config.student, read_config(locate(config.teacher, weights=False)))
    reason = unsupported(config.quantization, resolve(config.device).type, student)
    scheme = say(f"quantization.scheme={config.quantization.scheme}")
    return say("message.unsupported", scheme=scheme, reason=friendly(reason)) if reason else ""

"""The page: its sections in reading order, then the wiring."""

import json
from collections.abc import Callable
from copy import copy
from functools import partial
from typing import Any

import gradio as gr

from compression.runs.worker import Runs
from compression.ui import (
    api,
    classifying,
    comparing,
    comparing_runs,
    drawing,
    form,
    keeping,
    markup,
    pushing,
    sensing,
    whole_file,
)
from compression.ui.handlers import Handlers, Updates
from compression.ui.sections import connection, history, recipe, results
from compression.ui.sections.controls import Parts
from compression.ui.views.standing import COSTS
from compression.ui.visitor import NOBODY
from compression.ui.wiring import (
    BUTTON,
    DATA,
    FILE,
    INFERENCE,
    PROGRESS,
    QUICK,
    VERDICT,
    clicked,
    drawn,
    io,
    query,
    shown_by,
)
from compression.ui.words import say

# Both fixed, or every restart would forget every visitor. The secret is sent to the browser: it protects nothing.
STORAGE_KEY, STORAGE_SECRET = "compression-lab", "not-a-secret"
TICK_SECONDS = 1.0

KEPT = ("runs", *(f"front-{cost}-{what}" for cost in COSTS for what in ("plot", "numbers")))
RESULTS = (
    *("seen", "viewing", "timer", "progress", "epochs", "run", "cancel", "loss-plot", "loss-numbers", "summary"),
    *(f"{name}-{what}" for name in drawing.CHARTS for what in ("plot", "numbers")),
    *(part for name in drawing.MODELS for part in (f"confusion-{name}", f"confusion-{name}-title")),
    *drawing.MORE,
    *("confusion-numbers", "reference", "resume", "connection", "why-alpha", "precomputed", "example"),
    *("push", "push-message", "push-asked", "push-replace", "file-model"),
    *KEPT,
)
LIVE = ("seen", "progress", "epochs", "loss-plot", "loss-numbers")
ANSWERS = ("estimate", "preview", "message", "progress")  # where a refusal may stand
ASSESSED = ("share", "estimate", "why-embeddings", "why-alpha", "unsupported", *form.DEPENDENT, *form.GROUPS)
FILLED = (*form.KEYS, *form.FOLDS, "preset")
# A rule rather than a property of the element: Gradio draws elements anew.
_HIDE_SECTIONS = """() => {
    const names = (new URLSearchParams(location.search).get('hide') || '').split(',').map((name) => name.trim());
    const rule = document.createElement('style');
    rule.textContent = names.filter((name) => /^[a-z]{1,20}$/.test(name))
        .map((name) => `#section-${name} { display: none !important; }`).join('');
    document.head.append(rule);
}"""
_HOLD_FOCUS = "() => document.getElementById('run').focus()"  # the button that was pressed goes away
_SHOW_COMPARED = """() => {
    const place = document.getElementById('compared');
    place.tabIndex = -1;
    place.focus();
}"""
_DOWNLOAD = """(file) => {
    if (!file) return;
    const link = document.createElement('a');
    [link.href, link.download] = [file.url, file.orig_name];
    link.click();
}"""
_SHOW_RUN = "() => document.getElementById('section-run').scrollIntoView()"


def build(runs: Runs) -> gr.Blocks:
    """The page over `runs`, ready to launch; the workers of `runs` are started elsewhere."""
    with gr.Blocks(title=say("title"), analytics_enabled=False, delete_cache=(600, 3600)) as page:
        parts = recipe.hero()
        parts |= recipe.teacher_and_data()
        parts |= recipe.student()
        parts |= recipe.distillation()
        parts |= recipe.pruning()
        parts |= recipe.quantization()
        parts |= results.running()
        parts |= results.comparison(runs.examples() if runs else ())
        parts |= results.classifying()
        parts |= history.history()
        parts |= history.several()
        parts |= connection.connection()
        parts["browser"] = gr.BrowserState(NOBODY, storage_key=STORAGE_KEY, secret=STORAGE_SECRET)
        parts["viewing"] = gr.State(None)  # id of the run on show; None until the page has been attached
        parts["seen"] = gr.State(None)  # mark of what was drawn last
        # Not states: what an event outside Gradio's queue does to a state reaches no listener.
        parts["moved"] = gr.Number(visible="hidden", elem_id="moved")  # changes when the run on show has come further
        parts["news"] = gr.Number(visible="hidden", elem_id="news")  # changes when there is more to draw than that
        parts["saved"] = gr.State(None)  # settings a preset replaced
        parts["timer"] = gr.Timer(TICK_SECONDS, active=False)
        act = Handlers(runs)
        _wire_recipe(page, parts, runs, act)
        _wire_results(page, parts, act)
        _wire_history(parts, runs, act)
        comparing.wire(parts, runs)
        api.wire(runs)
        _wire_file(parts, runs)
        if "push-button" in parts:
            pushing.wire(parts, runs)
        page.unload(_forgetting(page))
    return page


def _forgetting(page: gr.Blocks) -> Callable[..., None]:
    """Lets go of all that was drawn for a visitor who has left: a megabyte, which Gradio keeps for its deep links.

    What they look at stays, for their browser may have lost its connection and come back.
    """

    def forget(request: gr.Request) -> None:
        if session := page.state_holder.session_data.get(request.session_hash):
            session.config_values = {}
            session.blocks_config = copy(page.default_config)

    return forget


def _wire_recipe(page: gr.Blocks, parts: Parts, runs: Runs, act: Handlers) -> None:
    controls = [parts[key] for key in form.KEYS]

    def on_form(handler: Callable[..., Updates], *before: str) -> Callable[..., Any]:
        """The handler, with the last inputs gathered into form values."""
        first = len(before)
        return drawn(parts, lambda *given: handler(*given[:first], dict(zip(form.KEYS, given[first:], strict=True))))

    edits = [control.input for control in controls]
    gr.on(edits, **io(parts, on_form(act.edited), form.KEYS, ["preset"]), **QUICK, trigger_mode="always_last")
    changes = [control.change for control in controls]
    gr.on(changes, **io(parts, on_form(act.assess), form.KEYS, ASSESSED), **QUICK, trigger_mode="always_last")

    filled = (*FILLED, "saved", "undo")
    choose = on_form(act.choose_preset, "preset")
    parts["preset"].input(**io(parts, choose, ("preset", *form.KEYS), filled), **QUICK)
    parts["undo"].click(**io(parts, drawn(parts, act.undo_preset), ["saved"], filled), **BUTTON)
    put_right = on_form(act.put_right, "clicked", "saved")

    def remedy(event: gr.EventData, *given: Any) -> Any:
        return put_right(clicked(event, "remedy"), *given)

    remedied = io(parts, remedy, ("saved", *form.KEYS), (*filled, "message"))
    gr.on([parts[name].click for name in ANSWERS], **remedied, **BUTTON)
    preview = io(parts, on_form(act.preview, "browser"), ("browser", *form.KEYS), ["preview", "why-padding"])
    parts["preview-button"].click(**preview, **DATA)
    _wire_sensitivity(parts, runs)

    # Preprocessed, unlike all else: Gradio then lets no other path through than that of a file it has just received.
    upload = io(
        parts, drawn(parts, act.upload), ["browser", "upload"], ["browser", "upload", "uploaded", "data", "preset"]
    )
    parts["upload"].upload(**upload | {"preprocess": True}, **DATA, show_progress="minimal")

    sources = [parts[key].change for key in form.SOURCES]
    stale = [markup.empty("preview.empty"), markup.empty("why.padding.empty")]
    # In the browser: by way of the server it could come after what another press of the button has brought.
    shown = [parts["preview"], parts["why-padding"]]
    gr.on(sources, None, None, shown, js=f"() => {json.dumps(stale)}", api_visibility="private")
    # On its own, so that nothing else waits for the two seconds it may take to learn that nobody answers.
    gr.on([page.load, *sources], **io(parts, drawn(parts, act.hub_state), (), ["hub"]), **QUICK)

    start = io(parts, on_form(act.start, "browser"), ("browser", *form.KEYS), ["browser", "viewing", "seen", "message"])
    parts["run"].click(None, js=_SHOW_RUN)
    parts["run"].click(**start, **BUTTON).then(**_refresh(parts, act))


def _wire_sensitivity(parts: Parts, runs: Runs) -> None:
    def measure(progress: gr.Progress = PROGRESS, browser: Any = None, *given: Any) -> Any:
        values = dict(zip(form.KEYS, given, strict=True))
        updates = sensing.measure(runs, browser, values, shown_by(progress))
        return {parts[name]: update for name, update in updates.items()}

    outputs = ["sensitivity-plot", "sensitivity-numbers"]
    shown = {"show_progress": "full", "show_progress_on": [parts["sensitivity-numbers"]]}
    parts["sensitivity"].click(**io(parts, measure, ("browser", *form.KEYS), outputs), **DATA, **shown)


def _wire_results(page: gr.Blocks, parts: Parts, act: Handlers) -> None:
    refresh = _refresh(parts, act)
    attach, answered = drawn(parts, act.attach), drawn(parts, act.answered)
    filled = ["browser", "viewing", "seen", *FILLED]

    def load(browser: Any, request: gr.Request, profile: gr.OAuthProfile | None) -> Any:
        return attach(browser, query(request), profile.username if profile else None)

    def example(run_id: Any, browser: Any) -> Any:
        return answered("open", str(run_id)[:64], browser)

    def answer(browser: Any, event: gr.EventData) -> Any:
        return answered(clicked(event, "action"), clicked(event, "run"), browser)

    assess = drawn(parts, lambda *given: act.assess(dict(zip(form.KEYS, given, strict=True))))
    page.load(None, js=_HIDE_SECTIONS)
    loaded = page.load(**io(parts, load, ["browser"], [*filled, "message", "connection"]), **QUICK)
    loaded.then(**refresh).then(**io(parts, assess, form.KEYS, ASSESSED), **QUICK)
    watched = ["browser", "viewing", "seen"]
    parts["timer"].tick(**io(parts, drawn(parts, act.look), watched, ["news", "moved", "timer"]), **QUICK)
    parts["moved"].change(**io(parts, drawn(parts, act.follow), watched, LIVE), **QUICK)
    parts["news"].change(**refresh)
    parts["connection"].click(**refresh)

    cancel = io(parts, drawn(parts, act.cancel), ["browser", "viewing", "seen"], ["seen", "cancel", "message"])
    parts["cancel"].click(**cancel, **BUTTON).then(**refresh)
    shown = [*filled, "message"]
    resume = io(parts, drawn(parts, act.resume), ["browser", "viewing"], shown)
    parts["resume"].click(None, js=_HOLD_FOCUS)
    parts["resume"].click(**resume, **BUTTON).then(**refresh)
    parts["message"].click(**io(parts, answer, ["browser"], shown), **BUTTON).then(**refresh)
    parts["example"].input(**io(parts, example, ["example", "browser"], shown), **BUTTON).then(**refresh)
    reference = io(
        parts, drawn(parts, act.reference), ["viewing", "reference"], ["size-accuracy-plot", "size-accuracy-numbers"]
    )
    parts["reference"].input(**reference, **QUICK)

    asked = ["viewing", "url"]
    classify = io(parts, drawn(parts, act.classify), asked, ["verdicts", "anatomy", "reasons"])
    failed = io(parts, drawn(parts, classifying.failed), (), ["verdicts"]) | QUICK
    gr.on([parts["classify"].click, parts["url"].submit], **classify, **VERDICT).failure(**failed)
    for button, url in zip(parts["examples"], results.example_urls(), strict=True):
        show = button.click(partial(str, url), None, parts["url"], **QUICK, api_visibility="private")
        show.then(**classify, **VERDICT).failure(**failed)
    parts["explain"].click(**io(parts, drawn(parts, act.explain), asked, ["reasons"]), **INFERENCE)


def _wire_history(parts: Parts, runs: Runs, act: Handlers) -> None:
    refresh, about = _refresh(parts, act), ["browser", "viewing", "search"]
    handlers = {name: drawn(parts, partial(getattr(keeping, name), runs)) for name in ("press", "save", "export")}

    def press(browser: Any, viewing: str, search: Any, event: gr.EventData) -> Any:
        return handlers["press"](clicked(event, "action"), clicked(event, "run"), browser, viewing, search)

    def save(browser: Any, viewing: str, search: Any, event: gr.EventData) -> Any:
        typed = (clicked(event, field, keeping.LONGEST) for field in ("name", "note"))
        return handlers["save"](clicked(event, "run"), *typed, browser, viewing, search)

    def export(browser: Any, event: gr.EventData) -> Any:
        return handlers["export"](clicked(event, "run"), browser)

    def compare(browser: Any, event: gr.EventData) -> Any:
        return drawn(parts, partial(comparing_runs.compare, runs))(clicked(event, "runs", keeping.LONGEST), browser)

    shown = ["browser", "viewing", "seen", "message", *FILLED, "runs-message", *KEPT]
    parts["runs"].click(**io(parts, press, about, shown), **BUTTON).then(**refresh)
    parts["runs"].edit(**io(parts, save, about, ["runs-message", *KEPT]), **BUTTON).then(**refresh)
    parts["runs"].select(**io(parts, compare, ["browser"], ["compared"]), **DATA).then(None, js=_SHOW_COMPARED)
    exported = parts["runs"].download(**io(parts, export, ["browser"], ["runs-message", "export"]), **DATA)
    exported.then(None, parts["export"], js=_DOWNLOAD)
    find = io(parts, drawn(parts, partial(keeping.find, runs)), about, ["runs", "runs-message"])
    parts["search"].change(**find, **QUICK, trigger_mode="always_last")
    bring = io(parts, drawn(parts, partial(keeping.bring, runs)), ["browser", "import"], shown)
    # Preprocessed as the recipe's upload is: no path but that of a file just received.
    parts["import"].upload(**bring | {"preprocess": True}, **DATA).then(**refresh)


def _wire_file(parts: Parts, runs: Runs) -> None:
    def classify(progress: gr.Progress = PROGRESS, *given: Any) -> Any:
        updates = whole_file.classify_file(runs, shown_by(progress), *given)
        return {parts[name]: update for name, update in updates.items()}

    received = drawn(parts, whole_file.received)
    outputs = ["file-source", "file-button", "file-verdicts", "file-download"]
    # Preprocessed as the recipe's upload is: no path but that of a file just received.
    parts["file"].upload(**io(parts, received, ["file"], outputs) | {"preprocess": True}, **BUTTON)
    parts["file"].clear(**io(parts, partial(received, None), (), outputs), **BUTTON)
    asked = ["viewing", "browser", "file-source", "file-model", "file-column"]
    shown = {"show_progress": "full", "show_progress_on": [parts["file-verdicts"]]}
    outputs = ["browser", "file-verdicts", "file-download"]
    parts["file-button"].click(**io(parts, classify, asked, outputs), **FILE, **shown)


def _refresh(parts: Parts, act: Handlers) -> dict[str, Any]:
    """The one way to draw results, for load, news and after every button."""
    inputs = ["browser", "viewing", "seen", "reference", "search"]
    return io(parts, drawn(parts, act.refresh), inputs, RESULTS) | QUICK

"""The page: its sections in reading order, then the wiring."""

from collections.abc import Callable
from functools import partial
from typing import Any

import gradio as gr

from compression.runs.worker import Runs
from compression.ui import api, comparing, drawing, form, markup, pushing, sensing, whole_file
from compression.ui.handlers import Handlers, Updates
from compression.ui.sections import recipe, results
from compression.ui.sections.controls import Parts
from compression.ui.visitor import NOBODY
from compression.ui.wires import BUTTON as _BUTTON
from compression.ui.wires import DATA as _DATA
from compression.ui.wires import FILE as _FILE
from compression.ui.wires import INFERENCE as _INFERENCE
from compression.ui.wires import PROGRESS as _PROGRESS
from compression.ui.wires import PUSH as _PUSH
from compression.ui.wires import clicked as _clicked
from compression.ui.wires import drawn as _drawn
from compression.ui.wires import io as _io
from compression.ui.wires import shown_by as _shown_by
from compression.ui.words import say

# Both fixed, or every restart would forget every visitor. The secret is sent to the browser: it protects nothing.
STORAGE_KEY, STORAGE_SECRET = "compression-lab", "not-a-secret"
TICK_SECONDS = 1.0

RESULTS = (
    *("seen", "viewing", "timer", "progress", "epochs", "run", "cancel", "loss-plot", "loss-numbers", "summary"),
    *(f"{name}-{what}" for name in drawing.CHARTS for what in ("plot", "numbers")),
    *(part for name in drawing.MODELS for part in (f"confusion-{name}", f"confusion-{name}-title")),
    *drawing.MORE,
    *("confusion-numbers", "reference", "runs", "why-alpha", "precomputed", "example"),
    *("push", "push-message", "push-asked", "push-replace", "file-model"),
)
ANSWERS = ("estimate", "preview", "message", "progress")  # where a refusal may stand
ASSESSED = ("share", "estimate", "why-embeddings", "why-alpha", "unsupported", *form.DEPENDENT, *form.GROUPS)
FILLED = (*form.KEYS, *form.FOLDS, "preset")
_MOST, _LONGEST = 200, 2_000  # of a link: parameters, characters of each
# A rule rather than a property of the element: Gradio draws elements anew.
_HIDE_SECTIONS = """() => {
    const names = (new URLSearchParams(location.search).get('hide') || '').split(',').map((name) => name.trim());
    const rule = document.createElement('style');
    rule.textContent = names.filter((name) => /^[a-z]{1,20}$/.test(name))
        .map((name) => `#section-${name} { display: none !important; }`).join('');
    document.head.append(rule);
}"""
_SHOW_RUN = "() => document.getElementById('section-run').scrollIntoView()"


def build(runs: Runs) -> gr.Blocks:
    """The page over `runs`, ready to launch; the worker of `runs` is started elsewhere."""
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
        parts |= results.history()
        parts["browser"] = gr.BrowserState(NOBODY, storage_key=STORAGE_KEY, secret=STORAGE_SECRET)
        parts["viewing"] = gr.State("")  # id of the run on show
        parts["seen"] = gr.State(None)  # mark of what was drawn last
        parts["saved"] = gr.State(None)  # settings a preset replaced
        parts["timer"] = gr.Timer(TICK_SECONDS, active=False)
        act = Handlers(runs)
        _wire_recipe(page, parts, act)
        _wire_results(page, parts, act)
        comparing.wire(parts, runs)
        api.wire(runs)
        _wire_file(parts, runs)
        if "push-button" in parts:
            _wire_push(parts, runs)
    return page


def _wire_recipe(page: gr.Blocks, parts: Parts, act: Handlers) -> None:
    controls = [parts[key] for key in form.KEYS]
    quick = {"queue": False, "show_progress": "hidden"}

    def on_form(handler: Callable[..., Updates], *before: str) -> Callable[..., Any]:
        """The handler, with the last inputs gathered into form values."""
        first = len(before)
        return _drawn(parts, lambda *given: handler(*given[:first], dict(zip(form.KEYS, given[first:], strict=True))))

    edits = [control.input for control in controls]
    gr.on(edits, **_io(parts, on_form(act.edited), form.KEYS, ["preset"]), **quick, trigger_mode="always_last")
    changes = [control.change for control in controls]
    gr.on(changes, **_io(parts, on_form(act.assess), form.KEYS, ASSESSED), **quick, trigger_mode="always_last")

    filled = (*FILLED, "saved", "undo")
    choose = on_form(act.choose_preset, "preset")
    parts["preset"].input(**_io(parts, choose, ("preset", *form.KEYS), filled), **quick)
    parts["undo"].click(**_io(parts, _drawn(parts, act.undo_preset), ["saved"], filled), **_BUTTON)
    put_right = on_form(act.put_right, "clicked", "saved")

    def remedy(event: gr.EventData, *given: Any) -> Any:
        return put_right(_clicked(event, "remedy"), *given)

    remedied = _io(parts, remedy, ("saved", *form.KEYS), (*filled, "message"))
    gr.on([parts[name].click for name in ANSWERS], **remedied, **_BUTTON)
    preview = _io(parts, on_form(act.preview), form.KEYS, ["preview", "why-padding"])
    parts["preview-button"].click(**preview, **_DATA)
    _wire_sensitivity(parts)

    # Preprocessed, unlike all else: Gradio then lets no other path through than that of a file it has just received.
    upload = _io(
        parts, _drawn(parts, act.upload), ["browser", "upload"], ["browser", "upload", "uploaded", "data", "preset"]
    )
    parts["upload"].upload(**upload | {"preprocess": True}, **_DATA, show_progress="minimal")

    sources = [parts[key].change for key in form.SOURCES]
    stale = {"preview": markup.empty("preview.empty"), "why-padding": markup.empty("why.padding.empty")}
    gr.on(sources, **_io(parts, _drawn(parts, lambda: stale), (), tuple(stale)), **quick)
    # On its own, so that nothing else waits for the two seconds it may take to learn that nobody answers.
    gr.on([page.load, *sources], **_io(parts, _drawn(parts, act.hub_state), (), ["hub"]), **quick)

    start = _io(
        parts, on_form(act.start, "browser"), ("browser", *form.KEYS), ["browser", "viewing", "seen", "message"]
    )
    parts["run"].click(None, js=_SHOW_RUN)
    parts["run"].click(**start, **_BUTTON).then(**_refresh(parts, act))


def _wire_sensitivity(parts: Parts) -> None:
    def measure(progress: gr.Progress = _PROGRESS, *given: Any) -> Any:
        values = dict(zip(form.KEYS, given, strict=True))
        return {parts[name]: update for name, update in sensing.measure(values, _shown_by(progress)).items()}

    outputs = ["sensitivity-plot", "sensitivity-numbers"]
    shown = {"show_progress": "full", "show_progress_on": [parts["sensitivity-numbers"]]}
    parts["sensitivity"].click(**_io(parts, measure, form.KEYS, outputs), **_DATA, **shown)


def _wire_results(page: gr.Blocks, parts: Parts, act: Handlers) -> None:
    refresh = _refresh(parts, act)
    attach = _drawn(parts, act.attach)
    row_button = _drawn(parts, act.row_button)
    filled = ["browser", "viewing", "seen", *FILLED]

    def load(browser: Any, request: gr.Request) -> Any:
        return attach(browser, _query(request))

    def row(browser: Any, viewing: str, event: gr.EventData) -> Any:
        return row_button(_clicked(event, "action"), _clicked(event, "run"), browser, viewing)

    def example(run_id: Any, browser: Any, viewing: str) -> Any:
        return row_button("open", str(run_id)[:64], browser, viewing)

    assess = _drawn(parts, lambda *given: act.assess(dict(zip(form.KEYS, given, strict=True))))
    page.load(None, js=_HIDE_SECTIONS)
    loaded = page.load(**_io(parts, load, ["browser"], [*filled, "message"]), queue=False, show_progress="hidden")
    loaded.then(**refresh).then(**_io(parts, assess, form.KEYS, ASSESSED), queue=False, show_progress="hidden")
    parts["timer"].tick(**refresh)

    cancel = _io(parts, _drawn(parts, act.cancel), ["browser", "viewing", "seen"], ["seen", "cancel", "message"])
    parts["cancel"].click(**cancel, **_BUTTON).then(**refresh)
    parts["runs"].click(**_io(parts, row, ["browser", "viewing"], [*filled, "runs"]), **_BUTTON).then(**refresh)
    choose = _io(parts, example, ["example", "browser", "viewing"], [*filled, "runs"])
    parts["example"].input(**choose, **_BUTTON).then(**refresh)
    reference = _io(
        parts, _drawn(parts, act.reference), ["viewing", "reference"], ["size-accuracy-plot", "size-accuracy-numbers"]
    )
    parts["reference"].input(**reference, queue=False, show_progress="hidden")

    asked = ["viewing", "url"]
    classify = _io(parts, _drawn(parts, act.classify), asked, ["verdicts", "anatomy", "reasons"])
    gr.on([parts["classify"].click, parts["url"].submit], **classify, **_INFERENCE)
    for button, url in zip(parts["examples"], results.example_urls(), strict=True):
        show = button.click(
            partial(str, url), None, parts["url"], queue=False, show_progress="hidden", api_visibility="private"
        )
        show.then(**classify, **_INFERENCE)
    parts["explain"].click(**_io(parts, _drawn(parts, act.explain), asked, ["reasons"]), **_INFERENCE)


def _wire_file(parts: Parts, runs: Runs) -> None:
    def classify(progress: gr.Progress = _PROGRESS, *given: Any) -> Any:
        updates = whole_file.classify_file(runs, _shown_by(progress), *given)
        return {parts[name]: update for name, update in updates.items()}

    received = _drawn(parts, whole_file.received)
    outputs = ["file-source", "file-button", "file-verdicts", "file-download"]
    # Preprocessed as the recipe's upload is: no path but that of a file just received.
    parts["file"].upload(**_io(parts, received, ["file"], outputs) | {"preprocess": True}, **_BUTTON)
    parts["file"].clear(**_io(parts, partial(received, None), (), outputs), **_BUTTON)
    asked = ["viewing", "browser", "file-source", "file-model", "file-column"]
    shown = {"show_progress": "full", "show_progress_on": [parts["file-verdicts"]]}
    outputs = ["browser", "file-verdicts", "file-download"]
    parts["file-button"].click(**_io(parts, classify, asked, outputs), **_FILE, **shown)


def _wire_push(parts: Parts, runs: Runs) -> None:
    inputs = ["viewing", "push-model", "push-to", "push-private"]
    outputs = ["push-message", "push-asked", "push-replace"]

    def with_token(viewing: str, which: str, to: str, private: bool, token: Any, asked: str = "") -> Updates:
        given = token.strip() if isinstance(token, str) else ""
        updates = pushing.push(runs, viewing, which, to, private, asked, given)
        return updates if updates["push-asked"] else {**updates, "push-token": ""}

    def signed_in(
        viewing: str, which: str, to: str, private: bool, visitor: gr.OAuthToken | None, asked: str = ""
    ) -> Any:
        token = visitor.token if visitor else ""
        updates = pushing.push(runs, viewing, which, to, private, asked, token)
        return {parts[name]: update for name, update in updates.items()}

    if "push-token" in parts:
        press, inputs, outputs = _drawn(parts, with_token), [*inputs, "push-token"], [*outputs, "push-token"]
    else:  # Gradio reads the annotation and puts in the token of whoever has signed in
        press = signed_in
    parts["push-button"].click(**_io(parts, press, inputs, outputs), **_PUSH)
    parts["push-replace"].click(**_io(parts, press, [*inputs, "push-asked"], outputs), **_PUSH)
    gr.on(
        [parts["push-to"].change, parts["push-model"].change],
        **_io(parts, _drawn(parts, pushing.forget), (), ["push-asked", "push-replace"]),
        queue=False,
        show_progress="hidden",
    )


def _query(request: gr.Request) -> list[tuple[str, str]]:
    """The parameters of the link that led here, so many and so long as a recipe needs."""
    return [(str(key)[:100], str(value)[:_LONGEST]) for key, value in list(request.query_params.items())[:_MOST]]


def _refresh(parts: Parts, act: Handlers) -> dict[str, Any]:
    """The one way to draw results, for load, tick and after every button."""
    inputs = ["browser", "viewing", "seen", "reference"]
    return _io(parts, _drawn(parts, act.refresh), inputs, RESULTS) | {"queue": False, "show_progress": "hidden"}

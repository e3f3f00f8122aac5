"""What comes out: the run going on, the comparison, and verdicts."""

from collections.abc import Sequence
from pathlib import Path

import gradio as gr

from compression.catalog import ASSETS
from compression.ui import markup
from compression.ui.drawing import MODELS
from compression.ui.sections.behaviour import behaviour
from compression.ui.sections.controls import Parts, answer, card, chart, fold
from compression.ui.sections.downloads import downloads, saving
from compression.ui.sections.push import taking
from compression.ui.sections.whole_file import whole_file
from compression.ui.urls import LIMIT, defang
from compression.ui.views.receipt import PRICE
from compression.ui.views.share import COPYING
from compression.ui.words import named, say

# A click on what would make a model smaller still; which step that is, the server knows.
_STEP_BUTTON = """
element.addEventListener('click', (event) => {
    if (event.target.closest('button[data-step]')) trigger('click', {});
});
"""


def running() -> Parts:
    """Run, Cancel and everything a run says while it goes on."""
    # The bar is a child of the page's column, not of the card: so it can stay in view while the recipe is edited.
    with gr.Row(elem_id="actions", elem_classes="card"):
        gr.HTML(markup.heading(6, "run"), elem_id="actions-heading")
        run = gr.Button(say("run"), variant="primary", elem_id="run", scale=0, min_width=180)
        cancel = gr.Button(say("cancel"), variant="stop", elem_id="cancel", scale=0, min_width=110, interactive=False)
    with gr.Column(elem_id="section-run", elem_classes="card"):
        message = answer(elem_id="message")
        with fold("fold-share"):
            gr.HTML(markup.text("p", say("share.lead"), "quiet"))
            share = gr.HTML(markup.empty("share.empty"), elem_id="share", js_on_load=COPYING)
        with gr.Column(elem_classes="inset"):
            progress = answer("progress.empty", elem_id="progress")
            resume = gr.Button(say("resume"), visible=False, elem_id="resume", elem_classes="small")
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=300, elem_id="loss"):
                loss = chart("loss")
            with gr.Column(scale=2, min_width=300):
                epochs = gr.HTML(markup.empty("epochs.empty"), elem_id="epochs")
    return {
        "run": run,
        "cancel": cancel,
        "message": message,
        "progress": progress,
        "resume": resume,
        "epochs": epochs,
        "share": share,
        **loss,
    }


def comparison(examples: Sequence[str] = ()) -> Parts:
    """The finished run: a sentence, a table and the charts; `examples` are ids of runs computed beforehand."""
    with card(7, "compare"):
        parts: Parts = {
            "example": gr.Radio(
                choices=[(example_name(run_id), run_id) for run_id in examples],
                label=say("example"),
                info=say("example.info"),
                visible=bool(examples),
                elem_id="example",
            ),
            "precomputed": gr.HTML(elem_id="precomputed"),
            "summary": gr.HTML(markup.empty("summary.empty"), elem_id="summary"),
        }
        with gr.Column(elem_id="size-accuracy", elem_classes="inset"):
            parts |= chart("size-accuracy")
            parts["reference"] = gr.Checkbox(
                value=True, label=say("reference"), info=say("reference.info"), elem_id="reference", visible=False
            )
        with gr.Column(elem_id="staircase", elem_classes="inset"):
            parts |= chart("staircase")
        with gr.Column(elem_id="bytes", elem_classes="inset"):
            parts |= chart("bytes")
            parts["next-step"] = gr.HTML(elem_id="next-step", js_on_load=_STEP_BUTTON)
            parts["bytes-lessons"] = gr.HTML(elem_id="bytes-lessons")
        with gr.Column(elem_id="metrics", elem_classes="inset"):
            parts |= chart("metrics")
            gr.HTML(markup.text("h3", say("certainty")))
            parts["certainty"] = gr.HTML(markup.empty("certainty.empty"), elem_id="certainty")
        with gr.Column(elem_id="latency", elem_classes="inset"):
            parts |= chart("latency")
        with gr.Column(elem_id="receipt", elem_classes="inset"):
            gr.HTML(markup.text("h3", say("receipt")))
            parts["receipt"] = gr.HTML(markup.empty("receipt.empty"))
            parts["price"] = gr.Number(
                value=PRICE, minimum=0, label=say("receipt.price"), info=say("receipt.price.info"), elem_id="price"
            )
            parts["million"] = gr.HTML(elem_id="million")
        with gr.Column(elem_id="confusion", elem_classes="inset"):
            gr.HTML(markup.text("h3", say("chart.confusion")))
            with gr.Row(equal_height=False):
                for name in MODELS:
                    with gr.Column(min_width=230):
                        title = gr.HTML(markup.text("h4", named("model", name)), visible=False)
                        plot = gr.Plot(
                            visible=False, show_label=False, container=False, elem_id=f"confusion-{name}-plot"
                        )
                        saving(f"confusion-{name}", f"{named('model', name)}: {say('chart.confusion')}")
                        parts |= {f"confusion-{name}-title": title, f"confusion-{name}": plot}
            parts["confusion-numbers"] = gr.HTML(markup.empty("confusion.empty"))
        parts |= behaviour()
        parts |= downloads()
        parts |= taking()
    return parts


def classifying() -> Parts:
    """A URL, examples, and a verdict from each model; folded, the URL's parts and what moved the verdicts."""
    with card(8, "classify"):
        with gr.Row(equal_height=False, elem_id="ask"):
            url = gr.Textbox(
                label=say("url"),
                info=say("url.info", limit=LIMIT),
                placeholder=say("url.placeholder"),
                max_lines=1,
                elem_id="url",
                scale=4,
                min_width=240,
            )
            button = gr.Button(say("classify"), variant="primary", elem_id="classify", scale=1, min_width=120)
        gr.HTML(markup.text("p", say("examples"), "quiet"))
        with gr.Row(elem_id="examples"):
            examples = [gr.Button(defang(url), size="sm", elem_classes="small", min_width=0) for url in example_urls()]
        parts: Parts = {"verdicts": gr.HTML(markup.empty("verdicts.empty"), elem_id="verdicts")}
        with fold("fold-anatomy"):
            parts["anatomy"] = gr.HTML(markup.empty("anatomy.empty"), elem_id="anatomy")
        with fold("fold-reasons"):
            gr.HTML(markup.text("p", say("reasons.lead"), "quiet"))
            parts["explain"] = gr.Button(say("reasons"), elem_id="explain", elem_classes="small")
            parts["reasons"] = gr.HTML(markup.empty("reasons.empty"), elem_id="reasons")
        with fold("fold-disagree"):
            gr.HTML(markup.text("p", say("disagree.lead"), "quiet"))
            parts["disagree"] = gr.Button(say("disagree"), elem_id="disagree", elem_classes="small")
            parts["disagreements"] = gr.HTML(markup.empty("disagree.empty"), elem_id="disagreements")
        parts |= whole_file()
    return parts | {"url": url, "classify": button, "examples": examples}


def example_urls(path: Path = ASSETS / "example_urls.txt") -> list[str]:
    """The example URLs, one a line."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def example_name(run_id: str) -> str:
    """What to call a run computed beforehand, by its id."""
    name = run_id.removeprefix("example-")
    return named("example", name)

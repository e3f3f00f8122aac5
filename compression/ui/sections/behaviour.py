"""How the models of a run behave, folded: filled when it is opened."""

import gradio as gr

from compression.ui import markup
from compression.ui.behaving import WANTED
from compression.ui.sections.controls import Parts, chart, fold
from compression.ui.words import say


def behaviour() -> Parts:
    """The fold with flips, loyalty, sorts of URLs, curves, thresholds and calibration."""
    with fold("fold-behaviour") as accordion:
        parts: Parts = {"fold-behaviour": accordion}
        with gr.Column(elem_id="flips", elem_classes="inset"):
            parts["flips"] = gr.HTML(markup.empty("behaviour.empty"))
            parts["loyalty"] = gr.HTML()
        with gr.Column(elem_id="breakdown", elem_classes="inset"):
            parts |= chart("breakdown")
        with gr.Row(equal_height=False):
            for name in ("roc", "precision-recall"):
                with gr.Column(min_width=300, elem_id=name, elem_classes="inset"):
                    parts |= chart(name)
        with gr.Column(elem_id="thresholds", elem_classes="inset"):
            gr.HTML(markup.text("h3", say("thresholds")) + markup.text("p", say("thresholds.lead"), "quiet"))
            parts["wanted-recall"] = gr.Slider(
                50, 99.5, value=WANTED, step=0.5, label=say("thresholds.wanted"), elem_id="wanted-recall"
            )
            parts["thresholds"] = gr.HTML()
        with gr.Column(elem_id="reliability", elem_classes="inset"):
            parts |= chart("reliability")
    return parts

"""Taking a model along: which one, where to, and in whose name."""

import os

import gradio as gr
from gradio.utils import get_space

from compression.places import hosted
from compression.ui import markup
from compression.ui.pushing import MODELS
from compression.ui.sections.controls import Parts
from compression.ui.words import named, say


def can_sign_in() -> bool:
    """Whether visitors can sign in: on a Space with `hf_oauth`. Anywhere else a LoginButton would fail at start."""
    return get_space() is not None and bool(os.environ.get("OAUTH_CLIENT_ID"))


def taking() -> Parts:
    """The push form, hidden until a run is done; no "push-button" in it where nobody can be asked for a token."""
    with gr.Column(visible=False, elem_id="push", elem_classes="inset") as column:
        gr.HTML(markup.text("h3", say("push")) + markup.text("p", say("push.lead"), "quiet"))
        parts: Parts = {"push": column, "push-message": gr.HTML(elem_id="push-message", render=False)}
        if hosted() and not can_sign_in():
            gr.HTML(markup.text("p", say("push.unavailable"), "quiet"))
        else:
            parts |= _form()
        parts["push-message"].render()
        parts["push-replace"] = gr.Button(visible=False, variant="stop", elem_id="push-replace")
    parts["push-asked"] = gr.State("")  # the repository that "replace" would replace
    return parts


def _form() -> Parts:
    choices = [(named("model", name), name) for name in MODELS]
    parts: Parts = {}
    with gr.Row():
        parts["push-model"] = gr.Radio(choices, value=MODELS[-1], label=say("push.model"), elem_id="push-model")
        parts["push-private"] = gr.Checkbox(
            value=True, label=say("push.private"), info=say("push.private.info"), elem_id="push-private"
        )
    with gr.Row():
        parts["push-to"] = gr.Textbox(
            label=say("push.to"),
            info=say("push.to.info"),
            placeholder=say("push.to.placeholder"),
            max_lines=1,
            elem_id="push-to",
        )
        if not can_sign_in():
            parts["push-token"] = gr.Textbox(
                label=say("push.token"), info=say("push.token.info"), type="password", elem_id="push-token"
            )
    if can_sign_in():
        gr.LoginButton(say("push.sign-in"), size="md", elem_id="push-sign-in")
    parts["push-button"] = gr.Button(say("push.button"), variant="primary", elem_id="push-button")
    return parts

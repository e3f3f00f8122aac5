"""The recipe's sections: preset, teacher and data, student, distillation, quantization."""

import gradio as gr

from compression.catalog import PRESETS
from compression.data.files import SUFFIXES
from compression.ui import form, markup
from compression.ui.sections.controls import Parts, answer, card, choice_name, control, controls, why
from compression.ui.words import say


def hero() -> Parts:
    """What this page is, in three lines, and the recipe to start from."""
    steps = "".join(f"<li>{markup.text('span', step)}</li>" for step in say("hero.steps").split("|"))
    with gr.Column(elem_id="hero"):
        gr.HTML(
            f'<p class="brand">{say("title")}</p><h1>{say("hero.title")}</h1><p class="lead">{say("hero.lead")}</p>'
            f'<ol class="path" aria-hidden="true">{steps}</ol>'
        )
        preset = gr.Radio(
            choices=[(choice_name("preset", name), name) for name in PRESETS],
            value=form.DEFAULT_PRESET,
            label=say("preset"),
            info=say("preset.info"),
            elem_id="preset",
        )
        undo = gr.Button(say("preset.undo"), visible=False, size="sm", elem_id="undo-preset", elem_classes="small")
    return {"preset": preset, "undo": undo}


def teacher_and_data() -> Parts:
    """Who teaches and on what, with a look at the data before anything runs."""
    with card(1, "teacher"):
        with gr.Row():
            parts = controls("teacher", "data")
        parts["hub"] = gr.HTML(elem_id="hub")
        parts["upload"] = gr.File(
            label=say("upload"), file_types=list(SUFFIXES), height=132, buttons=[], elem_id="upload"
        )
        gr.HTML(markup.text("p", say("upload.info"), "quiet"))
        parts["uploaded"] = gr.HTML(elem_id="uploaded")
        with gr.Accordion(say("columns.more"), open=False):
            with gr.Row():
                parts |= controls("columns.text", "columns.label", "columns.positive")
            with gr.Row():
                parts |= controls("splits.train", "splits.validation", "splits.test")
            parts |= controls("labels.not_safe")
        parts["preview-button"] = gr.Button(say("preview"), size="sm", elem_id="preview", elem_classes="small")
        parts["preview"] = answer("preview.empty", elem_id="data-preview")
        with why("padding"):
            parts["why-padding"] = gr.HTML(markup.empty("why.padding.empty"))
    return parts


def student() -> Parts:
    """The student's shape, with what it comes to beside it."""
    with card(2, "student"):
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=300):
                parts = controls("student.init", "student.base")
                with gr.Row():
                    parts |= controls("student.layers", "student.heads")
                with gr.Row():
                    parts |= controls("student.hidden_size", "student.intermediate_size")
            with gr.Column(scale=2, min_width=300, elem_classes="beside"):
                parts["estimate"] = answer("estimate.empty", elem_id="estimate")
        with why("embeddings"):
            parts["why-embeddings"] = gr.HTML(markup.empty("why.embeddings.empty"))
    return parts


def distillation() -> Parts:
    """How the student learns."""
    with card(3, "distillation"):
        with gr.Row():
            parts = controls("distillation.epochs", "distillation.learning_rate", "distillation.batch_size")
        with gr.Row():
            parts |= controls("distillation.soft_weight", "distillation.temperature")
        with gr.Accordion(say("training.more"), open=False):
            with gr.Row():
                parts |= controls("distillation.max_length", "distillation.schedule")
            with gr.Row():
                parts |= controls("training.bucketing", "training.precision")
            with gr.Row():
                parts |= controls("seed", "device")
        with why("alpha"):
            parts["why-alpha"] = gr.HTML()
    return parts


def quantization() -> Parts:
    """How many bits are left, and what this host cannot do."""
    with card(4, "quantization"):
        parts = {key: control(key) for key in ("quantization.scheme", "quantization.double")}
        parts["unsupported"] = gr.HTML(elem_id="unsupported")
    return parts

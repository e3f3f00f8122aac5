"""The recipe's sections, in the order a run goes through them; what a first visitor does not need is folded away."""

import gradio as gr

from compression.catalog import PRESETS
from compression.data.files import SUFFIXES
from compression.ui import form, markup
from compression.ui.sections.controls import Parts, answer, card, chart, choice_name, control, controls, fold, why
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
        with fold("fold-fine-tuning") as parts["fold-fine-tuning"]:
            with gr.Row():
                parts |= controls("fine_tuning.epochs", "fine_tuning.patience", "fine_tuning.learning_rate")
            with gr.Row():
                parts |= controls("fine_tuning.train", "fine_tuning.last_layers")
        with why("padding"):
            parts["why-padding"] = gr.HTML(markup.empty("why.padding.empty"))
    return parts


def student() -> Parts:
    """The student's shape and vocabulary, with what they come to beside them."""
    with card(2, "student"):
        with gr.Row(equal_height=False):
            with gr.Column(scale=3, min_width=300):
                parts = controls("student.init", "student.base", "student.features")
                with gr.Row():
                    parts |= controls("student.layers", "student.heads")
                with gr.Row():
                    parts |= controls("student.hidden_size", "student.intermediate_size")
                with fold("fold-shape") as parts["fold-shape"]:
                    parts |= controls("student.width", "student.positions")
            with gr.Column(scale=2, min_width=300, elem_classes="beside"):
                parts["estimate"] = answer("estimate.empty", elem_id="estimate")
        with gr.Column(elem_id="vocabulary", elem_classes="inset") as parts["group-vocabulary"]:
            parts |= controls("vocabulary.method")
            with gr.Row():
                parts |= controls("vocabulary.size", "vocabulary.min_count")
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
        with fold("fold-more-data") as parts["fold-more-data"]:
            with gr.Row():
                parts |= controls("distillation.generated", "distillation.recombined")
            with gr.Row():
                parts |= controls("distillation.unlabelled", "distillation.ngram_weight")
        with fold("fold-inside") as parts["fold-inside"], gr.Row():
            parts |= controls("distillation.hidden_weight", "distillation.attention_weight", "distillation.layer_map")
        with fold("training.more"):
            with gr.Row():
                parts |= controls("distillation.soft_weight_end", "distillation.temperature_end")
            with gr.Row():
                parts |= controls("distillation.max_length", "distillation.schedule", "distillation.averaging")
            with gr.Row():
                parts |= controls("training.bucketing", "training.precision")
            with gr.Row():
                parts |= controls("seed", "device")
        with why("alpha"):
            parts["why-alpha"] = gr.HTML()
    return parts


def pruning() -> Parts:
    """What is taken out of the student, and how much each part of a model could lose."""
    parts: Parts = {}
    with card(4, "pruning"):
        with fold("fold-structured") as parts["fold-structured"]:
            with gr.Row():
                parts |= controls("structured.heads", "structured.neurons")
            with gr.Row():
                parts |= controls("structured.layers", "structured.importance")
            with gr.Row():
                parts |= controls("structured.epochs", "structured.learning_rate")
        with fold("fold-pruning") as parts["fold-pruning"]:
            parts |= controls("pruning.sparsity")
            with gr.Row():
                parts |= controls("pruning.scope", "pruning.importance", "pruning.schedule")
            with gr.Row():
                parts |= controls("pruning.epochs", "pruning.learning_rate")
        with fold("fold-sensitivity"):
            gr.HTML(markup.text("p", say("sensitivity.lead"), "quiet"))
            parts["sensitivity"] = gr.Button(say("sensitivity"), size="sm", elem_id="measure", elem_classes="small")
            with gr.Column(elem_id="sensitivity", elem_classes="inset"):
                parts |= chart("sensitivity")
    return parts


def quantization() -> Parts:
    """How many bits are left, whether the student learns with them, what this host cannot do; and the controls."""
    with card(5, "quantization"):
        parts: Parts = {"quantization.scheme": control("quantization.scheme")}
        with gr.Row():
            parts |= controls("quantization.embeddings", "quantization.double")
        with fold("fold-qat") as parts["fold-qat"]:
            gr.HTML(markup.text("p", say("qat.lead"), "quiet"))
            parts |= controls("qat.start")
            with gr.Row():
                parts |= controls("qat.epochs", "qat.learning_rate")
        parts["unsupported"] = gr.HTML(elem_id="unsupported")
        with fold("fold-controls") as parts["fold-controls"]:
            gr.HTML(markup.text("p", say("controls.lead"), "quiet"))
            with gr.Row():
                parts |= controls("controls.without_teacher", "controls.seeds")
    return parts

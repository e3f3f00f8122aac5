"""A control for a recipe key: its sort and range from the recipe, its words from the language table."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gradio as gr
from gradio.components import Component

from compression import recipe
from compression.ui import form, markup
from compression.ui.sections.downloads import saving
from compression.ui.words import LANGUAGES, say

Parts = dict[str, Any]

# A click on a button among the sentences reaches the server as what the button says of itself: {remedy: recipe keys}
# of a refusal, {action, run} of an offer.
_BUTTONS = """
element.addEventListener('click', (event) => {
    const button = event.target.closest('button[data-remedy], button[data-action]');
    if (button) trigger('click', {...button.dataset});
});
"""


def control(key: str, **settings: Any) -> Component:
    """The control at address `key`, showing the default preset's value; its elem_id is the address with dashes."""
    values = form.preset_values(form.DEFAULT_PRESET)
    common: dict[str, Any] = {
        "label": say(key),
        "info": say(f"{key}.info"),
        "value": values[key],
        "elem_id": key.replace(".", "-"),
        "visible": form.applies(key, values),
        **settings,
    }
    low, high = recipe.bounds(key)
    match form.kind(key):
        case "choice":
            return gr.Radio(choices=[(choice_name(key, c), c) for c in recipe.choices(key)], **common)
        case "open choice":
            return gr.Dropdown(choices=offered(key), allow_custom_value=True, **common)
        case "switch":
            return gr.Checkbox(**common)
        case "slider":
            return gr.Slider(low, high, step=form.STEPS[key], **common)
        case "number":
            return gr.Number(minimum=low, maximum=high, step=1 if float(high).is_integer() else high / 10_000, **common)
        case "optional number":  # an emptied gr.Number would show 0
            return gr.Textbox(max_lines=1, placeholder=say(f"{key}.unset"), **common)
        case "text":
            return gr.Textbox(max_lines=1, **common)


def controls(*keys: str) -> Parts:
    """The controls at several addresses, in order."""
    return {key: control(key) for key in keys}


def answer(address: str = "", **settings: Any) -> gr.HTML:
    """A place for sentences, some with a button that puts things right; empty without an address."""
    return gr.HTML(markup.empty(address) if address else "", js_on_load=_BUTTONS, **settings)


def offered(key: str) -> list[Any]:
    """What an open choice offers, as (name, value)."""
    return [(choice_name(key, value), value) for value in form.OFFERED[key]]


def choice_name(key: str, value: str) -> str:
    """A choice's name for people, or the value itself where it has none."""
    return LANGUAGES["en"].get(f"{key}={value}", value)


@contextmanager
def card(number: int, name: str) -> Iterator[None]:
    """A section of the page with its heading; components made inside it belong to it."""
    with gr.Column(elem_id=f"section-{name}", elem_classes="card"):
        gr.HTML(markup.heading(number, name))
        yield


@contextmanager
def fold(name: str, **settings: Any) -> Iterator[gr.Accordion]:
    """What a first visitor does not need, behind a line to open."""
    with gr.Accordion(say(name), open=False, elem_id=name, elem_classes="fold", **settings) as accordion:
        yield accordion


def chart(name: str) -> Parts:
    """A place for a chart: its title, a sentence until there is one, then the figure and, below it, its numbers."""
    gr.HTML(markup.text("h3", say(f"chart.{name}")))
    plot = gr.Plot(visible=False, show_label=False, container=False, elem_id=f"{name}-plot")
    saving(name, say(f"chart.{name}"))
    numbers = gr.HTML(markup.empty(f"{name}.empty"), elem_id=f"{name}-numbers")
    return {f"{name}-plot": plot, f"{name}-numbers": numbers}


@contextmanager
def why(name: str) -> Iterator[None]:
    """A folded "Why?" note."""
    with gr.Accordion(say(f"why.{name}"), open=False, elem_classes="why", elem_id=f"why-{name}"):
        yield

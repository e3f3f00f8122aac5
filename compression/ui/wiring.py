"""How an event of the page reaches a handler and its updates reach the page, and how many may do so at a time."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from compression.events import Event, Progress, Report
from compression.ui.sections.controls import Parts

Updates = dict[str, Any]

PROGRESS = gr.Progress()  # as a handler's default it is where Gradio shows progress
# Buttons queue, so that a failure of ours shows as a toast; without a limit, no visitor waits for another's click.
BUTTON: dict[str, Any] = {"queue": True, "concurrency_limit": None, "show_progress": "hidden"}
# At once and beside the queue, for what is quick and may happen every second.
QUICK: dict[str, Any] = {"queue": False, "show_progress": "hidden"}
# Reading data takes a while and a core: two at a time.
DATA: dict[str, Any] = {"queue": True, "concurrency_id": "data", "concurrency_limit": 2}
# A file takes a core for up to minutes: two at a time, and the others wait for their turn.
FILE: dict[str, Any] = {"queue": True, "concurrency_id": "file", "concurrency_limit": 2}
# A search asks two models some hundred times: two at a time leave room for single verdicts.
SEARCH: dict[str, Any] = {"queue": True, "concurrency_id": "search", "concurrency_limit": 2}
# A verdict takes less than Gradio's queue does; `classifying` sees to it that few are computed at a time.
VERDICT: dict[str, Any] = {"queue": False, "show_progress": "minimal"}
# Reasons take a hundred verdicts: a few at a time come sooner than all together.
INFERENCE: dict[str, Any] = {
    "queue": True,
    "concurrency_id": "inference",
    "concurrency_limit": 4,
    "show_progress": "minimal",
}
# A push waits on the network for as long as it takes: a few at a time leave Gradio's threads to everyone else.
PUSH: dict[str, Any] = {
    "queue": True,
    "concurrency_id": "push",
    "concurrency_limit": 4,
    "show_progress": "minimal",
}
_MOST, _LONGEST = 200, 2_000  # of a link: parameters, characters of each


def io(parts: Parts, fn: Callable[..., Any], takes: Sequence[str], gives: Sequence[str]) -> dict[str, Any]:
    """An event's arguments. Values come as sent (`preprocess=False`): the recipe itself checks every one."""
    return {
        "fn": fn,
        "inputs": [parts[name] for name in takes],
        "outputs": [parts[name] for name in gives],
        "preprocess": False,
        "api_visibility": "private",
    }


def drawn(parts: Parts, handler: Callable[..., Updates | None]) -> Callable[..., Any]:
    """The handler with its updates addressed to components; no updates leave the page as it is."""

    def addressed(*given: Any) -> Any:
        updates = handler(*given)
        return {parts[name]: update for name, update in updates.items()} if updates else gr.skip()

    return addressed


def clicked(event: gr.EventData, name: str, longest: int = 64) -> str:
    """What a button inside a piece of HTML says of itself; empty for what none of ours would send."""
    sent = event._data if isinstance(event._data, dict) else {}
    return str(sent.get(name, ""))[:longest]


def query(request: gr.Request) -> list[tuple[str, str]]:
    """The parameters of the link that led here, so many and so long as a recipe needs."""
    return [(str(key)[:100], str(value)[:_LONGEST]) for key, value in list(request.query_params.items())[:_MOST]]


def shown_by(progress: gr.Progress) -> Report:
    """A `report` that moves Gradio's progress bar."""

    def report(event: Event) -> None:
        if isinstance(event, Progress):
            progress((event.step, event.steps), desc=event.doing)

    return report

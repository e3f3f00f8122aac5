"""The one endpoint for programs: the verdicts of a run's models on a URL, with the limits that the page has."""

from typing import Any

import gradio as gr

from compression.errors import CompressionError, ConfigError, sentence
from compression.runs.worker import Runs
from compression.ui.classifying import AT_ONCE, asked
from compression.ui.urls import clean, defang
from compression.ui.wiring import INFERENCE
from compression.ui.words import friendly, say

NAME = "classify"
_LONGEST = 64  # characters of a run's id


def wire(runs: Runs) -> None:
    """Opens the endpoint; all others stay the page's own."""

    def classify(url: str, run: str = "") -> dict[str, Any]:
        return verdicts(runs, url, run)

    turns = {key: INFERENCE[key] for key in ("queue", "concurrency_id", "concurrency_limit")}
    gr.api(classify, api_name=NAME, api_description=say("api.description"), **turns)


def verdicts(runs: Runs, url: Any, run: Any = "") -> dict[str, Any]:
    """What each model of a run, or the bundled one without a run, says of a URL.

    `read` is the URL as it was read, made unclickable; `verdicts` has a model, its label, its probability of Not Safe
    and milliseconds each; `error` is a sentence where there can be none, and empty otherwise. Nothing is fetched or
    kept.
    """
    from compression.predict.predictor import classify

    try:
        text = clean(url)
        run_id = run[:_LONGEST] if isinstance(run, str) else ""
        if run_id and runs.snapshot(run_id) is None:
            raise ConfigError(say("message.unknown-run"))
        models = asked(runs, run_id)
        with AT_ONCE:
            found = classify(text, models.folders, models.not_safe)
    except CompressionError as error:
        return {"read": "", "verdicts": [], "error": friendly(sentence(error))}
    said = [
        {"model": name, "label": own.label, "probability": own.probability, "latency_ms": own.latency_ms}
        for name, own in found.items()
    ]
    return {"read": defang(text), "verdicts": said, "error": ""}

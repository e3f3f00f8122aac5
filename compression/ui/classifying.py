"""What happens when a visitor asks about a URL: verdicts and parts at once, the reasons when they are asked for.

Nothing that is typed is logged, kept or fetched.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from compression.catalog import BUNDLED_TEACHER
from compression.errors import CompressionError
from compression.runs.worker import Runs
from compression.ui import drawing, markup
from compression.ui.at_hand import readable
from compression.ui.choosing import CHOOSING
from compression.ui.urls import clean
from compression.ui.views.refusal import refusal
from compression.ui.views.verdicts import verdict_cards
from compression.ui.views.xray import address_table, reasons_view
from compression.ui.words import say

Updates = dict[str, Any]
AT_ONCE = BoundedSemaphore(4)  # thirty people may ask at once, on two cores: a few at a time have it sooner


@dataclass(frozen=True)
class Asked:
    """Who is asked: model folders and sizes by the models' names; a size without a folder is of a model not here."""

    folders: Mapping[str, Path]
    sizes: Mapping[str, int]
    not_safe: Mapping[str, str | None]
    recipe: Path | None = None  # of the run that made them, if its data is anybody's to read


def classify(runs: Runs, viewing: str, text: Any) -> Updates:
    """A verdict from each model asked, and the parts of the URL; reasons on show belong to another verdict, and go."""
    from compression.predict.anatomy import anatomy
    from compression.predict.predictor import classify
    from compression.predict.runtime import known

    updates = {"anatomy": markup.empty("anatomy.empty"), "reasons": markup.empty("reasons.empty")}
    try:
        url = clean(text)
        models = asked(runs, viewing)
        with AT_ONCE:
            found = classify(url, models.folders, models.not_safe)
        verdicts = verdict_cards(
            url, found, models.sizes, {name: known(folder) for name, folder in models.folders.items()}
        )
        CHOOSING.consider(models.folders, models.not_safe, models.recipe)
    except CompressionError as error:
        return updates | {"verdicts": refusal(error)}
    return updates | {"verdicts": verdicts, "anatomy": address_table(anatomy(url))}


def failed() -> Updates:
    """What to say where a verdict failed for a bug of ours: without Gradio's queue, nothing else would."""
    return {"verdicts": markup.alert(say("message.our-bug"))}


def explain(runs: Runs, viewing: str, text: Any) -> Updates:
    """What in the URL moved the verdict of each model asked."""
    from compression.predict.predictor import explain

    try:
        url = clean(text)
        models = asked(runs, viewing)
        return {"reasons": reasons_view(url, explain(url, models.folders, models.not_safe), models.sizes)}
    except CompressionError as error:
        return {"reasons": refusal(error)}


def asked(runs: Runs, viewing: str) -> Asked:
    """The models of the run on show, or the bundled teacher before there is one."""
    from compression.artefacts.weight import size_bytes

    snapshot = runs.snapshot(viewing) if viewing else None
    if snapshot is None or snapshot.result is None:
        return Asked({"teacher": BUNDLED_TEACHER}, {"teacher": size_bytes(BUNDLED_TEACHER)}, {})
    result, base = snapshot.result, runs.folder(snapshot.run_id)
    folders = {name: result.model_folder(name, base) for name, model in result.models.items() if model.folder}
    # Of a model without a folder only one of the three that a run makes is missed.
    sizes = {n: model.size_bytes for n, model in result.models.items() if n in folders or n in drawing.MODELS}
    recipe = base / "config.json" if readable(runs, "", result.config) else None
    return Asked(folders, sizes, {"teacher": result.config.labels.not_safe}, recipe)

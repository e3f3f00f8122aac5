"""What a run's models are like in the end: each from its folder, freshly loaded, on URLs that none was trained on.

    probabilities on validation (known from the steps) and test ─▶ metrics, and each model against the teacher
    one URL at a time, in turn                                  ─▶ latency
    the test URLs in batches                                    ─▶ throughput

Beside teacher, student and compressed model stand the same student without a teacher, where the recipe asks for it, and
the control: a linear model of n-grams that saw the labels alone, cut to the compressed model's bytes.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from time import perf_counter
from typing import TYPE_CHECKING, Any

from compression.artefacts.weight import size_bytes, size_stored_bytes
from compression.config import RunConfig
from compression.data.sources import Data
from compression.errors import ConfigError
from compression.events import Notice, Progress, Report, ignore
from compression.measure.control import Control, control_at
from compression.measure.paired import paired
from compression.measure.predictions import Predictions, predictions
from compression.measure.quality import quality
from compression.measure.speed import MAX_SECONDS, latencies
from compression.models.classifier import EVALUATION_BATCH
from compression.predict.predictor import Predictor
from compression.repeats import UNTAUGHT, UNTAUGHT_NOTE
from compression.result import Metrics, ModelReport, Paired
from compression.stages import probabilities_on
from compression.step import Made, Work

if TYPE_CHECKING:
    import numpy as np

    Answers = Mapping[str, np.ndarray]  # split → probability of Not Safe of each of its URLs

STAGE = "evaluate"
EVALUATED = ("validation", "test")
_TIMED_URLS = 50
# Seconds a large GPU is taken to need: to start and load, and for a batch of 128 tokens. Assumed, not measured.
_START, _STEP, _READ = 12.0, 0.05, 0.025


@dataclass(frozen=True)
class Assessment:
    """A report on each model of a run, what each said of every URL, by split, and what they are to be held against:
    the more frequent class, and of the student the one without a teacher."""

    models: dict[str, ModelReport]
    predictions: dict[str, Predictions]
    majority: dict[str, Metrics]
    distillation_gain: dict[str, Paired] | None


def evaluate(work: Work, made: Mapping[str, Made], report: Report = ignore) -> Assessment:
    """How good each model in `made` is, and the control; what `made` knows of one is not measured again."""
    import numpy as np

    data = work.data
    folders = {name: getattr(work.folders, name) for name in made}
    predictors = {name: Predictor(work.load(folder)) for name, folder in folders.items()}
    answers: dict[str, Answers] = {}
    speeds: dict[str, float] = {}
    for name, predictor in predictors.items():
        known = np.array(made[name].probabilities)
        predictor.predict(data.splits["test"].texts[0])  # what a model does once, as packing its weights anew
        start = perf_counter()
        answers[name] = {"validation": known, "test": probabilities_on(predictor, data, "test", report, STAGE)}
        speeds[name] = len(data.splits["test"]) / (perf_counter() - start)
    control = _control(data, size_bytes(work.folders.compressed), report)
    if control is not None:
        start = perf_counter()
        answers["control"] = {split: control.answer(data.splits[split].texts) for split in EVALUATED}
        speeds["control"] = sum(len(data.splits[split]) for split in EVALUATED) / (perf_counter() - start)
    timed = latencies(
        {name: predictor.predict for name, predictor in predictors.items()}
        | ({"control": lambda text: control.answer([text])} if control else {}),
        data.splits["test"].texts[:_TIMED_URLS],
        _progress(report, "One URL at a time, timed"),
    )
    bytes_of = {name: (size_bytes(folder), size_stored_bytes(folder)) for name, folder in folders.items()}
    facts: dict[str, dict[str, Any]] = {
        name: {"parameters": made[name].parameters, "folder": str(folder.resolve())} for name, folder in folders.items()
    }
    if UNTAUGHT in made:
        facts[UNTAUGHT]["note"] = UNTAUGHT_NOTE
    if control is not None:
        bytes_of["control"] = (control.size_bytes, control.size_bytes)
        facts["control"] = {"parameters": control.features, "folder": "", "note": control.encoding}
    models = {
        name: ModelReport(
            **facts[name],
            size_bytes=bytes_of[name][0],
            size_stored_bytes=bytes_of[name][1],
            metrics=_metrics(data, found),
            latency_ms=timed[name],
            urls_per_second=speeds[name],
            paired=None if name == "teacher" else _paired(data, answers["teacher"], found),
        )
        for name, found in answers.items()
    }
    said = {
        split: predictions(data.splits[split], {name: found[split] for name, found in answers.items()})
        for split in EVALUATED
    }
    gain = _paired(data, answers[UNTAUGHT], answers["student"]) if UNTAUGHT in answers else None
    return Assessment(models, said, _metrics(data, _majority(data)), gain)


def _control(data: Data, limit_bytes: int, report: Report) -> Control | None:
    """The control at so many bytes, None (with a notice) where these rows make none."""
    report(Progress(stage=STAGE, doing="A linear control is fitted to the labels", step=0, steps=1))
    try:
        return control_at(limit_bytes, data.splits["train"])
    except ConfigError as error:
        report(Notice(text=f"There is no linear control beside this run: {error}"))
        return None


def _majority(data: Data) -> "Answers":
    """The answers of whoever always names the training rows' more frequent class; Safe where neither is."""
    import numpy as np

    labels = data.splits["train"].labels
    return {split: np.full(len(data.splits[split]), float(2 * sum(labels) > len(labels))) for split in EVALUATED}


def _metrics(data: Data, answers: "Answers") -> dict[str, Metrics]:
    return {split: quality(data.splits[split].labels, found) for split, found in answers.items()}


def _paired(data: Data, teacher: "Answers", model: "Answers") -> dict[str, Paired]:
    """The model against the teacher on test, and on validation and test together."""
    import numpy as np

    labels = [label for split in EVALUATED for label in data.splits[split].labels]
    ours, theirs = (np.concatenate([answers[split] for split in EVALUATED]) for answers in (model, teacher))
    test = paired(data.splits["test"].labels, teacher["test"], model["test"])
    return {"test": test, "both": paired(labels, theirs, ours)}


def _progress(report: Report, doing: str) -> Callable[[int, int], None]:
    return lambda step, steps: report(Progress(stage=STAGE, doing=doing, step=step, steps=steps))


def gpu_seconds(config: RunConfig, data: Data) -> dict[str, float]:
    """Seconds each step is taken to need of a GPU, by its name: what to ask of a host that lends them."""
    longer = config.distillation.max_length / 128
    read = {name: longer * _READ * ceil(len(split) / EVALUATION_BATCH) for name, split in data.splits.items()}
    more = config.distillation.generated + config.distillation.recombined
    rows = len(data.splits["train"]) + more
    lesson = read["train"] * rows / len(data.splits["train"])
    epoch = longer * _STEP * ceil(rows / config.distillation.batch_size) + read["validation"]
    step = _START + read["validation"]
    taught = {
        "fine-tune": config.fine_tuning.epochs,
        "distill": config.distillation.epochs,
        "structured": config.structured.epochs,
        "prune": config.pruning.epochs,
        "qat": config.qat.epochs,
    }
    return (
        dict.fromkeys(("load", "student", "vocabulary", "quantize"), step)
        | {name: step + lesson + epochs * epoch for name, epochs in taught.items()}
        | {"evaluate": _START + 3 * read["test"] + MAX_SECONDS}
    )

"""What a run's models are like in the end: each from its folder, freshly loaded, on URLs that none was trained on.

probabilities on validation (known from the steps) and test ─▶ metrics, and each model against the teacher
one URL at a time, in turn                                  ─▶ latency
a linear control cut to the compressed model's bytes        ─▶ what training data alone is worth at that size
"""

from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING

from compression.artefacts.weight import size_bytes, size_stored_bytes
from compression.config import RunConfig
from compression.data.sources import Data
from compression.events import Report, ignore
from compression.measure.quality import quality
from compression.measure.speed import MAX_SECONDS, latencies
from compression.models.classifier import EVALUATION_BATCH
from compression.predict.predictor import Predictor
from compression.result import ModelReport, Paired
from compression.stages import Made, Work, probabilities_on

if TYPE_CHECKING:
    pass

Answers = Mapping[str, "np.ndarray"]  # split → probability of Not Safe of each of its URLs

STAGE = "evaluate"
EVALUATED = ("validation", "test")
_TIMED_URLS = 50
# Seconds a large GPU is taken to need: to start and load, and for a batch of 128 tokens. Assumed, not measured.
_START, _STEP, _READ = 12.0, 0.05, 0.025


def evaluate(work: Work, made: Mapping[str, Made], report: Report = ignore) -> dict[str, ModelReport]:
    """A report on teacher, student, compressed model and control; what `made` knows of one is not measured again."""
    import numpy as np

    data = work.data
    folders = {name: getattr(work.folders, name) for name in ("teacher", "student", "compressed")}
    predictors = {name: Predictor(work.load(folder)) for name, folder in folders.items()}
    answers = {
        name: {
            "validation": np.array(made[name].probabilities),
            "test": probabilities_on(predictor, data, "test", report, STAGE),
        }
        for name, predictor in predictors.items()
    }
    timed = latencies(
        predictors, data.splits["test"].texts[:_TIMED_URLS], _progress(report, "One URL at a time, timed")
    )
    reports = {
        name: ModelReport(
            parameters=made[name].parameters,
            size_bytes=size_bytes(folder),
            size_stored_bytes=size_stored_bytes(folder),
            metrics=_metrics(data, answers[name]),
            latency_ms=timed[name],
            folder=str(folder.resolve()),
            paired=None if name == "teacher" else _paired(data, answers["teacher"], answers[name]),
        )
        for name, folder in folders.items()
    }
    return reports | {"control": _control(data, reports["compressed"].size_bytes, answers["teacher"], report)}


def _metrics(data: Data, answers: Answers) -> dict[str, Metrics]:
    return {split: quality(data.splits[split].labels, found) for split, found in answers.items()}


def _paired(data: Data, teacher: Answers, model: Answers) -> dict[str, Paired]:
    """The model against the teacher on test, and on validation and test together."""
    import numpy as np

    labels = [label for split in EVALUATED for label in data.splits[split].labels]
    both = [np.concatenate([answers[split] for split in EVALUATED]) for answers in (teacher, model)]
    return {
        "test": paired(data.splits["test"].labels, teacher["test"], model["test"]),
        "both": paired(labels, *both),
    }


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

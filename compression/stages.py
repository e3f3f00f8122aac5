"""The steps of a run, each a plain function that reads models from folders and writes the next ones to folders.

    load      teacher                      ▶ how good it is
    distill   teacher            → student ▶ its parameters and bytes
    quantize  student         → compressed ▶ its parameters and bytes
    evaluate  all of them                  ▶ a report on each

Arguments and results pickle, and no model stays in memory in between: any step can be handed to another process
(`models/device.py` does, where a GPU is lent). A step's `report` gets its events, and stops it by raising.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from compression.artefacts import folder as artefact
from compression.artefacts.weight import size_bytes, size_stored_bytes
from compression.config import RunConfig
from compression.data.sources import Data
from compression.events import Progress, Report, ignore
from compression.measure.quality import quality
from compression.measure.speed import MAX_SECONDS, latencies
from compression.methods import quantize as quantization
from compression.methods.lesson import compose
from compression.methods.training import train
from compression.models.classifier import EVALUATION_BATCH, Classifier, count_parameters, read_config
from compression.models.device import resolve
from compression.models.student import build_student
from compression.predict.predictor import Predictor
from compression.result import Metrics, ModelReport
from compression.schemes import NoQuantization

_EVALUATED = ("validation", "test")
_TIMED_URLS = 50
# Seconds a large GPU is taken to need: to start and load, and for a batch of 128 tokens. Assumed, not measured.
_START, _STEP, _READ = 12.0, 0.05, 0.025


@dataclass(frozen=True)
class Made:
    """What a step made: weights before packing, bytes of the folder, and metrics where it measured them."""

    parameters: int
    size_bytes: int
    validation: Metrics | None = None


def load(config: RunConfig, data: Data, teacher: Path, report: Report = ignore) -> Made:
    """The teacher in its folder, measured on validation. Raises ModelError."""
    classifier = artefact.load(teacher, resolve(config.device), config.labels.not_safe)
    metrics = measure_quality(classifier, data, "validation", report, "load")
    return Made(_parameters(classifier), size_bytes(teacher), metrics)


def distill(
    config: RunConfig,
    data: Data,
    teacher: Path,
    student: Path,
    teacher_metrics: Metrics | None = None,
    report: Report = ignore,
) -> Made:
    """A student of the teacher in one folder, trained and saved to another; `teacher_metrics` go into its events."""
    taught_by = artefact.load(teacher, resolve(config.device), config.labels.not_safe)
    lesson = compose(config, data, taught_by, report, teacher_digest=artefact.digest(teacher))
    learner = build_student(config.student, taught_by, config.distillation.max_length, config.seed)

    def validate(classifier: Classifier) -> Metrics:
        return measure_quality(classifier, data, "validation", report, "distill")

    train(
        learner,
        lesson,
        validate,
        config,
        report,
        stage="distill",
        epochs=config.distillation.epochs,
        learning_rate=config.distillation.learning_rate,
        teacher=taught_by,
        teacher_metrics=teacher_metrics,
    )
    artefact.save(learner, student)
    return Made(_parameters(learner), size_bytes(student))


def quantize(config: RunConfig, student: Path, compressed: Path, report: Report = ignore) -> Made:
    """The model in one folder, saved to another in the recipe's scheme; without one, byte for byte."""
    if isinstance(config.quantization, NoQuantization):
        artefact.copy(student, compressed)
    else:
        artefact.save(quantization.quantize(student, config.quantization, resolve(config.device)), compressed)
    return Made(count_parameters(read_config(student)), size_bytes(compressed))


def evaluate(
    config: RunConfig,
    data: Data,
    folders: Mapping[str, Path],
    made: Mapping[str, Made],
    report: Report = ignore,
) -> dict[str, ModelReport]:
    """Every model measured from its folder, freshly loaded; what is known of it from `made` is not measured again."""
    device = resolve(config.device)
    classes = {"teacher": config.labels.not_safe}  # all others have the two standard ones
    predictors = {name: Predictor(artefact.load(path, device, classes.get(name))) for name, path in folders.items()}
    metrics = {name: _measured(predictor, data, made[name], report) for name, predictor in predictors.items()}
    timed = latencies(
        predictors, data.splits["test"].texts[:_TIMED_URLS], _progress(report, "evaluate", "One URL at a time, timed")
    )
    return {
        name: ModelReport(
            parameters=made[name].parameters,
            size_bytes=size_bytes(folder),
            size_stored_bytes=size_stored_bytes(folder),
            metrics=metrics[name],
            latency_ms=timed[name],
            folder=str(folder.resolve()),
        )
        for name, folder in folders.items()
    }


def measure_quality(classifier: Classifier, data: Data, split: str, report: Report, stage: str) -> Metrics:
    """Metrics of the classifier on one of the data's splits."""
    texts, labels = data.splits[split].texts, data.splits[split].labels
    doing = "Reading all URLs" if split == "all" else f"Reading the {split} URLs"
    return quality(labels, Predictor(classifier).probabilities(texts, _progress(report, stage, doing)))


def gpu_seconds(config: RunConfig, data: Data) -> dict[str, float]:
    """Seconds each step is taken to need of a GPU, by its name: what to ask of a host that lends them."""
    longer = config.distillation.max_length / 128
    read = {name: longer * _READ * ceil(len(split) / EVALUATION_BATCH) for name, split in data.splits.items()}
    epoch = longer * _STEP * ceil(len(data.splits["train"]) / config.distillation.batch_size) + read["validation"]
    return {
        "load": _START + read["validation"],
        "distill": _START + read["train"] + config.distillation.epochs * epoch,
        "quantize": _START,
        "evaluate": _START + 3 * sum(read[split] for split in _EVALUATED) + MAX_SECONDS,
    }


def _measured(predictor: Predictor, data: Data, made: Made, report: Report) -> dict[str, Metrics]:
    known = {"validation": made.validation}
    return {
        split: known.get(split) or measure_quality(predictor.classifier, data, split, report, "evaluate")
        for split in _EVALUATED
    }


def _progress(report: Report, stage: str, doing: str) -> Callable[[int, int], None]:
    return lambda step, steps: report(Progress(stage=stage, doing=doing, step=step, steps=steps))


def _parameters(classifier: Classifier) -> int:
    return sum(parameter.numel() for parameter in classifier.model.parameters())

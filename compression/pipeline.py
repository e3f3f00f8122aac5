"""A run, from recipe to result: load → distill → quantize → evaluate. Page and command line both call `run`."""

import json
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compression import __version__, hub
from compression.artefacts import folder as artefact
from compression.artefacts.weight import size_bytes, size_stored_bytes
from compression.catalog import STAGES
from compression.config import NoQuantization, RunConfig
from compression.data.sources import Data, check_trainable, load_data
from compression.errors import ConfigError, ModelError, ResourceError, UnsupportedError
from compression.events import Notice, Progress, Report, RunStarted, StageEnded, StageStarted, ignore
from compression.measure.quality import quality
from compression.measure.speed import latencies
from compression.methods.distill import distill, soft_targets
from compression.methods.quantize import quantize, unsupported
from compression.models.classifier import Classifier, count_parameters, is_compressed, locate, read_config
from compression.models.device import cpu_flags, cpu_name, device_name, free_memory, resolve, training_precision
from compression.models.student import build_student, plan_student
from compression.models.teacher import TeacherRecipe, load_base, train_teacher
from compression.places import hosted
from compression.predict.predictor import Predictor
from compression.result import Environment, Metrics, ModelReport, Result, StageReport

if TYPE_CHECKING:
    import torch

MODELS = ("teacher", "student", "compressed")
_EVALUATED = ("validation", "test")
_TIMED_URLS = 50
_TRAINING_BYTES = 16  # a parameter
_HOSTED_PARAMETERS = 150_000_000
_PACKAGES = ("torch", "transformers", "tokenizers", "bitsandbytes", "accelerate", "numpy", "scikit-learn")


def run(config: RunConfig, report: Report = ignore, output: Path | None = None) -> Result:
    """The result of the recipe; models, `config.json` and `result.json` are written to `output`.

    Raises CompressionError for whatever the user can act on, and whatever `report` raises (RunCancelled).
    """
    output = output or Path("run")
    device = check(config)
    fetching = _fetching(report, "load")
    data = load_data(config.data, config.columns, report=fetching)
    check_trainable(data.splits["train"])
    _write_json(output / "config.json", config.model_dump(mode="json"))
    (output / "result.json").unlink(missing_ok=True)  # none may outlive its models
    folders = {name: output / "models" / name for name in ("student", "compressed")}
    stages: list[StageReport] = []
    report(RunStarted(device=device_name(device), stages=STAGES))

    with _stage("load", report, stages) as done:
        for note in data.notes:
            report(Notice(text=note))
        folders["teacher"] = locate(config.teacher, fetching)
        if config.student.base is not None:
            locate(config.student.base, fetching)
        teacher = artefact.load(folders["teacher"], device)
        teacher_metrics = _quality(teacher, data, "validation", report, "load")
        done(_parameters(teacher), size_bytes(folders["teacher"]), teacher_metrics)

    with _stage("distill", report, stages) as done:
        targets = soft_targets(teacher, data.splits["train"].texts, config, report)
        student = build_student(config.student, teacher, config.distillation.max_length, config.seed)

        def validate(classifier: Classifier) -> Metrics:
            return _quality(classifier, data, "validation", report, "distill")

        distill(student, targets, data.splits["train"], validate, config, report, teacher_metrics)
        artefact.save(student, folders["student"])
        parameters = {
            "teacher": _parameters(teacher),
            "student": _parameters(student),
            "compressed": _parameters(student),
        }
        done(parameters["student"], size_bytes(folders["student"]), None)
        del teacher, student

    with _stage("quantize", report, stages) as done:
        if isinstance(config.quantization, NoQuantization):
            artefact.copy(folders["student"], folders["compressed"])
        else:
            artefact.save(quantize(folders["student"], config.quantization, device), folders["compressed"])
        done(parameters["compressed"], size_bytes(folders["compressed"]), None)

    with _stage("evaluate", report, stages) as done:
        models = _evaluate(folders, parameters, data, device, {"teacher": {"validation": teacher_metrics}}, report)
        done(parameters["compressed"], models["compressed"].size_bytes, models["compressed"].metrics["validation"])

    measured = {"distill": "student", "quantize": "compressed"}
    result = Result(
        config=config,
        inputs=_inputs(config, data),
        environment=_environment(device),
        stages=[
            stage.model_copy(update={"validation": models[measured[stage.name]].metrics["validation"]})
            if stage.name in measured
            else stage
            for stage in stages
        ],
        models=models,
    )
    _write_json(output / "result.json", result.to_json())
    return result


def check(config: RunConfig) -> "torch.device":
    """The device the recipe will run on. Raises CompressionError if it cannot run here, before anything is loaded."""
    device = resolve(config.device)
    training_precision(config.training.precision, device)
    for source in filter(None, (config.teacher, config.student.base)):
        if is_compressed(read_config(locate(source, weights=False))):
            raise ModelError(f"{source} is compressed already. Give the full-precision model it was made from.")
    plan = plan_student(config.student, read_config(locate(config.teacher, weights=False)))
    _check_memory(count_parameters(plan))
    if reason := unsupported(config.quantization, device.type, plan):
        raise UnsupportedError(reason)
    if config.distillation.max_length > plan.max_position_embeddings:
        raise ConfigError(
            f"distillation.max_length = {config.distillation.max_length}, but the student has positions "
            f"for {plan.max_position_embeddings} tokens. Use {plan.max_position_embeddings} or less.",
            "distillation.max_length",
        )
    return device


def reusable(config: RunConfig, output: Path) -> Result | None:
    """The result `output` already holds, marked as reused, if recipe, inputs and versions are the same; else None."""
    path = output / "result.json"
    try:
        result = Result.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None
    data = load_data(config.data, config.columns)
    same = result.config == config and result.inputs == _inputs(config, data)
    kept = all((output / "models" / name / "config.json").is_file() for name in ("student", "compressed"))
    if not (same and kept) or result.environment.packages != _packages():
        return None
    return result.model_copy(update={"reused": True})


def fine_tune(base: str, data: Data, recipe: TeacherRecipe, output: Path, report: Report = ignore) -> Metrics:
    """Fine-tunes the encoder `base` names, saves it to `output`, and returns its metrics on validation, reloaded."""
    check_trainable(data.splits["train"])
    for note in data.notes:
        report(Notice(text=note))

    def validate(classifier: Classifier) -> Metrics:
        return _quality(classifier, data, "validation", report, "train-teacher")

    teacher, _ = train_teacher(load_base(locate(base), recipe), data.splits["train"], validate, recipe, report)
    artefact.save(teacher, output)
    return _quality(artefact.load(output, resolve(recipe.device)), data, "validation", report, "train-teacher")


def evaluate(source: str, data: Data, split: str, device: "torch.device", report: Report = ignore) -> Metrics:
    """Metrics of the model `source` names on one of the data's splits."""
    for note in data.notes:
        report(Notice(text=note))
    classifier = artefact.load(locate(source), device)
    return _quality(classifier, data, split, report, "evaluate")


def _evaluate(
    folders: dict[str, Path],
    parameters: dict[str, int],
    data: Data,
    device: "torch.device",
    known: dict[str, dict[str, Metrics]],
    report: Report,
) -> dict[str, ModelReport]:
    """Every model measured from its folder, freshly loaded; `known` metrics are not measured again."""
    predictors = {name: Predictor(artefact.load(folders[name], device)) for name in MODELS}
    metrics = {
        name: {
            split: known.get(name, {}).get(split) or _quality(predictor.classifier, data, split, report, "evaluate")
            for split in _EVALUATED
        }
        for name, predictor in predictors.items()
    }
    timed = latencies(
        predictors, data.splits["test"].texts[:_TIMED_URLS], _progress(report, "evaluate", "One URL at a time, timed")
    )
    return {
        name: ModelReport(
            parameters=parameters[name],
            size_bytes=size_bytes(folders[name]),
            size_stored_bytes=size_stored_bytes(folders[name]),
            metrics=metrics[name],
            latency_ms=timed[name],
            folder=str(folders[name].resolve()),
        )
        for name in MODELS
    }


def _quality(classifier: Classifier, data: Data, split: str, report: Report, stage: str) -> Metrics:
    texts, labels = data.splits[split].texts, data.splits[split].labels
    doing = "Reading all URLs" if split == "all" else f"Reading the {split} URLs"
    return quality(labels, Predictor(classifier).probabilities(texts, _progress(report, stage, doing)))


def _progress(report: Report, stage: str, doing: str) -> Callable[[int, int], None]:
    return lambda step, steps: report(Progress(stage=stage, doing=doing, step=step, steps=steps))


def _check_memory(parameters: int) -> None:
    """Raises ResourceError if training so many parameters would not fit: weight, gradient and Adam's two moments."""
    needed, free = parameters * _TRAINING_BYTES, free_memory()
    if free is not None and needed > free:
        raise ResourceError(
            f"A student of {parameters / 1e6:,.0f} million parameters needs {needed / 1e9:.1f} GB to train, and "
            f"{free / 1e9:.1f} GB are free. Choose fewer or narrower layers."
        )
    if hosted() and parameters > _HOSTED_PARAMETERS:
        raise ResourceError(
            f"A student of {parameters / 1e6:,.0f} million parameters is too large for this hosted page "
            f"({_HOSTED_PARAMETERS / 1e6:.0f} million at most). Choose fewer or narrower layers."
        )


def _fetching(report: Report, stage: str) -> hub.Transfer:
    """Downloads reported as progress, in kilobytes."""
    return lambda doing, done, size: report(
        Progress(stage=stage, doing=doing, step=done // 1000, steps=max(1, size // 1000))
    )


@contextmanager
def _stage(name: str, report: Report, stages: list[StageReport]) -> Iterator[Callable[..., None]]:
    """Reports a stage's start and end; the body hands over parameters, bytes and validation metrics."""
    made: list[Any] = [None, None, None]
    report(StageStarted(stage=name))
    start = time.perf_counter()

    def done(parameters: int, size: int, validation: Metrics | None) -> None:
        made[:] = parameters, size, validation

    yield done
    seconds = time.perf_counter() - start
    stages.append(StageReport(name=name, seconds=seconds, parameters=made[0], size_bytes=made[1], validation=made[2]))
    report(StageEnded(report=stages[-1]))


def _parameters(classifier: Classifier) -> int:
    return sum(parameter.numel() for parameter in classifier.model.parameters())


def _inputs(config: RunConfig, data: Data) -> dict[str, str]:
    """Digests of what the run reads: equal inputs, recipe and versions give equal results."""
    inputs = {"data": data.digest, "teacher": artefact.digest(locate(config.teacher))}
    if config.student.base is not None:
        inputs["base"] = artefact.digest(locate(config.student.base))
    return inputs


def _packages() -> dict[str, str]:
    return {"compression-lab": __version__} | {name: version(name) for name in _PACKAGES}


def _environment(device: "torch.device") -> Environment:
    import torch

    return Environment(
        python=platform.python_version(),
        packages=_packages(),
        device=device_name(device),
        cpu=cpu_name(),
        cpu_flags=list(cpu_flags()),
        threads=torch.get_num_threads(),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _write_json(path: Path, content: dict[str, Any]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise ResourceError(f"{path} cannot be written ({error.strerror or error}). Choose another folder.") from None

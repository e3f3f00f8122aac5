"""A run, from recipe to result: the steps of `stages`, then `assess`. Page and command line both call `run`."""

import hashlib
import json
import platform
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compression import __version__, assess, hub, stages
from compression.artefacts import folder as artefact
from compression.config import RunConfig
from compression.data.sources import Data, check_trainable, load_data
from compression.data.unlabelled import read_unlabelled
from compression.errors import ResourceError
from compression.events import Notice, Progress, Report, RunStarted, StageEnded, StageStarted, ignore
from compression.measure.cost import Meter
from compression.measure.limits import check
from compression.measure.predictions import PREDICTIONS, write_predictions
from compression.models.classifier import Classifier, locate
from compression.models.device import cpu_flags, cpu_name, device_name, on_device, resolve
from compression.models.teacher import TeacherRecipe, load_base, train_teacher
from compression.repeats import SEEDS, UNTAUGHT, Repeat, aside, places, repeat_stages, repeats
from compression.result import Environment, Metrics, ModelReport, Result, StageReport
from compression.settings import limits
from compression.stages import Folders, Made, Work, measure_quality

if TYPE_CHECKING:
    import torch

_PACKAGES = (
    "torch",
    "transformers",
    "tokenizers",
    "bitsandbytes",
    "onnxruntime",
    "accelerate",
    "numpy",
    "scikit-learn",
)


def run(config: RunConfig, report: Report = ignore, output: Path | None = None) -> Result:
    """The result of the recipe; models, `config.json`, `predictions.parquet` and `result.json` are written to `output`.

    Raises CompressionError for whatever the user can act on, and whatever `report` raises (RunCancelled).
    """
    start = time.perf_counter()
    output = output or Path("run")
    device = check(config)
    meter = Meter(device)
    report = meter.watching(report)
    fetching = _fetching(report, "load")
    data = load_data(config.data, config.columns, report=fetching, splits=config.splits)
    check_trainable(data.splits["train"])
    limits().check_rows(sum(len(split.texts) for split in data.splits.values()))
    _write_json(output / "config.json", config.model_dump(mode="json"))
    for name in ("result.json", PREDICTIONS):  # none may outlive its models
        (output / name).unlink(missing_ok=True)
    seconds = assess.gpu_seconds(config, data)
    taken = stages.steps(config)
    done: list[StageReport] = []
    made: dict[str, Made] = {}
    report(RunStarted(device=device_name(device), stages=(*taken, *repeat_stages(config), "evaluate")))

    def step(name: str, stage: Callable[..., Any], *arguments: Any, told: Report = report) -> Any:
        return on_device(stage, *arguments, report=told, device=config.device, seconds=seconds[name])

    with _passing(output / "models" / ".initial") as initial:
        for name, stage in taken.items():
            with _stage(name, report, done) as ended:
                if not made:
                    for note in data.notes:
                        report(Notice(text=note))
                    folders = _folders(config, output, initial, fetching)
                known = made["teacher"].validation if "teacher" in made else None
                made[stages.MAKES[name]] = ended(step(name, stage, Work(config, data, folders, known)))

    def once_more(stage: str, repeat: Repeat, where: Folders) -> Any:
        told = aside(report, stage, repeat.doing)
        return [step(n, s, Work(recipe, data, where, known), told=told) for n, s, recipe in repeat.steps][-1]

    again: dict[str, list[Any]] = {}
    for name, several in repeats(config, data).items():
        with _stage(name, report, done), _passing(output / "models" / ".again") as scratch:
            again[name] = [once_more(name, repeat, places(name, folders, scratch)) for repeat in several]
    if UNTAUGHT in again:
        made[UNTAUGHT] = again[UNTAUGHT][0]

    with _stage("evaluate", report, done) as ended:
        assessment: assess.Assessment = step("evaluate", assess.evaluate, Work(config, data, folders), made)
        ended(made["compressed"])

    result = Result(
        config=config,
        inputs=_inputs(config, data),
        environment=_environment(device),
        stages=done,
        models=assessment.models,
        majority=assessment.majority,
        distillation_gain=assessment.distillation_gain,
        receipt=meter.receipt(time.perf_counter() - start),
        spread=_spread(assessment.models, again.get(SEEDS, [])),
    )
    write_predictions(output, assessment.predictions)
    _write_json(output / "result.json", result.to_json())
    return result


def _spread(models: dict[str, ModelReport], more: list[dict[str, float]]) -> dict[str, list[float]] | None:
    """The accuracies on test of the run's own seed and then of the others, None without others."""
    if not more:
        return None
    return {name: [models[name].metrics["test"].accuracy, *(other[name] for other in more)] for name in more[0]}


def _folders(config: RunConfig, output: Path, initial: Path, fetching: hub.Transfer) -> Folders:
    """Where the run's models are and will be; what comes from the Hub is fetched."""
    base = locate(config.teacher, fetching)
    if config.student.base is not None:
        locate(config.student.base, fetching)
    if config.distillation.unlabelled is not None:
        read_unlabelled(config.distillation.unlabelled, fetching)  # a step may run where there is no network
    models = output / "models"
    teacher = models / "teacher" if config.fine_tuning.epochs else base
    return Folders(base, teacher, models / "student", initial, models / "compressed", models / UNTAUGHT)


@contextmanager
def _passing(folder: Path) -> Iterator[Path]:
    """A folder for what only a later step of the run needs; it is gone in the end."""
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def reusable(config: RunConfig, output: Path) -> Result | None:
    """The result `output` already holds, marked as reused, if recipe, inputs and versions are the same; else None."""
    path = output / "result.json"
    try:
        result = Result.from_json(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None
    data = load_data(config.data, config.columns, splits=config.splits)
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
        return measure_quality(classifier, data, "validation", report, "train-teacher")

    teacher, _ = train_teacher(load_base(locate(base), recipe), data.splits["train"], validate, recipe, report)
    artefact.save(teacher, output)
    return measure_quality(artefact.load(output, resolve(recipe.device)), data, "validation", report, "train-teacher")


def evaluate(
    source: str, data: Data, split: str, device: "torch.device", report: Report = ignore, not_safe: str | None = None
) -> Metrics:
    """Metrics of the model `source` names on one of the data's splits; `not_safe` names its classes, if need be."""
    for note in data.notes:
        report(Notice(text=note))
    classifier = artefact.load(locate(source), device, not_safe)
    return measure_quality(classifier, data, split, report, "evaluate")


def _fetching(report: Report, stage: str) -> hub.Transfer:
    """Downloads reported as progress, in kilobytes."""
    return lambda doing, done, size: report(
        Progress(stage=stage, doing=doing, step=done // 1000, steps=max(1, size // 1000))
    )


@contextmanager
def _stage(name: str, report: Report, done: list[StageReport]) -> Iterator[Callable[[Made], Made]]:
    """Reports a stage's start and end, and adds it to `done`; the body hands over what was made, if that is a step of
    the run's own model, and gets it back."""
    made: list[Made] = []
    report(StageStarted(stage=name))
    start = time.perf_counter()

    def ended(by: Made) -> Made:
        made.append(by)
        return by

    yield ended
    found: dict[str, Any] = dict.fromkeys(("parameters", "size_bytes", "validation", "parts"))
    if made:
        found = {field: getattr(made[0], field) for field in found}
    done.append(StageReport(name=name, seconds=time.perf_counter() - start, **found))
    report(StageEnded(report=done[-1]))


def _inputs(config: RunConfig, data: Data) -> dict[str, str]:
    """Digests of what the run reads: equal inputs, recipe and versions give equal results."""
    inputs = {"data": data.digest, "teacher": artefact.digest(locate(config.teacher))}
    if config.student.base is not None:
        inputs["base"] = artefact.digest(locate(config.student.base))
    if (source := config.distillation.unlabelled) is not None:
        texts = json.dumps(read_unlabelled(source)).encode()
        inputs["unlabelled"] = hashlib.sha256(texts).hexdigest()
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

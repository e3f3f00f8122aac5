"""A run, from recipe to result: the steps of `stages`, then `assess`. Page and command line both call `run`."""

import hashlib
import json
import platform
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compression import __version__, assess, hub, stages
from compression.artefacts import folder as artefact
from compression.config import RunConfig
from compression.data.sources import Data, check_trainable, load_data
from compression.data.unlabelled import read_unlabelled
from compression.errors import ResourceError, out_of_memory
from compression.events import Notice, Progress, Report, RunStarted, StageEnded, StageStarted, ignore
from compression.measure.cost import Meter
from compression.measure.limits import check
from compression.measure.predictions import PREDICTIONS, write_predictions
from compression.models.classifier import Classifier, locate
from compression.models.device import alone, cpu_flags, cpu_name, device_name, on_device, release_memory, resolve
from compression.models.teacher import TeacherRecipe, load_base, train_teacher
from compression.repeats import SEEDS, UNTAUGHT, Repeat, aside, places, repeat_stages, repeats
from compression.result import Environment, Metrics, ModelReport, Receipt, Result, StageReport
from compression.settings import limits
from compression.stages import measure_quality
from compression.step import MAKES, Folders, Made, Work, placed
from compression.unfinished import Attempt, Unfinished

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
_LAST_ATTEMPT = "The run was cut off and went on: memory and energy are of its last attempt alone."


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
    folders, inputs = _folders(config, output, fetching), _inputs(config, data)
    attempt = Attempt(config=config, inputs=inputs, packages=_packages(), device=device_name(device))
    unfinished = Unfinished(output, attempt, report, kept=alone())

    def do(name: str, stage: Callable[..., Any], *arguments: Any, told: Report = report) -> Any:
        with _enough_memory(name, config):
            return on_device(stage, *arguments, report=told, device=config.device, seconds=seconds[name])

    where = placed(list(taken), folders, unfinished.folder / "models")
    for name, stage in taken.items():
        with _stage(name, report, done, unfinished.seconds(name)) as ended:
            if not made:
                for note in data.notes:
                    report(Notice(text=note))
            known = made["teacher"].validation if "teacher" in made else None
            work = Work(config, data, *where[name], known, unfinished.checkpoint(name))
            made[MAKES[name]] = ended(unfinished.outcome(name, work.into, partial(do, name, stage, work)))

    def once_more(key: str, repeat: Repeat, ends: Folders) -> Any:
        """What comes of the last step of a repeat, whose steps are recorded until it is done."""
        told = aside(report, key.partition(".")[0], repeat.doing)
        where = placed([name for name, *_ in repeat.steps if name in MAKES], ends, unfinished.folder / key)
        for name, stage, recipe in repeat.steps:
            step, (found, into) = f"{key}.{name}", where.get(name, (ends, ends.student))
            work = Work(recipe, data, found, into, known, unfinished.checkpoint(step))
            makes = into if name in MAKES else None
            came = unfinished.outcome(step, makes, partial(do, name, stage, work, told=told))
        return came

    again: dict[str, list[Any]] = {}
    for name, several in repeats(config, data).items():
        with _stage(name, report, done, unfinished.seconds(name)):
            again[name] = []
            for number, repeat in enumerate(several):
                key = f"{name}.{number}"
                ends = places(name, folders, unfinished.folder / key)
                stays = ends.student if name == UNTAUGHT else None
                again[name].append(unfinished.outcome(key, stays, partial(once_more, key, repeat, ends)))
    if UNTAUGHT in again:
        made[UNTAUGHT] = again[UNTAUGHT][0]

    with _stage("evaluate", report, done) as ended:
        work = Work(config, data, folders, folders.compressed)
        assessment: assess.Assessment = do("evaluate", assess.evaluate, work, made)
        ended(made["compressed"])

    result = Result(
        config=config,
        inputs=inputs,
        environment=_environment(device),
        stages=done,
        models=assessment.models,
        majority=assessment.majority,
        distillation_gain=assessment.distillation_gain,
        receipt=_receipt(meter, time.perf_counter() - start, unfinished.earlier_seconds),
        spread=_spread(assessment.models, again.get(SEEDS, [])),
    )
    write_predictions(output, assessment.predictions)
    _write_json(output / "result.json", result.to_json())
    unfinished.end()
    return result


def _spread(models: dict[str, ModelReport], more: list[dict[str, float]]) -> dict[str, list[float]] | None:
    """The accuracies on test of the run's own seed and then of the others, None without others."""
    if not more:
        return None
    return {name: [models[name].metrics["test"].accuracy, *(other[name] for other in more)] for name in more[0]}


def _folders(config: RunConfig, output: Path, fetching: hub.Transfer) -> Folders:
    """Where the run's models are and will be in the end; what comes from the Hub is fetched."""
    base = locate(config.teacher, fetching)
    if config.student.base is not None:
        locate(config.student.base, fetching)
    if config.distillation.unlabelled is not None:
        read_unlabelled(config.distillation.unlabelled, fetching)  # a step may run where there is no network
    models = output / "models"
    teacher, student = models / "teacher" if config.fine_tuning.epochs else base, models / "student"
    return Folders(base, teacher, student, student, models / "compressed", models / UNTAUGHT)


@contextmanager
def _enough_memory(stage: str, config: RunConfig) -> Iterator[None]:
    """Raises ResourceError where a step needs more memory than there is, and gives back what it had taken."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        traceback.clear_frames(error.__traceback__)  # they hold the step's models and batches
        release_memory()
        learning = config.distillation
        raise ResourceError(
            f"{stage} ran out of memory. Use a smaller distillation.batch_size (now {learning.batch_size}), a smaller "
            f"distillation.max_length (now {learning.max_length}) or a smaller student."
        ) from None


def _receipt(meter: Meter, seconds: float, earlier: float) -> Receipt:
    """What the run cost, the seconds of earlier attempts included as far as their work was of use."""
    receipt = meter.receipt(seconds + earlier)
    note = f"{receipt.energy_note} {_LAST_ATTEMPT}" if earlier else receipt.energy_note
    return receipt.model_copy(update={"energy_note": note})


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
def _stage(
    name: str, report: Report, done: list[StageReport], earlier: float = 0.0
) -> Iterator[Callable[[Made], Made]]:
    """Reports a stage's start and end, and adds it to `done`; the body hands over what was made, if that is a step of
    the run's own model, and gets it back. `earlier` are seconds that other attempts have spent on it."""
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
    done.append(StageReport(name=name, seconds=earlier + time.perf_counter() - start, **found))
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

"""A run computed beforehand, as `runs/examples.py` describes it: no URL's text, no place on this disk.

The recipe is run as ever, in a folder that is then thrown away; what the page needs to show the run is kept.
"""

import shlex
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from compression import pipeline
from compression.artefacts import folder as artefact
from compression.artefacts.claim import refuse_inputs
from compression.catalog import BUNDLED
from compression.config import RunConfig
from compression.errors import ResourceError
from compression.events import Report, ignore
from compression.measure.predictions import PREDICTIONS
from compression.places import place
from compression.result import Result
from compression.runs import examples

SHIPPED = "compressed"  # the one model small enough to come with the project


def precompute(
    config: RunConfig,
    output: Path,
    with_model: bool = False,
    report: Report = ignore,
    preset: str = "quick",
    settings: Sequence[str] = (),
) -> Result:
    """Runs the recipe and writes to `output` what the page needs to show it; returns the result as it is written.

    `preset` and `settings` (each KEY=VALUE) are what makes the recipe in the command that made it.
    Raises CompressionError, and whatever `report` raises.
    """
    refuse_inputs(output, (config.teacher, config.student.base), config.data)
    command = command_line(config, preset, output, with_model, settings)
    recording = examples.Recording(report)
    with tempfile.TemporaryDirectory(prefix="precompute-") as scratch:
        made = Path(scratch)
        result = pipeline.run(config, recording, made)
        shown = _placeless(result)
        try:
            shutil.rmtree(output / "models", ignore_errors=True)
            examples.write(output, command, shown, recording.events())
            shutil.copyfile(made / PREDICTIONS, output / PREDICTIONS)
        except OSError as error:
            raise ResourceError(
                f"{output} cannot be written ({error.strerror or error}). Choose another folder."
            ) from None
        if with_model:
            artefact.copy(result.model_folder(SHIPPED, made), output / "models" / SHIPPED)
    return shown


def called(source: str) -> str:
    """What to call a teacher or data elsewhere: a place on this disk by its last name, all else as it is."""
    return source if source == BUNDLED or not place(source).exists() else place(source).resolve().name


def command_line(config: RunConfig, preset: str, output: Path, with_model: bool, settings: Sequence[str] = ()) -> str:
    """The command that does this, without places on this disk that mean nothing elsewhere."""
    where = output.name if output.is_absolute() else output.as_posix()
    options = ["--preset", preset] if preset != "quick" else []
    options += ["--teacher", called(config.teacher)] if config.teacher != BUNDLED else []
    options += [part for setting in settings for part in ("--set", setting)]
    options += ["--data", called(config.data), *(["--with-model"] if with_model else [])]
    return shlex.join(["python", "-m", "compression", "precompute", *options, "--output", where])


def _placeless(result: Result) -> Result:
    config, student = result.config, result.config.student
    if student.base is not None:
        student = student.model_copy(update={"base": called(student.base)})
    learning = config.distillation
    if learning.unlabelled is not None:
        learning = learning.model_copy(update={"unlabelled": called(learning.unlabelled)})
    sources = {"teacher": called(config.teacher), "data": called(config.data)}
    names = sources | {"student": student, "distillation": learning}
    models = {
        name: model.model_copy(update={"folder": model.folder and f"models/{name}"})
        for name, model in result.models.items()
    }
    return result.model_copy(update={"config": config.model_copy(update=names), "models": models})

"""The command line: `python -m compression run | evaluate | classify | train-teacher | serve` and a few more."""

import json
import os
import signal
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from compression import measuring
from compression.artefacts.claim import claim_model_folder, claim_run_folder, refuse_inputs
from compression.catalog import BUNDLED, PRESETS, preset_settings
from compression.config import ColumnsConfig, RunConfig
from compression.errors import ConfigError, RunInterrupted, actionable, sentence
from compression.events import Notice
from compression.export.card import Which
from compression.models.device import alone, together
from compression.options import (
    Data,
    DeviceOption,
    Json,
    LabelColumn,
    NotSafe,
    Output,
    Overwrite,
    Positive,
    Settings,
    TextColumn,
    device_of,
    recipe_file,
    show,
)
from compression.recipe import flatten, nest, parse
from compression.stopping import TERMINATED, stopping

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)
app.add_typer(measuring.app)

INTERRUPTED = 130


@app.command()
def run(
    output: Output,
    preset: Annotated[str | None, typer.Option(help=f"One of: {', '.join(PRESETS)}; quick if none is given.")] = None,
    config: Annotated[Path | None, typer.Option(help="A recipe (config.json) laid over the preset.")] = None,
    teacher: Annotated[str | None, typer.Option(help="bundled, or a saved model folder.")] = None,
    data: Annotated[str | None, typer.Option(help="bundled, a CSV or Parquet file, or a folder of splits.")] = None,
    settings: Settings = None,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    positive: Positive = None,
    not_safe: NotSafe = None,
    overwrite: Overwrite = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that was cut off in OUTPUT.")] = False,
    reuse: Annotated[
        bool, typer.Option("--reuse", help="Print the output folder's result if recipe and data are the same.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Distil and quantize a classifier, measure it, and write models and result.json to OUTPUT."""
    from compression import pipeline, unfinished
    from compression.console import reporting, result_table

    if resume and overwrite:
        raise ConfigError("--resume and --overwrite exclude each other. Give one of them.")
    if resume and not alone():
        raise ConfigError("A run that several processes share keeps nothing to --resume. Begin anew with --overwrite.")
    left = unfinished.recipe_left(output) if resume else None
    columns = {"columns.text": text_column, "columns.label": label_column, "columns.positive": positive}
    given = {"teacher": teacher, "data": data} | columns | {"labels.not_safe": not_safe}
    recipe = parse(
        preset_settings(preset or "quick") if left is None or preset else left.model_dump(mode="json"),
        recipe_file(config) if config else {},
        nest((key, value) for key, value in given.items() if value is not None),
        nest(_assignment(text) for text in settings or ()),
    )
    if left is not None and left != recipe:
        raise _another(output, left, recipe)
    refuse_inputs(output, (recipe.teacher, recipe.student.base), recipe.data)
    with together(recipe.device) as leads:
        result = pipeline.reusable(recipe, output) if reuse else None
        if not leads:
            if result is None:
                _take_part(recipe)
            return
        if result is None:
            claim_run_folder(output, overwrite, resume)
            if overwrite:
                unfinished.discard(output)
            with reporting() as said, stopping(said) as report:
                if resume and left is None:
                    report(Notice(text=f"No run was cut off in {output}, so this one starts at the beginning."))
                result = pipeline.run(recipe, report, output)
        show(result.to_json() if as_json else result_table(result))


def _another(output: Path, left: RunConfig, asked: RunConfig) -> ConfigError:
    """Says that what was cut off in `output` is not what is asked for, by the first setting that differs."""
    wanted = flatten(asked)
    key, value = next((key, value) for key, value in flatten(left).items() if wanted.get(key) != value)
    return ConfigError(
        f"{output} holds another recipe: there {key} = {value}. Go on with that one by giving --resume without a "
        "recipe, or begin anew with --overwrite."
    )


def _take_part(recipe: RunConfig) -> None:
    """This process's share of a run that another process leads: the same steps, silent, in a folder that is removed."""
    from compression import pipeline

    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # when the leading one has failed
    with TemporaryDirectory(prefix="compression-") as folder:
        pipeline.run(recipe, output=Path(folder))


@app.command()
def train_teacher(
    base: Annotated[str, typer.Option(help="Folder of a pretrained encoder, or bundled.")],
    data: Data,
    output: Output,
    freeze_encoder: Annotated[bool, typer.Option("--freeze-encoder", help="Train only pooler and classifier.")] = False,
    last_layers: Annotated[
        int | None, typer.Option(min=1, max=48, help="Train only the last so many layers, pooler and classifier.")
    ] = None,
    patience: Annotated[
        int | None, typer.Option(min=1, max=100, help="Stop after so many epochs without a better one.")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, max=100)] = 10,
    batch_size: Annotated[int, typer.Option(min=1, max=512)] = 8,
    learning_rate: Annotated[float, typer.Option(min=1e-8, max=0.1)] = 2e-4,
    max_length: Annotated[int, typer.Option(min=8, max=512)] = 512,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1)] = 0,
    device: DeviceOption = "auto",
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    positive: Positive = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
) -> None:
    """Fine-tune a teacher on labelled URLs and keep its best epoch; the article also froze the encoder."""
    from compression import pipeline
    from compression.console import metrics_table, reporting
    from compression.data.sources import load_data
    from compression.models.teacher import TeacherRecipe

    if freeze_encoder and last_layers is not None:
        raise ConfigError("--freeze-encoder and --last-layers exclude each other. Give one of them.")
    refuse_inputs(output, (base,), data)
    claim_model_folder(output, overwrite)
    loaded = load_data(
        data, ColumnsConfig(text=text_column, label=label_column, positive=positive), ("train", "validation")
    )
    recipe = TeacherRecipe(
        epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        train="head" if freeze_encoder else "last-layers" if last_layers else "all",
        last_layers=last_layers or 1,
        patience=patience,
        max_length=max_length,
        seed=seed,
        device=device_of(device),
    )
    with reporting() as report:
        metrics = pipeline.fine_tune(base, loaded, recipe, output, report)
    found = {"model": str(output), "data": data, "split": "validation"}
    show(found | metrics.model_dump(mode="json") if as_json else metrics_table(f"{output}, validation", metrics))


@app.command()
def push(
    run_dir: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    model: Annotated[Which, typer.Option(help="student or compressed.")],
    to: Annotated[str, typer.Option(help="The repository, owner/name; created if absent.")],
    public: Annotated[bool, typer.Option("--public", help="Let everyone see it; private otherwise.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace what the repository holds.")] = False,
    as_json: Json = False,
) -> None:
    """Push a run's model, with a card about it, to the Hugging Face account whose token is in HF_TOKEN."""
    from compression.console import reporting
    from compression.export.push import push as push_model
    from compression.result import Result

    result = Result.read(run_dir)
    folder = result.model_folder(model, run_dir)
    with reporting() as report:
        url = push_model(folder, result, model, to, os.environ.get("HF_TOKEN", ""), not public, replace, report)
    print(json.dumps({"model": str(folder), "url": url}) if as_json else url)


@app.command()
def build_bundled_teacher(
    data: Annotated[Path, typer.Option(help="Folder with train.csv and validation.csv.")],
    big_teacher: Annotated[Path, typer.Option(help="Folder of the large teacher.")],
    output: Output,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1)] = 0,
) -> None:
    """Rebuild the teacher that comes with the project, as its card describes; half an hour on two cores."""
    from compression.models.bundled import build_bundled_teacher as build

    build(data, big_teacher, output, seed, lambda line: print(line, file=sys.stderr, flush=True))


@app.command()
def precompute(
    output: Output,
    data: Data = BUNDLED,
    preset: Annotated[str, typer.Option(help=f"One of: {', '.join(PRESETS)}.")] = "quick",
    teacher: Annotated[str | None, typer.Option(help="bundled, or a saved model folder.")] = None,
    settings: Settings = None,
    with_model: bool = False,
    overwrite: Overwrite = False,
) -> None:
    """Run a preset for the page to open with: figures, curve, and of the test URLs only hashes and probabilities."""
    from compression.console import reporting, result_table
    from compression.precompute import precompute as compute

    claim_run_folder(output, overwrite)
    given, own = {"data": data} | ({"teacher": teacher} if teacher else {}), settings or []
    recipe = parse(preset_settings(preset), given, nest(map(_assignment, own)))
    with reporting() as report:
        show(result_table(compute(recipe, output, with_model, report, preset.casefold(), own)))


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", min=1, max=65535)] = None,
) -> None:
    """Serve the page, the same as app.py."""
    from compression.ui import launch

    launch(host, port)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command line; returns its exit code.

    0 done, 2 for what the user can act on, 130 interrupted, 143 told to end (a run that can go on later).
    """
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    command = typer.main.get_command(app)
    try:
        code = command.main(args=arguments, prog_name="python -m compression", standalone_mode=False)
        if code == INTERRUPTED:  # typer has turned the KeyboardInterrupt into this
            print("Interrupted.", file=sys.stderr)
        return code if isinstance(code, int) else 0
    except RunInterrupted:
        print("Stopped. Give the same command with --resume to go on from here.", file=sys.stderr)
        return TERMINATED
    except Exception as error:
        if hasattr(error, "format_message"):  # a usage error; typer has no public base class for them
            return _complain(f"{error.format_message().rstrip('.')}. Add --help to the command to see what it takes.")
        if (reason := actionable(error)) is None:
            raise
        return _complain(reason)


def _complain(words: object) -> int:
    print(sentence(words), file=sys.stderr)
    return 2


def _assignment(text: str) -> tuple[str, Any]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--set {text} has no value. Write --set KEY=VALUE.")
    return key.strip(), None if value.strip() == "null" else value.strip()


if __name__ == "__main__":
    sys.exit(main())

"""The commands that ask about a saved model, or about sizes: `evaluate`, `classify`, `classify-file` and others."""

import json
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from compression.catalog import BUNDLED
from compression.config import ColumnsConfig
from compression.data.files import MAX_CELL
from compression.errors import DataError, sentence
from compression.events import Report
from compression.options import (
    Data,
    DeviceOption,
    Json,
    LabelColumn,
    NotSafe,
    Positive,
    SplitName,
    TextColumn,
    device_of,
    recipe_file,
    show,
)
from compression.places import place
from compression.recipe import parse

if TYPE_CHECKING:
    from compression.predict.runtime import Runtime

app = typer.Typer()

_TRIED_TEXTS = 500  # texts on which two runtimes are compared
_WORTH_CHOOSING = 1_000_000  # bytes of a file, about 15,000 URLs: exporting a model takes seconds


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="bundled, or a saved model folder.")],
    data: Data,
    split: SplitName = SplitName.test,
    text_column: TextColumn = None,
    label_column: LabelColumn = None,
    positive: Positive = None,
    not_safe: NotSafe = None,
    device: DeviceOption = "auto",
    as_json: Json = False,
) -> None:
    """Measure a saved model on a data set."""
    from compression import pipeline
    from compression.console import metrics_table, reporting
    from compression.data.sources import load_data
    from compression.models.device import resolve

    columns = ColumnsConfig(text=text_column, label=label_column, positive=positive)
    loaded = load_data(data, columns, (split.value,))
    with reporting() as report:
        metrics = pipeline.evaluate(model, loaded, split.value, resolve(device_of(device)), report, not_safe)
    found = {"model": model, "data": data, "split": split.value}
    show(
        found | metrics.model_dump(mode="json")
        if as_json
        else metrics_table(f"{model} on {data}, {split.value}", metrics)
    )


@app.command()
def classify(
    model: Annotated[str, typer.Argument(help="bundled, or a saved model folder.")],
    urls: Annotated[list[str], typer.Argument(help="The URLs; they are never opened.")],
    not_safe: NotSafe = None,
    device: DeviceOption = "auto",
    as_json: Json = False,
) -> None:
    """Say of each URL whether it looks like phishing."""
    from compression.models.classifier import locate
    from compression.models.device import resolve
    from compression.predict.predictor import Predictor
    from compression.predict.runtime import known, served

    for url in urls:
        if not sentence(url):
            raise DataError("A URL is empty. Give at least one character that can be seen.")
        if len(url) > MAX_CELL:
            raise DataError(f"A URL is {len(url)} characters long. Shorten it to {MAX_CELL} and try again.")
    folder = locate(model)
    predictor = Predictor(served(folder, resolve(device_of(device)), not_safe, known(folder)))
    predictor.predict("http://warm.up/")
    for url in urls:
        url = url.encode("utf-8", "replace").decode()  # a byte the terminal could not decode
        prediction = predictor.predict(url.strip())
        if as_json:
            print(json.dumps(asdict(prediction) | {"url": url}))
        else:
            print(
                f"{prediction.label:<9}{prediction.probability:>8.1%}{prediction.latency_ms:>9.1f} ms  {sentence(url)}"
            )


@app.command()
def classify_file(
    model: Annotated[str, typer.Argument(help="bundled, or a saved model folder.")],
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A .csv, .parquet or .txt (one URL a line) file.")],
    target: Annotated[Path, typer.Argument(metavar="OUTPUT", help="The .csv or .parquet file to write.")],
    text_column: TextColumn = None,
    not_safe: NotSafe = None,
    device: DeviceOption = "auto",
    resume: Annotated[bool, typer.Option("--resume", help="Go on where a command was interrupted.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the output file.")] = False,
    as_json: Json = False,
) -> None:
    """Say of each URL in a file, however long, whether it looks like phishing."""
    from compression.artefacts.folder import digest
    from compression.console import reporting
    from compression.models.classifier import locate
    from compression.models.device import resolve
    from compression.predict import batch
    from compression.predict.predictor import Predictor, runtime_of
    from compression.predict.runtime import served

    source, target = place(str(source)), place(str(target))
    batch.check_target(source, target, overwrite)  # before a model is loaded for nothing
    folder, where = locate(model), resolve(device_of(device))
    with reporting() as report:
        runtime = _runtime_for(folder, source, text_column, not_safe, report) if where.type == "cpu" else None
        predictor = Predictor(served(folder, where, not_safe, runtime), runtime)
        identity = f"{digest(folder)} {not_safe or ''} {runtime_of(predictor.classifier)}"
        done = batch.classify_file(
            source, target, predictor, text_column, report, resume, overwrite=overwrite, model=identity
        )
    if as_json:
        show(asdict(done))
    else:
        print(
            f"{target}: {done.rows:,} rows, {done.not_safe:,} Not Safe, {done.skipped:,} without verdict, "
            f"{done.seconds:.1f} s, {done.urls_per_second:,.0f} URLs/s"
        )


@app.command()
def runtime(
    model: Annotated[str, typer.Argument(help="bundled, or a saved model folder.")] = BUNDLED,
    data: Data = BUNDLED,
    recipe: Annotated[
        Path | None, typer.Option(help="A run's config.json: the data is read as there, instead of --data.")
    ] = None,
    not_safe: NotSafe = None,
    as_json: Json = False,
) -> None:
    """Find what answers soonest with a model on this CPU, PyTorch or ONNX Runtime, and use that from now on."""
    from compression.config import RunConfig
    from compression.console import reporting, runtime_table
    from compression.data.sources import load_data
    from compression.measure.runtime import choose
    from compression.models.classifier import locate

    config = parse(recipe_file(recipe)) if recipe else RunConfig(data=data)
    rows = load_data(config.data, config.columns, ("validation",), splits=config.splits).splits["validation"]
    with reporting() as report:
        found = choose(locate(model), rows.texts[:_TRIED_TEXTS], not_safe, report)
    show({"model": model} | found.model_dump(mode="json") if as_json else runtime_table(model, found))


@app.command()
def sensitivity(
    model: Annotated[str, typer.Argument(help="bundled, or a saved model folder.")] = BUNDLED,
    data: Data = BUNDLED,
    split: SplitName = SplitName.validation,
    not_safe: NotSafe = None,
    device: DeviceOption = "auto",
    as_json: Json = False,
) -> None:
    """Say how much worse a model gets when one part of it alone is pruned to half or rounded to 4 bits."""
    from compression.artefacts.folder import load
    from compression.console import reporting, sensitivity_table
    from compression.data.sources import load_data
    from compression.measure.sensitivity import sensitivity as measure
    from compression.models.classifier import locate
    from compression.models.device import resolve

    rows = load_data(data, ColumnsConfig(), (split.value,)).splits[split.value]
    classifier = load(locate(model), resolve(device_of(device)), not_safe)
    with reporting() as report:
        found = measure(classifier, rows, report=report)
    show(
        {"model": model, "data": data, "parts": [asdict(row) for row in found]} if as_json else sensitivity_table(found)
    )


@app.command("bytes")
def bytes_(as_json: Json = False) -> None:
    """Print what the article's models weigh after each step, down to the smallest, worked out from configs alone."""
    from compression.console import bytes_table
    from compression.measure.article_table import article_table

    rows = article_table()
    show({"steps": [{"step": step, "size_bytes": size} for step, size in rows]} if as_json else bytes_table(rows))


def _runtime_for(
    folder: Path, source: Path, text_column: str | None, not_safe: str | None, report: Report
) -> "Runtime | None":
    """The runtime chosen for the model in `folder`; chosen now, on the file's first URLs, if the file is worth it."""
    from compression.data.rows import open_urls
    from compression.measure.runtime import choose
    from compression.predict.runtime import choosing, known

    found = known(folder)
    if found is not None or not choosing() or source.stat().st_size < _WORTH_CHOOSING:
        return found
    rows = islice((row for row in open_urls(source, text_column).read() if row.fits and row.text.strip()), _TRIED_TEXTS)
    texts = [row.text.strip()[:MAX_CELL] for row in rows]
    return choose(folder, texts, not_safe, report) if texts else None

"""The commands that ask about a saved model, or about sizes: `evaluate`, `classify`, `classify-file` and others."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from compression.catalog import BUNDLED
from compression.config import ColumnsConfig
from compression.data.files import MAX_CELL
from compression.errors import DataError, sentence
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
    show,
)
from compression.places import place

app = typer.Typer()


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
    from compression.artefacts.folder import load
    from compression.models.classifier import locate
    from compression.models.device import resolve
    from compression.predict.predictor import Predictor

    for url in urls:
        if not sentence(url):
            raise DataError("A URL is empty. Give at least one character that can be seen.")
        if len(url) > MAX_CELL:
            raise DataError(f"A URL is {len(url)} characters long. Shorten it to {MAX_CELL} and try again.")
    predictor = Predictor(load(locate(model), resolve(device_of(device)), not_safe))
    predictor.predict("http://warm.up/")
    for url in urls:
        url = url.encode("utf-8", "replace").decode()  # a byte the terminal could not decode
        prediction = predictor.predict(url.strip())
        fields = {"label": prediction.label, "probability": prediction.probability, "latency_ms": prediction.latency_ms}
        if as_json:
            print(json.dumps({"url": url} | fields))
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
    from compression.artefacts.folder import digest, load
    from compression.console import reporting
    from compression.models.classifier import locate
    from compression.models.device import resolve
    from compression.predict import batch
    from compression.predict.predictor import Predictor

    source, target = place(str(source)), place(str(target))
    batch.check_target(source, target, overwrite)  # before a model is loaded for nothing
    folder = locate(model)
    predictor = Predictor(load(folder, resolve(device_of(device)), not_safe))
    identity = f"{digest(folder)} {not_safe or ''}".strip()
    with reporting() as report:
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

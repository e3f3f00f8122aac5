"""Verdicts on a whole file: read, classified and written chunk by chunk, so that a million rows need no more memory
than one chunk."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import compression.predict.part as parts
from compression.data.files import MAX_CELL
from compression.data.rows import Row, open_urls
from compression.errors import DataError, ResourceError
from compression.events import Notice, Progress, Report, ignore
from compression.predict.part import Done, Part, Verdict
from compression.predict.predictor import THRESHOLD, Predictor, label_of

CHUNK = 2_048  # rows between two writes; within them, texts of nearly one length meet in a batch
_STAGE = "classify-file"


@dataclass(frozen=True)
class Summary:
    """What came out: rows of the table, those Not Safe, those `skipped` (no verdict); `seconds` and `urls_per_second`
    are of this call, reading and writing included."""

    rows: int
    not_safe: int
    skipped: int
    seconds: float
    urls_per_second: float


def classify_file(
    source: Path,
    target: Path,
    predictor: Predictor,
    text_column: str | None = None,
    report: Report = ignore,
    resume: bool = False,
    *,
    overwrite: bool = False,
    model: str = "",
) -> Summary:
    """Writes a row to `target` (.csv or .parquet) for every row of `source` (.csv, .parquet or .txt), in its order.

    Columns are `url`, `label` and `probability` (of Not Safe; six digits in a CSV). Rows that are blank, do not fit the
    header or hold more than MAX_CELL characters stay, without label and probability; of a longer URL the first MAX_CELL
    characters are written. In a CSV, a URL that begins with = + - @, a tab or a line break gets an apostrophe put
    before it, lest a spreadsheet take it for a formula; in Parquet it stands as it was.

    `target` appears once it is whole. A call that was killed is gone on with by `resume`, and the file is then the same
    byte for byte; `model` is what tells the model from others (its digest). `report` gets Progress in rows, and may
    raise RunCancelled. Raises DataError for the source, ResourceError for the target.
    """
    start = time.perf_counter()
    check_target(source, target, overwrite)
    report(Progress(stage=_STAGE, doing="Reading the file", step=0, steps=1))
    urls = open_urls(source, text_column)
    made_from = {"input": urls.digest, "text column": urls.column, "model": model}
    with Part(target, made_from, resume, overwrite) as part:
        before = part.done.rows
        rows = islice(urls.read(), before, None)
        while chunk := list(islice(rows, CHUNK)):
            part.append(*_classified(chunk, predictor, part.done, urls.rows, report))
            report(_progress(part.done.rows, urls.rows))
        if part.done.rows != urls.rows:
            raise DataError(f"{source} changed while it was read. Begin anew with --overwrite.")
        part.finish()
        done = part.done
    for note in (*urls.notes, *_without_verdict(done)):
        report(Notice(text=note))
    seconds = time.perf_counter() - start
    skipped = done.empty + done.too_long + done.malformed
    return Summary(done.rows, done.not_safe, skipped, seconds, (done.rows - before) / seconds)


def check_target(source: Path, target: Path, overwrite: bool) -> None:
    """Raises ResourceError unless a table may be written to `target`: a new file, or any with `overwrite`."""
    if target.suffix.lower() not in parts.SUFFIXES:
        raise ResourceError(f"{target} is neither .csv nor .parquet. Give the output one of these endings.")
    if target.is_dir():
        raise ResourceError(f"{target} is a folder. Give a file.")
    if target.resolve() == source.resolve():
        raise ResourceError(f"{target} is what is read. Give another file to write to.")
    if target.exists() and not overwrite:
        raise ResourceError(f"{target} exists already. Give another file, or --overwrite to replace it.")


def _classified(
    chunk: Sequence[Row], predictor: Predictor, done: Done, rows: int, report: Report
) -> tuple[list[Verdict], Done]:
    """A verdict for each row, each text computed once, and what is done with them."""

    def on_the_way(step: int, steps: int) -> None:
        report(_progress(done.rows + len(chunk) * step // steps, rows))

    usable = [row.text.strip() if row.fits and len(row.text) <= MAX_CELL else "" for row in chunk]
    texts = list(dict.fromkeys(filter(None, usable)))
    found = dict(zip(texts, map(float, predictor.probabilities(texts, on_the_way)), strict=True)) if texts else {}
    verdicts = [
        Verdict(row.text[:MAX_CELL], label_of(found[text]) if text else None, found.get(text))
        for row, text in zip(chunk, usable, strict=True)
    ]
    fitting = [row.text for row in chunk if row.fits]
    too_long = sum(len(text) > MAX_CELL for text in fitting)
    return verdicts, replace(
        done,
        rows=done.rows + len(chunk),
        not_safe=done.not_safe + sum(found[text] >= THRESHOLD for text in usable if text),
        too_long=done.too_long + too_long,
        malformed=done.malformed + len(chunk) - len(fitting),
        empty=done.empty + usable.count("") - too_long - (len(chunk) - len(fitting)),
    )


def _progress(step: int, steps: int) -> Progress:
    return Progress(stage=_STAGE, doing="Classifying", step=step, steps=steps)


def _without_verdict(done: Done) -> tuple[str, ...]:
    """A sentence about the rows that got no verdict, if there are any."""
    reasons = {
        "without a URL": done.empty,
        f"with more than {MAX_CELL:,} characters": done.too_long,
        "not as long as the header": done.malformed,
    }
    if not (skipped := sum(reasons.values())):
        return ()
    why = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items() if count)
    return (f"{skipped:,} {'rows have' if skipped > 1 else 'row has'} no verdict: {why}.",)

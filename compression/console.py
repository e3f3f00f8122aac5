"""What the command line shows: events as a progress bar or plain lines, results as tables."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from compression import events
from compression.events import Event, Report
from compression.measure.sensitivity import Sensitivity
from compression.predict.runtime import Runtime
from compression.result import Metrics, Result

_PLAIN_INTERVAL = 5.0  # seconds between two lines about the same stage


@contextmanager
def reporting() -> Iterator[Report]:
    """A `report` that shows a run on standard error: a bar on a terminal, plain lines anywhere else."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _PlainLines()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield _Bar(progress)


def describe(event: Event) -> str | None:
    """One line about an event, or None for those that only move a bar."""
    match event:
        case events.RunStarted():
            return f"Running on {event.device}: {' → '.join(event.stages)}"
        case events.EpochEnded():
            against = f", teacher {event.teacher.accuracy:.4f}" if event.teacher else ""
            return f"Epoch {event.epoch} of {event.epochs}: validation accuracy {event.student.accuracy:.4f}{against}"
        case events.StageEnded():
            size = f", {event.report.size_bytes / 1e6:.1f} MB" if event.report.size_bytes else ""
            return f"{event.report.name}: done in {event.report.seconds:.1f} s{size}"
        case events.Notice():
            return f"Note: {event.text}"
        case _:
            return None


def result_table(result: Result) -> Table:
    """The models of a run side by side, measured on the test split."""
    table = Table(title=f"Test split, {result.environment.device}" + (" (reused result)" if result.reused else ""))
    for name in (
        "model",
        "parameters",
        "MB",
        "times smaller",
        "accuracy",
        "precision",
        "recall",
        "F1",
        "ROC AUC",
        "ms p50",
    ):
        table.add_column(name, justify="left" if name == "model" else "right")
    largest = result.models["teacher"].size_bytes
    for name, model in result.models.items():
        table.add_row(
            name,
            f"{model.parameters:,}",
            f"{model.size_bytes / 1e6:.2f}",
            f"{largest / model.size_bytes:.1f}",
            *_figures(model.metrics["test"]),
            f"{model.latency_ms.p50:.1f}",
        )
    return table


def metrics_table(title: str, metrics: Metrics) -> Table:
    """One model's metrics on one split."""
    table = Table(title=title)
    for name in ("accuracy", "precision", "recall", "F1", "ROC AUC", "URLs"):
        table.add_column(name, justify="right")
    table.add_row(*_figures(metrics), f"{metrics.examples:,}")
    return table


def _figures(metrics: Metrics) -> list[str]:
    values = (metrics.accuracy, metrics.precision, metrics.recall, metrics.f1, metrics.roc_auc)
    return ["–" if value is None else f"{value:.4f}" for value in values]


def sensitivity_table(rows: Sequence[Sensitivity]) -> Table:
    """How much worse a model gets with one part of it pruned or rounded, a row a part."""
    table = Table(title=f"One part changed at a time; loss {rows[0].baseline_loss:.4f} without" if rows else "")
    for name in ("part", "change", "loss", "more loss", "accuracy", "kB saved"):
        table.add_column(name, justify="left" if name in ("part", "change") else "right")
    for row in rows:
        more = row.loss - row.baseline_loss
        saved = f"{row.saved_bytes / 1e3:,.0f}"
        table.add_row(row.part, row.kind, f"{row.loss:.4f}", f"{more:+.4f}", f"{row.accuracy:.4f}", saved)
    return table


def bytes_table(rows: Sequence[tuple[str, int]]) -> Table:
    """Sizes after each step, and how many times smaller than the first."""
    table = Table(title="The article's models, from configs alone")
    table.add_column("step")
    for name in ("MB", "times smaller"):
        table.add_column(name, justify="right")
    for step, size in rows:
        table.add_row(step, f"{size / 1e6:.2f}", f"{rows[0][1] / size:.1f}")
    return table


def runtime_table(model: str, runtime: Runtime) -> Table:
    """What was measured of each runtime, the chosen one marked, and on what CPU."""
    table = Table(title=f"{model} on {runtime.cpu} ({', '.join(runtime.cpu_flags)})", min_width=100)
    table.add_column("runtime")
    table.add_column("ms p50", justify="right")
    for name, p50 in sorted(runtime.p50_ms.items(), key=lambda item: item[1]):
        table.add_row(name, f"{p50:.2f}")
    table.caption = f"{runtime.name}: {runtime.reason}"
    if runtime.difference is not None:
        table.caption += (
            f" On {runtime.texts} URLs no probability differs by more than {runtime.difference:.4f} between the two, "
            f"and {runtime.flipped} verdicts."
        )
    return table


class _Bar:
    """Draws events on a rich progress bar."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("Starting", total=None)

    def __call__(self, event: Event) -> None:
        match event:
            case events.StageStarted():
                self._progress.reset(self._task, description=event.stage, total=None)
            case events.Progress():
                self._progress.update(self._task, description=event.doing, completed=event.step, total=event.steps)
            case events.TrainingStep():
                text = f"{event.stage}: loss {event.loss:.3f}"
                self._progress.update(self._task, description=text, completed=event.step, total=event.steps)
            case _ if line := describe(event):
                self._progress.console.print(line, highlight=False, markup=False)


class _PlainLines:
    """Writes events as lines, at most one every few seconds while a stage goes on."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, event: Event) -> None:
        line = describe(event)
        if line is None and time.monotonic() - self._last >= _PLAIN_INTERVAL:
            match event:
                case events.Progress():
                    line = f"{event.doing}: {event.step} of {event.steps}"
                case events.TrainingStep():
                    line = f"{event.stage}: step {event.step} of {event.steps}, loss {event.loss:.3f}"
        if line is not None:
            self._last = time.monotonic()
            print(line, file=sys.stderr, flush=True)

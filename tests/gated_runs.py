"""A pipeline that stops at a gate, and a server to run it on."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from compression.config import RunConfig
from compression.events import EpochEnded, Notice, Report, RunStarted, StageEnded, StageStarted, TrainingStep
from compression.result import Environment, Latency, Metrics, ModelReport, Result, StageReport
from compression.runs import Runs, RunStore, Snapshot

PATIENCE_S = 30.0
Pipeline = Callable[[RunConfig, Report, Path], Result]
METRICS = Metrics(
    accuracy=0.9, precision=None, recall=0.9, f1=0.9, roc_auc=0.95, examples=10, confusion=((4, 1), (0, 5))
)
LOADED = StageReport(name="load", seconds=0.1, parameters=None, size_bytes=None, validation=None)


def result(config: RunConfig) -> Result:
    environment = Environment(
        python="3.11",
        packages={},
        device="cpu",
        cpu="a CPU",
        cpu_flags=["avx2"],
        threads=2,
        created="2026-01-01T00:00:00Z",
    )
    model = ModelReport(
        parameters=5,
        size_bytes=20,
        size_stored_bytes=20,
        metrics={"validation": METRICS, "test": METRICS},
        latency_ms=Latency(p50=1.5, p95=2.25),
        folder="models/student",
    )
    return Result(config=config, environment=environment, stages=[], models={"student": model})


def until(true: Callable[[], object], seconds: float = PATIENCE_S) -> None:
    """Returns when it is true."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def training(step: int, loss: float = 0.1, epoch: int = 1) -> TrainingStep:
    return TrainingStep(stage="distill", step=step, steps=9, epoch=epoch, loss=loss, soft_loss=loss, hard_loss=loss)


class Gated:
    """A pipeline that leaves a file, reports, waits at its gate, and reports again."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.seeds: list[int] = []
        self._reached = threading.Semaphore(0)
        self._gate = threading.Semaphore(0)

    def __call__(self, config: RunConfig, report: Report, folder: Path) -> Result:
        self.seeds.append(config.seed)
        (folder / "weights").write_bytes(b"weights")
        report(RunStarted(device="CPU", stages=("load",)))
        self._reached.release()
        assert self._gate.acquire(timeout=PATIENCE_S)
        report(Notice(text="Past the gate."))
        if self.error is not None:
            raise self.error
        return result(config)

    def reached(self) -> None:
        """Returns when a run stands at the gate."""
        assert self._reached.acquire(timeout=PATIENCE_S)

    def open(self, runs: int = 1) -> None:
        """Lets so many runs pass."""
        self._gate.release(runs)


class Stepping:
    """A pipeline that trains for three epochs of three steps, leaves each epoch behind, and goes on from what it finds.

    It calls `at(step)` after each step; `computed` are the steps of all attempts.
    """

    def __init__(self, at: Callable[[int], None] = lambda step: None) -> None:
        self.at = at
        self.computed: list[int] = []

    def __call__(self, config: RunConfig, report: Report, folder: Path) -> Result:
        checkpoint = folder / "checkpoint.json"
        done = int(checkpoint.read_text()) if checkpoint.exists() else 0
        report(RunStarted(device="CPU", stages=("load", "distill")))
        report(StageStarted(stage="load"))
        report(Notice(text="Two rows were skipped."))
        report(StageEnded(report=LOADED))
        report(StageStarted(stage="distill"))
        for step in range(done + 1, 10):
            epoch = (step + 2) // 3
            report(training(step, loss=1 / step, epoch=epoch))
            self.computed.append(step)
            self.at(step)
            if step % 3 == 0:
                report(EpochEnded(stage="distill", epoch=epoch, epochs=3, student=METRICS))
                checkpoint.write_text(str(step))
        (folder / "weights").write_bytes(b"weights of nine steps")
        return result(config)


class Server:
    """Runs on a home; several on one home, one after the other, are an app that is restarted."""

    def __init__(self, home: Path, *pipelines: Pipeline, **options: Any) -> None:
        self.store = RunStore(home)
        self.runs = Runs(self.store, *pipelines, **options)
        self.runs.start()

    def submit(self, owner: str = "ann", seed: int = 0) -> str:
        return self.runs.submit(RunConfig(seed=seed), owner)

    def see(self, run_id: str) -> Snapshot:
        seen = self.runs.snapshot(run_id)
        assert seen is not None
        return seen

    def ended(self, run_id: str) -> Snapshot:
        seen = self.runs.wait(run_id, PATIENCE_S)
        assert seen is not None
        assert seen.ended is not None
        return seen

    def stop(self) -> None:
        self.runs.stop(PATIENCE_S)
        self.store.close()


Serve = Callable[..., Server]

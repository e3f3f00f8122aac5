"""The life of a run, with a pipeline that stops at a gate instead of training."""

import contextvars
import errno
import logging
import math
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from compression.config import RunConfig
from compression.errors import DataError, ResourceError, StorageError
from compression.events import EpochEnded, Notice, Progress, Report, RunStarted, StageEnded, StageStarted, TrainingStep
from compression.recipe import parse
from compression.result import Environment, Latency, Metrics, ModelReport, Result, StageReport
from compression.runs import Runs, RunStore, Snapshot
from compression.runs import store as store_module

PATIENCE_S = 30.0
METRICS = Metrics(
    accuracy=0.9, precision=None, recall=0.9, f1=0.9, roc_auc=0.95, examples=10, confusion=((4, 1), (0, 5))
)


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


def training(step: int, loss: float = 0.1) -> TrainingStep:
    return TrainingStep(stage="distill", step=step, steps=9, epoch=1, loss=loss, soft_loss=loss, hard_loss=loss)


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


class Server:
    """Runs on a home; several on one home, one after the other, are an app that is restarted."""

    def __init__(self, home: Path, pipeline: Callable[[RunConfig, Report, Path], Result], **limits: int) -> None:
        self.store = RunStore(home)
        self.runs = Runs(self.store, pipeline, **limits)
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


@pytest.fixture
def gated() -> Iterator[Gated]:
    pipeline = Gated()
    yield pipeline
    pipeline.open(100)


@pytest.fixture
def serve(tmp_path: Path, gated: Gated) -> Iterator[Serve]:
    """Starts a server, on one home unless told otherwise; all are stopped in the end."""
    servers: list[Server] = []

    def start(pipeline: Callable[[RunConfig, Report, Path], Result] = gated, **limits: int) -> Server:
        servers.append(Server(tmp_path / "home", pipeline, **limits))
        return servers[-1]

    yield start
    gated.open(100)
    for server in servers:
        server.stop()


def test_a_run_is_queued_runs_and_succeeds(serve: Serve, gated: Gated) -> None:
    server = serve()
    run_id = server.submit(seed=7)
    gated.reached()
    running = server.see(run_id)
    assert (running.status, running.device, running.ahead) == ("running", "CPU", 0)
    assert server.see(run_id) == running, "looking changes nothing"
    gated.open()
    ended = server.ended(run_id)
    assert (ended.status, ended.error, ended.notices) == ("succeeded", None, ("Past the gate.",))
    assert ended.result == result(RunConfig(seed=7))
    assert ended.revision == running.revision + 2, "one notice, one change of status"
    assert ended.created is not None
    assert ended.started is not None
    assert ended.ended is not None
    assert ended.created <= ended.started <= ended.ended
    assert (server.runs.folder(run_id) / "weights").exists()


def test_runs_go_in_the_order_they_came(serve: Serve, gated: Gated) -> None:
    server = serve()
    ids = [server.submit(owner, seed) for seed, owner in enumerate(("ann", "bob", "cyd"))]
    gated.reached()
    assert [server.see(run_id).ahead for run_id in ids] == [0, 1, 2]
    assert [server.see(run_id).status for run_id in ids] == ["running", "queued", "queued"]
    gated.open()
    gated.reached()
    assert [server.see(run_id).ahead for run_id in ids] == [0, 0, 1]
    gated.open(2)
    assert {server.ended(run_id).status for run_id in ids} == {"succeeded"}
    assert gated.seeds == [0, 1, 2]


def test_a_running_run_is_cancelled_at_its_next_report(serve: Serve, gated: Gated) -> None:
    server = serve()
    run_id = server.submit()
    gated.reached()
    server.runs.cancel(run_id, "ann")
    assert server.see(run_id).status == "running"
    gated.open()
    ended = server.ended(run_id)
    assert (ended.status, ended.error, ended.notices) == ("cancelled", None, ())
    assert not server.runs.folder(run_id).exists()


def test_a_queued_run_is_cancelled_at_once_and_never_runs(serve: Serve, gated: Gated) -> None:
    server = serve()
    _, second, third = (server.submit(seed=seed) for seed in range(3))
    gated.reached()
    server.runs.cancel(second, "ann")
    assert server.see(second).status == "cancelled"
    assert server.see(third).ahead == 1
    gated.open(2)
    server.ended(third)
    assert gated.seeds == [0, 2]


def test_cancelling_a_run_that_has_ended_changes_nothing(serve: Serve, gated: Gated) -> None:
    server = serve()
    run_id = server.submit()
    gated.open()
    ended = server.ended(run_id)
    server.runs.cancel(run_id, "ann")
    assert server.see(run_id) == ended


class OutOfMemoryError(RuntimeError):
    """Named as torch's."""


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (DataError("The file has no column of URLs."), "The file has no column of URLs."),
        (MemoryError(), "smaller batch size"),
        (OutOfMemoryError("CUDA"), "smaller batch size"),
        (OSError(errno.ENOSPC, "No space left on device"), "The disk is full."),
        (KeyError("secret detail"), "Something went wrong"),
    ],
)
def test_a_failure_is_told_in_a_sentence(
    serve: Serve, error: Exception, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "compression")
    failing = Gated(error)
    failing.open()
    server = serve(failing)
    run_id = server.submit()
    ended = server.ended(run_id)
    assert ended.status == "failed"
    assert ended.error is not None
    assert sentence in ended.error
    assert "secret" not in ended.error
    assert not server.runs.folder(run_id).exists()


def test_a_bug_is_explained_in_the_log_and_the_next_run_gets_its_turn(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    failing = Gated(KeyError("secret detail"))
    failing.open(2)
    server = serve(failing)
    first, second = server.submit(), server.submit()
    assert {server.ended(first).status, server.ended(second).status} == {"failed"}
    assert first in caplog.text
    assert "secret detail" in caplog.text


def test_two_visitors_have_each_their_own_runs(serve: Serve, gated: Gated) -> None:
    server = serve()
    anns, bobs, anns_second = server.submit("ann"), server.submit("bob"), server.submit("ann")
    assert [seen.run_id for seen in server.runs.owned("ann")] == [anns_second, anns]
    assert [seen.run_id for seen in server.runs.owned("bob")] == [bobs]
    assert server.runs.owned("cyd") == []
    assert "ann" not in repr(server.see(anns)), "the owner's id is a credential"


def test_only_the_owner_may_cancel_or_delete(serve: Serve, gated: Gated) -> None:
    server = serve()
    run_id = server.submit("ann")
    gated.reached()
    with pytest.raises(StorageError, match="another visitor"):
        server.runs.cancel(run_id, "bob")
    gated.open()
    assert server.ended(run_id).status == "succeeded"
    with pytest.raises(StorageError, match="another visitor"):
        server.runs.delete(run_id, "bob")
    assert server.see(run_id).status == "succeeded"


def test_an_unknown_id_is_no_run(serve: Serve) -> None:
    server = serve()
    assert server.runs.snapshot("unknown") is None
    for act in (server.runs.cancel, server.runs.delete):
        with pytest.raises(StorageError, match="no longer exists"):
            act("unknown", "ann")
    for outside in ("../home", "/etc", "..", ""):
        with pytest.raises(StorageError, match="not the id of a run"):
            server.runs.folder(outside)


def test_a_visitor_without_an_id_cannot_submit(serve: Serve) -> None:
    with pytest.raises(StorageError, match="Reload"):
        serve().submit("")


def test_an_owner_has_one_run_going_and_two_waiting_at_most(serve: Serve, gated: Gated) -> None:
    server = serve()
    ids = [server.submit("ann") for _ in range(3)]
    with pytest.raises(ResourceError, match="2 runs waiting"):
        server.submit("ann")
    server.submit("bob")
    server.runs.cancel(ids[-1], "ann")
    server.submit("ann")


def test_the_queue_is_bounded(serve: Serve, gated: Gated) -> None:
    server = serve(waiting=2)
    for owner in ("ann", "bob", "cyd"):
        server.submit(owner)
    with pytest.raises(ResourceError, match="2 runs are waiting"):
        server.submit("dan")


def test_a_finished_run_survives_a_restart(serve: Serve, gated: Gated) -> None:
    server = serve()
    run_id = server.submit(seed=3)
    gated.open()
    before = server.ended(run_id)
    server.stop()
    again = serve()
    assert again.see(run_id) == before
    assert again.runs.owned("ann") == [before]
    assert (again.runs.folder(run_id) / "weights").exists()


KILLED = """
import os, sys
from pathlib import Path
from compression.config import RunConfig
from compression.events import Progress, StageStarted
from compression.runs import Runs, RunStore

def pipeline(config, report, folder):
    (folder / "weights").write_bytes(b"weights")
    report(StageStarted(stage="load"))
    for step in range(5):
        report(Progress(stage="load", doing="Reading", step=step, steps=9))
    print(runs.snapshot(first).revision, flush=True)
    os._exit(0)

runs = Runs(RunStore(Path(sys.argv[1])), pipeline)
first = runs.submit(RunConfig(), "ann")
print(first, runs.submit(RunConfig(), "ann"), flush=True)
runs.start()
runs.wait(first, 60)
"""


def test_runs_cut_off_by_the_end_of_the_process_are_interrupted(serve: Serve, tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path / "home")],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    running, queued, revision = killed.stdout.split()
    server = serve()
    for run_id in (running, queued):
        seen = server.see(run_id)
        assert seen.status == "interrupted"
        assert seen.error is not None
        assert "Press Run" in seen.error
        assert seen.created is not None
        assert seen.ended is not None
        assert seen.ended >= seen.created
        assert not server.runs.folder(run_id).exists()
    assert server.see(running).stage == "load"
    assert server.see(running).revision > int(revision), "a page that was open draws anew"
    server.runs.delete(running, "ann")
    assert [seen.run_id for seen in server.runs.owned("ann")] == [queued]


def test_stopping_the_server_interrupts_the_run(serve: Serve, gated: Gated) -> None:
    server = serve()
    run_id = server.submit()
    gated.reached()
    server.runs.stop(0)
    gated.open()
    assert server.ended(run_id).status == "interrupted"


def test_delete_removes_a_run_and_its_files(serve: Serve, gated: Gated) -> None:
    server = serve()
    run_id, kept = server.submit(), server.submit()
    gated.reached()
    for unfinished in (run_id, kept):
        with pytest.raises(StorageError, match="Cancel it first"):
            server.runs.delete(unfinished, "ann")
    gated.open(2)
    server.ended(kept)
    server.runs.delete(run_id, "ann")
    assert server.runs.snapshot(run_id) is None
    assert not server.runs.folder(run_id).exists()
    assert [seen.run_id for seen in server.runs.owned("ann")] == [kept]
    assert (server.runs.folder(kept) / "weights").exists()


def test_delete_never_follows_a_link(serve: Serve, gated: Gated, tmp_path: Path) -> None:
    server = serve()
    run_id = server.submit()
    gated.open()
    server.ended(run_id)
    precious = tmp_path / "precious"
    server.runs.folder(run_id).rename(precious)
    server.runs.folder(run_id).symlink_to(precious)
    server.runs.delete(run_id, "ann")
    assert not server.runs.folder(run_id).is_symlink()
    assert (precious / "weights").exists()


def test_a_run_looks_the_same_live_and_after_a_restart(serve: Serve) -> None:
    reported, gate = threading.Event(), threading.Event()

    def pipeline(config: RunConfig, report: Report, folder: Path) -> Result:
        report(RunStarted(device="CPU", stages=("load", "distill")))
        report(StageStarted(stage="load"))
        for step in range(1, 301):
            report(Progress(stage="load", doing="Reading", step=step, steps=300))
        report(
            StageEnded(report=StageReport(name="load", seconds=0.1, parameters=None, size_bytes=None, validation=None))
        )
        report(StageStarted(stage="distill"))
        for step in range(1, 2_501):
            report(training(step, loss=1 / step))
        report(EpochEnded(stage="distill", epoch=1, epochs=1, student=METRICS))
        report(Notice(text="Done."))
        reported.set()
        assert gate.wait(PATIENCE_S)
        return result(config)

    server = serve(pipeline)
    run_id = server.runs.submit(parse({"student": {"init": "random", "layers": 1}, "quantization": "fp16"}), "ann")
    assert reported.wait(PATIENCE_S)
    live = server.see(run_id)
    gate.set()
    ended = server.ended(run_id)
    server.stop()
    assert live.revision == 2 + 2_806
    assert 200 <= len(live.curve) <= 400
    assert live.curve[-1].step == 2_500
    same = {name: getattr(ended, name) for name in ("status", "ended", "result")}
    assert ended == replace(live, **same, revision=live.revision + 1, eta_seconds=None)
    assert serve(pipeline).see(run_id) == ended


def test_a_long_training_stays_small_on_disk_and_loses_no_stage(serve: Serve, tmp_path: Path) -> None:
    def pipeline(config: RunConfig, report: Report, folder: Path) -> Result:
        for stage in ("load", "distill"):
            report(StageStarted(stage=stage))
            for step in range(1, 1_001):
                report(Progress(stage=stage, doing="Reading", step=step, steps=1_000))
        for step in range(1, 5_001):
            report(training(step))
        return result(config)

    server = serve(pipeline)
    server.ended(server.submit())
    server.stop()
    connection = sqlite3.connect(tmp_path / "home" / "runs.sqlite3")
    kinds = [kind for (kind,) in connection.execute("SELECT json_extract(event, '$.kind') FROM events")]
    connection.close()
    assert kinds.count("stage-started") == 2
    assert len(kinds) <= 2 + 400


def test_a_loss_that_diverged_is_shown_as_it_was(serve: Serve) -> None:
    def pipeline(config: RunConfig, report: Report, folder: Path) -> Result:
        report(training(1, math.nan))
        report(training(2, math.inf))
        return result(config)

    server = serve(pipeline)
    ended = server.ended(server.submit())
    assert math.isnan(ended.curve[0].loss)
    assert ended.curve[1].loss == math.inf


def test_the_pipeline_runs_in_the_context_of_its_visitor(serve: Serve) -> None:
    visitor: contextvars.ContextVar[str] = contextvars.ContextVar("visitor", default="nobody")

    def pipeline(config: RunConfig, report: Report, folder: Path) -> Result:
        report(Notice(text=visitor.get()))
        return result(config)

    server = serve(pipeline)
    ids = []
    for name in ("ann", "bob"):
        context = contextvars.copy_context()
        context.run(visitor.set, name)
        ids.append(context.run(server.submit, name))
    assert [server.ended(run_id).notices for run_id in ids] == [("ann",), ("bob",)]


def test_a_run_whose_end_cannot_be_written_ends_all_the_same(
    serve: Serve, gated: Gated, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise StorageError("The disk is full.")

    server = serve()
    run_id, second = server.submit(), server.submit()
    gated.reached()
    monkeypatch.setattr(server.store, "save", full)
    gated.open()
    ended = server.ended(run_id)
    assert (ended.status, ended.error) == ("failed", "The disk is full.")
    assert run_id in caplog.text
    assert server.ended(second).status == "failed", "the worker goes on"
    monkeypatch.undo()
    server.runs.delete(run_id, "ann")
    assert server.runs.snapshot(run_id) is None


def test_a_broken_database_is_moved_aside(serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "runs.sqlite3").write_bytes(b"this was a database once " * 400)
    server = serve()
    assert server.runs.owned("ann") == []
    (aside,) = home.glob("runs.sqlite3.broken-*")
    assert aside.read_bytes().startswith(b"this was a database once")
    assert aside.name in caplog.text


def test_a_damaged_page_of_the_database_is_noticed(serve: Serve, gated: Gated, tmp_path: Path) -> None:
    server = serve()
    gated.open()
    server.ended(server.submit())
    server.stop()
    path = tmp_path / "home" / "runs.sqlite3"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    assert serve().runs.owned("ann") == []
    assert list(path.parent.glob("runs.sqlite3.broken-*"))


def test_a_run_that_this_version_cannot_read_is_left_out(serve: Serve, gated: Gated, tmp_path: Path) -> None:
    server = serve()
    gated.open(2)
    old, new = server.submit(), server.submit()
    server.ended(new)
    server.stop()
    connection = sqlite3.connect(tmp_path / "home" / "runs.sqlite3")
    with connection:
        connection.execute("UPDATE runs SET config = '{\"gone\": 1}' WHERE run_id = ?", (old,))
    connection.close()
    again = serve()
    assert again.runs.snapshot(old) is None
    assert [seen.run_id for seen in again.runs.owned("ann")] == [new]


def test_a_database_of_a_newer_version_is_left_alone(serve: Serve, tmp_path: Path) -> None:
    serve().stop()
    path = tmp_path / "home" / "runs.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    with pytest.raises(StorageError, match="newer version"):
        serve()
    assert not list(path.parent.glob("*.broken-*"))


def test_a_home_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"file/home.*COMPRESSION_HOME"):
        RunStore(tmp_path / "file" / "home")
    (tmp_path / "home" / "runs.sqlite3").mkdir(parents=True)
    with pytest.raises(StorageError, match=r"runs\.sqlite3.*COMPRESSION_HOME"):
        RunStore(tmp_path / "home")


def test_a_read_only_home_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    RunStore(tmp_path).close()
    connect = sqlite3.connect

    def read_only(path: Path, **options: object) -> sqlite3.Connection:
        return connect(f"file:{path}?mode=ro", uri=True)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    with pytest.raises(StorageError, match=r"runs\.sqlite3 \(.+COMPRESSION_HOME"):
        RunStore(tmp_path)


def test_a_home_in_use_by_another_process_is_refused(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve()
    monkeypatch.setattr(store_module, "_PATIENCE_S", 0.0)
    with pytest.raises(StorageError, match="Another copy of this app"):
        RunStore(tmp_path / "home")

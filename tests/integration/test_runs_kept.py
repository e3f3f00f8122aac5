"""What is kept of runs: over a restart, on disk, and in a database that others may have damaged."""

import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from gated_runs import METRICS, PATIENCE_S, Gated, Serve, result, training

from compression.config import RunConfig
from compression.errors import StorageError
from compression.events import EpochEnded, Notice, Progress, Report, RunStarted, StageEnded, StageStarted
from compression.recipe import parse
from compression.result import Result, StageReport
from compression.runs import RunStore, database


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
print(first, runs.submit(RunConfig(seed=1), "ann"), flush=True)
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
        assert "Press Resume" in seen.error
        assert seen.created is not None
        assert seen.ended is not None
        assert seen.ended >= seen.created
    assert (server.runs.folder(running) / "weights").exists(), "the next attempt goes on from it"
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
    server = serve(undo_seconds=0)
    run_id, kept = server.submit(), server.submit(seed=1)
    gated.reached()
    for unfinished in (run_id, kept):
        with pytest.raises(StorageError, match="Cancel it first"):
            server.runs.delete(unfinished, "ann")
    gated.open(2)
    server.ended(kept)
    folder = server.runs.folder(run_id)
    server.runs.delete(run_id, "ann")
    assert server.runs.snapshot(run_id) is None
    assert not folder.exists()
    assert [seen.run_id for seen in server.runs.owned("ann")] == [kept]
    assert (server.runs.folder(kept) / "weights").exists()


def test_delete_never_follows_a_link(serve: Serve, gated: Gated, tmp_path: Path) -> None:
    server = serve(undo_seconds=0)
    run_id = server.submit()
    gated.open()
    server.ended(run_id)
    precious, folder = tmp_path / "precious", server.runs.folder(run_id)
    folder.rename(precious)
    folder.symlink_to(precious)
    server.runs.delete(run_id, "ann")
    assert not folder.is_symlink()
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
    same = {name: getattr(ended, name) for name in ("status", "ended", "result", "size_bytes")}
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
    old, new = server.submit(), server.submit(seed=1)
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
    monkeypatch.setattr(database, "_PATIENCE_S", 0.0)
    with pytest.raises(StorageError, match="Another copy of this app"):
        RunStore(tmp_path / "home")

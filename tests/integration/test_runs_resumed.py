"""A run that was cut off or failed keeps what it has, and goes on from there as if nothing had been."""

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
from gated_runs import PATIENCE_S, Gated, Serve, Server, Stepping

from compression.config import RunConfig
from compression.errors import ConfigError, ResourceError, StorageError
from compression.events import Report
from compression.result import Result
from compression.runs import Snapshot, folders
from compression.settings import Limits


def shown(seen: Snapshot) -> tuple[Any, ...]:
    """What a visitor sees of a run's way, whenever and however often it went there."""
    return seen.status, seen.curve, seen.epochs, seen.stage_reports, seen.notices, seen.result, seen.error


@pytest.fixture
def undisturbed(tmp_path: Path) -> Snapshot:
    server = Server(tmp_path / "undisturbed", Stepping())
    ended = server.ended(server.submit())
    server.stop()
    return ended


def test_a_process_killed_at_any_step_loses_nothing_that_it_left(
    serve: Serve, tmp_path: Path, undisturbed: Snapshot
) -> None:
    """The home is copied at each step, as a kill would leave it: what the process has not written is not in it."""

    def copy(step: int) -> None:
        shutil.copytree(tmp_path / "home", tmp_path / f"killed at {step}")

    server = serve(Stepping(copy))
    run_id = server.submit()
    server.ended(run_id)
    for step in range(1, 10):
        pipeline = Stepping()
        again = Server(tmp_path / f"killed at {step}", pipeline)
        cut_off = again.see(run_id)
        assert cut_off.status == "interrupted"
        assert len(cut_off.epochs) == (step - 1) // 3
        again.runs.resume(run_id, "ann")
        ended, folder = again.ended(run_id), again.runs.folder(run_id)
        again.stop()
        assert shown(ended) == shown(undisturbed)
        assert ended.revision > cut_off.revision
        assert pipeline.computed == list(range((step - 1) // 3 * 3 + 1, 10)), "it goes on from the last epoch"
        assert (folder / "weights").exists()


def test_stopping_and_resuming_in_one_process_shows_each_step_once(serve: Serve, undisturbed: Snapshot) -> None:
    at, reached, go_on = 5, threading.Event(), threading.Event()

    def pause(step: int) -> None:
        if step == at and not reached.is_set():
            reached.set()
            assert go_on.wait(PATIENCE_S)

    server = serve(Stepping(pause))
    run_id = server.submit()
    assert reached.wait(PATIENCE_S)
    stopping = threading.Thread(target=server.runs.stop, args=(PATIENCE_S,))
    stopping.start()
    go_on.set()
    stopping.join()
    cut_off = server.see(run_id)
    assert (cut_off.status, cut_off.curve[-1].step) == ("interrupted", at)
    server.runs.resume(run_id, "ann")
    queued = server.see(run_id)
    assert (queued.status, queued.error, queued.ended) == ("queued", None, None)
    assert queued.curve == cut_off.curve, "what was done is seen while it waits"
    server.runs.start()
    assert shown(server.ended(run_id)) == shown(undisturbed)
    server.stop()
    assert shown(serve(Stepping()).see(run_id)) == shown(undisturbed), "and after a restart"


def test_a_run_that_never_reports_is_interrupted_in_time_all_the_same(serve: Serve) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def deaf(config: RunConfig, report: Report, folder: Path) -> Result:
        reached.set()
        assert go_on.wait(PATIENCE_S)
        raise KeyError("what it does then is of no interest")

    server = serve(deaf)
    run_id = server.submit()
    assert reached.wait(PATIENCE_S)
    server.runs.stop(0.01)
    assert server.see(run_id).status == "interrupted"
    seen = server.see(run_id)
    go_on.set()
    server.runs.stop(PATIENCE_S)
    assert server.see(run_id) == seen


def test_a_failed_run_keeps_what_it_made_and_can_be_resumed(serve: Serve) -> None:
    def fail_once(step: int) -> None:
        if step == 4 and pipeline.computed.count(4) == 1:
            raise MemoryError

    pipeline = Stepping(fail_once)
    server = serve(pipeline)
    run_id = server.submit()
    failed = server.ended(run_id)
    assert (failed.status, failed.size_bytes) == ("failed", 1)
    server.runs.resume(run_id, "ann")
    assert server.ended(run_id).status == "succeeded"
    assert pipeline.computed == [1, 2, 3, 4, 4, 5, 6, 7, 8, 9]


def test_a_resumed_run_that_is_cancelled_leaves_no_files(serve: Serve, gated: Gated) -> None:
    server = serve()
    run_id = server.submit()
    gated.reached()
    server.runs.stop(0)
    folder = server.runs.folder(run_id)
    gated.open()
    server.runs.stop(PATIENCE_S)
    assert (folder / "weights").exists()
    server.runs.resume(run_id, "ann")
    server.runs.cancel(run_id, "ann")
    assert server.see(run_id).status == "cancelled"
    assert not folder.exists()


@pytest.mark.parametrize("status", ["succeeded", "cancelled"])
def test_what_has_come_to_its_end_is_not_resumed(serve: Serve, gated: Gated, status: str) -> None:
    server = serve()
    run_id = server.submit()
    gated.reached()
    server.runs.resume(run_id, "ann")  # it is going on: nothing to do
    if status == "cancelled":
        server.runs.cancel(run_id, "ann")
    gated.open()
    assert server.ended(run_id).status == status
    with pytest.raises(StorageError, match=r"failed or was interrupted.*Press Run"):
        server.runs.resume(run_id, "ann")


def interrupted(server: Server, gated: Gated, seeds: int = 1) -> list[str]:
    """The ids of runs that were cut off when the server was stopped; it goes again."""
    ids = [server.submit(seed=seed) for seed in range(seeds)]
    gated.reached()
    server.runs.stop(0)
    gated.open()
    server.runs.stop(PATIENCE_S)
    return ids


def test_only_the_owner_resumes_within_the_limits_and_if_there_is_room(serve: Serve, gated: Gated) -> None:
    server = serve(limits=Limits(waiting=1))
    (run_id,) = interrupted(server, gated)
    with pytest.raises(StorageError, match="another visitor"):
        server.runs.resume(run_id, "bob")
    with pytest.raises(StorageError, match="no longer exists"):
        server.runs.resume("unknown", "ann")
    for seed in (5, 6):
        server.submit(seed=seed)
    with pytest.raises(ResourceError, match="1 runs waiting already"):
        server.runs.resume(run_id, "ann")
    assert server.see(run_id).status == "interrupted"
    server.stop()
    strict = serve(limits=Limits(epochs=1))
    with pytest.raises(ConfigError, match="this host allows 1"):
        strict.runs.resume(run_id, "ann")


def test_a_recipe_that_is_going_on_already_is_not_resumed_beside_it(serve: Serve, gated: Gated) -> None:
    server = serve()
    (run_id,) = interrupted(server, gated)
    server.submit()
    with pytest.raises(StorageError, match="going on already"):
        server.runs.resume(run_id, "ann")


def test_a_folder_that_no_run_refers_to_goes_after_a_week(
    serve: Serve, gated: Gated, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve()
    gated.open()
    run_id = server.submit()
    server.ended(run_id)
    folder = server.runs.folder(run_id)
    server.stop()
    long_ago = folder.stat().st_mtime - folders.STRAY_SECONDS - 60
    os.utime(folder, (long_ago, long_ago))
    serve().stop()
    assert folder.exists(), "a run still refers to it"
    (tmp_path / "home" / "runs.sqlite3").write_bytes(b"this was a database once " * 400)
    serve().stop()
    assert folder.exists(), "the week begins when the database breaks"
    os.utime(folder, (long_ago, long_ago))
    serve().stop()
    assert not folder.exists()
    assert str(folder) in caplog.text

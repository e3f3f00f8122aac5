"""A run in a process of its own: stopped wherever it is, and the only one that dies when it is killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from apart_runs import Does, pipeline
from gated_runs import Serve, Server, result, until
from processes import alive

from compression.config import RunConfig
from compression.errors import ConfigError, ResourceError, RunInterrupted
from compression.events import Event, Notice
from compression.hub import HubModelError
from compression.runs.apart import Apart

ROOT = Path(__file__).parents[2]


@pytest.fixture
def apart() -> Iterator[Apart]:
    started = Apart(pipeline)
    yield started
    started.close()


@pytest.fixture
def server(serve: Serve, apart: Apart) -> Server:
    return serve(apart)


def begun(server: Server, run_id: str) -> int:
    """The process of a run that has begun."""
    until(lambda: server.see(run_id).notices)
    return int(server.see(run_id).notices[0])


def test_a_run_reports_from_another_process_which_serves_the_next_one_too(server: Server) -> None:
    ends = [server.ended(server.submit(owner, Does.WELL)) for owner in ("ann", "bob")]
    assert [end.status for end in ends] == ["succeeded"] * 2
    assert ends[0].result == result(RunConfig(seed=Does.WELL))
    pids = {end.notices[0] for end in ends}
    assert len(pids) == 1
    assert int(pids.pop()) != os.getpid()


def test_a_run_that_reports_nothing_is_cancelled_at_once_and_nothing_stays(server: Server) -> None:
    run_id = server.submit(seed=Does.BLOCKS)
    pid = begun(server, run_id)
    left = Path((server.runs.folder(run_id) / "left").read_text())
    asked = time.monotonic()
    server.runs.cancel(run_id, "ann")
    following = server.submit("bob", seed=Does.WELL)
    assert server.ended(run_id).status == "cancelled"
    assert time.monotonic() - asked < 5, "the worker is free"
    assert not server.runs.folder(run_id).exists()
    assert not alive(pid)
    assert not left.exists(), "what it had in the folder for temporary files goes with it"
    assert server.ended(following).status == "succeeded"


def test_a_run_that_does_not_listen_is_cancelled_too(server: Server) -> None:
    run_id = server.submit(seed=Does.IS_DEAF)
    begun(server, run_id)
    server.runs.cancel(run_id, "ann")
    asked = time.monotonic()
    assert server.ended(run_id).status == "cancelled"
    assert time.monotonic() - asked < 5


def test_a_run_that_is_killed_says_so_and_the_next_one_works(server: Server) -> None:
    ended = server.ended(server.submit(seed=Does.IS_KILLED))
    assert ended.status == "failed"
    assert ended.error is not None
    assert "memory ran out" in ended.error
    server.runs.resume(ended.run_id, "ann")
    assert server.ended(ended.run_id).status == "failed"
    assert server.ended(server.submit(seed=Does.WELL)).status == "succeeded"


def test_what_can_be_acted_on_arrives_whole(apart: Apart, tmp_path: Path) -> None:
    seen: list[Event | None] = []
    with pytest.raises(ConfigError, match="No such thing") as refused:
        apart(RunConfig(seed=Does.REFUSES), seen.append, tmp_path)
    assert refused.value.key == "student.layers"
    with pytest.raises(HubModelError, match="gone") as away:
        apart(RunConfig(seed=Does.LACKS_A_MODEL), seen.append, tmp_path)
    assert away.value.about == "someone/model"
    with pytest.raises(RuntimeError, match="ZeroDivisionError: a bug of ours"):
        apart(RunConfig(seed=Does.BREAKS), seen.append, tmp_path)
    assert apart(RunConfig(seed=Does.WELL), seen.append, tmp_path) == result(RunConfig(seed=Does.WELL))
    assert len({event for event in seen if isinstance(event, Notice)}) == 1, "all in one process"


def test_a_server_that_stops_has_the_run_keep_how_far_it_is(server: Server) -> None:
    run_id = server.submit(seed=Does.STEPS)
    begun(server, run_id)
    folder = server.runs.folder(run_id)
    server.runs.stop(8)
    assert server.see(run_id).status == "interrupted"
    assert (folder / "stopped").read_text() == "RunInterrupted"


def test_a_system_that_ends_every_process_interrupts_the_run(server: Server) -> None:
    run_id = server.submit(seed=Does.IS_TERMINATED)
    ended = server.ended(run_id)
    assert ended.status == "interrupted"
    assert (server.runs.folder(run_id) / "stopped").read_text() == "RunInterrupted"
    assert server.ended(server.submit(seed=Does.WELL)).status == "succeeded"


def test_a_process_that_is_ended_before_it_listens_interrupts_the_run(apart: Apart, tmp_path: Path) -> None:
    with pytest.raises(RunInterrupted):
        apart(RunConfig(seed=Does.IS_TERMINATED_EARLY), lambda event: None, tmp_path)
    assert apart(RunConfig(seed=Does.WELL), lambda event: None, tmp_path) == result(RunConfig(seed=Does.WELL))


def test_a_wish_to_stop_that_comes_too_late_stops_nothing_else(apart: Apart, tmp_path: Path) -> None:
    def stop(event: Event | None) -> None:
        raise RunInterrupted

    for _ in range(20):
        with pytest.raises(RunInterrupted):
            apart(RunConfig(seed=Does.WELL), stop, tmp_path)
        assert apart(RunConfig(seed=Does.WELL), lambda event: None, tmp_path) == result(RunConfig(seed=Does.WELL))


def test_a_report_that_cannot_be_written_ends_the_run_and_not_the_process(apart: Apart, tmp_path: Path) -> None:
    def full(event: Event | None) -> None:
        if event is not None:
            raise ResourceError("The disk is full.")

    with pytest.raises(ResourceError, match="full"):
        apart(RunConfig(seed=Does.STEPS), full, tmp_path)
    assert (tmp_path / "stopped").read_text() == "RunInterrupted", "what it has made so far is kept"


@pytest.mark.parametrize(("gpu", "seen"), [("2", "2"), (None, "0,2")])
def test_a_run_sees_the_gpu_it_is_given_or_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, gpu: str | None, seen: str
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,2")
    events: list[Event | None] = []
    with closing(Apart(pipeline, gpu)) as apart:
        apart(RunConfig(seed=Does.NAMES_ITS_GPUS), events.append, tmp_path)
    assert Notice(text=seen) in events
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,2"


def test_the_process_of_a_run_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from apart_runs import Does, pipeline
from compression.config import RunConfig
from compression.runs.apart import Apart

if __name__ == "__main__":
    Apart(pipeline)(RunConfig(seed=Does.BLOCKS), lambda event: None, Path(sys.argv[1]))
"""
    (tmp_path / "parent.py").write_text(script)
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    command = [sys.executable, str(tmp_path / "parent.py"), str(tmp_path)]
    with subprocess.Popen(command, env=environment) as parent:
        until(lambda: (tmp_path / "begun").exists() and (tmp_path / "begun").read_text())
        child = int((tmp_path / "begun").read_text())
        assert alive(child)
        parent.send_signal(signal.SIGKILL)
    until(lambda: not alive(child), 5)

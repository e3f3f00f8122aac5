"""The life of a run, with a pipeline that stops at a gate instead of training."""

import contextvars
import errno
import logging
import math
from pathlib import Path

import pytest
from gated_runs import Gated, Serve, result, training

from compression.config import RunConfig
from compression.errors import DataError, ResourceError, StorageError
from compression.events import Notice, Report
from compression.result import Result
from compression.settings import Limits


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
    assert (server.runs.folder(run_id) / "weights").exists(), "what was made before stays"


def test_a_bug_is_explained_in_the_log_and_the_next_run_gets_its_turn(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    failing = Gated(KeyError("secret detail"))
    failing.open(2)
    server = serve(failing)
    first, second = server.submit(), server.submit(seed=1)
    assert {server.ended(first).status, server.ended(second).status} == {"failed"}
    assert first in caplog.text
    assert "secret detail" in caplog.text


def test_two_visitors_have_each_their_own_runs(serve: Serve, gated: Gated) -> None:
    server = serve()
    anns, bobs, anns_second = server.submit("ann"), server.submit("bob"), server.submit("ann", seed=1)
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
    for unknown in ("unknown", "../home", "\ud800", "x" * 100_000):
        assert server.runs.snapshot(unknown) is None
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
    server = serve(limits=Limits(waiting=2))
    ids = [server.submit("ann", seed) for seed in range(3)]
    with pytest.raises(ResourceError, match="2 runs waiting"):
        server.submit("ann", seed=3)
    server.submit("bob", seed=4)
    server.runs.cancel(ids[-1], "ann")
    server.submit("ann", seed=3)


def test_the_queue_is_bounded(serve: Serve, gated: Gated) -> None:
    server = serve(limits=Limits(queue=2))
    for seed, owner in enumerate(("ann", "bob", "cyd")):
        server.submit(owner, seed)
    with pytest.raises(ResourceError, match="2 runs are waiting"):
        server.submit("dan", seed=3)


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
    for seed, name in enumerate(("ann", "bob")):
        context = contextvars.copy_context()
        context.run(visitor.set, name)
        ids.append(context.run(server.submit, name, seed))
    assert [server.ended(run_id).notices for run_id in ids] == [("ann",), ("bob",)]


def test_a_run_whose_end_cannot_be_written_ends_all_the_same(
    serve: Serve, gated: Gated, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise StorageError("The disk is full.")

    server = serve()
    run_id, second = server.submit(), server.submit(seed=1)
    gated.reached()
    for writing in ("save", "append"):
        monkeypatch.setattr(server.store, writing, full)
    gated.open()
    ended = server.ended(run_id)
    assert (ended.status, ended.error) == ("failed", "The disk is full.")
    assert run_id in caplog.text
    assert server.ended(second).status == "failed", "the worker goes on"
    monkeypatch.undo()
    server.runs.delete(run_id, "ann")
    assert server.runs.snapshot(run_id) is None

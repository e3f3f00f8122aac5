"""One recipe that several visitors run at once is computed once, and each has a run of their own."""

import threading
from importlib.metadata import version
from itertools import count
from pathlib import Path

import pytest
from gated_runs import PATIENCE_S, Gated, Serve, Stepping, result, training

from compression import __version__
from compression.config import RunConfig
from compression.errors import DataError, ResourceError
from compression.events import Notice, Report, RunStarted, StageStarted
from compression.result import Result
from compression.settings import Limits


def test_thirty_who_press_run_on_one_recipe_wait_for_one_computation(serve: Serve, gated: Gated) -> None:
    server = serve(limits=Limits(queue=1, waiting=1))
    ids = [server.submit(f"visitor {number}") for number in range(15)]
    gated.reached()
    ids += [server.submit(f"visitor {number}") for number in range(15, 30)]
    assert len(set(ids)) == 30
    assert {server.see(run_id).status for run_id in ids} == {"running"}
    gated.open()
    for number, run_id in enumerate(ids):
        ended = server.ended(run_id)
        assert (ended.status, ended.result) == ("succeeded", result(RunConfig()))
        assert (server.runs.folder(run_id) / "weights").exists()
        assert [seen.run_id for seen in server.runs.owned(f"visitor {number}")] == [run_id]
    assert gated.seeds == [0]


def test_pressing_run_twice_shows_the_run_there_is(serve: Serve, gated: Gated) -> None:
    server = serve()
    run_id = server.submit()
    gated.reached()
    assert server.submit() == run_id
    other = server.submit(seed=1)
    assert server.submit(seed=1) == other
    gated.open(2)
    server.ended(other)
    assert server.submit() != run_id, "what has ended is computed anew when that is asked for"


def test_a_computation_ends_when_the_last_one_leaves_it(serve: Serve, gated: Gated) -> None:
    server = serve()
    anns = server.submit("ann")
    gated.reached()
    bobs, cyds = server.submit("bob"), server.submit("cyd")
    folder, before = server.runs.folder(anns), server.see(anns)
    server.runs.cancel(anns, "ann")
    left = server.see(anns)
    assert (left.status, left.device) == ("cancelled", "CPU"), "what had happened until then is still seen"
    assert left.revision > before.revision
    assert not server.runs.folder(anns).exists()
    assert {server.see(run_id).status for run_id in (bobs, cyds)} == {"running"}
    server.runs.cancel(bobs, "bob")
    server.runs.cancel(cyds, "cyd")
    assert server.see(cyds).status == "running", "the last one ends at the next report"
    newcomers = server.submit("dan")
    gated.open(2)
    assert server.ended(cyds).status == "cancelled"
    assert not folder.exists()
    assert server.ended(newcomers).status == "succeeded", "who comes then does not follow what is being cancelled"
    assert server.see(anns).notices == ()
    server.stop()
    assert serve().see(anns) == left


def test_a_queued_computation_goes_with_the_last_one_too(serve: Serve, gated: Gated) -> None:
    server = serve()
    server.submit("ann", seed=9)
    anns, bobs = server.submit("ann"), server.submit("bob")
    gated.reached()
    server.runs.cancel(anns, "ann")
    assert (server.see(anns).status, server.see(bobs).status) == ("cancelled", "queued")
    server.runs.cancel(bobs, "bob")
    gated.open(2)
    server.ended(server.submit("cyd", seed=8))
    assert gated.seeds == [9, 8]


def test_deleting_ones_own_leaves_the_files_to_the_others(serve: Serve, gated: Gated) -> None:
    server = serve(undo_seconds=0)
    anns = server.submit("ann")
    gated.reached()
    bobs = server.submit("bob")
    gated.open()
    server.ended(bobs)
    folder = server.runs.folder(bobs)
    server.runs.delete(anns, "ann")
    assert server.runs.snapshot(anns) is None
    assert server.see(bobs).result == result(RunConfig())
    assert server.see(bobs).device == "CPU"
    assert (folder / "weights").exists()
    server.stop()
    again = serve(undo_seconds=0)
    assert (again.runs.folder(bobs) / "weights").exists()
    again.runs.delete(bobs, "bob")
    assert not folder.exists()


def test_whoever_resumes_first_does_it_for_all(serve: Serve) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def pause(step: int) -> None:
        if step == 5 and not reached.is_set():
            reached.set()
            assert go_on.wait(PATIENCE_S)

    pipeline = Stepping(pause)
    server = serve(pipeline)
    anns = server.submit("ann")
    assert reached.wait(PATIENCE_S)
    bobs, cyds = server.submit("bob"), server.submit("cyd")
    server.runs.stop(0)
    go_on.set()
    server.runs.stop(PATIENCE_S)
    assert {server.see(run_id).status for run_id in (anns, bobs, cyds)} == {"interrupted"}
    server.runs.resume(bobs, "bob")
    server.runs.resume(anns, "ann")
    server.runs.cancel(bobs, "bob")
    assert server.see(anns).status == "queued"
    server.runs.start()
    ended = server.ended(anns)
    assert ended.status == "succeeded"
    assert pipeline.computed == [1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9]
    server.runs.resume(cyds, "cyd")
    seen = server.see(cyds)
    assert (seen.status, seen.result, seen.curve) == ("succeeded", ended.result, ended.curve)
    assert server.runs.folder(cyds) == server.runs.folder(anns)
    assert server.see(bobs).status == "cancelled"


def test_resuming_follows_an_equal_run_that_another_has_begun(serve: Serve, gated: Gated) -> None:
    server = serve()
    anns = server.submit("ann")
    gated.reached()
    server.runs.stop(0)
    gated.open()
    server.runs.stop(PATIENCE_S)
    mine, cut_off = server.runs.folder(anns), server.see(anns)
    bobs = server.submit("bob")
    server.runs.resume(anns, "ann")
    assert server.see(anns).revision > cut_off.revision
    assert server.runs.folder(anns) == server.runs.folder(bobs)
    assert not mine.exists(), "what it had is of no use any more"
    gated.open()
    server.runs.start()
    assert (server.ended(anns).status, gated.seeds) == ("succeeded", [0, 0])


def test_nobody_follows_more_than_their_share(serve: Serve, gated: Gated) -> None:
    server = serve(limits=Limits(waiting=1))
    server.submit("ann", seed=9)
    gated.reached()
    server.submit("ann", seed=1)
    server.submit("bob", seed=2)
    with pytest.raises(ResourceError, match="1 runs waiting"):
        server.submit("ann", seed=2)
    server.submit("bob", seed=9)


def test_a_recipe_that_differs_in_anything_is_another_one(serve: Serve, gated: Gated) -> None:
    server = serve()
    server.submit("ann")
    server.submit("bob", seed=1)
    gated.open(2)
    server.ended(server.runs.owned("bob")[0].run_id)
    assert gated.seeds == [0, 1]


def test_a_finished_run_of_the_same_recipe_is_offered_to_its_owner(serve: Serve) -> None:
    packages = {"compression-lab": "?"}

    def pipeline(config: RunConfig, report: Report, folder: Path) -> Result:
        (folder / "weights").touch()
        (folder / "more").write_text("1")
        done = result(config)
        return done.model_copy(update={"environment": done.environment.model_copy(update={"packages": dict(packages)})})

    server = serve(pipeline, undo_seconds=0)
    server.ended(server.submit())
    assert server.runs.finished_like(RunConfig(), "ann") is None, "another version of the app may give other numbers"
    packages |= {"compression-lab": __version__, "pydantic": version("pydantic")}
    run_id = server.submit()
    server.ended(run_id)
    found = server.runs.finished_like(RunConfig(), "ann")
    assert found is not None
    assert found.run_id == run_id
    assert server.runs.finished_like(RunConfig(seed=1), "ann") is None
    assert server.runs.finished_like(RunConfig(), "bob") is None
    packages["pydantic"] = "0.1"
    server.ended(server.submit())
    found = server.runs.finished_like(RunConfig(), "ann")
    assert found is not None
    assert found.run_id == run_id
    server.runs.delete(run_id, "ann")
    assert server.runs.finished_like(RunConfig(), "ann") is None


def test_one_resumes_while_anothers_cancelled_run_of_the_same_computation_still_ends(serve: Serve) -> None:
    """What the cancelled one still held of its steps is not told again under numbers that the next one uses."""
    gates, reached = [threading.Event() for _ in range(3)], [threading.Event() for _ in range(3)]
    attempts = count()

    def pipeline(config: RunConfig, report: Report, folder: Path) -> Result:
        attempt = next(attempts)
        report(RunStarted(device="CPU", stages=("distill",)))
        report(StageStarted(stage="distill"))
        if attempt == 1:
            for step in range(1, 6):
                report(training(step))
        reached[attempt].set()
        assert gates[attempt].wait(PATIENCE_S)
        if attempt == 0:
            raise DataError("Nothing to read.")
        report(Notice(text="Past the gate."))
        return result(config)

    server = serve(pipeline)
    anns, bobs = server.submit("ann"), server.submit("bob")
    gates[0].set()
    assert [server.ended(run).status for run in (anns, bobs)] == ["failed"] * 2
    server.runs.resume(anns, "ann")
    assert reached[1].wait(PATIENCE_S)
    server.runs.cancel(anns, "ann")
    server.runs.resume(bobs, "bob")
    gates[2].set()
    gates[1].set()
    assert server.ended(anns).status == "cancelled"
    ended = server.ended(bobs)
    assert (ended.status, ended.error) == ("succeeded", None)

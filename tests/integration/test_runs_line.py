"""Whose turn it is, and when: nobody starves, and what is promised rests on past runs."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gated_runs import Gated, Serve, result

from compression.config import RunConfig
from compression.events import Report
from compression.recipe import parse
from compression.result import Result, StageReport
from compression.runs import Runs, RunStore


def test_the_turn_goes_round_among_the_visitors(serve: Serve, gated: Gated) -> None:
    server = serve()
    server.submit("ann", 0)
    gated.reached()
    for owner, seed in (("ann", 1), ("ann", 2), ("bob", 3), ("bob", 4), ("cyd", 5)):
        last = server.submit(owner, seed)
    assert server.see(last).ahead == 2, "ann's that is going on, and bob's first"
    gated.open(6)
    for owner in ("ann", "bob", "cyd"):
        for seen in server.runs.owned(owner):
            server.ended(seen.run_id)
    assert gated.seeds == [0, 3, 5, 1, 4, 2]


def test_whose_last_run_was_longest_ago_is_next_over_a_restart_too(serve: Serve, gated: Gated) -> None:
    server = serve()
    gated.open(3)
    for seed, owner in enumerate(("ann", "bob", "cyd")):
        server.ended(server.submit(owner, seed))
    server.stop()
    again = serve()
    again.submit("dan", 3)
    for _ in range(4):
        gated.reached()
    for seed, owner in ((4, "cyd"), (5, "bob"), (6, "ann"), (7, "eve")):
        again.submit(owner, seed)
    gated.open(5)
    for owner in ("ann", "bob", "cyd", "dan", "eve"):
        again.ended(again.runs.owned(owner)[0].run_id)
    assert gated.seeds[3:] == [3, 7, 6, 5, 4]


def test_who_follows_anothers_run_has_had_a_turn(serve: Serve, gated: Gated) -> None:
    server = serve()
    server.submit("ann", 0)
    gated.reached()
    server.submit("bob", 0)
    bobs, cyds = server.submit("bob", 1), server.submit("cyd", 2)
    assert (server.see(cyds).ahead, server.see(bobs).ahead) == (1, 2)


def taking(seconds: float) -> Result:
    stage = StageReport(name="distill", seconds=seconds, parameters=1, size_bytes=1, validation=None)
    return result(RunConfig()).model_copy(update={"stages": [stage, stage]})


@pytest.fixture
def waiting(tmp_path: Path) -> Iterator[Runs]:
    """Runs that nobody computes, after three that took 40, 60 and 400 seconds for 4 epochs."""
    durations = iter((20.0, 30.0, 200.0))

    def pipeline(config: RunConfig, report: Report, folder: Path) -> Result:
        return taking(next(durations)).model_copy(update={"config": config})

    store = RunStore(tmp_path)
    runs = Runs(store, pipeline)
    runs.start()
    for seed in range(3):
        runs.wait(runs.submit(RunConfig(seed=seed), "zoe"), 30)
    runs.stop(30)
    store.close()
    store = RunStore(tmp_path)
    yield Runs(store, lambda config, report, folder: pytest.fail("nothing is run here"))
    store.close()


def start_of(runs: Runs, run_id: str) -> float | None:
    seen = runs.snapshot(run_id)
    assert seen is not None
    return seen.start_eta_seconds


def test_the_start_is_told_from_what_like_runs_took_by_their_epochs(waiting: Runs) -> None:
    first = waiting.submit(RunConfig(seed=5), "ann")
    twice = waiting.submit(parse({"distillation": {"epochs": 8, "temperature": 7}}), "bob")
    third = waiting.submit(RunConfig(seed=6), "cyd")
    assert start_of(waiting, first) == 0
    assert start_of(waiting, twice) == pytest.approx(60, abs=5)
    assert start_of(waiting, third) == pytest.approx(60 + 120, abs=5)


def test_a_start_behind_a_recipe_that_never_ran_cannot_be_told(waiting: Runs) -> None:
    new = waiting.submit(parse({"student": {"init": "teacher-layers", "layers": 1}}), "ann")
    behind = waiting.submit(RunConfig(seed=5), "bob")
    assert start_of(waiting, new) == 0
    assert start_of(waiting, behind) is None
    waiting.cancel(new, "ann")
    assert start_of(waiting, behind) == 0


def test_what_is_going_on_counts_for_what_is_left_of_it(
    serve: Serve, gated: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(lambda config, report, folder: taking(30))
    server.ended(server.submit())
    server.stop()
    again = serve()
    first = again.submit(seed=1)
    gated.reached()
    behind = again.submit("bob", seed=2)
    assert again.see(first).start_eta_seconds is None
    assert again.see(behind).start_eta_seconds == pytest.approx(60, abs=5)
    now = time.time() + 45
    monkeypatch.setattr(time, "time", lambda: now)
    assert again.see(behind).start_eta_seconds == pytest.approx(15, abs=5)
    now += 45
    assert again.see(behind).start_eta_seconds == 0, "late, but next"

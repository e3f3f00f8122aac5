"""Several workers, each with a pipeline of its own: who has one, who waits, and what is promised to those who do."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gated_runs import PATIENCE_S, Gated, Serve, Server, result, until

from compression.config import RunConfig
from compression.errors import ResourceError
from compression.recipe import parse
from compression.result import Result, StageReport
from compression.runs import Runs, RunStore
from compression.settings import Limits


class TwoGates:
    """Two gated pipelines; which of them gets a run is left to the workers."""

    def __init__(self) -> None:
        self.gates = (Gated(), Gated())

    def begun(self, seed: int, times: int = 1) -> Gated:
        """The gate at which the run of this seed stands, once it has begun so many times."""
        until(lambda: sum(gate.seeds.count(seed) for gate in self.gates) == times)
        return next(gate for gate in self.gates if gate.seeds[-1:] == [seed])

    def seeds(self) -> list[list[int]]:
        return sorted(gate.seeds for gate in self.gates)


@pytest.fixture
def two(serve: Serve) -> Iterator[TwoGates]:
    pipelines = TwoGates()
    yield pipelines
    for gate in pipelines.gates:
        gate.open(100)


@pytest.fixture
def server(serve: Serve, two: TwoGates) -> Server:
    return serve(*two.gates)


def statuses(server: Server, *ids: str) -> list[str]:
    return [server.see(run_id).status for run_id in ids]


def test_two_visitors_runs_go_on_at_the_same_time_each_on_its_pipeline(server: Server, two: TwoGates) -> None:
    anns, bobs = server.submit("ann", 0), server.submit("bob", 1)
    for gate in two.gates:
        gate.reached()
    assert two.seeds() == [[0], [1]]
    assert statuses(server, anns, bobs) == ["running"] * 2
    two.begun(1).open()
    assert server.ended(bobs).status == "succeeded"
    assert statuses(server, anns) == ["running"]


def test_a_second_run_waits_though_a_worker_is_free_and_anothers_overtakes_it(server: Server, two: TwoGates) -> None:
    first, second = server.submit("ann", 0), server.submit("ann", 1)
    for owner, seed in (("bob", 2), ("cyd", 3)):
        others = server.submit(owner, seed)
        two.begun(seed).open()
        server.ended(others)
    assert statuses(server, first, second) == ["running", "queued"]
    two.begun(0).open()
    two.begun(1).open()
    assert server.ended(second).status == "succeeded"


def test_one_recipe_of_two_visitors_is_computed_once_and_the_other_worker_is_free(
    server: Server, two: TwoGates
) -> None:
    anns, bobs = server.submit("ann", 0), server.submit("bob", 0)
    two.begun(0)
    other = server.submit("bob", 1)
    cyds = server.submit("cyd", 2)
    two.begun(2)
    assert statuses(server, anns, bobs, other, cyds) == ["running", "running", "queued", "running"]
    server.runs.cancel(bobs, "bob")
    two.begun(2).open()
    server.ended(cyds)
    two.begun(1)
    assert two.seeds() in ([[0], [2, 1]], [[0, 1], [2]])


def test_what_waits_for_its_owner_begins_when_somebody_joins_who_has_nothing_going_on(
    server: Server, two: TwoGates
) -> None:
    first, second = server.submit("ann", 0), server.submit("ann", 1)
    two.begun(0)
    assert statuses(server, first, second) == ["running", "queued"]
    server.submit("bob", 1)
    two.begun(1)
    assert statuses(server, first, second) == ["running"] * 2


def test_cancelling_one_leaves_the_other_going(server: Server, two: TwoGates) -> None:
    anns, bobs = server.submit("ann", 0), server.submit("bob", 1)
    two.begun(1)
    server.runs.cancel(anns, "ann")
    two.begun(0).open()
    assert server.ended(anns).status == "cancelled"
    assert statuses(server, bobs) == ["running"]
    two.begun(1).open()
    assert server.ended(bobs).status == "succeeded"


def test_a_stop_interrupts_all_and_they_go_on_after_a_start(server: Server, two: TwoGates) -> None:
    anns, bobs, cyds = (server.submit(owner, seed) for seed, owner in enumerate(("ann", "bob", "cyd")))
    for seed in (0, 1):
        two.begun(seed)
    server.runs.stop(0)
    assert statuses(server, anns, bobs, cyds) == ["interrupted", "interrupted", "queued"]
    for gate in two.gates:
        gate.open()
    server.runs.stop(PATIENCE_S)
    server.runs.resume(anns, "ann")
    server.runs.start()
    for seed, times in ((0, 2), (2, 1)):
        two.begun(seed, times).open()
    assert [server.ended(run_id).status for run_id in (anns, cyds)] == ["succeeded"] * 2


def test_nobody_is_passed_over_for_ever(server: Server, two: TwoGates) -> None:
    server.submit("ann", 0)
    two.begun(0)
    server.submit("ann", 1)
    for seed, owner in enumerate(("bob", "cyd", "bob", "cyd"), start=2):
        last = server.submit(owner, seed)
    for seed in (2, 3):
        two.begun(seed).open()
    two.begun(4)
    two.begun(0).open()
    two.begun(1)
    assert statuses(server, last) == ["queued"], "ann's last turn is longest ago"
    two.begun(4).open()
    two.begun(5)


def test_what_is_resumed_waits_until_the_one_that_has_its_folder_has_ended(server: Server, two: TwoGates) -> None:
    anns, bobs = server.submit("ann", 0), server.submit("bob", 0)
    two.begun(0)
    server.runs.stop(0)
    two.begun(0).open()
    server.runs.stop(PATIENCE_S)
    server.runs.resume(anns, "ann")
    server.runs.start()
    two.begun(0, times=2)
    cyds = server.submit("cyd", 1)
    two.begun(1).open()
    server.ended(cyds)
    server.runs.cancel(anns, "ann")
    server.runs.resume(bobs, "bob")
    server.submit("cyd", 2)
    two.begun(2)  # though it is bob's turn
    assert statuses(server, anns, bobs) == ["running", "queued"]
    two.begun(0, times=2).open()
    assert server.ended(anns).status == "cancelled"
    two.begun(0, times=3).open()
    assert server.ended(bobs).status == "succeeded"


def nothing(*given: object) -> Result:
    pytest.fail("nothing is run here")


def test_as_many_as_workers_are_free_are_about_to_begin_and_do_not_count_as_waiting(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    runs = Runs(store, nothing, nothing, limits=Limits(queue=2, waiting=1))
    for seed, owner in enumerate(("ann", "ann", "bob", "cyd")):
        runs.submit(RunConfig(seed=seed), owner)
    with pytest.raises(ResourceError, match="You have 1 runs waiting"):
        runs.submit(RunConfig(seed=4), "ann")
    with pytest.raises(ResourceError, match="2 runs are waiting"):
        runs.submit(RunConfig(seed=4), "dan")
    store.close()


def a_minute(config: RunConfig, *given: object) -> Result:
    stage = StageReport(name="distill", seconds=60, parameters=1, size_bytes=1, validation=None)
    return result(config).model_copy(update={"stages": [stage]})


@pytest.fixture
def experienced(serve: Serve, two: TwoGates) -> Server:
    """A server on which a recipe of four epochs took a minute."""
    before = serve(a_minute)
    before.ended(before.submit("zoe", 99))
    before.stop()
    return serve(*two.gates)


def test_each_who_waits_is_told_the_worker_that_is_free_first(experienced: Server, two: TwoGates) -> None:
    for seed, owner in enumerate(("ann", "bob")):
        experienced.submit(owner, seed)
        two.begun(seed)
    ids = [experienced.submit(owner, seed) for seed, owner in enumerate(("cyd", "dan", "eve", "ann"), start=2)]
    seen = [experienced.see(run_id) for run_id in ids]
    assert [each.ahead for each in seen] == [2, 3, 4, 5]
    assert [each.start_eta_seconds for each in seen] == pytest.approx([60, 60, 120, 120], abs=5)


def test_a_second_run_is_told_its_owners_first_and_keeps_no_worker_from_others(
    experienced: Server, two: TwoGates
) -> None:
    twice = experienced.runs.submit(parse({"distillation": {"epochs": 8}}), "ann")
    anns = experienced.submit("ann", 1)
    until(lambda: experienced.see(twice).device)
    seen = experienced.see(anns)
    assert seen.ahead == 1
    assert seen.start_eta_seconds == pytest.approx(120, abs=5), "though a worker is free"
    experienced.submit("bob", 2)
    two.begun(2)
    bobs = experienced.submit("bob", 3)
    starts = [experienced.see(run_id).start_eta_seconds for run_id in (anns, bobs)]
    assert starts == pytest.approx([120, 60], abs=5)


def test_what_never_ran_leaves_only_those_untold_who_wait_for_it(experienced: Server, two: TwoGates) -> None:
    new = parse({"student": {"init": "teacher-layers", "layers": 1}, "seed": 0})
    experienced.runs.submit(new, "ann")
    anns = experienced.submit("ann", 1)
    experienced.submit("bob", 2)
    two.begun(2)
    bobs = experienced.submit("bob", 3)
    assert experienced.see(anns).start_eta_seconds is None
    assert experienced.see(bobs).start_eta_seconds == pytest.approx(60, abs=5)

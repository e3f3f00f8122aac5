"""What a run's events add up to when it was cut off and resumed: no stretch of its way shows twice."""

from itertools import pairwise

import pytest

from compression.events import (
    EpochEnded,
    Event,
    Notice,
    Progress,
    RunStarted,
    StageEnded,
    StageStarted,
    TrainingStep,
)
from compression.result import Metrics, StageReport
from compression.runs.fold import CURVE_POINTS, Fold, advance, fold, recall, resumed

METRICS = Metrics(accuracy=1, precision=1, recall=1, f1=1, roc_auc=1, examples=9, confusion=((4, 0), (0, 5)))
STARTED = RunStarted(device="CPU", stages=("load", "distill", "prune"))


def step(number: int, stage: str = "distill", epoch: int = 1, loss: float = 0.5) -> TrainingStep:
    return TrainingStep(stage=stage, step=number, steps=9_999, epoch=epoch, loss=loss, soft_loss=loss, hard_loss=loss)


def epoch(number: int, stage: str = "distill") -> EpochEnded:
    return EpochEnded(stage=stage, epoch=number, epochs=9, student=METRICS)


def report(name: str, seconds: float = 1.0) -> StageEnded:
    return StageEnded(report=StageReport(name=name, seconds=seconds, parameters=None, size_bytes=None, validation=None))


def after(state: Fold, *events: Event) -> Fold:
    for event in events:
        state = advance(state, 1.0, event)
    return state


def steps(state: Fold) -> list[tuple[str, int]]:
    return [(point.stage, point.step) for _, point in state.points]


FIRST = after(
    Fold(),
    STARTED,
    StageStarted(stage="load"),
    report("load"),
    Notice(text="Two rows were skipped."),
    StageStarted(stage="distill"),
    *(step(number) for number in (1, 2, 3)),
    epoch(1),
    *(step(number, epoch=2) for number in (4, 5, 6)),
    epoch(2),
    step(7, epoch=3),
)


def test_a_stretch_that_is_done_again_takes_the_place_of_the_first_time() -> None:
    again = after(resumed(FIRST), STARTED, StageStarted(stage="distill"), step(4, epoch=2, loss=0.25))
    assert steps(again) == [("distill", number) for number in (1, 2, 3, 4)]
    assert again.points[-1][1].loss == 0.25
    assert again.epochs == (epoch(1),)
    assert after(again, step(5, epoch=2), step(6, epoch=2), epoch(2)).epochs == (epoch(1), epoch(2))


def test_what_an_attempt_goes_on_from_stays() -> None:
    again = after(resumed(FIRST), STARTED, StageStarted(stage="distill"), step(8, epoch=3))
    assert steps(again) == [("distill", number) for number in range(1, 9)]
    assert again.epochs == (epoch(1), epoch(2))


def test_stages_and_notices_that_are_reported_again_show_once() -> None:
    again = after(
        resumed(FIRST), STARTED, StageStarted(stage="load"), report("load", 2.0), Notice(text="Two rows were skipped.")
    )
    assert again.stage_reports == (report("load", 2.0).report,)
    assert again.notices == ("Two rows were skipped.",)
    assert steps(again) == steps(FIRST), "the way so far is seen until it is gone again"
    assert again.changes == FIRST.changes + 4


def test_an_earlier_stage_that_is_done_again_undoes_the_later_ones() -> None:
    later = after(FIRST, report("distill"), StageStarted(stage="prune"), step(1, "prune"), epoch(1, "prune"))
    again = after(resumed(later), STARTED, StageStarted(stage="distill"), step(1))
    assert steps(again) == [("distill", 1)]
    assert again.epochs == ()
    further = after(resumed(later), STARTED, StageStarted(stage="prune"), step(1, "prune"))
    assert steps(further) == [*steps(FIRST), ("prune", 1)]
    assert further.epochs == (epoch(1), epoch(2))


def test_the_time_between_two_attempts_is_no_part_of_the_pace() -> None:
    state = fold([(1.0, StageStarted(stage="distill")), (2.0, step(1)), (3.0, step(2))])
    late = advance(advance(resumed(state), 1_000.0, STARTED), 1_001.0, step(3))
    assert late.eta_seconds() is None
    assert advance(late, 1_002.0, step(4)).eta_seconds() == pytest.approx(9_999 - 4)


@pytest.mark.parametrize(("first", "redone"), [(300, 200), (1_000, 1_000), (5_000, 4_000), (5_000, 1)])
def test_a_resumed_curve_stays_bounded_and_even(first: int, redone: int) -> None:
    """The first attempt is read back from what was kept of it."""
    events = [(number, float(number), step(number)) for number in range(1, first + 1)]
    needed = fold((at, event) for _, at, event in events).rests_on()
    state = resumed(recall(event for event in events if event[0] in needed))
    assert state.changes == first
    for number in range(redone + 1, 8_001):
        state = advance(state, 0.0, step(number))
    seen = [number for _, number in steps(state)]
    assert CURVE_POINTS // 2 <= len(seen) <= CURVE_POINTS
    assert (seen[0], seen[-1]) == (1, 8_000)
    gaps = sorted(later - earlier for earlier, later in pairwise(seen))
    assert gaps[0] > 0
    assert gaps[-1] <= 2 * gaps[len(gaps) // 2], "no stretch is shown in more detail than another"
    assert all(number in {n for n, _ in state.points} | {state.position} for number in state.step_numbers())


def test_only_reported_steps_count_as_such() -> None:
    loading = after(Fold(), STARTED, StageStarted(stage="load"))
    assert loading.step_numbers() == set()
    assert after(loading, Progress(stage="load", doing="Reading", step=1, steps=2)).step_numbers() == {3}
    assert after(loading, step(1), StageStarted(stage="prune")).step_numbers() == {3}

"""Several runs side by side and against each other, from hand-made results: what is said, and what must not be."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gated_runs import METRICS, result

from compression.config import RunConfig
from compression.events import RunStarted
from compression.measure.intervals import wilson
from compression.recipe import parse
from compression.result import Latency, Metrics, Result, StageReport
from compression.runs.fold import fold
from compression.runs.snapshot import Run, Snapshot, snapshot
from compression.ui import run_charts
from compression.ui.comparing_runs import fronts
from compression.ui.views.history import run_list
from compression.ui.views.progress import progress
from compression.ui.views.side_by_side import Column, merged, side_by_side
from compression.ui.views.standing import standing, standing_table


def measured(right: int) -> Metrics:
    wrong = 100 - right
    return METRICS.model_copy(
        update={"accuracy": right / 100, "examples": 100, "confusion": ((50 - wrong, wrong), (0, 50))}
    )


def done(
    name: str, size: int, right: int, p50: float = 2.0, config: RunConfig | None = None, **changes: Any
) -> Snapshot:
    """A run that succeeded; `changes` are of its result."""
    config = config or RunConfig()
    made = result(config)
    model = made.models["student"].model_copy(
        update={
            "size_bytes": size,
            "latency_ms": Latency(p50=p50, p95=2 * p50),
            "metrics": {"validation": measured(right), "test": measured(right)},
        }
    )
    made = made.model_copy(update={"models": dict.fromkeys(("teacher", "student", "compressed"), model), **changes})
    run = Run(name, "ann", name, config, "succeeded", created=float(size), started=1.0, ended=2.0, result=made)
    return snapshot(run, fold([(1.0, RunStarted(device="CPU", stages=("load",)))]))


def column(letter: str, run: Snapshot) -> Column:
    assert run.result is not None
    return Column(letter, run, run.result, {"accuracy": (0.9, 0.98)})


def texts(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_the_best_are_told_from_the_beaten_and_from_what_cannot_be_compared() -> None:
    runs = [
        done("other data", 100, 99, inputs={"data": "b"}),
        done("large", 5_000_000, 95, inputs={"data": "a"}),
        done("beaten", 6_000_000, 94, inputs={"data": "a"}),
        done("small", 1_000_000, 90, inputs={"data": "a"}),
    ]
    found = {point.name: point for point in standing(runs, "large", "size")}
    assert [point.number for point in found.values()] == [1, 2, 3, 4], "the oldest, which stands last, is the first"
    assert {name for name, point in found.items() if point.best} == {"large", "small"}
    assert {name for name, point in found.items() if not point.comparable} == {"other data"}
    assert {name for name, point in found.items() if point.shown} == {"large"}
    table = texts(standing_table(list(found.values()), "size"))
    assert "3 · large (the run on show) 5.0 95.0 % none is better in both" in table
    assert "2 · beaten 6.0 94.0 % another is better" in table
    assert "4 · other data 0.00 99.0 % measured on other data" in table


def test_times_of_another_machine_do_not_compete() -> None:
    here = done("here", 10, 90, p50=5.0)
    assert here.result is not None
    elsewhere = here.result.environment.model_copy(update={"cpu": "another"})
    there = done("there", 9, 90, p50=1.0, environment=elsewhere)
    assert [point.best for point in standing([here, there], "here", "time")] == [False, True]
    assert [point.best for point in standing([here, there], "here", "size")] == [True, False]


def test_an_unfinished_run_is_no_point_and_one_alone_is_no_chart() -> None:
    waiting = replace(done("waiting", 1, 90), status="queued", result=None)
    assert standing([waiting], "waiting", "size") == []
    for name, update in fronts([waiting, done("done", 1, 90)], "").items():
        assert not update.visible if name.endswith("plot") else 'class="empty"' in update


def test_the_chart_joins_the_best_and_rings_the_run_on_show() -> None:
    runs = [done("a", 3_000_000, 97), done("b", 2_000_000, 93), done("c", 1_000_000, 95)]
    figure = run_charts.front(standing(runs, "b", "size"), "size")
    traces = {trace.name: trace for trace in figure.data if trace.visible is not False}
    assert list(traces["none is better in both"].x) == [1.0, 3.0]
    assert list(traces["another is better"].hovertext) == ["2 · b"]
    assert list(traces["the run on show"].x) == [2.0]
    assert len(traces["the article's own data, 450 URLs"].x) == 3
    assert "the article's own data, 450 URLs" not in {
        trace.name for trace in run_charts.front(standing(runs, "b", "time"), "time").data
    }


def test_only_what_differs_in_the_recipes_is_shown_in_the_words_of_the_form() -> None:
    one = done("one", 5, 90, config=parse({"student": {"layers": 2}, "data": "upload:" + "a" * 64}))
    other = done(
        "other", 5, 90, config=parse({"student": {"init": "random", "layers": 2}, "training": {"bucketing": False}})
    )
    shown = texts(side_by_side([column("A", one), column("B", other)], []))
    assert "Data a file of yours (aaaaaa…) Bundled phishing URLs" in shown
    assert "yes no" in shown
    assert " Layers 2 2" not in shown, "it is the same in both"
    same = side_by_side([column("A", one), column("B", one)], ["B is right as often as A."])
    assert "The recipes are the same." in same
    assert "B is right as often as A." in same


def test_every_metric_stands_with_its_interval_where_there_is_one() -> None:
    shown = texts(side_by_side([column("A", done("one", 5_000_000, 95)), column("B", done("two", 500, 90))], []))
    assert "Accuracy 95.0 % (90.0 … 98.0) 90.0 % (90.0 … 98.0)" in shown
    assert "Precision – –" in shown
    assert "ROC AUC 0.9500 0.9500" in shown
    assert "p95 (ms) 4.0 4.0" in shown
    assert wilson(95, 100)[0] < 0.95


def test_what_cannot_be_compared_is_said() -> None:
    first = done("first", 5, 90, inputs={"data": "a"})
    assert first.result is not None
    moved = first.result.environment.model_copy(update={"threads": 8})
    others = [
        done("second", 5, 90, inputs={"data": "b"}),
        done("third", 5, 90, inputs={"data": "a"}, environment=moved),
    ]
    shown = texts(side_by_side([column(letter, run) for letter, run in zip("ABC", [first, *others], strict=True)], []))
    assert "Measured on other data than A: B." in shown
    assert "Timed on another machine than A: C." in shown
    assert "than A" not in texts(side_by_side([column("A", first), column("B", first)], []))


def test_steps_stand_beside_each_other_in_the_order_of_each_run() -> None:
    assert merged([["load", "distill", "quantize"], ["load", "vocabulary", "distill", "prune"]]) == [
        "load", "vocabulary", "distill", "prune", "quantize",
    ]  # fmt: skip
    stages = [StageReport(name="distill", seconds=1, parameters=1, size_bytes=2_000_000, validation=measured(95))]
    short, long = done("short", 5, 90), done("long", 5, 90, stages=stages)
    assert "Distill – 2.0 MB, 95.0 %" in texts(side_by_side([column("A", short), column("B", long)], []))


def test_a_hostile_name_stays_text() -> None:
    run = replace(done("x", 5, 90), name="<img src=x>", note="<script>")
    for shown in (
        run_list([run, run], "x"),
        run_list([], "", [run]),
        run_list([], "", sought="<img src=x>"),
        side_by_side([column("A", run), column("B", run)], []),
        standing_table(standing([run, run], "x", "size"), "size"),
    ):
        assert "<img" not in shown
        assert "<script" not in shown


def test_a_list_shows_the_newest_and_says_how_many_it_does_not() -> None:
    runs = [done(f"number {number}", number, 90) for number in range(60, 0, -1)]
    shown = run_list(runs, "")
    assert shown.count("<li") == 50
    assert "10 older runs are not shown. Search for them." in shown
    assert "number 60" in shown
    assert "number 10<" not in shown


def test_a_deleted_run_keeps_its_place() -> None:
    runs = [done(f"number {number}", number, 90) for number in (3, 2, 1)]
    shown = run_list([runs[0], runs[2]], "", [runs[1]])
    assert shown.index("number 3") < shown.index("Deleted: number 2") < shown.index("number 1")


def test_what_has_no_files_is_not_offered_for_export() -> None:
    run = done("x", 5, 90)
    assert 'data-action="export"' in run_list([run], "")
    assert 'data-action="export"' not in run_list([replace(run, size_bytes=0)], "")
    assert "its models had to make room" in run_list([replace(run, size_bytes=0)], "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ahead": 2, "start_eta_seconds": 130.0}, "2 runs ahead of yours. It starts in about 2 min 10 s."),
        ({"ahead": 1}, "1 run ahead of yours."),
        ({"ahead": 0, "followers": 3}, "3 visitors run this very recipe: it is computed once"),
    ],
)
def test_a_run_in_line_says_where_it_stands(changes: dict[str, Any], words: str) -> None:
    waiting = replace(done("x", 5, 90), status="queued", result=None, ended=None, **changes)
    assert words in texts(progress(waiting, mine=True))
    assert ("It starts in" in progress(waiting, mine=True)) == ("start_eta_seconds" in changes)


def test_results_name_their_data_where_it_is_known(tmp_path: Path) -> None:
    named, unnamed = done("a", 5, 90, inputs={"data": "x"}).result, done("b", 5, 90).result
    assert isinstance(named, Result)
    assert isinstance(unnamed, Result)
    both = [done("a", 5, 90, inputs={"data": "x"}), done("b", 5, 90)]
    assert [point.comparable for point in standing(both, "a", "size")] == [False, True]

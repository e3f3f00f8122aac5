"""How sure a result is: intervals on charts and in tables, models compared URL by URL, controls, seeds."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
import fakes

from compression.catalog import EXAMPLES
from compression.config import RunConfig
from compression.data.sources import Split
from compression.measure import evidence as measured_evidence
from compression.measure.evidence import Evidence, gather
from compression.measure.intervals import wilson
from compression.measure.paired import compare, paired, uneven_enough
from compression.measure.predictions import PREDICTIONS, predictions, write_predictions
from compression.measure.quality import quality
from compression.result import Result
from compression.ui import charts, units
from compression.ui.evidence import evidence
from compression.ui.views import comparison
from compression.ui.views.certainty import certainty_card, pair_sentence, pairs_table

COUNT = 450  # the article's test URLs
LABELS = tuple(int(row % 2) for row in range(COUNT))
TEXTS = tuple(f"http://{row}.example" for row in range(COUNT))


def answers(right: int, first_wrong: int = 0) -> np.ndarray:
    """Probabilities that are right on so many of the URLs, wrong on the others from `first_wrong` on."""
    said = np.where(np.array(LABELS) == 1, 0.9, 0.1)
    wrong = (np.arange(COUNT - right) + first_wrong) % COUNT
    said[wrong] = 1 - said[wrong]
    return said


# The article's accuracies: 0.9356 of the 4-bit model, 0.9289 of the student.
SAID = {
    "teacher": answers(391),
    "student": answers(418, first_wrong=10),
    "compressed": answers(421, first_wrong=20),
    "untaught": answers(400),
    "control": answers(395),
}


def result_of(said: dict[str, np.ndarray]) -> Result:
    """The result of a run whose models say this of every test URL."""
    plain = fakes.result(RunConfig())
    models = {}
    for name, own in said.items():
        metrics = {"test": quality(LABELS, own), "validation": quality(LABELS, own)}
        known = plain.models.get(name, plain.models["compressed"])
        models[name] = known.model_copy(update={"metrics": metrics})
    majority = {"test": quality(LABELS, np.zeros(COUNT)), "validation": quality(LABELS, np.zeros(COUNT))}
    return plain.model_copy(update={"models": models, "majority": majority})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    kept = predictions(Split(TEXTS, LABELS), SAID)
    write_predictions(folder, {"validation": kept, "test": kept})
    return folder


@pytest.fixture(scope="module")
def sure(folder: Path) -> Evidence:
    return gather(result_of(SAID), folder)


def test_every_metric_of_every_model_has_its_interval_the_majority_class_included(sure: Evidence) -> None:
    assert set(sure.intervals) == {*SAID, "majority"}
    for name in SAID:
        own = sure.intervals[name]
        for low, high in (own.accuracy, own.precision, own.recall, own.f1, own.roc_auc):
            assert low < high
    assert sure.intervals["majority"].accuracy == wilson(225, 450)
    assert sure.intervals["majority"].precision is None  # it never says Not Safe


def test_every_two_models_are_compared_once(sure: Evidence) -> None:
    assert len(sure.pairs) == 10
    labels, said = sure.said["test"].labels, sure.said["test"].probabilities
    assert sure.pairs["compressed", "student"] == paired(labels, said["student"], said["compressed"])
    assert ("student", "untaught") in sure.pairs
    assert not any(model == "teacher" for model, _ in sure.pairs)


def test_the_articles_three_urls_are_noise_on_the_page(sure: Evidence) -> None:
    words = pair_sentence("compressed", "student", sure.pairs["compressed", "student"])
    assert words.startswith("The compressed model is right on 3 more of 450 test URLs than the student: within noise (")
    assert words in certainty_card(result_of(SAID), sure)


@pytest.mark.parametrize(
    ("by", "words"),
    [
        (compare(450, 0, 0), "The student and the teacher are right on the same of 450 test URLs."),
        (compare(450, 4, 4), "though not on the same: within noise (p = 1.00)."),
        (
            compare(1450, 30, 4),
            "is right on 26 fewer of 1,450 test URLs than the teacher: more than noise (p < 0.001).",
        ),
        (compare(450, 2, 10), "8 more of 450 test URLs than the teacher: more than noise (p = 0.039)."),
    ],
    ids=["same", "even", "fewer", "more"],
)
def test_any_outcome_has_its_sentence(by: object, words: str) -> None:
    assert words in pair_sentence("student", "teacher", by)  # type: ignore[arg-type]


def test_all_pairs_stand_in_a_table_with_what_they_mean(sure: Evidence) -> None:
    table = pairs_table(dict(sure.pairs))
    assert table.count("<tr>") == 1 + len(sure.pairs)
    assert "<td>noise</td>" in table
    assert "<td>more than noise</td>" in table


def test_the_chart_draws_the_intervals_and_the_controls(sure: Evidence) -> None:
    figure = charts.metrics(result_of(SAID), sure)
    bars = {bar.name: bar for bar in figure.data if bar.type == "bar"}
    assert list(bars) == ["Teacher", "Student", "Compressed", "Without teacher", "TF-IDF control", "Majority class"]
    low, high = sure.intervals["compressed"].accuracy
    bar = bars["Compressed"]
    assert bar.x[0] + bar.error_x.array[0] == pytest.approx(high)
    assert bar.x[0] - bar.error_x.arrayminus[0] == pytest.approx(low)
    assert len({(bar.marker.color, bar.marker.pattern.shape) for bar in bars.values()}) == 6
    assert len({bar.marker.pattern.shape for bar in bars.values()}) == 6, "models must be told apart without colour"
    points = charts.size_accuracy(result_of(SAID), reference=False, sure=sure).data[0]
    assert points.y[2] + points.error_y.array[2] == pytest.approx(high)


def test_the_table_has_every_interval_below_its_figure(sure: Evidence) -> None:
    table = comparison.everything(result_of(SAID), sure)
    low, high = sure.intervals["compressed"].accuracy
    assert f"<td>93.6 %<small>{100 * low:.1f} … {100 * high:.1f}</small></td>" in table
    assert "<td>–</td></tr>" in table  # the majority class weighs nothing and takes no time


def test_a_run_without_predictions_still_has_the_intervals_of_its_counts(tmp_path: Path) -> None:
    result = fakes.with_control(fakes.result(RunConfig()))
    sure = gather(result, tmp_path)
    assert (sure.said, sure.intervals["student"].f1) == ({}, None)
    assert sure.intervals["student"].accuracy == wilson(387, 400)
    assert list(sure.pairs) == [("compressed", "teacher")]
    assert "kept no predictions" in comparison.everything(result, sure)
    assert "cannot be compared URL by URL" in certainty_card(fakes.result(RunConfig()), gather(result_of({}), tmp_path))
    assert "cannot be compared URL by URL" in certainty_card(fakes.result(RunConfig()), None)


def test_predictions_of_another_run_say_nothing(folder: Path) -> None:
    fewer = {name: own for name, own in SAID.items() if name != "untaught"}
    assert gather(result_of(fewer), folder).said == {}  # a model that this run does not have
    assert gather(fakes.result(RunConfig()), folder).said == {}  # as many URLs as this run did not see


@pytest.mark.parametrize("name", ["quick", "real", "tiny"])
def test_the_runs_the_page_opens_with_have_their_evidence(name: str) -> None:
    result = Result.read(EXAMPLES / name)
    sure = gather(result, EXAMPLES / name)
    assert sure.said["test"]
    card = certainty_card(result, sure)
    assert "The compressed model is right on" in card
    measured = result.config.controls.without_teacher
    assert ("What the teacher brought: " if measured else "What the teacher brought was not measured") in card


def test_what_the_teacher_brought_and_how_far_luck_goes_are_said_where_they_were_measured() -> None:
    result = result_of(SAID)
    gain = {"test": compare(450, 4, 22), "both": compare(900, 9, 40)}
    spread = {"student": [0.96, 0.95, 0.97], "compressed": [0.96, 0.955, 0.962]}
    card = certainty_card(result.model_copy(update={"distillation_gain": gain, "spread": spread}), None)
    low, high = (units.signed_points(end) for end in (gain["both"].low, gain["both"].high))
    assert f"What the teacher brought: +3.4 points (95 % interval {low} to {high}: more than noise)" in card
    assert "Student: from 95.0 % to 97.0 % with 3 seeds, so luck alone moves it by 2.0 points." in card
    without = certainty_card(result, None)
    assert "switch on “Train it without the teacher too”" in without
    assert "ask for more than one of “Seeds”" in without
    figure = charts.size_accuracy(result.model_copy(update={"spread": spread}), reference=False)
    seeds = [trace for trace in figure.data if trace.name == "other seeds"]
    assert [list(trace.y) for trace in seeds] == [[0.95, 0.97], [0.955, 0.962]]


def test_why_a_few_urls_are_noise_is_told_with_this_runs_urls(sure: Evidence) -> None:
    card = certainty_card(result_of(SAID), sure)
    by = sure.pairs["compressed", "student"]
    apart = by.only_model_right + by.only_teacher_right
    assert f"part ways on {apart} URLs: {by.only_model_right} that only the one gets right" in card
    same = dict.fromkeys(("teacher", "student", "compressed"), SAID["student"])
    pairs = {("compressed", "student"): paired(LABELS, same["student"], same["compressed"])}
    assert "nothing here that chance" in certainty_card(result_of(same), Evidence({}, {}, pairs))


def test_how_uneven_is_uneven_enough() -> None:
    assert uneven_enough(21) == 16  # 16 to 5: p = 0.027; 15 to 6: p = 0.078
    assert compare(450, 5, 16).p_value < 0.05 <= compare(450, 6, 15).p_value
    assert uneven_enough(5) is None  # 5 to 0: p = 0.0625
    assert uneven_enough(0) is None


def test_names_that_a_result_gives_itself_are_escaped(sure: Evidence) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    result = result_of({**SAID, hostile: SAID["student"]})
    pairs = {(hostile, "teacher"): compare(450, 1, 2)}
    for html in (
        comparison.everything(result, sure),
        certainty_card(result, Evidence({}, {}, pairs | dict(sure.pairs))),
    ):
        assert "<img" not in html


def test_one_run_is_gathered_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    calls: list[Path] = []

    def counting(result: Result, where: Path) -> Evidence:
        calls.append(where)
        return Evidence({}, {}, {})

    monkeypatch.setattr(measured_evidence, "gather", counting)
    runs = SimpleNamespace(folder=lambda run_id: folder)
    shown = SimpleNamespace(run_id="run-of-this-test", result=result_of(SAID))
    first, second = (evidence(runs, shown) for _ in range(2))  # type: ignore[arg-type]
    assert first is second
    assert calls == [folder]
    write_predictions(folder, {"test": predictions(Split(TEXTS, LABELS), SAID)})  # resumed, and written anew
    assert (folder / PREDICTIONS).is_file()
    assert evidence(runs, shown) is not first  # type: ignore[arg-type]
    assert evidence(runs, SimpleNamespace(run_id="going", result=None)) is None  # type: ignore[arg-type]

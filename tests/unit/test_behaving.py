"""How models behave: flips, loyalty, sorts of URLs, thresholds and calibration, drawn from what a run kept."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
import fakes
import tiny

from compression.catalog import EXAMPLES
from compression.config import RunConfig
from compression.data.at_hand import at_hand
from compression.data.sources import Split
from compression.errors import DataError
from compression.measure.predictions import Predictions, predictions
from compression.recipe import parse
from compression.result import Result
from compression.ui import behaving, behaviour_charts
from compression.ui.evidence import evidence
from compression.ui.views import behaviour

HOSTILE = "http://evil.example/<script>alert(1)</script>\u202e"


def kept(count: int = 120, hostile: str = HOSTILE) -> tuple[Predictions, tuple[str | None, ...]]:
    """Three models on labelled URLs: of the first ten the student has one right that the teacher has not."""
    rows = tiny.urls(count)
    rows[1] = (hostile, 1)
    texts, labels = zip(*rows, strict=True)
    truth = np.array(labels)
    teacher = np.where(truth == 1, 0.9, 0.1)
    teacher[:10] = 1 - teacher[:10]
    student, compressed = teacher.copy(), np.where(truth == 1, 0.8, 0.2)
    student[1], student[40:43] = 0.7, 1 - teacher[40:43]
    said = predictions(Split(texts, labels), {"teacher": teacher, "student": student, "compressed": compressed})
    return said, said.texts(texts)


def test_what_flipped_is_counted_and_listed_where_the_urls_are_at_hand() -> None:
    said, texts = kept()
    card = behaviour.flips_card(said, texts)
    assert "Teacher → Student, of 120 test URLs: wrong before and right now 1, right before and wrong now 3." in card
    assert "Student → Compressed, of 120 test URLs: wrong before and right now 12, right before and" in card
    assert "Right before, wrong now: 3 of 3" in card
    assert "hxxp://login-verify" in card
    assert "<td>10.0 %</td><td>70.0 %</td>" in card


def test_urls_are_escaped_and_cannot_be_followed() -> None:
    said, texts = kept()
    card = behaviour.flips_card(said, texts)
    assert "hxxp://evil[.]example/&lt;script&gt;" in card
    for never in ("<script", "http://", "\u202e"):
        assert never not in card


def test_at_most_fifty_are_listed() -> None:
    said, texts = kept(400)
    compressed = 1 - said.probabilities["teacher"]
    worse = Predictions(said.digests, said.labels, {"teacher": said.probabilities["teacher"], "compressed": compressed})
    card = behaviour.flips_card(worse, texts)
    assert "Right before, wrong now: 50 of 390" in card
    assert card.count("hxxp") == 60  # and the ten that were wrong before


def test_without_the_data_flips_are_counted() -> None:
    said, _ = kept()
    card = behaviour.flips_card(said, None)
    assert "they are counted, not listed" in card
    assert "right before and wrong now 3." in card
    assert "hxxp" not in card


class Here:
    """Runs of which one is on show."""

    def __init__(self, result: Result | None, folder: Path, config: RunConfig | None = None) -> None:
        self.shown = result and SimpleNamespace(run_id=str(folder), result=result, config=config or result.config)
        self.where = folder

    def snapshot(self, run_id: str) -> Any:
        return self.shown

    def folder(self, run_id: str) -> Path:
        return self.where

    def check_uploads(self, config: RunConfig, owner: str) -> None:
        """Anybody may read what these runs read."""


def example(name: str) -> Any:
    folder = EXAMPLES / name
    return Here(Result.read(folder), folder)


def test_an_example_tells_what_it_kept() -> None:
    updates = behaving.behave(example("real"), "run", 95)
    assert set(updates) == set(behaving.PARTS)
    assert "they are counted, not listed" in updates["flips"]
    assert "Loyalty to the teacher" in updates["loyalty"]
    assert updates["roc-plot"].visible
    assert "this data is not on this server" in updates["breakdown-numbers"]


def test_what_rests_on_validation_is_said_to_be_missing_where_it_was_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = example("real")
    sure = evidence(runs, runs.snapshot("run"))
    assert sure is not None
    test_alone = replace(sure, said={"test": sure.said["test"]})
    monkeypatch.setattr(behaving, "evidence", lambda *_: test_alone)
    updates = behaving.behave(runs, "run", 95)
    for name in ("thresholds", "reliability-numbers"):
        assert "which this run did not keep" in updates[name]


def test_the_bundled_example_has_its_urls_at_hand() -> None:
    updates = behaving.behave(example("quick"), "run", 95)
    assert "hxxp" in updates["flips"]
    figure = updates["breakdown-plot"].value
    assert figure is not None
    assert "Length 26 to 50" in updates["breakdown-numbers"]


def test_the_urls_of_anothers_file_are_counted_and_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(config: RunConfig, owner: str) -> None:
        raise DataError("Another visitor's.")

    runs = example("quick")
    monkeypatch.setattr(runs, "check_uploads", refuse)
    updates = behaving.behave(runs, "run", 95)
    assert "they are counted, not listed" in updates["flips"]
    assert "hxxp" not in "".join(update for update in updates.values() if isinstance(update, str))


def test_thresholds_are_chosen_on_validation_for_any_wanted_recall() -> None:
    runs = example("quick")
    lax, strict = (behaving.thresholds(runs, "run", wanted)["thresholds"] for wanted in (60, 99.5))
    assert "For 60 % of the validation split" in lax
    assert lax != strict
    updates = behaving.behave(runs, "run", 90)
    assert updates["reliability-plot"].visible
    assert "Expected calibration error" in updates["reliability-numbers"]
    assert "For 90 % of" in updates["thresholds"]
    for poison in (None, True, float("nan"), float("inf"), -5, 10**400, "x", [], {}):
        assert "of the validation split" in behaving.thresholds(runs, "run", poison)["thresholds"]


def test_a_run_without_predictions_and_no_run_say_so(tmp_path: Path) -> None:
    runs: Any = Here(fakes.result(RunConfig()), tmp_path)
    assert "kept no predictions" in behaving.behave(runs, "run", 95)["flips"]
    nothing: Any = Here(None, tmp_path)
    assert "once a run is done" in behaving.behave(nothing, "", 95)["flips"]
    assert "did not keep" in behaving.thresholds(nothing, "", 95)["thresholds"]


def test_one_class_has_no_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    from compression.measure.evidence import Evidence

    said = predictions(Split(("http://a.test", "http://b.test"), (0, 0)), {"teacher": np.array([0.1, 0.2])})
    monkeypatch.setattr(behaving, "evidence", lambda *_: Evidence({"test": said, "validation": said}, {}, {}))
    updates = behaving.behave(example("quick"), "run", 95)
    assert not updates["roc-plot"].visible
    assert "all of one class" in updates["roc-numbers"] + updates["precision-recall-numbers"]
    assert "alert" in updates["thresholds"]


def test_curves_are_told_apart_without_colour_and_end_where_they_must() -> None:
    from compression.measure.curves import precision_recall, roc

    said, _ = kept()
    labels = said.labels.tolist()
    figure = behaviour_charts.roc({name: roc(labels, own) for name, own in said.probabilities.items()})
    *models, chance = figure.data
    assert len({line.line.dash for line in models}) == len(models) == 3
    assert chance.name == "chance"
    assert (models[0].x[0], models[0].x[-1], models[0].y[-1]) == (0, 1, 1)
    curves = {"teacher": precision_recall(labels, said.probabilities["teacher"])}
    assert behaviour_charts.precision_recall(curves).layout.yaxis.range[1] == 1.02
    assert "Recall" in behaviour.precision_recall_table(curves)


def test_data_is_at_hand_only_where_it_is_on_this_host(tiny_data: Path, tmp_path: Path, hub_cache: Path) -> None:
    found = at_hand(parse({"data": str(tiny_data)}))
    assert found is not None
    assert len(found) == 32
    (tmp_path / "broken.csv").write_text("nothing\n1\n")
    for source in ("web_page_phishing", "someone/data", str(tmp_path / "broken.csv"), "upload:" + "0" * 64, "a\0b"):
        assert at_hand(RunConfig().model_copy(update={"data": source})) is None


def test_a_hosted_page_reads_no_file_of_the_server_for_whoever_looks(
    monkeypatch: pytest.MonkeyPatch, tiny_data: Path
) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/lab")
    folder = EXAMPLES / "quick"
    runs: Any = Here(Result.read(folder), folder, parse({"data": str(tiny_data)}))
    assert "they are counted, not listed" in behaving.behave(runs, "run", 95)["flips"]

"""Runs whose teacher, base and data come from the Hub, through the stand-in: over the wire, then from the cache."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from hub_stand_in import HubStandIn
from refusals import refused

from compression.catalog import PRESETS
from compression.data.sources import load_data
from compression.errors import CompressionError
from compression.events import Event, Progress, TrainingStep
from compression.measure.size import estimate
from compression.models.classifier import locate
from compression.pipeline import run
from compression.recipe import nest, parse

TEACHER, BASE, DATA = "someone/teacher", "distilbert-base-uncased", "someone/urls"
SMALL = [("student.layers", 1), ("distillation.epochs", 1), ("distillation.max_length", 48), ("device", "cpu")]


@pytest.fixture
def hub(hub: HubStandIn, tmp_path: Path, tiny_teacher: Path, tiny_data: Path) -> HubStandIn:
    """A Hub with a tiny teacher, a tiny base and a small data set."""
    hub.add_model(TEACHER, tiny_teacher)
    hub.add_model(BASE, tiny.save_model(tmp_path / "base", "distilbert"))
    hub.add_dataset(DATA, tiny_data)
    return hub


def test_a_run_made_of_the_hub_runs_again_without_it(
    hub: HubStandIn, tmp_path: Path, go_offline: Callable[[], None]
) -> None:
    base = [("student.init", "pretrained"), ("student.base", BASE)]
    config = parse(nest([("teacher", TEACHER), ("data", DATA), *base, *SMALL]))
    seen: list[Event] = []
    first = run(config, seen.append, tmp_path / "first")
    assert any(isinstance(event, Progress) and TEACHER in event.doing for event in seen)
    assert first.config.teacher == TEACHER
    go_offline()
    again = run(config, output=tmp_path / "again")
    assert {name: model.metrics for name, model in again.models.items()} == {
        name: model.metrics for name, model in first.models.items()
    }
    assert again.inputs == first.inputs


def test_sizes_are_known_before_a_weight_is_fetched(hub: HubStandIn, tiny_teacher: Path) -> None:
    known = estimate(parse(nest([("teacher", TEACHER), *SMALL])))
    assert not hub.asked("model.safetensors")
    local = estimate(parse(nest([("teacher", str(tiny_teacher)), *SMALL])))
    assert known.teacher_bytes == pytest.approx(local.teacher_bytes, rel=0.03)
    assert (known.student_parameters, known.compressed_bytes) == (local.student_parameters, local.compressed_bytes)


def test_a_data_set_with_one_split_is_split_here(hub: HubStandIn, tmp_path: Path) -> None:
    hub.add_dataset("someone/one", tiny.save_csv(tmp_path / "one" / "train.csv", tiny.urls(200)).parent)
    splits = load_data("someone/one").splits
    assert {name: len(split) for name, split in splits.items()} == {"train": 140, "validation": 30, "test": 30}


@pytest.mark.parametrize("failure", ["missing", "gated", "disabled", "rate-limited"])
def test_what_the_hub_refuses_is_one_sentence_on_the_command_line(
    hub: HubStandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str], failure: str
) -> None:
    name = "someone/nothing" if failure == "missing" else TEACHER
    if failure != "missing":
        hub.fail(TEACHER, failure)
    told = refused(capsys, "run", "--teacher", name, "--output", tmp_path / "run")
    assert name in told or "too many requests" in told


def test_offline_names_what_works_without_the_hub(hub: HubStandIn, go_offline: Callable[[], None]) -> None:
    go_offline()
    for ask in (lambda: locate(TEACHER), lambda: load_data(DATA)):
        with pytest.raises(CompressionError, match="bundled"):
            ask()


def test_the_article_preset_unchanged_runs_on_full_size_weights(hub: HubStandIn, tmp_path: Path) -> None:
    """The article's ids, its recipe, its shapes; random weights, and few enough URLs for two steps an epoch."""
    from test_article import save_full_size
    from transformers import BertConfig, DistilBertConfig

    settings: dict[str, Any] = PRESETS["article"].settings
    hub.add_model(settings["teacher"], save_full_size(tmp_path / "bert", BertConfig(num_labels=2)))
    hub.add_model(settings["student"]["base"], save_full_size(tmp_path / "distilbert", DistilBertConfig()))
    for name, count, offset in (("train", 64, 0), ("validation", 8, 100), ("test", 8, 200)):
        tiny.save_csv(tmp_path / "urls" / f"{name}.csv", tiny.urls(count, offset))
    hub.add_dataset(settings["data"], tmp_path / "urls")
    seen: list[Event] = []
    result = run(parse(settings), seen.append, tmp_path / "run")
    assert len([event for event in seen if isinstance(event, TrainingStep)]) == 5 * 2
    assert result.models["teacher"].parameters == 109_483_778
    assert 62.5e6 < result.models["compressed"].size_bytes < 63.8e6
    assert json.loads((tmp_path / "run" / "result.json").read_text())["config"]["teacher"] == settings["teacher"]

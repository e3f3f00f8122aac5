"""Where the bytes live, drawn and told; and the one click that would make a model smaller still."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
import fakes

from compression.config import RunConfig
from compression.measure.evidence import Evidence
from compression.recipe import parse
from compression.result import Result
from compression.ui import changing, form, step_charts
from compression.ui.next_step import next_step
from compression.ui.views import parts as part_bytes

TEACHER = {"embeddings": 20_000_000, "attention": 30_000_000, "feed-forward": 40_000_000, "tokenizer": 1_000_000}
COMPRESSED = {
    "embeddings": 7_600_000,
    "attention": 900_000,
    "feed-forward": 900_000,
    "state": 100_000,
    "other": 500_000,
}


def with_parts(config: RunConfig | None = None) -> Result:
    """A result whose first and last step say where their bytes are."""
    plain = fakes.result(config or RunConfig())
    parts = {"load": TEACHER, "quantize": COMPRESSED}
    stages = [stage.model_copy(update={"parts": parts.get(stage.name)}) for stage in plain.stages]
    return plain.model_copy(update={"stages": stages})


def test_each_step_that_wrote_its_parts_down_is_a_row() -> None:
    rows = part_bytes.rows(with_parts(), None)
    assert [(row.name, row.total) for row in rows] == [("Load", 91_000_000), ("Quantize", 10_000_000)]
    table = part_bytes.bytes_table(rows)
    assert "<td>7.6 MB</td>" in table
    assert "<td>–</td>" in table  # the teacher has no quantization state


def test_of_an_older_run_the_models_that_are_here_are_rows() -> None:
    old = fakes.result(RunConfig())
    sure = Evidence({}, {}, {}, {"compressed": COMPRESSED})
    assert [row.name for row in part_bytes.rows(old, sure)] == ["Compressed"]
    assert part_bytes.rows(old, None) == part_bytes.rows(old, Evidence({}, {}, {})) == []


def test_the_chart_shows_shares_that_sum_to_one_and_parts_told_apart_without_colour() -> None:
    figure = step_charts.bytes_by_part(part_bytes.rows(with_parts(), None))
    for row in range(2):
        assert sum(bar.x[row] for bar in figure.data) == pytest.approx(1)
    assert len({bar.marker.pattern.shape for bar in figure.data}) == len(figure.data)
    embeddings = figure.data[0]
    assert embeddings.text[1] == "76 %"
    assert embeddings.customdata[1] == "7.6 MB"
    assert figure.data[-1].name == "Config and headers"
    assert figure.data[-1].text[1] == ""  # too narrow a piece for a number


@pytest.mark.parametrize(
    ("settings", "largest", "changes"),
    [
        ({"quantization": {"scheme": "nf4"}}, "embeddings", {"quantization.embeddings": True}),
        ({"quantization": {"scheme": "none"}}, "embeddings", {"quantization.scheme": "packed-int4"}),
        ({"quantization": {"scheme": "packed-int4"}}, "embeddings", {"vocabulary.method": "trim"}),
        ({"quantization": {"scheme": "nf4"}}, "tokenizer", {"vocabulary.method": "trim"}),
        (
            {"quantization": {"scheme": "ternary"}, "vocabulary": {"method": "train", "size": 4000}},
            "embeddings",
            {"vocabulary.size": 2000},
        ),
        (
            {"quantization": {"scheme": "ternary"}, "vocabulary": {"method": "trim"}},
            "tokenizer",
            {"vocabulary.min_count": 2},
        ),
        ({"quantization": {"scheme": "fp16"}}, "feed-forward", {"quantization.scheme": "packed-int4"}),
        ({"quantization": {"scheme": "onnx-int8"}}, "layers", {"quantization.scheme": "packed-int4"}),
        ({"quantization": {"scheme": "nf4"}, "student": {"layers": 3}}, "attention", {"student.layers": 2}),
        ({"quantization": {"scheme": "nf4", "double": False}}, "state", {"quantization.double": True}),
        (
            {"quantization": {"scheme": "packed-int4"}, "student": {"init": "linear", "features": 65536}},
            "n-grams",
            {"student.features": 32768},
        ),
        (
            {"quantization": {"scheme": "none"}, "student": {"init": "linear"}},
            "n-grams",
            {"quantization.scheme": "packed-int4"},
        ),
    ],
)
def test_the_next_step_follows_where_most_bytes_are(
    settings: dict[str, Any], largest: str, changes: dict[str, Any]
) -> None:
    config = parse(settings)
    step = next_step({largest: 760, "head": 200, "other": 40}, config)
    assert step is not None
    assert (step.part, step.share) == (largest, 0.76)
    assert changes.items() <= step.changes.items()
    values = form.to_values(config) | step.changes
    assert form.to_config(values) != config  # it is a recipe, and another one


@pytest.mark.parametrize(
    ("settings", "largest"),
    [
        ({"quantization": {"scheme": "nf4"}, "student": {"layers": 1}}, "attention"),
        ({"quantization": {"scheme": "nf4", "double": True}}, "state"),
        ({"quantization": {"scheme": "nf4"}, "vocabulary": {"method": "trim", "min_count": 3}}, "tokenizer"),
        ({"quantization": {"scheme": "packed-int4"}, "student": {"init": "linear", "features": 4096}}, "n-grams"),
        ({}, "head"),
    ],
)
def test_where_no_step_helps_none_is_offered(settings: dict[str, Any], largest: str) -> None:
    assert next_step({largest: 760, "other": 40}, parse(settings)) is None
    assert "No single step" in part_bytes.offer(with_parts(), [part_bytes.Row("x", {"head": 1})])


def test_the_offer_says_where_the_bytes_are_and_what_can_be_done() -> None:
    result = with_parts(parse({"quantization": {"scheme": "nf4"}}))
    offer = part_bytes.offer(result, part_bytes.rows(result, None))
    assert "Embeddings: 76 % of what is left." in offer
    assert ">Quantize the embeddings too</button>" in offer


def test_lessons_are_told_with_this_runs_numbers() -> None:
    result = with_parts()
    told = part_bytes.lessons(result, part_bytes.rows(result, None))
    assert "the layers went from 70.0 MB to 1.8 MB, the embeddings from 20.0 MB to 7.6 MB" in told
    assert "their share went from 22 % to 76 %" in told
    assert "Attention takes 0.90 MB here" in told
    assert "This run set none to zero" in told
    removed = {"pruning": {"sparsity": 0.5}, "structured": {"heads": 0.25}, "quantization": {"scheme": "packed-int4"}}
    pruned = with_parts(parse(removed))
    told = part_bytes.lessons(pruned, part_bytes.rows(pruned, None))
    assert "This run set 50 % of the weights to zero, and the model went from 17.1 MB to 17.1 MB" in told
    assert "This run removed 25 % of its heads" in told
    linear = with_parts(parse({"student": {"init": "linear"}, "quantization": {"scheme": "none"}}))
    told = part_bytes.lessons(linear, [part_bytes.Row("Quantize", {"n-grams": 10, "other": 2})])
    assert "heads" not in told.partition("<summary>Why do zeros")[0]


def runs_with(result: Result | None) -> Any:
    shown = SimpleNamespace(run_id="", result=result) if result else None
    return SimpleNamespace(snapshot=lambda run_id: shown, folder=lambda run_id: Path("nowhere"))


def test_one_click_puts_the_step_into_the_form_and_can_be_undone() -> None:
    before = form.preset_values("quick")
    updates = changing.take_step(runs_with(with_parts(form.to_config(before))), "run", before)
    assert updates["quantization.embeddings"] is True
    assert updates["preset"] == "custom"
    assert updates["saved"] == before
    assert updates["undo"].visible
    assert "Quantize the embeddings too. Press Run" in updates["next-step"]
    assert form.to_config(before | {"quantization.embeddings": True}) != form.to_config(before)


def test_a_step_that_the_form_cannot_take_is_said_and_changes_nothing() -> None:
    runs = runs_with(with_parts(form.to_config(form.preset_values("quick"))))
    for before in (
        form.preset_values("quick") | {"quantization.embeddings": True},  # taken already
        form.preset_values("linear"),  # has no embeddings
        form.preset_values("quick") | {"distillation.epochs": "many"},
    ):
        updates = changing.take_step(runs, "run", before)
        assert list(updates) == ["next-step"]
        assert "cannot take this step" in updates["next-step"]


def test_without_a_result_there_is_no_step_to_take() -> None:
    assert changing.take_step(runs_with(None), "run", form.preset_values("quick")) == {}
    assert changing.take_step(runs_with(fakes.result(RunConfig())), "", form.preset_values("quick")) == {}
    assert changing.take_step(runs_with(fakes.result(RunConfig())), "run", form.preset_values("quick")) == {}

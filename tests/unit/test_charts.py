"""Charts, sentences and notes: what they say is what was measured."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
import fakes

from compression.catalog import ARTICLE_POINTS
from compression.config import DistillationConfig, RunConfig
from compression.events import TrainingStep
from compression.recipe import parse
from compression.result import ModelReport, Result
from compression.runs.fold import CURVE_POINTS
from compression.ui import charts, notes, units
from compression.ui.views import comparison, verdicts
from compression.ui.views.estimate import estimate_card
from compression.ui.views.preview import preview_card

RESULT = fakes.result(RunConfig())


def changed(name: str, **fields: object) -> Result:
    model = RESULT.models[name].model_copy(update=fields)
    return RESULT.model_copy(update={"models": RESULT.models | {name: model}})


def measured(right: float, size_bytes: int, p50: float) -> Result:
    compressed = RESULT.models["compressed"]
    latency = compressed.latency_ms.model_copy(update={"p50": p50})
    return changed("compressed", size_bytes=size_bytes, metrics={"test": fakes.metrics(right)}, latency_ms=latency)


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        (RESULT, "14.0× smaller, 0.5 points less accurate than the teacher, 2.1× faster on this CPU."),
        (
            measured(0.9725, 91_600_000, 12.6),
            "the same size, exactly as accurate as the teacher, just as fast on this CPU.",
        ),
        (
            measured(0.9825, 183_200_000, 25.2),
            "2.0× larger, 1.0 point more accurate than the teacher, 2.0× slower on this CPU.",
        ),
        (
            measured(0.9425, 700_000, 0.1),
            "131× smaller, 3.0 points less accurate than the teacher, 126× faster on this CPU.",
        ),
    ],
    ids=["usual", "same", "worse", "extreme"],
)
def test_the_summary_says_in_words_what_was_measured(result: Result, sentence: str) -> None:
    assert comparison.summary(result) == sentence


def test_the_summary_names_the_device() -> None:
    environment = RESULT.environment.model_copy(update={"device": "Tesla T4"})
    assert "on this GPU" in comparison.summary(RESULT.model_copy(update={"environment": environment}))


def test_size_accuracy_draws_the_models_and_the_article_as_a_layer_apart() -> None:
    figure = charts.size_accuracy(RESULT)
    ours, article = figure.data
    assert list(ours.x) == [91.6, 17.1, 6.54]
    assert list(ours.y) == [0.9725, 0.9675, 0.9675]
    assert list(article.y) == [point.accuracy for point in ARTICLE_POINTS]
    assert article.name == "the article's own data, 450 URLs"
    assert figure.layout.xaxis.type == "log"
    assert len(set(ours.marker.symbol)) == 3, "models must be told apart without colour"
    assert len(charts.size_accuracy(RESULT, reference=False).data) == 1


def test_bars_show_every_model_and_leave_out_what_is_undefined() -> None:
    nothing_found = fakes.metrics(0.94).model_copy(update={"precision": None})
    figure = charts.metrics(changed("student", metrics={"test": nothing_found}))
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [bar.name for bar in bars] == ["Teacher", "Student", "Compressed"]
    assert bars[1].text[1] == ""
    assert list(charts.latency(RESULT).data[0].x) == [12.6, 16.8]


def test_a_confusion_matrix_shows_counts_and_shades_by_row() -> None:
    model: ModelReport = RESULT.models["teacher"]
    (heat,) = charts.confusion(model).data
    assert heat.text[0][0] == model.metrics["test"].confusion[0][0]
    assert sum(heat.z[0]) == pytest.approx(1)


@pytest.mark.parametrize("points", [1, CURVE_POINTS])
def test_a_loss_curve_of_any_length_is_drawn(points: int) -> None:
    curve = [
        TrainingStep(stage="distill", step=i, steps=points, epoch=1, loss=0.5, soft_loss=0.25, hard_loss=1.0)
        for i in range(1, points + 1)
    ]
    figure = charts.loss_curve(curve)
    assert [len(line.x) for line in figure.data] == [points] * 3


@pytest.mark.parametrize(
    "figure",
    [charts.size_accuracy(RESULT), charts.metrics(RESULT), charts.latency(RESULT), charts.loss_curve([])],
    ids=["size", "metrics", "latency", "loss"],
)
def test_charts_read_on_light_and_dark(figure: object) -> None:
    layout = figure.layout  # type: ignore[attr-defined]
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0,0,0,0)"
    assert layout.font.color == charts.INK


def test_why_embeddings_gives_this_students_bytes() -> None:
    config = parse({"student": {"layers": 2}})
    note = notes.embeddings(fakes.estimate(config), config)
    assert "73 % of the compressed model (7.7 MB of 10.6 MB)" in note
    assert "2.4 MB" in note


def test_why_padding_gives_this_datas_waste() -> None:
    config = RunConfig()
    note = notes.padding(fakes.preview(config), config)
    assert "at most 18 tokens" in note
    assert "padded to 128" in note
    assert "86 %" in note
    unsorted = parse({"training": {"bucketing": False}})
    assert notes.padding(fakes.preview(unsorted), unsorted) != note


def test_why_alpha_gives_this_runs_losses() -> None:
    recipe = DistillationConfig(soft_weight=0.7, temperature=2)
    step = TrainingStep(stage="distill", step=9, steps=9, epoch=1, loss=0.44, soft_loss=0.2, hard_loss=1.0)
    note = notes.alpha(recipe, step)
    assert "70 % of the weight" in note
    assert "temperature 2)" in note
    assert "At step 9 that was 0.7 × 0.200 + 0.3 × 1.000 = 0.440." in note
    assert "At step" not in notes.alpha(recipe)


def test_hostile_urls_are_escaped_and_defanged_wherever_they_are_drawn() -> None:
    hostile = "http://evil.example/<script>alert(1)</script>"
    cards = verdicts.verdict_cards(hostile, fakes.classify(hostile, {"<b>": Path()}), {})
    preview = preview_card(fakes.preview(RunConfig()), RunConfig())
    for html in (cards, preview):
        assert "<script" not in html
        assert "<img" not in html
        assert "<b>" not in html
        assert "http://" not in html


def test_the_estimate_names_scheme_and_ratio() -> None:
    card = estimate_card(fakes.estimate(RunConfig()), RunConfig())
    assert "After NF4 (4 bits)" in card
    assert "×" in card


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (units.megabytes(91_600_000), "91.6 MB"),
        (units.megabytes(438_000_000), "438 MB"),
        (units.megabytes(1_600), "1.6 kB"),
        (units.share(0.999), "99.9 %"),
        (units.share(1), "100 %"),
        (units.share(0.0004), "< 0.1 %"),
        (units.percent(None), "–"),
        (units.duration(59.6), "1 min 00 s"),
        (units.duration(4_000), "1 h 06 min"),
        (units.moment(0), "1970-01-01 00:00 UTC"),
    ],
)
def test_numbers_read_as_people_write_them(written: str, expected: str) -> None:
    assert written == expected

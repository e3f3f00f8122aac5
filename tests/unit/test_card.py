"""The model card: what it states is the run's result, and nothing of the machine that made it."""

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from compression.__main__ import _assignment
from compression.catalog import PRESETS, preset_settings
from compression.config import RunConfig
from compression.export.card import card
from compression.measure.evidence import Evidence
from compression.measure.intervals import Intervals, of_counts
from compression.measure.paired import compare
from compression.recipe import choices, nest, parse
from compression.result import Environment, Latency, Metrics, ModelReport, Result

DIGEST = "ab" * 32
RECIPES: list[dict[str, Any]] = [
    *(preset.settings for preset in PRESETS.values()),
    {"quantization": {"scheme": "int8"}, "columns": {"text": "the url", "positive": "bad;`rm`"}},
    {"student": {"init": "random", "layers": 1, "hidden_size": 64, "heads": 4}, "training": {"bucketing": False}},
]


def result(config: RunConfig | None = None, right: int = 380) -> Result:
    wrong = (400 - right) // 2
    metrics = Metrics(
        accuracy=right / 400, precision=0.9512, recall=None, f1=0.94, roc_auc=0.99, examples=400,
        confusion=((200 - wrong, wrong), (wrong, 200 - wrong)),
    )  # fmt: skip
    sizes = (("teacher", 91_600_000, 12.6), ("student", 17_100_000, 5.1), ("compressed", 6_540_000, 6.0))
    models = {
        name: ModelReport(
            parameters=size // 4, size_bytes=size, size_stored_bytes=size, latency_ms=Latency(p50=p50, p95=9.5),
            metrics={"validation": metrics, "test": metrics}, folder=f"/home/someone/{name}",
        )
        for name, size, p50 in sizes
    }  # fmt: skip
    environment = Environment(
        python="3.11.9", packages={"torch": "2.13.0"}, device="CPU, 2 threads", cpu="AMD EPYC 9R14", cpu_flags=[],
        threads=2, created="2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    inputs = {"data": DIGEST, "teacher": "cd" * 32}
    return Result(config=config or RunConfig(), inputs=inputs, environment=environment, stages=[], models=models)


def front_matter(text: str) -> dict[str, Any]:
    found = re.match(r"---\n(.*?)\n---\n", text, re.DOTALL)
    assert found
    content: dict[str, Any] = yaml.safe_load(found[1])
    return content


def test_it_states_what_was_measured() -> None:
    text = card(result(), "compressed", "me/tiny-phish")
    assert "# tiny-phish" in text
    assert "| this model, test | 0.9500 (0.9240 to 0.9674) | 0.9512 (0.9" in text
    assert " | – | 0.9400 | 0.9900 | 400 |" in text
    assert "| this model | 1,635,000 | 6.54 | 14.0× | 6.0 | 9.5 |" in text
    assert "AMD EPYC 9R14" in text
    assert "14.0 times smaller than the teacher" in text
    assert "quantized to 4 bits (bitsandbytes NF4)" in text
    assert DIGEST in text
    assert "generated" in text, "the bundled data's limit is told"
    assert 'from_pretrained("me/tiny-phish")' in text
    assert "`bitsandbytes`" in text


def test_the_students_card_speaks_of_the_student() -> None:
    text = card(result(), "student", "me/s")
    assert "| this model | 4,275,000 | 17.10 | 5.4× | 5.1 | 9.5 |" in text
    assert "NF4)" not in text
    assert "bitsandbytes" not in text
    assert "nf4" not in front_matter(text)["tags"]


def test_front_matter_names_what_lies_on_the_hub() -> None:
    article = parse(PRESETS["article"].settings)
    found = front_matter(card(result(article), "compressed", "me/s"))
    assert found["base_model"] == "shawhin/bert-phishing-classifier_teacher"
    assert found["datasets"] == ["shawhin/phishing-site-classification"]
    assert (found["library_name"], found["pipeline_tag"]) == ("transformers", "text-classification")
    assert {"nf4", "phishing"} <= set(found["tags"])
    bundled = front_matter(card(result(), "compressed", "me/s"))
    assert not {"base_model", "datasets"} & set(bundled)


def test_it_tells_no_path_of_the_machine() -> None:
    more = {"unlabelled": "/home/someone/more.csv"}
    config = parse(
        {"teacher": "/home/someone/models/big", "data": "C:\\Users\\someone\\urls.csv", "distillation": more}
    )
    text = card(result(config), "compressed", "me/s")
    assert "someone" not in text
    assert "`urls.csv`" in text
    assert "`big`" in text


def test_no_setting_breaks_out_of_its_cell() -> None:
    config = parse({"columns": {"text": "a|b`<script>\n# owned"}})
    text = card(result(config), "student", "me/s")
    recipe = text[text.index("## Method") : text.index("## Quality")]
    assert "<script>" not in recipe
    assert "| `columns.text` | `a b script # owned` |" in recipe
    fenced = card(result(parse({"columns": {"text": "x\n```\n# owned"}})), "student", "me/s")
    assert "``````bash" in fenced, "the command's fence is longer than any in it"


@pytest.mark.parametrize("settings", RECIPES)
def test_the_command_makes_the_recipe_again(settings: dict[str, Any]) -> None:
    config = parse(settings)
    text = card(result(config), "student", "me/s")
    (line,) = re.findall(r"^python -m compression run .*$", text, re.MULTILINE)
    sets = [word for option, word in pairwise(shlex.split(line)) if option == "--set"]
    assert parse(preset_settings("quick"), nest(_assignment(text) for text in sets)) == config


def test_every_scheme_and_every_student_has_its_card() -> None:
    for scheme in choices("quantization.scheme"):
        text = card(result(parse({"quantization": {"scheme": scheme}})), "compressed", "me/s", plain=False)
        assert ", then " in text
        assert "python -m compression classify me/s" in text
        assert "from_pretrained" not in text
    linear = parse(PRESETS["linear"].settings)
    assert "me/s" in card(result(linear), "student", "me/s", plain=False)


def test_figures_have_their_intervals_and_models_are_compared_where_the_run_kept_its_predictions() -> None:
    plain = card(result(), "compressed", "me/s")
    low, high = of_counts(result().models["compressed"].metrics["test"]).accuracy
    assert f"0.9500 ({low:.4f} to {high:.4f})" in plain
    assert "| 0.9400 |" in plain  # F1 has no interval without the predictions
    own = Intervals((0.91, 0.97), None, None, (0.9, 0.96), (0.98, 0.995))
    pairs = {("compressed", "student"): compare(400, 2, 5), ("student", "teacher"): compare(400, 1, 9)}
    text = card(result(), "compressed", "me/s", sure=Evidence({}, {"compressed": own}, pairs))
    assert "0.9400 (0.9000 to 0.9600)" in text
    assert "- this model is right on 3 more of 400 URLs than the student: within noise" in text
    assert "than the teacher: " not in text


def test_it_needs_nothing_but_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert card(result(), "compressed", "me/s") == card(result(), "compressed", "me/s")

"""What is promised of the bundled teacher: on real URLs of domains it never saw, and in a Quick run."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from compression.__main__ import main
from compression.catalog import BUNDLED_TEACHER
from compression.measure.quality import quality


@pytest.fixture(scope="module")
def real_test(real_data: Path) -> tuple[list[str], list[int]]:
    """The real test split: texts and labels."""
    with (real_data / "test.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [row["text"] for row in rows], [int(row["labels"]) for row in rows]


def probabilities(texts: list[str]) -> np.ndarray:
    from compression.models.bundled import load, logits

    found: np.ndarray = logits(*load(BUNDLED_TEACHER), texts).softmax(-1)[:, 1].numpy()
    return found


@pytest.mark.real
def test_real_urls_of_unseen_domains(real_test: tuple[list[str], list[int]]) -> None:
    texts, labels = real_test
    found = probabilities(texts)
    metrics = quality(labels, found)
    assert metrics.accuracy >= 0.910
    assert metrics.roc_auc is not None
    assert metrics.roc_auc >= 0.968
    assert calibration_error(found, np.array(labels)) <= 0.03


@pytest.mark.real
def test_the_way_an_address_is_written_decides_nothing(real_test: tuple[list[str], list[int]]) -> None:
    texts = [text for text in real_test[0] if text.startswith("http")][:200]
    bare = [re.sub(r"(?i)^[a-z]+://(www\.)?", "", text) for text in texts]
    found = probabilities(texts)
    for spelt in (bare, [f"https://www.{text}".upper() for text in bare], [f"http://{text}/" for text in bare]):
        assert probabilities(spelt) == pytest.approx(found, abs=1e-3)


def calibration_error(found: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal bins of confidence from 0.5 to 1, weighted by their rows."""
    confidence, right = np.maximum(found, 1 - found), (found > 0.5) == labels
    place = np.minimum(((confidence - 0.5) * 2 * bins).astype(int), bins - 1)
    return float(sum(abs((confidence - right)[place == one].sum()) for one in set(place.tolist())) / len(labels))


@pytest.mark.timeout(900)
def test_quick_costs_less_than_two_points(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--set", "device=cpu", "--output", str(tmp_path / "quick"), "--json"]) == 0
    models = json.loads(capsys.readouterr().out)["models"]
    accuracy = {name: model["metrics"]["test"]["accuracy"] for name, model in models.items()}
    assert accuracy["compressed"] >= accuracy["teacher"] - 0.02
    assert models["compressed"]["size_bytes"] < models["teacher"]["size_bytes"] / 4

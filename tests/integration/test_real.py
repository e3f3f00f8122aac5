"""Real URLs and a real pretrained teacher, where PHISHING_DATA and PHISHING_TEACHER name them."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from compression.data.sources import load_data
from compression.data.splits import registered_domain

ROOT = Path(__file__).parent.parent.parent
ROWS = {"train": 640, "validation": 200, "test": 200}


@pytest.fixture(scope="module")
def some_rows(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first few hundred rows of each real split."""
    folder = tmp_path_factory.mktemp("real")
    for name, count in ROWS.items():
        with (real_data / f"{name}.csv").open(encoding="utf-8") as source:
            (folder / f"{name}.csv").write_text(
                "".join(line for _, line in zip(range(count + 1), source, strict=False))
            )
    return folder


@pytest.fixture(scope="module")
def run(real_teacher: Path, some_rows: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the command line as a newcomer would type it."""
    folder = tmp_path_factory.mktemp("run")
    settings = ["student.layers=3", "distillation.epochs=2", "quantization=nf4"]
    command("run", "--teacher", real_teacher, "--data", some_rows, "--output", folder, *sets(settings))
    return folder


def sets(settings: list[str]) -> list[str]:
    return [word for setting in settings for word in ("--set", setting)]


def command(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "compression", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_real_run_is_what_it_says(run: Path, some_rows: Path) -> None:
    result = json.loads((run / "result.json").read_text())
    teacher, student, compressed = (result["models"][name] for name in ("teacher", "student", "compressed"))
    assert teacher["parameters"] == 22_713_986
    assert teacher["size_bytes"] == pytest.approx(91.6e6, rel=0.001)
    assert teacher["metrics"]["validation"]["accuracy"] > 0.9
    assert student["metrics"]["test"]["roc_auc"] > 0.85  # two epochs on 640 URLs
    assert compressed["size_bytes"] < student["size_bytes"] / 2
    assert abs(compressed["metrics"]["test"]["accuracy"] - student["metrics"]["test"]["accuracy"]) < 0.05
    found = json.loads(command("evaluate", run / "models" / "compressed", "--data", some_rows, "--json"))
    assert {key: found[key] for key in compressed["metrics"]["test"]} == compressed["metrics"]["test"]


def test_classify_agrees_with_evaluate_on_real_urls(run: Path, some_rows: Path) -> None:
    with (some_rows / "test.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    model = run / "models" / "compressed"
    lines = [
        json.loads(line) for line in command("classify", model, "--json", "--", *(r["text"] for r in rows)).splitlines()
    ]
    assert [line["url"] for line in lines] == [row["text"] for row in rows]
    found = json.loads(command("evaluate", model, "--data", some_rows, "--json"))
    right = sum((line["label"] == "Not Safe") == (row["labels"] == "1") for line, row in zip(lines, rows, strict=True))
    assert right / len(rows) == found["accuracy"]


def test_a_single_real_file_is_split_by_domain(real_data: Path) -> None:
    data = load_data(str(real_data / "train.csv"))
    assert data.notes == ()
    domains = {name: {registered_domain(text) for text in split.texts} for name, split in data.splits.items()}
    assert not domains["train"] & (domains["validation"] | domains["test"])
    assert not domains["validation"] & domains["test"]
    assert len(data.splits["train"]) == pytest.approx(0.7 * 6927, rel=0.02)

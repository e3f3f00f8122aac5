"""What the page opens with: the shipped runs agree with the shipped models, and hold no URL's text."""

import json
from pathlib import Path

import pytest

from compression.catalog import BUNDLED, EXAMPLES
from compression.data.sources import load_data
from compression.measure.predictions import Predictions, read_predictions, text_digest
from compression.measure.quality import quality
from compression.runs import examples
from compression.runs.snapshot import Snapshot

ROOT = Path(__file__).parents[2]
NAMES = ("quick", "real", "tiny")
MODELS = ("teacher", "student", "compressed", "control")
SHIPPED = [("quick", "teacher"), ("quick", "compressed")]  # models whose answers can be tried
URLS = 60


def shown(name: str) -> Snapshot:
    snapshot = examples.read(f"example-{name}", EXAMPLES / name)
    assert snapshot is not None
    return snapshot


def predictions(name: str) -> Predictions:
    return read_predictions(EXAMPLES / name)["test"]


def test_the_shipped_runs_are_found_and_quick_comes_first() -> None:
    assert list(examples.find(EXAMPLES)) == [f"example-{name}" for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_run_has_all_that_the_page_draws(name: str) -> None:
    snapshot = shown(name)
    assert snapshot.result is not None
    untaught = ["untaught"] if snapshot.config.controls.without_teacher else []
    assert list(snapshot.result.models) == [*MODELS[:3], *untaught, *MODELS[3:]]
    assert (snapshot.curve[0].step, snapshot.curve[-1].step) == (1, snapshot.curve[-1].steps)
    assert len(snapshot.epochs) == snapshot.config.distillation.epochs
    assert [report.name for report in snapshot.stage_reports] == list(snapshot.stages)
    assert (snapshot.precomputed_by or "").startswith("python -m compression precompute --")


@pytest.mark.parametrize("name", NAMES)
def test_the_metrics_follow_from_the_stored_predictions(name: str) -> None:
    result, stored = shown(name).result, predictions(name)
    assert result is not None
    for model, report in result.models.items():
        found, told = quality(stored.labels, stored.probabilities[model]), report.metrics["test"]
        assert found.roc_auc == pytest.approx(told.roc_auc, abs=1e-12), model
        assert found.model_copy(update={"roc_auc": told.roc_auc}) == told, model


@pytest.mark.parametrize(("name", "model"), SHIPPED, ids=str)
def test_the_stored_probabilities_are_those_of_the_shipped_models(name: str, model: str) -> None:
    from compression.artefacts.folder import load
    from compression.models.device import resolve
    from compression.predict.predictor import Predictor

    result, stored = shown(name).result, predictions(name)
    assert result is not None
    known = dict(zip(stored.digests, stored.probabilities[model], strict=True))
    texts = load_data(BUNDLED, wanted=("test",)).splits["test"].texts[:URLS]
    answers = Predictor(load(Path(result.models[model].folder), resolve("cpu"))).probabilities(texts)
    # Another CPU may round bf16 where this one rounds fp32; another model differs by far more.
    assert answers == pytest.approx([known[text_digest(text)] for text in texts], abs=0.03)


@pytest.mark.parametrize("path", sorted(p for n in NAMES for p in (EXAMPLES / n).glob("*.*")), ids=str)
def test_no_url_and_no_place_is_stored(path: Path) -> None:
    content = path.read_bytes().lower()
    assert not [sign for sign in (b"http", b"www.", b".com", b"/home/", b"/tmp/", b"/root/") if sign in content]
    if path.suffix == ".json":
        assert b'"/' not in content


@pytest.mark.parametrize("name", ["real", "tiny"])
def test_of_the_real_urls_nothing_but_hashes_and_labels_is_stored(real_data: Path, name: str) -> None:
    splits = load_data(str(real_data)).splits
    stored = predictions(name)
    expected = sorted(zip(map(text_digest, splits["test"].texts), splits["test"].labels, strict=True))
    assert sorted(zip(stored.digests, stored.labels, strict=True)) == expected
    content = b"".join(path.read_bytes() for path in (EXAMPLES / name).iterdir() if path.is_file())
    hosts = {text.split("://")[-1].split("/")[0] for split in splits.values() for text in split.texts}
    assert not [host for host in hosts if len(host) > 6 and host.encode() in content]


def test_an_example_that_cannot_be_read_is_none(tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "result.json").write_text(json.dumps({"schema": 1}), encoding="utf-8")
    assert examples.read("example-broken", tmp_path / "broken") is None


def test_the_checkout_stays_small() -> None:
    parts = [ROOT / name for name in ("assets", "compression", "tests", "README.md", "CHANGELOG.md", "LICENSE")]
    files = [file for part in parts for file in (part.rglob("*") if part.is_dir() else [part]) if file.is_file()]
    sizes = {file: file.stat().st_size for file in files if "__pycache__" not in file.parts}
    assert sum(sizes.values()) < 25e6
    assert [file for file, size in sizes.items() if size > 9.5e6] == []

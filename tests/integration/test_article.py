"""The article's shapes, from configs alone and full-size: parameters, bytes, and a run of two steps end to end."""

from pathlib import Path

import pytest
import tiny
import torch
from transformers import AutoModelForSequenceClassification, BertConfig, DistilBertConfig

from compression import pipeline
from compression.artefacts.folder import save
from compression.catalog import PRESETS
from compression.events import Event, TrainingStep
from compression.methods.bnb import load_quantized
from compression.models.classifier import load_classifier
from compression.recipe import nest, parse
from compression.schemes import Nf4

CPU = torch.device("cpu")
VOCABULARY = 30522


def save_full_size(folder: Path, config: object) -> Path:
    """A folder with full-size random weights of the config, and a small tokenizer."""
    torch.manual_seed(0)
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    tiny.tokenizer(512).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_full_size(tmp_path_factory.mktemp("article") / "bert", BertConfig(num_labels=2))


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_full_size(tmp_path_factory.mktemp("article") / "distilbert", DistilBertConfig())


def test_the_students_four_bit_file_is_the_articles(base: Path, tmp_path: Path) -> None:
    """62.67 MB in the article, which quantized its pre_classifier too; the head stays in fp16 here."""
    student = load_classifier(base, CPU, config=DistilBertConfig(n_layers=4, n_heads=8, num_labels=2))
    assert sum(p.numel() for p in student.model.parameters()) == pytest.approx(52.78e6, abs=5e3)
    save(student, tmp_path / "student")
    assert (tmp_path / "student" / "model.safetensors").stat().st_size == pytest.approx(211e6, rel=0.002)
    save(load_quantized(tmp_path / "student", Nf4(double=True), CPU), tmp_path / "nf4")
    assert 62.5e6 < (tmp_path / "nf4" / "model.safetensors").stat().st_size < 63.8e6


def test_the_preset_runs_end_to_end_on_local_weights(teacher: Path, base: Path, tmp_path: Path) -> None:
    for name, count, offset in (("train", 64, 0), ("validation", 8, 100), ("test", 8, 200)):
        tiny.save_csv(tmp_path / "data" / f"{name}.csv", tiny.urls(count, offset))
    local = [("teacher", str(teacher)), ("student.base", str(base)), ("data", str(tmp_path / "data"))]
    config = parse(PRESETS["article"].settings, nest([*local, ("distillation.epochs", 1), ("device", "cpu")]))
    seen: list[Event] = []
    result = pipeline.run(config, seen.append, tmp_path / "run")
    assert len([event for event in seen if isinstance(event, TrainingStep)]) == 2
    assert result.models["teacher"].parameters == 109_483_778
    assert result.models["student"].parameters == pytest.approx(52.78e6, abs=5e3)
    assert result.models["teacher"].size_bytes == pytest.approx(438e6, rel=0.002)
    assert 62.5e6 < result.models["compressed"].size_bytes < 63.8e6
    assert result.models["compressed"].metrics["test"].examples == 8

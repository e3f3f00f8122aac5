"""The whole pipeline on tiny models: every scheme, saved, reloaded in a fresh process, and predicting the same."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from compression import pipeline
from compression.artefacts.folder import digest, load
from compression.artefacts.weight import size_stored_bytes
from compression.config import RunConfig
from compression.errors import ConfigError, ModelError, ResourceError, RunCancelled
from compression.events import EVENT, EpochEnded, Event, Progress, RunStarted, StageEnded, StageStarted, TrainingStep
from compression.measure import limits
from compression.measure.size import estimate
from compression.models.classifier import logits_of
from compression.recipe import nest, parse
from compression.result import Result

CPU = torch.device("cpu")
STAGES = ("load", "student", "distill", "quantize", "evaluate")  # of a recipe that asks for nothing more
SCHEMES = [("none", "false"), ("fp16", "false"), ("int8", "false"), ("nf4", "false"), ("nf4", "true"), ("fp4", "true")]
TEXTS = [text for text, _ in tiny.urls(16, offset=5000)]

# What anyone could write without this package: a standard folder, one URL at a time.
STANDARD_LOADER = """
import json, sys, torch, logging
logging.disable(logging.WARNING)
from transformers import AutoModelForSequenceClassification, AutoTokenizer
folder, dtype, *texts = sys.argv[1:]
options = {} if dtype == "stored" else {"dtype": torch.float32}
model = AutoModelForSequenceClassification.from_pretrained(folder, **options).eval()
tokenizer = AutoTokenizer.from_pretrained(folder)
with torch.inference_mode():
    rows = [model(**tokenizer(t, truncation=True, return_tensors="pt", return_token_type_ids=False)).logits[0].tolist()
            for t in texts]
print(json.dumps(rows))
"""
EVALUATE = """
import json, sys
from compression import pipeline
from compression.data.sources import load_data
import torch
data, folders = load_data(sys.argv[1], wanted=("test",)), sys.argv[2:]
found = [pipeline.evaluate(folder, data, "test", torch.device("cpu")) for folder in folders]
print(json.dumps([metrics.model_dump(mode="json") for metrics in found]))
"""


def recipe(teacher: Path, data: Path, *settings: tuple[str, Any]) -> RunConfig:
    quick = [
        ("student.layers", 1),
        ("distillation.epochs", 2),
        ("distillation.learning_rate", 5e-3),
        ("distillation.soft_weight", 0.1),
        ("distillation.batch_size", 16),
        ("device", "cpu"),
    ]
    quick += [("distillation.max_length", 48), ("training.precision", "fp32"), ("quantization", "none")]
    return parse(nest([("teacher", str(teacher)), ("data", str(data)), *quick]), nest(settings))


@pytest.fixture(scope="module")
def runs(
    tiny_teacher: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Result]:
    """One run a scheme."""
    return {
        (scheme, double): pipeline.run(
            recipe(tiny_teacher, tiny_data, ("quantization.scheme", scheme), ("quantization.double", double)),
            output=tmp_path_factory.mktemp("runs") / f"{scheme}-{double}",
        )
        for scheme, double in SCHEMES
    }


@pytest.mark.parametrize("scheme", SCHEMES)
def test_saved_artefacts_predict_what_the_result_states(
    runs: dict, tiny_data: Path, fresh_process: Callable[..., Any], scheme: tuple[str, str]
) -> None:
    models = [model for model in runs[scheme].models.values() if model.folder]
    stated = [json.loads(model.metrics["test"].model_dump_json()) for model in models]
    assert fresh_process(EVALUATE, tiny_data, *(model.folder for model in models)) == stated


@pytest.mark.parametrize("scheme", SCHEMES)
def test_standard_classes_load_the_folder_and_agree(
    runs: dict, fresh_process: Callable[..., Any], scheme: tuple[str, str]
) -> None:
    folder = Path(runs[scheme].models["compressed"].folder)
    mine = logits_of(load(folder, CPU), TEXTS)
    theirs = torch.tensor(fresh_process(STANDARD_LOADER, folder, "stored", *TEXTS))
    # A batch of sixteen and sixteen batches of one round differently, in fp16 and int8 more than in fp32.
    spread = mine.std(dim=0).min()
    assert spread > 0.02
    assert (mine - theirs).abs().max() < (1e-5 if scheme[0] == "none" else 0.15 * spread)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_sizes_are_the_bytes_on_disk_and_were_known_before(runs: dict, scheme: tuple[str, str]) -> None:
    result = runs[scheme]
    compressed, student = result.models["compressed"], result.models["student"]
    assert compressed.size_bytes == compressed.size_stored_bytes == size_stored_bytes(Path(compressed.folder))
    assert student.size_bytes == student.size_stored_bytes
    assert compressed.parameters == student.parameters
    known = estimate(result.config)
    assert known.student_parameters == student.parameters
    assert known.teacher_bytes == result.models["teacher"].size_bytes
    assert known.student_bytes == pytest.approx(student.size_bytes, rel=0.03)
    assert known.compressed_bytes == pytest.approx(compressed.size_bytes, rel=0.03)


def test_four_bit_shrinks_the_encoder(runs: dict) -> None:
    """Double quantization is left out: on matrices of 64 × 64 its tables outweigh what it saves."""
    sizes = {scheme: runs[scheme].models["compressed"].size_bytes for scheme in SCHEMES}
    assert sizes["nf4", "false"] < sizes["int8", "false"] < sizes["fp16", "false"] < sizes["none", "false"]


def test_without_quantization_compressed_is_the_student_byte_for_byte(runs: dict) -> None:
    models = runs["none", "false"].models
    assert digest(Path(models["student"].folder)) == digest(Path(models["compressed"].folder))


def test_result_file_holds_what_the_contract_names(runs: dict) -> None:
    result = runs["nf4", "true"]
    folder = Path(result.models["student"].folder).parent.parent
    content = json.loads((folder / "result.json").read_text())
    assert content["schema"] == 1
    assert Result.from_json(content) == result
    assert set(content) >= {"schema", "config", "environment", "reused", "stages", "models"}
    assert [stage["name"] for stage in content["stages"]] == list(STAGES)
    for model in content["models"].values():
        assert set(model) >= {"parameters", "size_bytes", "size_stored_bytes", "metrics", "latency_ms", "folder"}
        assert set(model["metrics"]) == {"validation", "test"}
        (tn, fp), (fn, tp) = model["metrics"]["test"]["confusion"]
        assert tn + fp + fn + tp == model["metrics"]["test"]["examples"] == 32
        assert 0 < model["latency_ms"]["p50"] <= model["latency_ms"]["p95"]
    assert json.loads((folder / "config.json").read_text()) == content["config"]
    assert parse(content["config"]) == result.config
    assert set(content["environment"]) >= {"python", "packages", "device", "cpu", "cpu_flags", "threads", "created"}


def test_model_folders_hold_a_model_and_nothing_else(runs: dict) -> None:
    for name in ("student", "compressed"):
        files = {path.name for path in Path(runs["nf4", "true"].models[name].folder).iterdir()}
        assert files == {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}


def test_the_student_learns(tiny_teacher: Path, tiny_data: Path, tmp_path: Path) -> None:
    config = recipe(tiny_teacher, tiny_data, ("distillation.epochs", 15), ("distillation.soft_weight", 0))
    result = pipeline.run(config, output=tmp_path)
    assert result.models["student"].metrics["test"].accuracy >= 0.9


def losses(config: RunConfig, output: Path) -> list[float]:
    seen: list[Event] = []
    pipeline.run(config, seen.append, output)
    return [event.loss for event in seen if isinstance(event, TrainingStep)]


def test_same_seed_same_losses(tiny_teacher: Path, tiny_data: Path, tmp_path: Path) -> None:
    first = losses(recipe(tiny_teacher, tiny_data), tmp_path / "a")
    assert losses(recipe(tiny_teacher, tiny_data), tmp_path / "b") == first
    assert losses(recipe(tiny_teacher, tiny_data, ("seed", 1)), tmp_path / "c") != first


@pytest.mark.parametrize("bucketing", [True, False])
@pytest.mark.parametrize("schedule", ["constant", "one-cycle"])
def test_bf16_and_fp32_learn_alike(
    tiny_teacher: Path, tiny_data: Path, tmp_path: Path, bucketing: bool, schedule: str
) -> None:
    settings = [("training.bucketing", bucketing), ("distillation.schedule", schedule), ("distillation.epochs", 3)]
    fp32 = losses(recipe(tiny_teacher, tiny_data, *settings), tmp_path / "a")
    bf16 = losses(recipe(tiny_teacher, tiny_data, *settings, ("training.precision", "bf16")), tmp_path / "b")
    assert len(fp32) == len(bf16) == 3 * 4
    assert fp32 == pytest.approx(bf16, rel=0.1, abs=0.02)


def test_events_tell_the_story_in_order(tiny_teacher: Path, tiny_data: Path, tmp_path: Path) -> None:
    seen: list[Event] = []
    result = pipeline.run(recipe(tiny_teacher, tiny_data, ("training.precision", "bf16")), seen.append, tmp_path)
    assert isinstance(seen[0], RunStarted)
    assert [event.stage for event in seen if isinstance(event, StageStarted)] == list(STAGES)
    assert [event.report.name for event in seen if isinstance(event, StageEnded)] == list(STAGES)
    assert [event.step for event in seen if isinstance(event, TrainingStep)] == list(range(1, 9))
    epochs = [event for event in seen if isinstance(event, EpochEnded)]
    assert [event.epoch for event in epochs] == [1, 2]
    assert all(event.teacher is not None and event.student.examples == 32 for event in epochs)
    assert epochs[-1].student == result.models["student"].metrics["validation"]  # live and reloaded agree
    assert [EVENT.validate_json(event.model_dump_json()) for event in seen] == seen


@pytest.mark.parametrize("kind", [StageStarted, Progress, TrainingStep, EpochEnded, StageEnded])
def test_report_can_cancel_at_any_event(tiny_teacher: Path, tiny_data: Path, tmp_path: Path, kind: type) -> None:
    def report(event: Event) -> None:
        if isinstance(event, kind):
            raise RunCancelled

    with pytest.raises(RunCancelled):
        pipeline.run(recipe(tiny_teacher, tiny_data), report, tmp_path)
    assert not (tmp_path / "result.json").exists()
    assert not [path for path in tmp_path.rglob(".*") if path.is_dir()]  # nothing half-written stays


@pytest.mark.parametrize("start", ["student", "initialization"])
def test_what_a_person_keeps_beside_the_models_stays(
    tiny_teacher: Path, tiny_data: Path, tmp_path: Path, start: str
) -> None:
    (tmp_path / "initial").mkdir()
    (tmp_path / "initial" / "mine.txt").write_text("kept")
    settings = [("quantization", "packed-int8"), ("qat.start", start), ("qat.epochs", 1)]
    pipeline.run(recipe(tiny_teacher, tiny_data, *settings), output=tmp_path)
    assert (tmp_path / "initial" / "mine.txt").read_text() == "kept"
    assert {path.name for path in (tmp_path / "models").iterdir()} == {"student", "compressed"}


def test_max_length_must_fit_the_student(tiny_teacher: Path, tiny_data: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="positions for 80 tokens"):
        pipeline.run(recipe(tiny_teacher, tiny_data, ("distillation.max_length", 81)), output=tmp_path)


def test_an_output_that_cannot_be_written_is_said(tiny_teacher: Path, tiny_data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="cannot be written"):
        pipeline.run(recipe(tiny_teacher, tiny_data), output=tmp_path / "file" / "run")


def test_a_finished_run_is_reused_only_for_equal_recipe_and_data(tiny_teacher: Path, tmp_path: Path) -> None:
    data = tiny.save_splits(tmp_path / "data")
    config = recipe(tiny_teacher, data)
    result = pipeline.run(config, output=tmp_path / "run")
    assert pipeline.reusable(config, tmp_path / "run") == result.model_copy(update={"reused": True})
    assert pipeline.reusable(recipe(tiny_teacher, data, ("seed", 1)), tmp_path / "run") is None
    tiny.save_csv(data / "train.csv", tiny.urls(60))
    assert pipeline.reusable(config, tmp_path / "run") is None
    assert pipeline.reusable(config, tmp_path / "nothing") is None


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_on_cuda(tiny_teacher: Path, tiny_data: Path, tmp_path: Path, scheme: tuple[str, str]) -> None:
    settings = [("device", "cuda"), ("training.precision", "auto")]
    settings += [("quantization.scheme", scheme[0]), ("quantization.double", scheme[1])]
    result = pipeline.run(recipe(tiny_teacher, tiny_data, *settings), output=tmp_path)
    cuda = logits_of(load(Path(result.models["compressed"].folder), torch.device("cuda")), TEXTS)
    again = logits_of(load(Path(result.models["compressed"].folder), torch.device("cuda")), TEXTS)
    assert torch.equal(cuda, again)
    assert result.environment.device == torch.cuda.get_device_name()


@pytest.mark.parametrize("scheme", [("nf4", "true"), ("fp16", "false")])
def test_a_compressed_model_is_no_teacher(runs: dict, tiny_data: Path, tmp_path: Path, scheme: tuple[str, str]) -> None:
    folder = Path(runs[scheme].models["compressed"].folder)
    with pytest.raises(ModelError, match="compressed already"):
        limits.check(recipe(folder, tiny_data))


def test_a_student_that_fits_no_memory_is_refused(
    tiny_teacher: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shape = [("student.init", "random"), ("student.layers", 48), ("student.hidden_size", 2048)]
    huge = recipe(tiny_teacher, tiny_data, *shape, ("student.intermediate_size", 8192))
    monkeypatch.setattr(limits, "free_memory", lambda: 8_000_000_000)
    with pytest.raises(ResourceError, match=r"GB to train"):
        limits.check(huge)
    monkeypatch.setattr(limits, "free_memory", lambda: None)
    monkeypatch.setenv("SPACE_ID", "someone/lab")
    with pytest.raises(ResourceError, match="too large for this host"):
        limits.check(huge)

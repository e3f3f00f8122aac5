"""Where the bytes of a saved model live: every folder that a recipe can leave is accounted for to the byte."""

from pathlib import Path

import pytest
import tiny

from compression import pipeline
from compression.artefacts.folder import load, save_onnx
from compression.artefacts.parts import PARTS, bytes_by_part, part_of
from compression.artefacts.weight import size_bytes
from compression.catalog import BUNDLED_TEACHER
from compression.config import RunConfig
from compression.errors import ModelError
from compression.events import StageEnded
from compression.measure.evidence import gather
from compression.models.device import resolve
from compression.recipe import parse
from compression.result import Result
from compression.schemes import OnnxInt4, OnnxInt8

pytestmark = pytest.mark.usefixtures("exported_once")


def recipe(teacher: Path, data: Path, scheme: str, **student: object) -> RunConfig:
    return parse(
        {
            "teacher": str(teacher),
            "data": str(data),
            "device": "cpu",
            "student": {"init": "teacher-layers", "layers": 1} | student,
            "distillation": {"epochs": 1, "batch_size": 32, "max_length": 40},
            "quantization": {"scheme": scheme},
        }
    )


@pytest.fixture(scope="module", params=["none", "fp16", "nf4", "int8", "packed-int4", "ternary"])
def folder(
    request: pytest.FixtureRequest, tiny_teacher: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    output = tmp_path_factory.mktemp(request.param)
    pipeline.run(recipe(tiny_teacher, tiny_data, request.param), output=output)
    return output


def test_a_run_writes_down_where_the_bytes_of_each_step_are(folder: Path) -> None:
    result = Result.read(folder)
    for stage in result.stages:
        assert stage.parts is not None
        assert sum(stage.parts.values()) == stage.size_bytes
        assert list(stage.parts) == [part for part in PARTS if part in stage.parts]
    quantized = result.config.quantization.scheme not in ("none", "fp16")
    parts = next(stage.parts for stage in result.stages if stage.name == "quantize") or {}
    assert ("state" in parts) == quantized
    assert {"embeddings", "attention", "feed-forward", "head", "tokenizer"} <= set(parts)
    assert gather(result, folder).parts["compressed"] == parts


@pytest.mark.parametrize("scheme", [OnnxInt8(), OnnxInt4(), OnnxInt8(embeddings=False)], ids=str)
def test_an_onnx_model_is_accounted_for_by_what_reads_its_weights(
    scheme: OnnxInt8 | OnnxInt4, tiny_teacher: Path, tmp_path: Path
) -> None:
    save_onnx(load(tiny_teacher, resolve("cpu")), scheme, tmp_path / "onnx")
    parts = bytes_by_part(tmp_path / "onnx")
    assert sum(parts.values()) == size_bytes(tmp_path / "onnx")
    rows, width = len(tiny.tokenizer()) + 80 + 2, tiny.HIDDEN
    each = 0.5 if isinstance(scheme, OnnxInt4) else 1 if scheme.embeddings else 2
    assert parts["embeddings"] == pytest.approx(rows * width * each, rel=0.1)
    matrices = tiny.LAYERS * (4 * width * width + 2 * width * tiny.FEED_FORWARD) + width * width  # and the pooler
    assert parts["layers"] == pytest.approx(matrices * (0.5 if isinstance(scheme, OnnxInt4) else 1), rel=0.1)
    assert parts["state"] > 0
    assert parts["head"] < parts["layers"]


def test_a_linear_model_is_n_grams(tiny_teacher: Path, tiny_data: Path, tmp_path: Path) -> None:
    settings = recipe(tiny_teacher, tiny_data, "packed-int4").model_dump(mode="json")
    settings["student"] = {"init": "linear", "features": 4096}
    result = pipeline.run(parse(settings), output=tmp_path)
    parts = next(stage.parts for stage in result.stages if stage.name == "quantize") or {}
    assert parts["n-grams"] > parts["state"] > 0
    assert sum(parts.values()) == size_bytes(tmp_path / "models" / "compressed")


def test_half_precision_counts_four_bytes_a_weight_where_it_runs_in_fp32() -> None:
    parts = bytes_by_part(BUNDLED_TEACHER)
    assert sum(parts.values()) == size_bytes(BUNDLED_TEACHER)


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "roberta", "electra", "mpnet"])
def test_every_architecture_has_its_attention_and_feed_forward_told_apart(architecture: str, tmp_path: Path) -> None:
    parts = bytes_by_part(tiny.save_model(tmp_path / "m", architecture))
    matrix = 4 * tiny.HIDDEN * tiny.HIDDEN
    assert parts["attention"] == pytest.approx(4 * matrix * tiny.LAYERS, rel=0.1)
    assert parts["feed-forward"] == pytest.approx(2 * 2 * matrix * tiny.LAYERS, rel=0.1)
    assert parts["head"] < parts["attention"]


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("bert.embeddings.word_embeddings.weight.absmax", "state"),
        ("bert.encoder.layer.0.attention.self.query.weight.quant_state.bitsandbytes__nf4", "state"),
        ("bert.encoder.layer.0.attention.self.query.SCB", "state"),
        ("bert.encoder.layer.0.output.dense.weight.mask", "feed-forward"),
        ("electra.embeddings_project.weight", "embeddings"),
        ("mpnet.encoder.relative_attention_bias.weight", "attention"),
        ("distilbert.transformer.layer.1.sa_layer_norm.bias", "attention"),
        ("bert.pooler.dense.weight", "head"),
        ("pre_classifier.weight", "head"),
    ],
)
def test_names_tell_the_part(name: str, part: str) -> None:
    assert part_of(name) == part


def test_what_holds_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        bytes_by_part(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ModelError, match="cannot be read"):
        bytes_by_part(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.onnx").write_bytes(b"\xff" * 50)
    with pytest.raises(ModelError, match="no ONNX model"):
        bytes_by_part(tmp_path)


def test_a_stage_without_parts_is_one_of_an_older_run() -> None:
    report = Result.read(BUNDLED_TEACHER.parent / "examples" / "quick").stages[0]
    assert report.parts
    old = report.model_dump(mode="json")
    del old["parts"]
    event = StageEnded.model_validate({"report": old})
    assert event.report.parts is None
    assert StageEnded.model_validate_json(event.model_dump_json()) == event

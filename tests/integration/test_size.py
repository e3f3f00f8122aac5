"""Bytes worked out from configs alone, against the files that were really written."""

from pathlib import Path

import pytest
import tiny
import torch

from compression.artefacts.folder import save
from compression.artefacts.weight import size_bytes
from compression.measure.article_table import article_table
from compression.measure.size import estimate, weight_bytes
from compression.methods.quantize import quantize
from compression.models.classifier import read_config
from compression.recipe import parse
from compression.schemes import (
    Bf16,
    Fp4,
    Fp16,
    Int8,
    Nf4,
    NoQuantization,
    PackedInt4,
    PackedInt8,
    QuantizationConfig,
    Ternary,
)

CPU = torch.device("cpu")
SHAPES = {
    "tiny": {},
    "2x128": {"hidden_size": 128, "num_attention_heads": 2, "intermediate_size": 512, "vocab_size": 4_000},
}
SCHEMES = [
    NoQuantization(), Fp16(), Bf16(), Int8(), Nf4(), Nf4(double=False), PackedInt4(embeddings=False),
    Int8(embeddings=True), Nf4(embeddings=True), Nf4(double=False, embeddings=True), Fp4(embeddings=True),
    PackedInt8(), PackedInt4(), Ternary(),
]  # fmt: skip


@pytest.fixture(scope="module", params=SHAPES)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_model(tmp_path_factory.mktemp(request.param) / "m", **SHAPES[request.param])


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda s: f"{s.scheme}-{s.double}-{s.embeddings}")
def test_weights_weigh_what_was_foreseen(model: Path, tmp_path: Path, scheme: QuantizationConfig) -> None:
    save(quantize(model, scheme, CPU), tmp_path / "q")
    written = sum(path.stat().st_size for path in (tmp_path / "q").glob("*.safetensors"))
    assert sum(weight_bytes(read_config(model), scheme).values()) == pytest.approx(written, rel=0.01)


def test_a_recipes_folder_weighs_what_was_foreseen(tiny_teacher: Path, tmp_path: Path) -> None:
    foreseen = estimate(parse({"teacher": str(tiny_teacher), "quantization": {"scheme": "packed-int4"}}))
    save(quantize(tiny_teacher, PackedInt4(), CPU), tmp_path / "q")
    assert foreseen.compressed_bytes == pytest.approx(size_bytes(tmp_path / "q"), rel=0.01)


def test_a_linear_student_is_its_buckets(tiny_teacher: Path) -> None:
    recipe = {"teacher": str(tiny_teacher), "student": {"init": "linear", "features": 4_096}}
    sizes = [estimate(parse(recipe, {"quantization": {"scheme": s}})) for s in ("none", "packed-int8", "ternary")]
    assert [size.student_parameters for size in sizes] == [4_097] * 3
    full, int8, ternary = (size.compressed_bytes for size in sizes)
    assert full == sizes[0].student_bytes == pytest.approx(4 * 4_096, abs=1_000)
    assert int8 == pytest.approx(4_096 + 128, abs=1_000)
    assert ternary < int8


def test_pruning_is_foreseen_where_it_saves_bytes(tiny_teacher: Path) -> None:
    def compressed(scheme: str, sparsity: float) -> int:
        settings = {"quantization": {"scheme": scheme}, "pruning": {"sparsity": sparsity}}
        return estimate(parse({"teacher": str(tiny_teacher)}, settings)).compressed_bytes

    assert compressed("packed-int4", 0.8) < compressed("packed-int4", 0)
    assert compressed("fp16", 0.8) == compressed("fp16", 0)  # zeros stored dense save nothing


def test_the_articles_models_shrink_at_every_step() -> None:
    table = article_table()
    sizes = [size for _, size in table]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] == pytest.approx(438e6, rel=0.005)
    assert sizes[1] == pytest.approx(211e6, rel=0.005)
    assert 62.5e6 < sizes[2] < 64.5e6  # 62.67 MB in the article, without the tokenizer and with the head in 4 bits
    assert sizes[0] / sizes[-1] > 5_000

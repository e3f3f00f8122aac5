"""Packed folders: the size they claim, the answers they gave before, and no file that lies is believed."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import load_file, save_file

from compression.artefacts.folder import load, save
from compression.artefacts.weight import size_bytes, size_stored_bytes
from compression.errors import ModelError
from compression.methods.qat import convert, prepare, rounded_modules
from compression.methods.quantize import quantize
from compression.models.classifier import is_compressed, load_classifier, logits_of, read_config
from compression.schemes import Bf16, Fp16, PackedInt4, PackedInt8, QuantizationConfig, Ternary, Trainable

CPU = torch.device("cpu")
TEXTS = [text for text, _ in tiny.urls(12)]
LOGITS = """
import json, sys, torch
from pathlib import Path
from compression.artefacts.folder import load
from compression.models.classifier import logits_of
texts = json.loads(sys.argv[1])
print(json.dumps([logits_of(load(Path(f), torch.device("cpu")), texts).tolist() for f in sys.argv[2:]]))
"""
PLAIN = """
import json, sys
from transformers import AutoModelForSequenceClassification
try:
    AutoModelForSequenceClassification.from_pretrained(sys.argv[1])
except OSError as error:
    print(json.dumps(str(error)))
"""
SCHEMES = [PackedInt8(), PackedInt4(), Ternary()]


@pytest.fixture
def packed(tiny_teacher: Path, tmp_path: Path) -> Path:
    save(quantize(tiny_teacher, PackedInt4(), CPU), tmp_path / "q")
    return tmp_path / "q"


def test_a_fresh_process_gives_the_same_answers(
    tiny_teacher: Path, tmp_path: Path, fresh_process: Callable[..., Any]
) -> None:
    """Trained on the grid, pruned, and half of the precisions: all reload to what they answered before."""
    expected, folders = [], []
    for number, scheme in enumerate([*SCHEMES, PackedInt4(embeddings=False), Fp16(), Bf16()]):
        classifier = quantize(tiny_teacher, scheme, CPU)
        save(classifier, tmp_path / str(number))
        folders.append(tmp_path / str(number))
        expected.append(logits_of(classifier, TEXTS))
    trained = prepare(load_classifier(tiny_teacher, CPU), Ternary())
    with torch.no_grad():
        for parameter in trained.model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.01)
    save(convert(trained, Ternary()), tmp_path / "trained")
    found = torch.tensor(fresh_process(LOGITS, json.dumps(TEXTS), *folders, tmp_path / "trained"))
    assert torch.allclose(found, torch.stack([*expected, logits_of(trained, TEXTS)]), atol=1e-5)


@pytest.mark.parametrize(("scheme", "bits"), [(PackedInt8(), 8.5), (PackedInt4(), 4.5), (Ternary(), 2.1)], ids=str)
def test_a_folder_is_as_small_as_it_claims(tmp_path: Path, scheme: Trainable, bits: float) -> None:
    source = tiny.save_model(tmp_path / "m", hidden_size=128, intermediate_size=512, vocab_size=2_000)
    save(quantize(source, scheme, CPU), tmp_path / "q")
    weights = sum(m.weight.numel() for m in rounded_modules(load_classifier(source, CPU).model, True).values())
    file = tmp_path / "q" / "packed.safetensors"
    assert 8 * file.stat().st_size < bits * weights + 8 * 14_000  # the head in fp16, biases, and the names of all
    assert size_bytes(tmp_path / "q") == size_stored_bytes(tmp_path / "q")
    assert not (tmp_path / "q" / "model.safetensors").exists()


def test_pruned_weights_make_it_smaller(tiny_teacher: Path, tmp_path: Path, packed: Path) -> None:
    pruned = load_classifier(tiny_teacher, CPU)
    with torch.no_grad():
        for module in rounded_modules(pruned.model, embeddings=False).values():
            module.weight[module.weight.abs() < module.weight.abs().quantile(0.8)] = 0
    save(pruned, tmp_path / "pruned")
    save(quantize(tmp_path / "pruned", PackedInt4(), CPU), tmp_path / "sparse")
    dense, sparse = (folder / "packed.safetensors" for folder in (packed, tmp_path / "sparse"))
    assert sparse.stat().st_size < 0.75 * dense.stat().st_size
    for module in rounded_modules(load(tmp_path / "sparse", CPU).model, embeddings=False).values():
        assert (module.weight == 0).float().mean() > 0.79


def test_plain_transformers_refuses_it(packed: Path, fresh_process: Callable[..., Any]) -> None:
    assert "no file named model.safetensors" in fresh_process(PLAIN, packed)


def test_the_config_says_how_to_read_it(packed: Path) -> None:
    said = json.loads((packed / "config.json").read_text())["compression"]
    assert said["scheme"] == "packed-int4"
    assert "compression.artefacts.folder.load" in said["note"]
    assert is_compressed(read_config(packed))


@pytest.mark.parametrize("scheme", SCHEMES, ids=lambda s: s.scheme)
def test_what_was_loaded_saves_to_the_same_bytes(
    tiny_teacher: Path, tmp_path: Path, scheme: QuantizationConfig
) -> None:
    save(quantize(tiny_teacher, scheme, CPU), tmp_path / "q")
    save(load(tmp_path / "q", CPU), tmp_path / "again")
    for path in (tmp_path / "q").iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes(), path.name


@pytest.mark.parametrize("change", [
        lambda w: w.pop("classifier.bias"),
        lambda w: w.pop("bert.embeddings.word_embeddings.weight.scales"),
        lambda w: w.update({"bert.more.weight": torch.zeros(1)}),
        lambda w: w.update({"classifier.bias": torch.zeros(3)}),
        lambda w: w.update({"bert.pooler.dense.weight": w["bert.pooler.dense.weight"][:-1].clone()}),
        lambda w: w.update({"bert.pooler.dense.weight": torch.zeros(64, 64)}),
        lambda w: w.update({"bert.pooler.dense.weight.mask": torch.zeros(9, dtype=torch.uint8)}),
        lambda w: w.update({"bert.pooler.dense.weight.scales": torch.zeros(64, 9, dtype=torch.float16)}),
])  # fmt: skip
def test_weights_that_do_not_fit_are_refused(packed: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    weights = load_file(packed / "packed.safetensors")
    change(weights)
    save_file(weights, packed / "packed.safetensors")
    with pytest.raises(ModelError, match="do not fit"):
        load(packed, CPU)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"compression": "packed-int4"}, "no object"),
        ({"compression": {"scheme": "magic"}}, "does not know"),
        ({"compression": {"scheme": ["packed-int4"]}}, "does not know"),
        ({"compression": {"scheme": "packed-int8", "embeddings": True}}, "do not fit"),
        ({"compression": {"scheme": "packed-int4", "embeddings": False}}, "do not fit"),
        ({"compression": {}}, "do not fit"),
        ({"intermediate_size": 192}, "do not fit"),
        ({"vocab_size": 5_000_000}, "cannot hold"),
        ({"hidden_size": 12_288, "num_attention_heads": 96}, "cannot hold"),
    ],
)
def test_configs_that_lie_are_refused(packed: Path, changes: dict[str, object], sentence: str) -> None:
    path = packed / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(ModelError, match=sentence):
        load(packed, CPU)


def test_half_a_file_is_refused(packed: Path) -> None:
    path = packed / "packed.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ModelError, match="cannot be read"):
        load(packed, CPU)


def test_the_tokenizer_is_small_and_the_same(packed: Path, tiny_teacher: Path) -> None:
    text = (packed / "tokenizer.json").read_text(encoding="utf-8")
    assert "\n" not in text
    assert json.loads(text) == json.loads((tiny_teacher / "tokenizer.json").read_text(encoding="utf-8"))
    assert load(packed, CPU).tokenize(TEXTS) == load(tiny_teacher, CPU).tokenize(TEXTS)


@pytest.mark.parametrize("scheme", [None, Fp16(), Bf16(), PackedInt4()], ids=str)
def test_a_shape_no_standard_class_has_survives(tiny_teacher: Path, tmp_path: Path, scheme: Any) -> None:
    shapes = pytest.importorskip("compression.models.shapes")
    cut = load_classifier(tiny_teacher, CPU)
    shapes.cut_heads(cut.model, [torch.tensor([0, 2, 3]), torch.tensor([1, 2, 3])])
    save(cut, tmp_path / "cut")
    assert torch.equal(logits_of(load(tmp_path / "cut", CPU), TEXTS), logits_of(cut, TEXTS))
    assert (tmp_path / "cut" / "packed.safetensors").is_file()
    assert size_bytes(tmp_path / "cut") == size_stored_bytes(tmp_path / "cut")
    if scheme:
        small = quantize(tmp_path / "cut", scheme, CPU)
        save(small, tmp_path / "small")
        again = load(tmp_path / "small", CPU)
        assert again.model.dtype == small.model.dtype
        assert torch.equal(logits_of(again, TEXTS), logits_of(small, TEXTS))
        assert size_bytes(tmp_path / "small") < 0.7 * size_bytes(tmp_path / "cut")

"""The traps of bitsandbytes, one test each: every one of these failed, or would, without the adapter."""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from transformers import AutoModelForSequenceClassification

from compression.artefacts.folder import load, save
from compression.errors import CompressionError, ModelError, UnsupportedError
from compression.methods import bnb
from compression.models import device as devices
from compression.models.classifier import ARCHITECTURES, logits_of, read_config
from compression.schemes import Fp4, Int8, Nf4

CPU = torch.device("cpu")
TEXTS = [text for text, _ in tiny.urls(12)]
WITH_EMBEDDINGS = [
    Int8(embeddings=True),
    *(kind(double=double, embeddings=True) for kind in (Nf4, Fp4) for double in (False, True)),
]
packs_tiles = pytest.mark.skipif(
    "avx512_bf16" not in devices.cpu_flags(), reason="only a CPU with AVX512-BF16 repacks 4-bit weights"
)


@pytest.mark.parametrize("scheme", [Int8(), Nf4(double=False), Nf4(), Fp4()], ids=lambda s: s.scheme)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_head_is_never_quantized_and_the_encoder_always(tmp_path: Path, architecture: str, scheme: bnb.Bnb) -> None:
    folder = tiny.save_model(tmp_path / "m", architecture)
    model = bnb.load_quantized(folder, scheme, CPU).model
    head = bnb.head_modules(read_config(folder))
    assert head
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear):
            quantized = module.weight.dtype in (torch.uint8, torch.int8)
            assert quantized != (name in head), name


@pytest.mark.parametrize("scheme", [Int8(), Nf4(double=False), Nf4(), Fp4(double=False)], ids=str)
def test_two_classes_run_and_survive_the_disk(tmp_path: Path, scheme: bnb.Bnb) -> None:
    """On AVX512-BF16 a quantized two-class head crashes at its first forward: two outputs fill no tile of 32."""
    fresh = bnb.load_quantized(tiny.save_model(tmp_path / "m"), scheme, CPU)
    save(fresh, tmp_path / "q")
    before = logits_of(fresh, TEXTS)
    assert torch.isfinite(before).all()
    assert torch.equal(logits_of(load(tmp_path / "q", CPU), TEXTS), before)


@packs_tiles
def test_a_used_model_is_not_saved(tmp_path: Path) -> None:
    """Its weights were repacked in place; what save_pretrained would write then is garbage."""
    used = bnb.load_quantized(tiny.save_model(tmp_path / "m"), Nf4(double=False), CPU)
    logits_of(used, TEXTS)
    with pytest.raises(CompressionError, match="used before it was saved"):
        save(used, tmp_path / "q")
    assert not (tmp_path / "q").exists()


@pytest.mark.parametrize("shape", [{"hidden_size": 96, "heads": 4}, {"intermediate_size": 96}])
def test_shapes_that_fill_no_tile_are_refused_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: dict
) -> None:
    changes = {"num_attention_heads": shape.pop("heads", 4)} | shape
    folder = tiny.save_model(tmp_path / "m", **changes)
    monkeypatch.setattr(bnb, "cpu_flags", lambda: ("avx2", "avx512_bf16"))
    with pytest.raises(UnsupportedError, match="multiples of 64"):
        bnb.load_quantized(folder, Nf4(), CPU)
    assert bnb.unsupported(Int8(), "cpu", read_config(folder)) is None  # int8 has no tiles
    assert bnb.unsupported(Nf4(), "cuda", read_config(folder)) is None


def test_an_old_cpu_is_named_as_the_reason(tiny_teacher: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bnb, "cpu_flags", lambda: ())
    assert "AVX2" in str(bnb.unsupported(Int8(), "cpu", read_config(tiny_teacher)))


@pytest.mark.parametrize(
    ("kind", "has_bf16", "expected"),
    [
        ("cuda", True, torch.bfloat16),
        ("cuda", False, torch.float16),  # a T4
        ("cpu", True, torch.bfloat16),
        ("cpu", False, torch.float32),
    ],
)
def test_compute_dtype_is_what_the_device_can_do(
    monkeypatch: pytest.MonkeyPatch, kind: str, has_bf16: bool, expected: torch.dtype
) -> None:
    monkeypatch.setattr(devices, "_cuda_has_bf16", lambda: has_bf16)
    monkeypatch.setattr(devices, "fast_cpu_bf16", lambda: has_bf16)
    assert devices.compute_dtype(torch.device(kind)) == expected


def test_a_folder_from_another_host_gets_this_hosts_compute_dtype(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bnb, "compute_dtype", lambda device: torch.float16)
    save(bnb.load_quantized(tiny.save_model(tmp_path / "m"), Nf4(), CPU), tmp_path / "q")
    monkeypatch.undo()
    model = load(tmp_path / "q", CPU).model
    layers = [m for m in model.modules() if type(m).__name__ == "Linear4bit"]
    assert {layer.compute_dtype for layer in layers} == {devices.compute_dtype(CPU)}


def test_nothing_makes_it_download_native_code() -> None:
    assert importlib.util.find_spec("kernels") is None


def test_embeddings_stay_unless_they_are_wanted(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "m")
    original = load(folder, CPU).model.get_input_embeddings().weight.half()
    kept, quantized = (bnb.load_quantized(folder, Nf4(embeddings=e), CPU).model for e in (False, True))
    assert torch.equal(kept.get_input_embeddings().weight, original)
    table = quantized.get_input_embeddings().weight
    assert table.dtype == torch.float16
    assert 0 < (table - original).abs().max() < 0.2 * original.abs().max()


def test_quantized_embeddings_survive_the_disk(
    tmp_path: Path, tiny_teacher: Path, fresh_process: Callable[..., Any]
) -> None:
    """bitsandbytes itself cannot save them, so the folder is one that plain transformers finds no weights in."""
    expected, folders = [], []
    for number, scheme in enumerate(WITH_EMBEDDINGS):
        fresh = bnb.load_quantized(tiny_teacher, scheme, CPU)
        folders.append(tmp_path / str(number))
        save(fresh, folders[-1])
        expected.append(logits_of(fresh, TEXTS).tolist())
    code = (
        "import json, sys, torch; from pathlib import Path; from compression.artefacts.folder import load;"
        "from compression.models.classifier import logits_of; texts = json.loads(sys.argv[1]);"
        "print(json.dumps([logits_of(load(Path(f), torch.device('cpu')), texts).tolist() for f in sys.argv[2:]]))"
    )
    assert fresh_process(code, json.dumps(TEXTS), *folders) == expected
    with pytest.raises(OSError, match=r"no file named model\.safetensors"):
        AutoModelForSequenceClassification.from_pretrained(folders[0])


@pytest.mark.parametrize("scheme", WITH_EMBEDDINGS, ids=lambda s: f"{s.scheme}-{s.double}")
def test_tables_are_as_small_as_they_claim(scheme: bnb.Bnb) -> None:
    table = torch.randn(1000, 128)
    parts = bnb.encode_table(table, scheme)
    stored = sum(part.numel() * part.element_size() for part in parts.values())
    assert stored == sum(bnb.table_tensors(scheme, 1000, 128))
    assert 8 * stored / table.numel() < (8.2 if isinstance(scheme, Int8) else 4.15 if scheme.double else 4.51)


@pytest.mark.parametrize("scheme", WITH_EMBEDDINGS, ids=lambda s: f"{s.scheme}-{s.double}")
def test_tables_whose_sizes_lie_are_refused(scheme: bnb.Bnb) -> None:
    """Native code would read behind their end."""
    parts = bnb.encode_table(torch.randn(100, 64), scheme)
    for name, tensor in parts.items():
        for lie in (tensor[:-1], tensor.to(torch.int32)):
            with pytest.raises(ModelError, match="do not fit"):
                bnb.decode_table(parts | {name: lie}, (100, 64), scheme)
        with pytest.raises(ModelError, match="do not fit"):
            bnb.decode_table({key: part for key, part in parts.items() if key != name}, (100, 64), scheme)


def test_nothing_is_said_on_the_terminal(tmp_path: Path) -> None:
    """bitsandbytes logs a line at import and one at each int8 call, transformers progress bars: all noise here."""
    folder = tiny.save_model(tmp_path / "m")
    code = (
        "import sys, torch; from pathlib import Path; from compression.schemes import Int8;"
        "from compression.methods import bnb; from compression.models.classifier import logits_of;"
        "logits_of(bnb.load_quantized(Path(sys.argv[1]), Int8(), torch.device('cpu')), ['http://a.test/'])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")

"""Models kept loaded for many visitors: loaded once, known by content, bounded in memory, right from every thread."""

import os
import shutil
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import tiny
import torch

from compression.artefacts.folder import load, save
from compression.errors import ModelError
from compression.methods import bnb
from compression.models.classifier import LOADING, Classifier, logits_of
from compression.predict import predictor as module
from compression.predict.predictor import Predictor, PredictorCache, classify
from compression.schemes import Fp4, Int8, Nf4

CPU = torch.device("cpu")
PATIENCE_S = 60.0
TEXTS = [text for text, _ in tiny.urls(16)]


class Loads:
    """Counts what is loaded, by the folder's name; a name in `held` waits, as a slow load does, until `gate` is set."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.held: set[str] = set()
        self.reached, self.gate = threading.Event(), threading.Event()

    def __call__(
        self, folder: Path, device: torch.device, not_safe: str | None = None, runtime: object = None
    ) -> Classifier:
        with LOADING:
            self.count[folder.name] += 1
            if folder.name in self.held:
                self.reached.set()
                assert self.gate.wait(PATIENCE_S)
            return load(folder, device, not_safe)


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Loads:
    loads = Loads()
    monkeypatch.setattr(module, "served", loads)
    return loads


def model(folder: Path, seed: int = 0) -> Path:
    """A random model, other than that of another seed, stored in fp16: it runs in fp32, at twice the bytes."""
    classifier = load(tiny.save_model(folder, seed=seed), CPU)
    classifier.model.half().save_pretrained(folder)
    return folder


def memory(predictor: Predictor) -> int:
    tensors = [*predictor.classifier.model.parameters(), *predictor.classifier.model.buffers()]
    return sum(tensor.nbytes for tensor in tensors)


def test_many_who_ask_for_a_cold_model_load_it_once(loads: Loads, tmp_path: Path) -> None:
    cache, folder, barrier = PredictorCache(), model(tmp_path / "a"), threading.Barrier(4)

    def ask(visitor: int) -> Predictor:
        barrier.wait(PATIENCE_S)
        return cache.predictor(folder, CPU)

    with ThreadPoolExecutor(4) as visitors:
        found = list(visitors.map(ask, range(4)))
    assert loads.count == {"a": 1}
    assert all(predictor is found[0] for predictor in found)


def test_a_loaded_model_answers_while_another_loads(loads: Loads, tmp_path: Path) -> None:
    cache, warm, slow = PredictorCache(), model(tmp_path / "warm"), model(tmp_path / "slow", seed=1)
    expected = cache.predictor(warm, CPU).predict(TEXTS[0]).probability
    loads.held = {"slow"}
    with ThreadPoolExecutor(2) as visitors:
        try:
            loading = visitors.submit(cache.predictor, slow, CPU)
            assert loads.reached.wait(PATIENCE_S)
            answer = visitors.submit(lambda: cache.predictor(warm, CPU).predict(TEXTS[0]).probability)
            assert answer.result(PATIENCE_S) == expected
            assert not loading.done()
        finally:
            loads.gate.set()
        assert loading.result(PATIENCE_S).predict(TEXTS[0]).probability != expected


def test_what_holds_the_same_is_loaded_once_and_what_changes_is_loaded_anew(loads: Loads, tmp_path: Path) -> None:
    cache, folder, twin = PredictorCache(), model(tmp_path / "a"), tmp_path / "twin"
    shutil.copytree(folder, twin)
    first = cache.predictor(folder, CPU)
    assert cache.predictor(twin, CPU) is first
    before = (weights := twin / "model.safetensors").stat()
    weights.write_bytes((model(tmp_path / "other", seed=1) / "model.safetensors").read_bytes())
    os.utime(weights, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (weights.stat().st_size, weights.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert cache.predictor(twin, CPU).predict(TEXTS[0]).probability != first.predict(TEXTS[0]).probability
    assert cache.predictor(folder, CPU) is first
    assert loads.count == {"a": 1, "twin": 1}


def test_the_least_recently_used_leaves_when_memory_is_full(loads: Loads, tmp_path: Path) -> None:
    a, b, c = (model(tmp_path / name, seed) for seed, name in enumerate("abc"))
    size = memory(PredictorCache().predictor(a, CPU))
    loads.count.clear()
    assert sum((folder / "model.safetensors").stat().st_size for folder in (a, b, c)) < 2 * size  # they fit by files
    cache = PredictorCache(limit_bytes=2 * size)
    for folder in (a, b, a, c, a, b):
        cache.predictor(folder, CPU)
    assert loads.count == {"a": 1, "b": 2, "c": 1}
    tight = PredictorCache(limit_bytes=1)
    assert tight.predictor(a, CPU) is tight.predictor(a, CPU), "the latest stays, however large"


def test_a_model_that_cannot_be_loaded_is_tried_again(loads: Loads, tmp_path: Path) -> None:
    cache, folder = PredictorCache(), model(tmp_path / "a")
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text("{")
    for _ in range(2):
        with pytest.raises(ModelError, match=r"config\.json cannot be read"):
            cache.predictor(folder, CPU)
    (folder / "config.json").write_text(config)
    assert cache.predictor(folder, CPU).predict(TEXTS[0]).url == TEXTS[0]
    with pytest.raises(ModelError, match=r"has no config\.json"):
        classify(TEXTS[0], {"student": tmp_path / "deleted"})


def test_a_file_that_cannot_be_read_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model(tmp_path / "a")

    def gone(*_: object, **__: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Path, "open", gone)
    with pytest.raises(ModelError, match=r"cannot be read \(No such file or directory\)"):
        PredictorCache().predictor(folder, CPU)


@pytest.mark.parametrize("scheme", [None, Int8(), Nf4(), Fp4(double=False)], ids=str)
def test_every_verdict_is_right_from_four_threads_at_once(tmp_path: Path, scheme: bnb.Bnb | None) -> None:
    """Cold: 4-bit layers repack at their first forward, and the tokenizer is told anew how to truncate at each call."""
    folder = tiny.save_model(tmp_path / "m")
    if scheme is not None:
        save(bnb.load_quantized(folder, scheme, CPU), folder := tmp_path / "q")
    alone = load(folder, CPU)
    expected = [float(torch.softmax(logits_of(alone, [text])[0].double(), -1)[1]) for text in TEXTS]
    assert len(set(expected)) > len(TEXTS) // 2
    cache, barrier = PredictorCache(), threading.Barrier(4)

    def visit(visitor: int) -> list[float]:
        barrier.wait(PATIENCE_S)
        order = TEXTS[visitor * 4 :] + TEXTS[: visitor * 4]
        found = {text: cache.predictor(folder, CPU).predict(text).probability for text in order * 3}
        return [found[text] for text in TEXTS]

    with ThreadPoolExecutor(4) as visitors:
        assert list(visitors.map(visit, range(4))) == [expected] * 4

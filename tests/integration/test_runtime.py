"""What runs a model is chosen by trying, only among those that say the same, kept, and followed by whoever loads it."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from compression.artefacts.folder import load, save, save_onnx
from compression.errors import DataError
from compression.measure import runtime as module
from compression.measure.runtime import choose
from compression.methods import bnb
from compression.methods.bnb import load_quantized
from compression.models.onnx_model import OnnxModel
from compression.predict import predictor
from compression.predict.predictor import Predictor, classify
from compression.predict.runtime import ONNX_RUNTIME, PYTORCH, Runtime, keep, known, served
from compression.result import Latency
from compression.schemes import Int8, Nf4, OnnxInt8, PackedInt4
from compression.ui import handlers
from compression.ui.choosing import Choosing
from compression.ui.views.verdicts import verdict_cards

pytestmark = pytest.mark.usefixtures("exported_once")

CPU = torch.device("cpu")
TEXTS = [text for text, _ in tiny.urls(24)]
FAST = "ONNX Runtime, 1 thread"


@pytest.fixture(autouse=True)
def choosing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runtimes are chosen, and nothing is known of any yet."""
    monkeypatch.setenv("COMPRESSION_RUNTIME", "auto")
    monkeypatch.setenv("COMPRESSION_HOME", str(tmp_path / "home"))


@pytest.fixture
def fastest(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes one candidate the fastest, by what it is called."""

    def fix(name: str) -> None:
        def timed(models: Any, texts: Any) -> dict[str, Latency]:
            assert name in models
            return {called: Latency(p50=1.0 if called == name else 2.0, p95=3.0) for called in models}

        monkeypatch.setattr(module, "latencies", timed)

    return fix


@pytest.fixture(scope="module")
def folders(tiny_teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The tiny model in four schemes."""
    made = tmp_path_factory.mktemp("schemes")
    save(load_quantized(tiny_teacher, Nf4(embeddings=True), CPU), made / "nf4")
    save(load_quantized(tiny_teacher, Int8(), CPU), made / "int8")
    save_onnx(load(tiny_teacher, CPU), OnnxInt8(), made / "onnx-int8")
    return {"teacher": tiny_teacher, **{path.name: path for path in made.iterdir()}}


@pytest.mark.parametrize("scheme", ["teacher", "nf4"])
def test_the_fastest_that_agrees_is_followed_in_every_later_load(
    scheme: str, folders: dict[str, Path], fastest: Callable[[str], None], fresh_process: Callable[..., Any]
) -> None:
    folder = folders[scheme]
    assert known(folder) is None
    own = Predictor(load(folder, CPU)).probabilities(TEXTS)
    fastest(FAST)
    chosen = choose(folder, TEXTS)
    assert (chosen.name, chosen.threads, chosen.flipped, chosen.texts) == (ONNX_RUNTIME, 1, 0, len(TEXTS))
    assert chosen.difference is not None
    assert chosen.difference <= module.TOLERANCE
    assert known(folder) == chosen
    classifier = served(folder, CPU, None, chosen)
    assert isinstance(classifier.model, OnnxModel)
    assert Predictor(classifier).probabilities(TEXTS) == pytest.approx(own, abs=module.TOLERANCE)
    answer = classify(TEXTS[0], {"model": folder})["model"]
    assert answer.runtime == ONNX_RUNTIME
    assert answer.probability == pytest.approx(own[0], abs=module.TOLERANCE)
    code = """
import json, sys
from pathlib import Path
from compression.predict.predictor import classify
print(json.dumps(classify(sys.argv[1], {"model": Path(sys.argv[2])})["model"].runtime))
"""
    assert fresh_process(code, TEXTS[0], folder) == ONNX_RUNTIME


@pytest.mark.parametrize(("every_ms", "threads"), [(0.7, None), (0.8, 1), (1.1, 1)])
def test_more_threads_must_save_a_quarter(
    every_ms: float, threads: int | None, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def timed(models: Any, texts: Any) -> dict[str, Latency]:
        return {name: Latency(p50={PYTORCH: 5.0, FAST: 1.0}.get(name, every_ms), p95=6.0) for name in models}

    monkeypatch.setattr(module, "latencies", timed)
    chosen = choose(folders["teacher"], TEXTS)
    assert (chosen.name, chosen.threads) == (ONNX_RUNTIME, threads)
    assert chosen.reason.startswith("Nearly" if every_ms == 0.8 else "The fastest")


def test_pytorch_stays_where_it_is_faster(folders: dict[str, Path], fastest: Callable[[str], None]) -> None:
    fastest(PYTORCH)
    assert choose(folders["teacher"], TEXTS).name == PYTORCH
    runtime = known(folders["teacher"])
    assert runtime is not None
    assert not isinstance(served(folders["teacher"], CPU, None, runtime).model, OnnxModel)


def test_a_graph_that_says_something_else_serves_nothing(
    tiny_teacher: Path, fastest: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = load(tiny_teacher, CPU)
    other.model.classifier.bias.data += torch.tensor([0.0, 1.0])
    export = module.export_onnx
    monkeypatch.setattr(module, "export_onnx", lambda classifier, path: export(other, path))
    fastest(FAST)
    chosen = choose(tiny_teacher, TEXTS)
    assert chosen.name == PYTORCH
    assert "does not say the same" in chosen.reason
    assert chosen.difference is not None
    assert chosen.difference > module.TOLERANCE


def test_what_rounds_activations_itself_stays_with_pytorch(folders: dict[str, Path]) -> None:
    chosen = choose(folders["int8"], TEXTS)
    assert chosen.name == PYTORCH
    assert "LLM.int8" in chosen.reason


def test_an_onnx_model_only_chooses_its_threads(folders: dict[str, Path], fastest: Callable[[str], None]) -> None:
    fastest(FAST)
    chosen = choose(folders["onnx-int8"], TEXTS)
    assert (chosen.name, chosen.threads, chosen.difference) == (ONNX_RUNTIME, 1, None)
    own = Predictor(load(folders["onnx-int8"], CPU)).probabilities(TEXTS)
    assert (Predictor(served(folders["onnx-int8"], CPU, None, chosen)).probabilities(TEXTS) == own).all()


def test_a_choice_holds_for_what_it_was_made_for_alone(
    folders: dict[str, Path], tmp_path: Path, fastest: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fastest(FAST)
    choose(folders["teacher"], TEXTS)
    assert known(tiny.save_model(tmp_path / "other", seed=1)) is None
    monkeypatch.setattr("compression.predict.runtime.cpu_name", lambda: "another CPU")
    assert known(folders["teacher"]) is None
    monkeypatch.undo()


def test_a_broken_or_swept_choice_is_no_choice(
    folders: dict[str, Path], tmp_path: Path, fastest: Callable[[str], None]
) -> None:
    fastest(FAST)
    kept = tmp_path / "home" / "cache" / "runtimes"
    choose(folders["teacher"], TEXTS)
    next(kept.glob("*.onnx")).unlink()
    assert known(folders["teacher"]) is None
    choose(folders["teacher"], TEXTS)
    next(kept.glob("*.json")).write_text('{"name": "something else"}')
    assert known(folders["teacher"]) is None


def test_no_choice_is_followed_where_the_host_says_so(
    folders: dict[str, Path], fastest: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    fastest(FAST)
    choose(folders["teacher"], TEXTS)
    monkeypatch.setenv("COMPRESSION_RUNTIME", "torch")
    assert known(folders["teacher"]) is None


def test_nothing_can_be_tried_without_urls(tiny_teacher: Path) -> None:
    with pytest.raises(DataError, match="no URL to try"):
        choose(tiny_teacher, [])


def test_a_model_that_has_run_is_not_expanded(folders: dict[str, Path]) -> None:
    used = load(folders["nf4"], CPU)
    Predictor(used).predict(TEXTS[0])
    if bnb.compute_dtype(CPU) is torch.float32:
        pytest.skip("this CPU does not repack 4-bit weights")
    with pytest.raises(Exception, match="used before"):
        bnb.expanded(used.model)


def test_packed_weights_are_served_as_what_they_stand_for(
    tiny_teacher: Path, tmp_path: Path, fastest: Callable[[str], None]
) -> None:
    from compression.methods.quantize import quantize

    save(quantize(tiny_teacher, PackedInt4(), CPU, load), tmp_path / "packed")
    fastest(FAST)
    chosen = choose(tmp_path / "packed", TEXTS)
    assert chosen.name == ONNX_RUNTIME
    assert chosen.difference == pytest.approx(0, abs=1e-5)


def test_a_url_asked_twice_is_computed_once_and_says_the_time_it_took(
    folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    predict = Predictor.predict

    def counting(self: Predictor, url: str) -> Any:
        asked.append(url)
        return predict(self, url)

    monkeypatch.setattr(Predictor, "predict", counting)
    monkeypatch.setattr(predictor, "_REMEMBERED", 2)
    model = Predictor(load(folders["teacher"], CPU))
    first = model.verdict(TEXTS[0])
    assert model.verdict(TEXTS[0]) == first
    assert first.url == TEXTS[0]
    model.verdict(TEXTS[1])
    model.verdict(TEXTS[2])
    model.verdict(TEXTS[0])
    assert asked == [TEXTS[0], TEXTS[1], TEXTS[2], TEXTS[0]], "the oldest is forgotten"
    assert not any(text.encode() in key for text in TEXTS for key in model._remembered), "no URL is kept"


def test_the_page_has_a_runtime_chosen_behind_it(tiny_teacher: Path, tiny_data: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "config.json"
    recipe.write_text(json.dumps({"data": str(tiny_data)}))
    choosing = Choosing()
    choosing.consider({"model": tiny_teacher}, {}, recipe)
    assert choosing.settled(120)
    runtime = known(tiny_teacher)
    assert runtime is not None
    assert runtime.texts == 32, "the validation URLs of the recipe's data"
    choosing.consider({"model": tiny_teacher}, {}, recipe)
    assert choosing.settled(0), "a model is measured once"


def test_a_server_that_starts_has_one_chosen_before_anybody_asks(
    tiny_teacher: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "CHOOSING", choosing := Choosing())
    monkeypatch.setattr(handlers, "BUNDLED_TEACHER", tiny_teacher)
    handlers.warm_up()
    assert choosing.settled(120)
    assert known(tiny_teacher) is not None


def test_the_command_says_what_it_measured(tiny_teacher: Path, tiny_data: Path) -> None:
    command = [sys.executable, "-m", "compression", "runtime", str(tiny_teacher), "--data", str(tiny_data)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "ONNX Runtime, 1 thread" in done.stdout
    assert "PyTorch" in done.stdout


def test_the_page_says_what_runs_a_model_and_on_what_cpu() -> None:
    runtime = Runtime(
        name="ONNX Runtime",
        threads=1,
        p50_ms={"PyTorch": 6.0, FAST: 2.5},
        difference=0.0035,
        flipped=0,
        texts=450,
        reason="The fastest measured.",
        cpu="Some <CPU>",
        cpu_flags=("avx512_vnni",),
    )
    shown = verdict_cards("http://a.test/", {}, {}, {"student": runtime, "teacher": None})
    assert "ONNX Runtime, 1 thread 2.50 ms, PyTorch 6.00 ms" in shown
    assert "450 URLs no probability differs by more than 0.0035" in shown
    assert "Some &lt;CPU&gt; (avx512_vnni)" in shown
    assert "<details" not in verdict_cards("http://a.test/", {}, {}, {"teacher": None})


def test_kept_choices_are_swept(folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compression.predict.runtime.MAX_BYTES", 4_000)
    runtime = Runtime(name="ONNX Runtime", reason="", cpu="", cpu_flags=())
    for name in ("teacher", "nf4", "int8"):
        keep(folders[name], runtime, b"x" * 1_500)
    weights = [path.stat().st_size for path in (tmp_path / "home" / "cache" / "runtimes").iterdir()]
    assert sum(weights) <= 4_000

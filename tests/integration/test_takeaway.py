"""A model to take along: what is in the zip answers, without this package, as the model does."""

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compression import pipeline
from compression.artefacts.folder import load, save_onnx
from compression.config import RunConfig
from compression.data.sources import load_data
from compression.errors import ResourceError
from compression.events import Event, Progress
from compression.export import takeaway
from compression.export.takeaway import Takeaway, pack
from compression.measure.evidence import gather
from compression.models.device import resolve
from compression.predict.predictor import Predictor
from compression.recipe import parse
from compression.result import Result
from compression.schemes import OnnxInt8

pytestmark = pytest.mark.usefixtures("exported_once")

# What the README in the zip tells its reader to do, for every URL given, with each verdict printed.
FOLLOWED = """
import json, os, re, sys
folder, urls = sys.argv[1], json.loads(sys.argv[2])
os.chdir(folder)
readme = open("README.md", encoding="utf-8").read()
(code,) = [found for found in re.findall(r"```python\\n(.*?)```", readme, re.DOTALL) if "onnxruntime" in found]
assert "compression" not in code
said = []
for url in urls:
    names = {}
    exec(code.replace("http://example.com/login", url).replace("print(", "verdict = ("), names)
    odds = names["logits"][0].astype(float)
    import numpy
    said.append([names["verdict"], float(numpy.exp(odds[1]) / numpy.exp(odds).sum())])
print(json.dumps(said))
"""


def recipe(teacher: Path, data: Path, **settings: Any) -> RunConfig:
    learning = {"epochs": 1, "batch_size": 32, "max_length": 40}
    plain = {"teacher": str(teacher), "data": str(data), "device": "cpu", "distillation": learning}
    return parse(plain | {"student": {"init": "teacher-layers", "layers": 1}} | settings)


@pytest.fixture(scope="module")
def run(tiny_teacher: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("run")
    pipeline.run(recipe(tiny_teacher, tiny_data, quantization={"scheme": "packed-int4"}), output=output)
    return output


@pytest.fixture(scope="module")
def texts(tiny_data: Path) -> tuple[str, ...]:
    return load_data(str(tiny_data), wanted=("test",)).splits["test"].texts


@pytest.fixture(scope="module")
def packed(run: Path, texts: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory) -> Takeaway:
    result = Result.read(run)
    into = tmp_path_factory.mktemp("zip")
    return pack(result, "compressed", run / "models" / "compressed", texts, into, gather(result, run))


def unpacked(packed: Takeaway, folder: Path) -> Path:
    with zipfile.ZipFile(packed.path) as archive:
        archive.extractall(folder)
    return folder


def test_the_graph_in_the_zip_answers_like_the_model_in_a_fresh_process(
    packed: Takeaway, run: Path, texts: tuple[str, ...], tmp_path: Path, fresh_process: Callable[..., Any]
) -> None:
    folder = unpacked(packed, tmp_path)
    own = Predictor(load(run / "models" / "compressed", resolve("cpu"))).probabilities(texts[:6])
    said = fresh_process(FOLLOWED, folder, json.dumps(texts[:6]))
    assert [probability for _, probability in said] == pytest.approx(list(own), abs=1e-3)
    assert [verdict for verdict, _ in said] == ["Not Safe" if probability >= 0.5 else "Safe" for probability in own]


def test_the_zip_holds_the_model_byte_for_byte_and_says_what_it_is(packed: Takeaway, run: Path, tmp_path: Path) -> None:
    folder = unpacked(packed, tmp_path)
    model = run / "models" / "compressed"
    assert {path.name for path in folder.iterdir()} == {"README.md", "recipe.json", "result.json", "model", "onnx"}
    for path in model.iterdir():
        assert (folder / "model" / path.name).read_bytes() == path.read_bytes()
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert packed.parity is not None
    assert packed.parity.texts == 32
    assert packed.parity.difference < 1e-3
    assert "was compared with it on the 32 test URLs" in readme
    assert re.search(r"accuracy.*\n.*\n\| this model, validation \| \d\.\d{4} \(\d\.\d{4} to", readme)
    assert "python -m compression run --set" in readme
    assert "By McNemar" in readme or "by McNemar" in readme


def test_no_place_on_this_machine_is_in_the_zip(packed: Takeaway, run: Path, tiny_data: Path, tmp_path: Path) -> None:
    folder = unpacked(packed, tmp_path)
    for name in ("README.md", "recipe.json", "result.json"):
        text = (folder / name).read_text(encoding="utf-8")
        assert str(run) not in text
        assert str(tiny_data.parent) not in text
    assert Result.read(folder).models["compressed"].folder == ""
    assert json.loads((folder / "recipe.json").read_text())["data"] == "data"


def test_steps_are_told_and_a_report_that_raises_stops_it(run: Path, texts: tuple[str, ...], tmp_path: Path) -> None:
    told: list[str] = []

    def stopping(event: Event) -> None:
        assert isinstance(event, Progress)
        told.append(event.doing)
        if "Comparing" in event.doing:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(Result.read(run), "student", run / "models" / "student", texts, tmp_path, report=stopping)
    assert told == ["Loading the model", "Exporting the model to ONNX", "Comparing model and graph on 32 test URLs"]
    assert list(tmp_path.iterdir()) == []


def test_without_the_test_urls_there_is_no_graph_and_it_is_said(run: Path, tmp_path: Path) -> None:
    packed = pack(Result.read(run), "student", run / "models" / "student", (), tmp_path)
    assert packed.parity is None
    assert "not on this host" in packed.reason
    with zipfile.ZipFile(packed.path) as archive:
        assert not [name for name in archive.namelist() if "onnx" in name]
        assert packed.reason in archive.read("README.md").decode()


def test_a_graph_that_differs_is_left_out(
    run: Path, texts: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(takeaway, "agreement_of", lambda one, other, texts: (0.2, 3))
    packed = pack(Result.read(run), "student", run / "models" / "student", texts, tmp_path)
    assert packed.parity is None
    assert "differs by 0.2" in packed.reason
    with zipfile.ZipFile(packed.path) as archive:
        assert "onnx/model.onnx" not in archive.namelist()


def test_what_has_no_graph_says_why(
    run: Path, tiny_teacher: Path, tiny_data: Path, texts: tuple[str, ...], tmp_path: Path
) -> None:
    result = Result.read(run)
    linear = pipeline.run(
        recipe(tiny_teacher, tiny_data, student={"init": "linear"}, quantization={"scheme": "none"}),
        output=tmp_path / "l",
    )
    packed = pack(linear, "student", tmp_path / "l" / "models" / "student", texts, tmp_path)
    assert "linear model" in packed.reason
    save_onnx(load(tiny_teacher, resolve("cpu")), OnnxInt8(), tmp_path / "onnx")
    packed = pack(result, "compressed", tmp_path / "onnx", texts, tmp_path)
    assert "is an ONNX file itself" in packed.reason
    with zipfile.ZipFile(packed.path) as archive:
        assert "model/model.onnx" in archive.namelist()


def test_a_file_that_cannot_be_written_is_said(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="cannot be written"):
        pack(Result.read(run), "student", run / "models" / "student", (), tmp_path / "nowhere")

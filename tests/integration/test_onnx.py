"""ONNX Runtime: exports agree with torch, folders weigh and answer what they say, foreign files are refused."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
import pytest
import tiny
import torch
from onnx import TensorProto, helper

from compression.artefacts.onnx import is_onnx, load_onnx
from compression.errors import ModelError, UnsupportedError
from compression.methods import bnb
from compression.methods import onnx as method
from compression.models.classifier import ARCHITECTURES, Classifier, load_classifier, logits_of
from compression.models.onnx_model import FILE, OnnxModel
from compression.schemes import OnnxInt4, OnnxInt8

CPU = torch.device("cpu")
TEXTS = [text for text, _ in tiny.urls(12)] + ["http://a.test/"]
SCHEMES = [OnnxInt8(), OnnxInt8(embeddings=False), OnnxInt4(), OnnxInt4(embeddings=False)]


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Classifier:
    """Two layers of 128 features, 4,000 words: small, and its weights still outweigh the graph.

    Biases and norms differ as trained ones do: the exporter stores equal ones once, which would hide bytes.
    """
    sizes = {"hidden_size": 128, "intermediate_size": 512, "vocab_size": 4000}
    made = load_classifier(tiny.save_model(tmp_path_factory.mktemp("onnx") / "model", **sizes), CPU)
    torch.manual_seed(1)
    for parameter in made.model.parameters():
        if parameter.dim() == 1:
            parameter.data.add_(0.01 * torch.randn_like(parameter))
    return made


@pytest.fixture(scope="module")
def folders(classifier: Classifier, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """That model in every scheme, exported once: exporting takes seconds."""
    graph = method._graph(classifier.model).SerializeToString()
    parent = tmp_path_factory.mktemp("quantized")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(method, "_graph", lambda model: onnx.load_model_from_string(graph))
        for number, scheme in enumerate(SCHEMES):
            method.quantize_onnx(classifier, scheme, parent / str(number))
    return [parent / str(number) for number in range(len(SCHEMES))]


def in_onnx(classifier: Classifier, path: Path) -> Classifier:
    model: Any = OnnxModel(path.read_bytes(), classifier.model.config, str(path))
    return Classifier(model, classifier.tokenizer, classifier.max_length)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_agrees_and_all_but_the_head_is_quantized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, architecture: str
) -> None:
    full = load_classifier(tiny.save_model(tmp_path / "m", architecture, num_hidden_layers=1), CPU)
    attention = full.model.config._attn_implementation
    graph = method._graph(full.model).SerializeToString()
    monkeypatch.setattr(method, "_graph", lambda model: onnx.load_model_from_string(graph))
    method.export_onnx(full, tmp_path / FILE)
    logits = logits_of(full, TEXTS)
    assert torch.allclose(logits_of(in_onnx(full, tmp_path / FILE), TEXTS), logits, atol=1e-4)
    assert full.model.config._attn_implementation == attention

    method.quantize_onnx(full, OnnxInt4(), tmp_path / "q")
    graph_4bit = onnx.load(tmp_path / "q" / FILE).graph
    weights = {weight.name for weight in graph_4bit.initializer}
    operators = [node.op_type for node in graph_4bit.node]
    left = [node for node in graph_4bit.node if node.op_type == "MatMul" and node.input[1] in weights]
    linears = [module for module in full.model.modules() if isinstance(module, torch.nn.Linear)]
    tables = [name for name, _ in full.model.named_parameters() if name.endswith("_embeddings.weight")]
    assert len(left) == len(bnb.head_modules(full.model.config)) > 0
    assert operators.count("MatMulNBits") == len(linears) - len(left)
    assert operators.count("GatherBlockQuantized") == len(tables)


def test_a_new_process_gives_the_same_answers(
    classifier: Classifier, folders: list[Path], fresh_process: Callable[..., Any]
) -> None:
    code = (
        "import json, sys; from pathlib import Path; from compression.artefacts.onnx import load_onnx;"
        "from compression.models.classifier import logits_of; texts = json.loads(sys.argv[1]);"
        "print(json.dumps([logits_of(load_onnx(Path(f)), texts).tolist() for f in sys.argv[2:]]))"
    )
    here = [logits_of(load_onnx(folder), TEXTS).tolist() for folder in folders]
    assert fresh_process(code, json.dumps(TEXTS), *folders) == here
    full = logits_of(classifier, TEXTS)
    for logits, bound in zip(here, (0.1, 0.1, 0.5, 0.5), strict=True):  # shares of the logits' spread
        assert (torch.tensor(logits) - full).abs().max() < bound * full.std()


@pytest.mark.parametrize("number", range(len(SCHEMES)), ids=lambda number: str(SCHEMES[number]))
def test_the_file_weighs_what_arithmetic_says(classifier: Classifier, folders: list[Path], number: int) -> None:
    scheme, model = SCHEMES[number], classifier.model
    linears = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    linears -= {f"{name}.weight" for name in bnb.head_modules(model.config)}
    expected = method.overhead_bytes(model.config.num_hidden_layers, model.config.max_position_embeddings)
    for name, weight in model.state_dict().items():
        if name in linears:
            expected += method.matrix_bytes(scheme, *weight.shape)
        elif name.endswith("_embeddings.weight"):
            expected += method.table_bytes(scheme, *weight.shape)
        else:
            expected += 4 * weight.numel()
    assert (folders[number] / FILE).stat().st_size == pytest.approx(expected, rel=0.02)


def test_neighbours_in_a_batch_change_no_verdict(folders: list[Path]) -> None:
    for folder in folders:
        loaded = load_onnx(folder)
        alone = torch.cat([logits_of(loaded, [text]) for text in TEXTS])
        assert torch.equal(logits_of(loaded, TEXTS), alone)


def test_a_loaded_model_needs_its_folder_no_more(folders: list[Path], tmp_path: Path) -> None:
    shutil.copytree(folders[0], tmp_path / "q")
    loaded = load_onnx(tmp_path / "q")
    assert is_onnx(tmp_path / "q")
    assert loaded.model.get_memory_footprint() == (tmp_path / "q" / FILE).stat().st_size
    assert not list(loaded.model.parameters())
    shutil.rmtree(tmp_path / "q")
    assert torch.equal(logits_of(loaded, TEXTS), logits_of(load_onnx(folders[0]), TEXTS))


def test_the_config_says_how_to_read_it_and_the_file_nothing_of_the_host(folders: list[Path]) -> None:
    for folder, scheme in zip(folders, SCHEMES, strict=True):
        assert sorted(path.name for path in folder.iterdir()) == [
            "config.json",
            FILE,
            "tokenizer.json",
            "tokenizer_config.json",
        ]
        stored = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        assert stored["compression"]["scheme"] == scheme.scheme
        assert b".py" not in (folder / FILE).read_bytes()


def test_a_layer_with_fewer_heads_is_exported_too(tmp_path: Path) -> None:
    """No config can describe it; the graph is made from the modules."""
    pruned = load_classifier(tiny.save_model(tmp_path / "m", num_hidden_layers=1), CPU)
    attention, kept = pruned.model.bert.encoder.layer[0].attention, tiny.HIDDEN // 2
    for linear in (attention.self.query, attention.self.key, attention.self.value):
        linear.weight = torch.nn.Parameter(linear.weight[:kept].detach().clone())
        linear.bias = torch.nn.Parameter(linear.bias[:kept].detach().clone())
    attention.output.dense.weight = torch.nn.Parameter(attention.output.dense.weight[:, :kept].detach().clone())
    method.export_onnx(pruned, tmp_path / FILE)
    assert torch.allclose(logits_of(in_onnx(pruned, tmp_path / FILE), TEXTS), logits_of(pruned, TEXTS), atol=1e-4)


def test_nothing_is_said_and_logging_stays_as_it_is(tmp_path: Path) -> None:
    """The 4-bit quantizer logs every node it meets, once its import has given the root logger a handler."""
    tiny.save_model(tmp_path / "m", num_hidden_layers=1)
    code = (
        "import sys, torch, logging, onnx; from pathlib import Path; from compression.methods import onnx as method;"
        "from compression.schemes import OnnxInt4, OnnxInt8; from compression.artefacts.onnx import load_onnx;"
        "from compression.models.classifier import load_classifier, logits_of; folder = Path(sys.argv[1]);"
        "full = load_classifier(folder / 'm', torch.device('cpu'));"
        "graph = method._graph(full.model).SerializeToString();"
        "method._graph = lambda model: onnx.load_model_from_string(graph);"
        "[method.quantize_onnx(full, scheme, folder / scheme.scheme) for scheme in (OnnxInt8(), OnnxInt4())];"
        "logits_of(load_onnx(folder / 'onnx-int4'), ['http://a.test/']);"
        "assert not logging.getLogger().handlers; assert logging.getLogger().level == logging.WARNING"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_cannot_be_exported_is_named(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise torch.onnx.errors.OnnxExporterError("no such operator\nlong story")

    monkeypatch.setattr(torch.onnx, "export", fail)
    with pytest.raises(UnsupportedError, match=r"no ONNX form \(no such operator\)\. Choose another scheme"):
        method.export_onnx(classifier, tmp_path / FILE)
    assert not (tmp_path / FILE).exists()


def a_model(*nodes: Any, inputs: tuple[str, ...] = ("input_ids", "attention_mask"), weights: Any = ()) -> Any:
    """A graph of integers to integers, valid but for what a test adds."""
    values = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"]) for name in inputs]
    logits = helper.make_tensor_value_info("logits", TensorProto.INT64, ["batch", "length"])
    graph = helper.make_graph(nodes or [helper.make_node("Identity", ["input_ids"], ["logits"])], "g", values, [logits])
    graph.initializer.extend(weights)
    return helper.make_model(graph)


def outside() -> Any:
    weight = helper.make_tensor("secret", TensorProto.FLOAT, [1], [0.0])
    weight.ClearField("float_data")
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="passwords.txt")
    return weight


def looping() -> Any:
    body = helper.make_graph([], "body", [], [])
    return helper.make_node("If", ["input_ids"], ["logits"], then_branch=body, else_branch=body)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: a_model(weights=[outside()]), "reads weights from other files"),
        (lambda: a_model(helper.make_node("Constant", [], ["logits"], value=outside())), "from other files"),
        (lambda: a_model(helper.make_node("Evil", ["input_ids"], ["logits"], domain="evil.ops")), "evil.ops.Evil"),
        (lambda: a_model(helper.make_node("EPContext", [], ["logits"], domain="com.microsoft")), "EPContext"),
        (lambda: a_model(looping()), "runs loops or branches"),
        (lambda: a_model(inputs=("input_ids",)), "no text classifier"),
        (lambda: a_model(helper.make_node("Identity", ["nothing"], ["logits"])), "cannot be run"),
    ],
    ids=["external weights", "external constant", "custom operator", "context file", "loop", "inputs", "broken graph"],
)
def test_a_file_that_does_more_than_calculate_is_refused(
    folders: list[Path], tmp_path: Path, model: Callable[[], Any], words: str
) -> None:
    shutil.copytree(folders[0], tmp_path / "q")
    (tmp_path / "q" / FILE).write_bytes(model().SerializeToString())
    with pytest.raises(ModelError, match=words):
        load_onnx(tmp_path / "q")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "has 0 bytes"), (b"not a model" * 9, "no ONNX model|no text classifier"), (None, "cannot be read")],
    ids=["empty", "garbage", "missing"],
)
def test_a_broken_file_is_refused_in_words(
    folders: list[Path], tmp_path: Path, content: bytes | None, words: str
) -> None:
    shutil.copytree(folders[0], tmp_path / "q")
    (tmp_path / "q" / FILE).unlink()
    if content is not None:
        (tmp_path / "q" / FILE).write_bytes(content)
    with pytest.raises(ModelError, match=words):
        load_onnx(tmp_path / "q")


def test_a_tokenizer_that_knows_more_words_than_the_model_is_refused(folders: list[Path], tmp_path: Path) -> None:
    shutil.copytree(folders[0], tmp_path / "q")
    path = tmp_path / "q" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"vocab_size": 10}), encoding="utf-8")
    with pytest.raises(ModelError, match=r"tokenizer .* knows"):
        load_onnx(tmp_path / "q")

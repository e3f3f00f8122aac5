"""Fixtures shared by all layers of tests: tiny models and data, made once a session; real ones where they are named."""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from gated_runs import Gated, Serve, Server
    from hub_stand_in import HubStandIn

    from compression.runs import Snapshot

ROOT = Path(__file__).parent.parent
_GRAPHS: dict[str, bytes] = {}  # exported models by what they hold
sys.path.insert(0, str(ROOT / "tests"))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the package does, but before torch is first imported
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("COMPRESSION_RUNTIME", "torch")  # no test waits for another's choice of a runtime
os.environ["COMPRESSION_HOME"] = tempfile.mkdtemp(prefix="compression-tests-")  # nothing of a developer's own is read


@pytest.fixture(scope="session")
def tiny_teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import tiny

    return tiny.save_model(tmp_path_factory.mktemp("tiny") / "teacher")


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import tiny

    return tiny.save_splits(tmp_path_factory.mktemp("tiny") / "data")


@pytest.fixture(scope="session")
def real_data() -> Path:
    return _named("PHISHING_DATA")


@pytest.fixture(scope="session")
def real_teacher() -> Path:
    return _named("PHISHING_TEACHER")


@pytest.fixture
def fresh_process() -> Callable[..., Any]:
    """Runs Python code in a new interpreter; the code's last line prints the JSON that is returned.

    Named arguments are variables of its environment.
    """

    def run(code: str, *arguments: object, **variables: str) -> Any:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        environment = os.environ | variables
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.strip().splitlines()[-1])

    return run


@pytest.fixture
def exported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model is exported to ONNX once a session, however often it is asked for: that takes seconds."""
    import onnx
    import torch
    from transformers import PreTrainedModel

    from compression.methods import onnx as method

    export = method._graph

    def graph(model: PreTrainedModel) -> onnx.ModelProto:
        content = hashlib.sha256(f"{type(model)} {model.config}".encode())
        for name, tensor in model.state_dict().items():
            content.update(name.encode() + tensor.cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
        if (key := content.hexdigest()) not in _GRAPHS:
            _GRAPHS[key] = export(model).SerializeToString()
        return onnx.load_model_from_string(_GRAPHS[key])

    monkeypatch.setattr(method, "_graph", graph)


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache for what comes from the Hub."""
    from huggingface_hub import constants

    folder = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def hub(hub_cache: Path, monkeypatch: pytest.MonkeyPatch) -> "Iterator[HubStandIn]":
    """An empty Hub on this machine, which everything here takes for the Hub; nobody is signed in."""
    from hub_stand_in import HubStandIn
    from huggingface_hub import close_session, constants

    from compression.hub import connection

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # read at its import, where the tests say offline
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)  # a push changes it
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(connection, "_probed", {})
    with HubStandIn() as stand_in:
        monkeypatch.setenv("HF_ENDPOINT", stand_in.endpoint)
        yield stand_in
        close_session()


@pytest.fixture
def someones_model(hub: "HubStandIn", tiny_teacher: Path) -> None:
    """The Hub has the tiny model as someone/tiny."""
    hub.add_model("someone/tiny", tiny_teacher)


@pytest.fixture
def go_offline(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Takes the Hub away when it is called."""
    from huggingface_hub import constants

    return lambda: monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


@pytest.fixture
def gated() -> "Iterator[Gated]":
    """A pipeline that stops at a gate instead of training."""
    from gated_runs import Gated

    pipeline = Gated()
    yield pipeline
    pipeline.open(100)


@pytest.fixture
def serve(tmp_path: Path, gated: "Gated") -> "Iterator[Serve]":
    """Starts a server of runs, all on one home; they are stopped in the end."""
    from gated_runs import Server

    servers: list[Server] = []

    def start(*pipelines: Any, **options: Any) -> Server:
        servers.append(Server(tmp_path / "home", *(pipelines or [gated]), **options))
        return servers[-1]

    yield start
    gated.open(100)
    for server in servers:
        server.stop()


@pytest.fixture(scope="session")
def exported_run(tmp_path_factory: pytest.TempPathFactory) -> "tuple[Snapshot, Path]":
    """A run that succeeded on another machine, and the file it was exported to."""
    from exported_runs import export

    return export(tmp_path_factory.mktemp("exported"))


@pytest.fixture
def exported(exported_run: "tuple[Snapshot, Path]") -> Path:
    """The file of that run."""
    return exported_run[1]


@pytest.fixture
def elsewhere(tmp_path: Path) -> "Iterator[Server]":
    """A server on which nothing has run."""
    from exported_runs import made
    from gated_runs import Server

    from compression.settings import Limits

    server = Server(tmp_path / "elsewhere", made, limits=Limits(visitor_bytes=50_000_000))
    yield server
    server.stop()


def _named(variable: str) -> Path:
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is not set: it names a folder that is not part of the project")
    return Path(os.environ[variable])

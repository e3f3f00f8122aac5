"""The app as a Space starts it: an account of its own, a checkout it cannot write, and a home with nothing in it."""

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from compression.ui.server import address

ROOT = Path(__file__).parents[2]
SPACE_USER = 1000
PATIENCE_SECONDS = 200  # a slow, shared machine

Start = Callable[..., "App"]
pytestmark = pytest.mark.timeout(600)


class App:
    """`python app.py` in a process of its own."""

    def __init__(self, checkout: Path, home: Path, log: Path, **variables: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {name: os.environ[name] for name in ("PATH", "OMP_NUM_THREADS", "TMPDIR") if name in os.environ}
        environment |= {"HOME": str(home), "SPACE_ID": "someone/lab", "GRADIO_SERVER_PORT": str(port), **variables}
        python = interpreter()
        environment |= python.variables
        with log.open("w") as file:
            self.process = subprocess.Popen(
                [python.path, "app.py"], cwd=checkout, env=environment, stdout=file, stderr=file, **python.account
            )
        self._log = log
        self.url = f"http://127.0.0.1:{port}"

    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def text(self, path: str, body: Any = None) -> str:
        """What the app answers, once it answers at all."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        for _ in range(PATIENCE_SECONDS * 10):
            assert self.process.poll() is None, self.log()
            try:
                with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
                    return str(response.read().decode())
            except ConnectionError:
                pass
            except urllib.error.URLError as error:
                if not isinstance(error.reason, ConnectionError):
                    raise
            time.sleep(0.1)
        pytest.fail(f"No answer: {self.log()}")

    def classify(self, url: str) -> str:
        """The page's own way to a verdict, over HTTP."""
        config = json.loads(self.text("/config"))
        verdicts = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "verdicts")
        typed = next(c["id"] for c in config["components"] if c["props"].get("elem_id") == "url")
        answering = (
            d for d in config["dependencies"] if d["outputs"][:1] == [verdicts] and d["inputs"][-1:] == [typed]
        )
        function = next(answering)
        call = {"fn_index": function["id"], "data": [None, url], "session_hash": "test"}
        self.text("/gradio_api/queue/join?", call)
        return self.text("/gradio_api/queue/data?session_hash=test")


@dataclass(frozen=True)
class Interpreter:
    """A Python with this one's packages, and the account it is run by ({} is whoever runs these tests)."""

    path: str
    variables: dict[str, str]
    account: dict[str, Any]

    def works(self) -> bool:
        """Whether that account can use it."""
        command = [self.path, "-c", "import gradio"]
        environment = os.environ | {"HOME": "/nonexistent"} | self.variables
        try:
            return subprocess.run(command, env=environment, capture_output=True, **self.account).returncode == 0
        except OSError:
            return False


@cache
def interpreter() -> Interpreter:
    """As a Space's user, where these tests may become one and some Python of this version lets it in."""
    account: dict[str, Any] = {"user": SPACE_USER, "group": SPACE_USER, "extra_groups": []}
    system = shutil.which(f"python3.{sys.version_info.minor}", path="/usr/local/bin:/usr/bin")
    tried = [Interpreter(sys.executable, {}, account)]
    if system:
        tried.append(Interpreter(system, {"PYTHONPATH": sysconfig.get_path("purelib")}, account))
    found = (each for each in tried if os.geteuid() == 0 and each.works())
    return next(found, Interpreter(sys.executable, {}, {}))


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder every account may look into, as pytest's own may not."""
    folder = Path(tempfile.mkdtemp(prefix="space-"))
    folder.chmod(0o755)
    yield folder
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def checkout(place: Path) -> Path:
    """A copy of the project that nobody can write."""
    copy = place / "app"
    unwanted = shutil.ignore_patterns("__pycache__")
    for name in ("compression", "assets"):
        shutil.copytree(ROOT / name, copy / name, ignore=unwanted)
    shutil.copy(ROOT / "app.py", copy)
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    return copy


@pytest.fixture
def start(checkout: Path, place: Path) -> Iterator[Start]:
    apps: list[App] = []

    def started(home: Path, **variables: str) -> App:
        apps.append(App(checkout, home, place / f"log{len(apps)}", **variables))
        return apps[-1]

    yield started
    for app in apps:
        app.process.terminate()
        app.process.wait(30)


def test_an_empty_home_is_filled_and_nothing_else(start: Start, place: Path, checkout: Path) -> None:
    home = place / "home"
    home.mkdir()
    if interpreter().account:
        os.chown(home, SPACE_USER, SPACE_USER)
    app = start(home)
    assert "Compression Lab" in app.text("/")
    assert "named_endpoints" in app.text("/gradio_api/info")
    assert "Not Safe" in app.classify("http://login-verify.account-1.test/secure?id=1")
    assert (home / ".compression-lab" / "runs.sqlite3").is_file()
    assert "cannot be written" not in app.log()
    assert "Traceback" not in app.log()
    if interpreter().account or os.geteuid() != 0:  # root may write anywhere
        assert not list(checkout.rglob("__pycache__"))


def test_a_home_that_cannot_be_written_is_said_and_done_without(start: Start, place: Path) -> None:
    home = place / "file"
    home.write_text("a home that is a file: not even root can write into it")
    app = start(home, COMPRESSION_HOME="", TMPDIR=str(_temporary(place)))
    assert "Compression Lab" in app.text("/")
    assert f"runs and downloads go to {place}" in app.log()
    assert list(_temporary(place).glob("compression-lab-*/compression_home/runs.sqlite3"))
    assert "Traceback" not in app.log()


def test_a_space_listens_to_everyone_on_the_port_it_is_asked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SPACE_ID", "someone/lab")
    assert address() == ("0.0.0.0", 7860)
    monkeypatch.delenv("SPACE_ID")
    assert address() == ("127.0.0.1", None)


def _temporary(place: Path) -> Path:
    folder = place / "tmp"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    return folder

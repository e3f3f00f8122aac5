"""Fixtures shared by all layers of tests: tiny models and data, made once a session; real ones where they are named."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the package does, but before torch is first imported
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")


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
    """Runs Python code in a new interpreter; the code's last line prints the JSON that is returned."""

    def run(code: str, *arguments: object) -> Any:
        command = [sys.executable, "-c", code, *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.strip().splitlines()[-1])

    return run


def _named(variable: str) -> Path:
    if not os.environ.get(variable):
        pytest.skip(f"{variable} is not set: it names a folder that is not part of the project")
    return Path(os.environ[variable])

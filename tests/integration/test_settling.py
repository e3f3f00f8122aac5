"""Where runs and downloads go: what is said, what a Space has preloaded, and what is left without a home."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny

from compression.catalog import ARTICLE_TEACHER

VARIABLES = ("COMPRESSION_HOME", "HF_HOME", "HF_HUB_CACHE", "XDG_CACHE_HOME", "GRADIO_TEMP_DIR", "SPACE_ID")
COMMIT = "a" * 40

# The account's own home is the first argument, HOME the second; what is told is where things are then looked for.
SETTLE = """
import json, os, pwd, sys
from types import SimpleNamespace
account, home, model = sys.argv[1:]
pwd.getpwuid = lambda uid: SimpleNamespace(pw_dir=account)
os.environ["HOME"] = home
from compression import hub, places
temporary = places.settle()
from huggingface_hub import constants
found = hub.fetch_model(model) if model else None
told = [temporary, places.home(), constants.HF_HUB_CACHE, found, os.environ["GRADIO_TEMP_DIR"]]
print(json.dumps([each and str(each) for each in told]))
"""


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """The home of a Space's account after its build, with a model as `preload_from_hub` leaves it."""
    storage = tmp_path / "user" / ".cache" / "huggingface" / "hub" / f"models--{ARTICLE_TEACHER.replace('/', '--')}"
    tiny.save_model(storage / "snapshots" / COMMIT)
    (storage / "refs").mkdir()
    (storage / "refs" / "main").write_text(COMMIT)
    return tmp_path / "user"


def test_what_a_space_preloaded_is_found_whatever_home_says(
    account: Path, tmp_path: Path, fresh_process: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/lab")
    (tmp_path / "empty").mkdir()
    temporary, home, cache, found, _ = fresh_process(SETTLE, account, tmp_path / "empty", ARTICLE_TEACHER)
    assert temporary is None
    assert home == str(tmp_path / "empty" / ".compression-lab")
    assert Path(found).is_relative_to(account)
    assert Path(found).is_relative_to(cache)


def test_at_home_another_accounts_downloads_are_left_alone(
    account: Path, tmp_path: Path, fresh_process: Callable[..., Any]
) -> None:
    _, _, cache, *_ = fresh_process(SETTLE, account, tmp_path / "empty", "")
    assert Path(cache) == tmp_path / "empty" / ".cache" / "huggingface" / "hub"


def test_without_a_home_both_go_to_a_temporary_folder(tmp_path: Path, fresh_process: Callable[..., Any]) -> None:
    (tmp_path / "file").write_text("no folder can be made in it, not even by root")
    temporary, home, cache, *_ = fresh_process(SETTLE, tmp_path / "none", tmp_path / "file", "")
    assert Path(temporary).parent == tmp_path
    assert Path(home).is_relative_to(temporary)
    assert Path(cache).is_relative_to(temporary)


def test_what_is_said_stands(
    tmp_path: Path, fresh_process: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPRESSION_HOME", str(tmp_path / "runs"))
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hugging"))
    temporary, home, cache, *_ = fresh_process(SETTLE, tmp_path, tmp_path / "file", "")
    assert [temporary, home, cache] == [None, str(tmp_path / "runs"), str(tmp_path / "hugging" / "hub")]


def test_uploads_do_not_go_where_another_account_was_first(tmp_path: Path, fresh_process: Callable[..., Any]) -> None:
    (tmp_path / "gradio").write_text("not a folder of ours")
    temporary, *_, uploads = fresh_process(SETTLE, tmp_path, tmp_path / "home", "")
    assert temporary is None
    assert Path(uploads).parent.parent == tmp_path
    assert Path(uploads).parent.name.startswith("compression-lab-")

"""A finished run goes where its folder goes: its models answer and are pushed from there, not from where they were."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny

from compression import pipeline
from compression.__main__ import main
from compression.export import push as export
from compression.predict import predictor
from compression.recipe import nest, parse
from compression.runs import Runs, RunStore
from compression.ui import pushing, units
from compression.ui.handlers import Handlers

PATIENCE_S = 120.0
URL = "http://login-verify.account.test/secure"


class Home:
    """A home with one finished run, made somewhere else and moved here."""

    def __init__(self, path: Path, run_id: str) -> None:
        self.store = RunStore(path)
        self.runs = Runs(self.store, pipeline.run)
        self.run_id, self.folder = run_id, self.runs.folder(run_id)


@pytest.fixture(scope="module")
def finished(tiny_teacher: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home and the id of the run in it."""
    path = tmp_path_factory.mktemp("moved") / "first"
    small = [("student.layers", 1), ("distillation.epochs", 1), ("distillation.max_length", 48), ("device", "cpu")]
    config = parse(nest([("teacher", str(tiny_teacher)), ("data", str(tiny_data)), ("quantization", "nf4"), *small]))
    store = RunStore(path)
    runs = Runs(store, pipeline.run)
    runs.start()
    seen = runs.wait(run_id := runs.submit(config, "ann"), PATIENCE_S)
    runs.stop(PATIENCE_S)
    store.close()
    assert seen is not None
    assert seen.status == "succeeded", seen.error
    return path, run_id


@pytest.fixture
def moved(finished: tuple[Path, str], tmp_path: Path) -> Iterator[Home]:
    """The run's home at another place, with another model where its student once was."""
    path, run_id = finished
    shutil.copytree(path, tmp_path / "second")
    aside = path.rename(tmp_path / "aside")
    home = Home(tmp_path / "second", run_id)
    tiny.save_model(path / "runs" / home.folder.name / "models" / "student", seed=9)
    yield home
    home.store.close()
    shutil.rmtree(path)
    aside.rename(path)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders that are pushed, to nowhere."""
    folders: list[Path] = []

    def send(folder: Path, *_: Any, **__: Any) -> str:
        folders.append(folder)
        return "https://hub.example/ann/urls"

    monkeypatch.setattr(export, "push", send)
    return folders


def test_a_moved_run_answers_with_its_own_models(moved: Home, tiny_teacher: Path) -> None:
    own = {name: moved.folder / "models" / name for name in ("student", "compressed")}
    expected = predictor.classify(URL, {"teacher": tiny_teacher} | own)
    verdicts = Handlers(moved.runs).classify(moved.run_id, URL)["verdicts"]
    for prediction in expected.values():
        assert units.percent(prediction.probability) in verdicts
    snapshot = moved.runs.snapshot(moved.run_id)
    assert snapshot is not None
    assert snapshot.result is not None
    assert {name: snapshot.result.model_folder(name, moved.folder) for name in own} == own
    assert snapshot.result.model_folder("teacher", moved.folder) == tiny_teacher


def test_a_moved_run_is_pushed_from_where_it_is(
    moved: Home, sent: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    page = pushing.push(moved.runs, moved.run_id, "student", "ann/urls", True, "", "hf_token")
    assert "https://hub.example/ann/urls" in page["push-message"]
    assert main(["push", str(moved.folder), "--model", "student", "--to", "ann/urls"]) == 0
    assert sent == [moved.folder / "models" / "student"] * 2


def test_a_model_that_is_gone_is_not_replaced_by_what_stands_where_it_was(moved: Home) -> None:
    shutil.rmtree(moved.folder / "models" / "student")
    verdicts = Handlers(moved.runs).classify(moved.run_id, URL)["verdicts"]
    assert "has no config.json" in verdicts

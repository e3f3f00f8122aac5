"""The command that computes a run beforehand, on a tiny teacher, and the page's store showing what it wrote."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from compression.__main__ import main
from compression.config import RunConfig
from compression.errors import StorageError
from compression.precompute import called, command_line, precompute
from compression.recipe import parse
from compression.runs.store import RunStore
from compression.runs.worker import Runs
from compression.ui import pushing
from compression.ui.words import say

FILES = {"result.json", "events.json", "predictions.parquet"}
EXAMPLE = "example-tiny"


def recipe(teacher: Path, data: Path) -> RunConfig:
    settings = {"teacher": str(teacher), "data": str(data), "student": {"init": "teacher-layers", "layers": 1}}
    return parse(settings, {"distillation": {"epochs": 1, "max_length": 64}, "device": "cpu"})


@pytest.fixture
def examples(tmp_path: Path, tiny_teacher: Path, tiny_data: Path) -> Path:
    precompute(recipe(tiny_teacher, tiny_data), tmp_path / "examples" / "tiny", with_model=True)
    return tmp_path / "examples"


@pytest.fixture
def runs(examples: Path, tmp_path: Path) -> Iterator[Runs]:
    store = RunStore(tmp_path / "home")
    yield Runs(store, lambda config, report, folder: pytest.fail("nothing is run"), precomputed=examples)
    store.close()


def test_what_is_written_shows_the_run_and_nothing_of_its_urls_or_its_place(
    examples: Path, runs: Runs, tmp_path: Path, tiny_data: Path
) -> None:
    assert {path.name for path in (examples / "tiny").iterdir()} == FILES | {"models"}
    assert [path.name for path in (examples / "tiny" / "models").iterdir()] == ["compressed"]
    content = b"".join((examples / "tiny" / name).read_bytes() for name in FILES)
    for text in ("http", ".example", str(tmp_path.parent), str(tiny_data)):
        assert text.encode() not in content

    snapshot = runs.snapshot(EXAMPLE)
    assert snapshot is not None
    assert snapshot.result is not None
    assert snapshot.status == "succeeded"
    made_by = "python -m compression precompute --teacher teacher --data data --with-model --output tiny"
    assert snapshot.precomputed_by == made_by
    assert [step.step for step in snapshot.curve] == list(range(1, snapshot.curve[-1].steps + 1))
    assert snapshot.ended is not None
    assert snapshot.started is not None
    assert snapshot.ended > snapshot.started
    folders = {name: model.folder for name, model in snapshot.result.models.items()}
    compressed = str(examples / "tiny" / "models" / "compressed")
    assert folders == {"teacher": "", "student": "", "compressed": compressed, "control": ""}


def test_an_example_is_everyones_to_see_and_nobodys_to_cancel_or_delete(runs: Runs, examples: Path) -> None:
    assert runs.examples() == (EXAMPLE,)
    assert runs.folder(EXAMPLE) == examples / "tiny"
    assert runs.owned("") == []
    for owner in ("", "somebody"):
        assert not runs.owns(EXAMPLE, owner)
        with pytest.raises(StorageError):
            runs.delete(EXAMPLE, owner)
        with pytest.raises(StorageError):
            runs.cancel(EXAMPLE, owner)
    assert runs.snapshot(EXAMPLE) is not None
    assert runs.snapshot("example-../tiny") is None


def test_an_example_is_not_pushed_in_a_visitors_name(runs: Runs) -> None:
    updates = pushing.push(runs, EXAMPLE, "compressed", "someone/model", True, "", "a token")
    assert say("push.unfinished") in updates["push-message"]


def test_computing_it_again_leaves_no_model_of_before(examples: Path, tiny_teacher: Path, tiny_data: Path) -> None:
    precompute(recipe(tiny_teacher, tiny_data), examples / "tiny")
    assert {path.name for path in (examples / "tiny").iterdir()} == FILES


def test_what_a_folder_holds_is_not_replaced_unasked(examples: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (examples / "tiny" / "result.json").read_bytes()
    assert main(["precompute", "--output", str(examples / "tiny")]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (examples / "tiny" / "result.json").read_bytes() == before


def test_the_command_says_what_was_set_beside_the_preset(tiny_teacher: Path, tiny_data: Path) -> None:
    made_by = command_line(
        recipe(tiny_teacher, tiny_data), "tiny", Path("out"), False, ("seed=3", "labels.not_safe=a, b")
    )
    assert "--preset tiny --teacher teacher --set seed=3 --set 'labels.not_safe=a, b' --data data" in made_by


def test_a_place_is_called_by_its_last_name(tiny_data: Path) -> None:
    assert called(str(tiny_data)) == "data"
    assert called("bundled") == "bundled"
    assert called("owner/name@main") == "owner/name@main"

"""What the Hub refused, found in the recipe and put right: which keys, which words, which values."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from compression import hub
from compression.catalog import PRESETS
from compression.config import RunConfig
from compression.errors import DataError
from compression.events import Report
from compression.hub import HubDataError, HubModelError, connection, keys_at_fault
from compression.recipe import flatten, nest, parse
from compression.result import Result
from compression.runs.store import RunStore
from compression.runs.worker import Runs
from compression.ui import form
from compression.ui.handlers import Handlers
from compression.ui.views.refusal import remedy
from compression.ui.words import LANGUAGES, listed, say

ARTICLE = parse(PRESETS["article"].settings)
GONE = HubModelError("It is gone. Choose another.", ARTICLE.teacher)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def reachable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Hub that answers, and refuses one thing only."""
    monkeypatch.setattr("compression.hub.fault.online", lambda: True)


@pytest.fixture
def act(tmp_path: Path) -> Iterator[Handlers]:
    store = RunStore(tmp_path)
    yield Handlers(Runs(store, failing_run))
    store.close()


def failing_run(config: RunConfig, report: Report, output: Path) -> Result:
    raise GONE


@pytest.mark.usefixtures("reachable")
@pytest.mark.parametrize("key", ["teacher", "data", "student.base"])
def test_only_what_the_hub_refused_is_at_fault(key: str) -> None:
    kind = HubDataError if key == "data" else HubModelError
    assert keys_at_fault(kind("It is gone.", flatten(ARTICLE)[key]), ARTICLE) == (key,)
    pinned = parse(PRESETS["article"].settings, nest([("teacher", f"{ARTICLE.teacher}@v1")]))
    assert keys_at_fault(GONE, pinned) == ("teacher",)


def test_without_the_hub_all_that_needs_it_is_at_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not hub.online()
    assert keys_at_fault(GONE, ARTICLE) == ("teacher", "data", "student.base")
    assert keys_at_fault(GONE, parse(nest([("teacher", ARTICLE.teacher)]))) == ("teacher",)
    (tmp_path / "mine" / "teacher").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert keys_at_fault(GONE, parse(nest([("teacher", "mine/teacher"), ("data", ARTICLE.data)]))) == ("data",)


def test_what_was_fetched_before_is_not_at_fault(tmp_path: Path) -> None:
    folder = connection.repository("model", ARTICLE.teacher)
    stored = tmp_path / "cache" / f"models--{folder.id.replace('/', '--')}" / "snapshots" / ("a" * 40)
    stored.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json", "model.safetensors"):
        (stored / name).touch()
    assert keys_at_fault(HubDataError("It is gone.", ARTICLE.data), ARTICLE) == ("data", "student.base")


def test_an_error_that_is_not_the_hubs_puts_nothing_at_fault() -> None:
    assert keys_at_fault(DataError("One class only."), ARTICLE) == ()
    assert keys_at_fault(ValueError(), ARTICLE) == ()


def test_an_error_of_the_hub_keeps_what_it_is_about_on_its_way_between_processes() -> None:
    again = pickle.loads(pickle.dumps(GONE))
    assert (type(again), str(again), again.about) == (HubModelError, str(GONE), GONE.about)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("key", form.REMEDIES)
def test_every_remedy_has_words_and_is_legal(key: str, language: str) -> None:
    assert say(f"remedy.{key}", language)
    assert parse(nest([form.REMEDIES[key]])) == parse({})


def test_the_button_names_what_it_does() -> None:
    assert remedy([]) == ""
    assert ">Use the bundled teacher<" in remedy(["teacher"])
    assert listed(["a", "b", "c"]) == "a, b and c"


def test_a_remedy_changes_what_is_at_fault_and_what_cannot_be_without_it(act: Handlers) -> None:
    article = form.preset_values("article")
    updates = act.put_right("teacher data student.base", None, article)
    filled = {**article, **{key: updates[key] for key in form.KEYS if key in updates}}
    assert {key for key in form.KEYS if filled[key] != article[key]} == {
        "teacher",
        "data",
        "student.init",
        "distillation.max_length",  # the article's 512 tokens are more than the bundled teacher reads
    }
    assert updates["preset"] == "custom"
    assert "128 tokens" in updates["message"]
    assert "estimate" not in updates


def test_a_remedy_for_one_thing_keeps_ones_own_settings_to_go_back_to(act: Handlers) -> None:
    mine = {**form.preset_values("quick"), "data": "someone/urls", "distillation.epochs": 9}
    updates = act.put_right("data", None, mine)
    assert {key for key in form.KEYS if key in updates} == {"data"}
    assert updates["saved"] == mine
    assert act.undo_preset(updates["saved"])["data"] == "someone/urls"


@pytest.mark.parametrize("sent", ["", "seed", "teacherdata", "<script>"])
def test_what_no_button_sends_changes_nothing(act: Handlers, sent: str) -> None:
    assert act.put_right(sent, None, form.preset_values("article")) == {}


@pytest.mark.usefixtures("reachable")
def test_a_failed_run_keeps_what_was_at_fault(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    runs = Runs(store, failing_run)
    run_id = runs.submit(ARTICLE, "someone")
    runs.start()
    ended = runs.wait(run_id, 30)
    runs.stop(30)
    store.close()
    assert ended is not None
    assert (ended.status, ended.at_fault) == ("failed", ("teacher",))


@pytest.mark.usefixtures("reachable")
def test_what_was_at_fault_is_kept(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    runs = Runs(store, failing_run)
    runs.start()
    new = runs.submit(ARTICLE, "someone")
    runs.wait(new, 30)
    runs.stop(30)
    store.close()
    store = RunStore(tmp_path)
    seen = Runs(store, failing_run).snapshot(new)
    store.close()
    assert seen is not None
    assert seen.at_fault == ("teacher",)

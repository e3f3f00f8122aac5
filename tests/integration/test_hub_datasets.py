"""Data sets of the Hub: what one gives, and every way it can fail."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from hub_stand_in import HubStandIn
from refusals import sentence

from compression.errors import DataError
from compression.hub import check_dataset, fetch_dataset

DATA = "someone/urls"


@pytest.fixture
def data(hub: HubStandIn, tiny_data: Path) -> HubStandIn:
    hub.add_dataset(DATA, tiny_data)
    return hub


def test_a_data_set_is_checked_and_fetched_split_by_split(data: HubStandIn, tiny_data: Path) -> None:
    found = check_dataset(DATA)
    assert list(found.splits) == ["train", "validation", "test"]
    assert found.size_bytes == sum(path.stat().st_size for path in tiny_data.iterdir())
    assert not data.asked("resolve")
    splits = fetch_dataset(DATA, wanted=["test"])
    assert [path.read_bytes() for path in splits["test"]] == [(tiny_data / "test.csv").read_bytes()]
    assert list(splits) == ["test"]
    assert len(data.asked("resolve")) == 1


def test_a_data_set_in_the_cache_needs_no_network(data: HubStandIn, go_offline: Callable[[], None]) -> None:
    splits = fetch_dataset(DATA)
    data.requests.clear()
    assert fetch_dataset(DATA) == splits
    go_offline()
    assert fetch_dataset(DATA) == splits
    assert data.requests == []


def test_half_a_data_set_is_none(data: HubStandIn, go_offline: Callable[[], None]) -> None:
    fetch_dataset(DATA, wanted=["train"])
    go_offline()
    assert list(fetch_dataset(DATA, wanted=["train"])) == ["train"]
    with pytest.raises(DataError, match="not stored on this machine"):
        fetch_dataset(DATA)


def test_the_card_of_a_data_set_is_read(data: HubStandIn, tmp_path: Path) -> None:
    folder = tmp_path / "carded"
    tiny.save_csv(folder / "data" / "part.csv", tiny.urls(8))
    tiny.save_csv(folder / "data" / "rest.csv", tiny.urls(8))
    card = "configs:\n- config_name: default\n  data_files:\n  - split: test\n    path: data/rest*\n"
    (folder / "README.md").write_text(f"---\n{card}---\n# URLs\n")
    data.add_dataset("someone/carded", folder)
    assert {name: [path.name for path in paths] for name, paths in fetch_dataset("someone/carded").items()} == {
        "test": ["rest.csv"]
    }


def test_a_data_set_with_a_script_is_refused(data: HubStandIn, tmp_path: Path) -> None:
    folder = tmp_path / "scripted"
    tiny.save_csv(folder / "train.csv", tiny.urls(8))
    (folder / "scripted.py").write_text("import datasets")
    data.add_dataset("someone/scripted", folder)
    with pytest.raises(DataError, match="script of its own") as error:
        fetch_dataset("someone/scripted")
    assert sentence(error.value)
    assert not data.asked("resolve")


def test_a_data_set_that_is_too_large_is_refused(data: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    from compression.hub import datasets

    monkeypatch.setattr(datasets, "MAX_BYTES", 100)
    with pytest.raises(DataError, match="is the most here"):
        check_dataset(DATA)


@pytest.mark.parametrize(
    ("failure", "words"),
    [("missing", "no data set someone/urls"), ("gated", "is gated"), ("rate-limited", "90 seconds"), ("broken", "500")],
)
def test_a_failing_data_set_ends_in_a_sentence(data: HubStandIn, failure: Any, words: str) -> None:
    data.fail(DATA, failure)
    with pytest.raises(DataError, match=words) as error:
        fetch_dataset(DATA)
    assert sentence(error.value)

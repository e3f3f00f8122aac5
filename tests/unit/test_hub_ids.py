"""What counts as a Hub id, whose token is sent, which splits file names tell, and that importing costs nothing."""

import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest

from compression.errors import DataError, ModelError
from compression.hub.cache import RemoteFile
from compression.hub.connection import HubDataError, HubModelError, Repo, is_hub_id, repository, token_to_send, within
from compression.hub.datasets import _splits

REPO = Repo("dataset", "someone/urls")


@pytest.mark.parametrize(
    "text",
    ["someone/tiny", "distilbert-base-uncased", "a/b", "google/electra-small_v1.1", "someone/tiny@main", "x/y@0a1b2c"],
)
def test_ids(text: str) -> None:
    assert is_hub_id(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bundled",
        "/models/tiny",
        "./tiny",
        "../tiny",
        "~/tiny",
        "a/b/c",
        "a//b",
        "a/",
        "/b",
        "urls.csv",
        "data/urls.parquet",
        "model.safetensors",
        "C:\\models",
        "a b/c",
        "a/b@",
        "a/b@../c",
        "a--b/c",
        "a/-b",
        "a/b.",
        "http://x.test/y",
        "a/b\n",
        "x" * 200,
        "a/é",
        "a/b?c",
        "a\0b",
    ],
)
def test_not_ids(text: str) -> None:
    assert not is_hub_id(text)


def test_a_revision_can_stand_in_the_id_or_beside_it() -> None:
    assert repository("model", "a/b") == Repo("model", "a/b", "main")
    assert repository("model", "a/b@v1") == Repo("model", "a/b", "v1")
    assert repository("model", "a/b@v1", "v2") == Repo("model", "a/b", "v2")


def test_a_wrong_id_is_refused_in_a_sentence() -> None:
    with pytest.raises(HubModelError, match="owner/name, or use 'bundled'"):
        repository("model", "../secret")
    with pytest.raises(HubDataError, match="is not the id"):
        repository("dataset", "x" * 5_000)


def test_only_a_token_given_on_purpose_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    assert token_to_send(None) is False
    assert token_to_send("mine") == "mine"
    monkeypatch.setenv("HF_TOKEN", "the-machines")
    assert token_to_send(None) == "the-machines"
    monkeypatch.setenv("SPACE_ID", "someone/space")
    assert token_to_send(None) is False
    assert token_to_send("a-visitors") == "a-visitors"


def test_whatever_hangs_is_left_behind_in_time() -> None:
    never = threading.Event()
    with pytest.raises(TimeoutError):
        within(0.05, never.wait)
    never.set()


def test_errors_pickle_and_belong_to_their_kind() -> None:
    error = pickle.loads(pickle.dumps(Repo("model", "a/b").refused("Sentence.")))
    assert isinstance(error, HubModelError)
    assert isinstance(error, ModelError)
    assert str(error) == "Sentence."
    assert isinstance(REPO.refused("Sentence."), DataError)


def names(files: list[str], configs: object = None) -> dict[str, list[str]]:
    found = _splits(REPO, [RemoteFile(name, 1, None, "0") for name in files], configs)
    return {split: [file.name for file in held] for split, held in found.items()}


@pytest.mark.parametrize(
    ("files", "splits"),
    [
        (["urls.csv"], {"train": ["urls.csv"]}),
        (["a.csv", "b.csv"], {"train": ["a.csv", "b.csv"]}),
        (
            ["train.csv", "dev.csv", "test.csv"],
            {"train": ["train.csv"], "dev": ["dev.csv"], "test": ["test.csv"]},
        ),
        (
            ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet", "data/test-0.parquet"],
            {
                "train": ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"],
                "test": ["data/test-0.parquet"],
            },
        ),
        (["training/a.csv", "eval/a.csv"], {"training": ["training/a.csv"], "eval": ["eval/a.csv"]}),
        (["train.csv", "train.parquet"], {"train": ["train.parquet"]}),
        (["latest.csv", "contest.csv"], {"train": ["latest.csv", "contest.csv"]}),
        (["test.csv", "notes.csv"], {"test": ["test.csv"]}),
    ],
)
def test_splits_from_file_names(files: list[str], splits: dict[str, list[str]]) -> None:
    assert names(files) == splits


def test_the_card_goes_before_file_names() -> None:
    card = [
        {
            "config_name": "default",
            "data_files": [{"split": "train", "path": "part-*"}, {"split": "dev", "path": ["held/*.csv"]}],
        }
    ]
    assert names(["part-1.csv", "part-2.csv", "held/out.csv", "test.csv"], card) == {
        "train": ["part-1.csv", "part-2.csv"],
        "dev": ["held/out.csv"],
    }


@pytest.mark.parametrize("card", ["nonsense", [], [3], [{"data_files": 7}], [{"data_files": [{"split": "train"}]}]])
def test_a_card_that_says_nothing_of_use_is_passed_over(card: object) -> None:
    assert names(["test.csv", "train.csv"], card) == {"train": ["train.csv"], "test": ["test.csv"]}


def test_one_of_several_data_sets_needs_a_default() -> None:
    card = [{"config_name": "en", "data_files": "en.csv"}, {"config_name": "fr", "data_files": "fr.csv"}]
    with pytest.raises(HubDataError, match="several data sets \\(en, fr\\)"):
        names(["en.csv", "fr.csv"], card)
    assert names(["en.csv", "fr.csv"], [card[0], card[1] | {"default": True}]) == {"train": ["fr.csv"]}


@pytest.mark.parametrize("files", [["urls.zip"], ["urls.jsonl"], ["README.md"], ["urls.csv.gz"], []])
def test_no_readable_file_is_refused(files: list[str]) -> None:
    with pytest.raises(HubDataError, match="no Parquet or CSV files"):
        names(files)


def test_importing_needs_neither_the_library_nor_the_network(fresh_process: Callable[..., Any]) -> None:
    code = """
import sys, json, socket
def refuse(*a, **k): raise AssertionError("network")
socket.socket.connect = refuse
import compression.hub
print(json.dumps([m for m in ("huggingface_hub", "httpx2", "torch", "transformers") if m in sys.modules]))
"""
    assert fresh_process(code) == []

"""Models of the Hub through the real client libraries, against the stand-in: the well ones and the refused."""

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hub_stand_in import HubStandIn
from refusals import sentence

from compression.errors import ModelError
from compression.hub import check_model, connection, fetch_model, models
from compression.models.classifier import ARCHITECTURES, load_classifier

FIVE_SECONDS = 5.0
MODEL = "someone/tiny"
pytestmark = pytest.mark.usefixtures("someones_model")


@pytest.fixture
def changed(tiny_teacher: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may change."""
    return Path(shutil.copytree(tiny_teacher, tmp_path / "changed"))


def configure(folder: Path, **changes: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


def tiny_parameters(folder: Path) -> int:
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "pt") as file:
        names = list(file.keys())
        return sum(file.get_tensor(name).numel() for name in names)


# A model that is well


def test_a_model_is_checked_without_its_weights(hub: HubStandIn, tiny_teacher: Path) -> None:
    found = check_model(MODEL, allowed=ARCHITECTURES)
    assert (found.id, found.current_id, found.sha) == (MODEL, MODEL, hub.repos["models", MODEL].sha)
    assert found.model_type == "bert"
    assert found.architectures == ("BertForSequenceClassification",)
    assert found.parameters == tiny_parameters(tiny_teacher)
    assert found.size_bytes == sum(path.stat().st_size for path in tiny_teacher.iterdir())
    assert found.pinned == f"{MODEL}@{found.sha}"
    assert hub.asked("safetensors") == []


def test_a_model_is_fetched_with_progress_and_answers_as_the_original(hub: HubStandIn, tiny_teacher: Path) -> None:
    import torch

    seen: list[tuple[str, int, int]] = []
    folder = fetch_model(MODEL, report=lambda *told: seen.append(told), allowed=ARCHITECTURES)
    assert folder.name == hub.repos["models", MODEL].sha
    assert (folder / "model.safetensors").read_bytes() == (tiny_teacher / "model.safetensors").read_bytes()
    done = [bytes_done for _, bytes_done, _ in seen]
    assert done == sorted(done)
    assert done[-1] == seen[-1][2] > 0
    assert seen[-1][0] == f"Downloading {MODEL}: model.safetensors"
    assert load_classifier(folder, torch.device("cpu")).model.config.model_type == "bert"


def test_a_second_use_needs_no_network(hub: HubStandIn, go_offline: Callable[[], None]) -> None:
    folder = fetch_model(MODEL)
    hub.requests.clear()
    assert fetch_model(MODEL) == folder
    assert fetch_model(f"{MODEL}@{folder.name}") == folder
    go_offline()
    assert fetch_model(MODEL) == folder
    assert hub.requests == []


def test_config_and_tokenizer_alone_can_be_fetched(hub: HubStandIn) -> None:
    folder = fetch_model(MODEL, weights=False)
    assert (folder / "tokenizer.json").is_file()
    assert hub.asked("safetensors") == []
    assert (fetch_model(MODEL) / "model.safetensors").is_file()  # what was fetched before is no excuse
    assert len(hub.asked("tokenizer.json")) == 1


def test_a_new_commit_with_the_same_weights_fetches_none(hub: HubStandIn, changed: Path) -> None:
    first = fetch_model(MODEL)
    (changed / "tokenizer_config.json").write_text("{}")
    second = hub.add_model(MODEL, changed)
    hub.requests.clear()
    assert fetch_model(MODEL) == first
    folder = fetch_model(check_model(MODEL))
    assert folder.name == second
    assert fetch_model(MODEL) == folder  # the newest that was fetched
    assert (folder / "model.safetensors").is_file()
    assert hub.asked("safetensors") == []


def test_a_pinned_commit_is_main_only_where_the_hub_cannot_be_asked(
    hub: HubStandIn, changed: Path, go_offline: Callable[[], None]
) -> None:
    pinned = fetch_model(check_model(MODEL).pinned)
    (changed / "tokenizer_config.json").write_text("{}")
    newest = hub.add_model(MODEL, changed)
    assert fetch_model(f"{MODEL}@{pinned.name}") == pinned
    shutil.rmtree(pinned.parent.parent / "refs", ignore_errors=True)
    assert fetch_model(MODEL).name == newest != pinned.name
    shutil.rmtree(pinned.parent.parent / "refs")
    go_offline()
    assert fetch_model(MODEL).name in (newest, pinned.name)


def test_weights_in_shards(hub: HubStandIn, changed: Path) -> None:
    name = "model-00001-of-00001.safetensors"
    (changed / "model.safetensors").rename(changed / name)
    (changed / models.INDEX).write_text(json.dumps({"weight_map": {"bert.pooler.dense.weight": name}}))
    hub.add_model("someone/shards", changed)
    folder = fetch_model("someone/shards")
    assert (folder / name).is_file()
    (folder / name).unlink()
    assert models.cached_model(connection.repository("model", "someone/shards")) is None


def test_a_renamed_model_is_followed(hub: HubStandIn) -> None:
    hub.rename(MODEL, "someone-else/small")
    found = check_model(MODEL)
    assert (found.id, found.current_id) == (MODEL, "someone-else/small")
    assert (fetch_model(found) / "model.safetensors").is_file()


def test_an_old_bare_name_is_followed(hub: HubStandIn, tiny_teacher: Path) -> None:
    hub.add_model("tiny-base", tiny_teacher)
    hub.rename("tiny-base", "someone/tiny-base")
    assert fetch_model("tiny-base").is_dir()
    assert check_model("tiny-base").current_id == "someone/tiny-base"


def test_a_token_opens_what_is_private_or_gated(hub: HubStandIn, tiny_teacher: Path) -> None:
    hub.add_model("me/mine", tiny_teacher, private=True)
    with pytest.raises(ModelError, match="private"):
        check_model("me/mine")
    assert fetch_model("me/mine", token="hf_me").is_dir()
    hub.fail(MODEL, "gated")
    assert fetch_model(MODEL, token="hf_me").is_dir()


# A model that cannot be used


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("missing", "misspelt, gone or private"),
        ("private", "misspelt, gone or private"),
        ("gated", "is gated"),
        ("disabled", "has been disabled"),
        ("rate-limited", "Try again in 90 seconds"),
        ("broken", "failed to answer"),
        ("sign-in page", "a proxy or a sign-in page"),
        ("hang", "did not answer in time"),
    ],
)
def test_a_failing_model_ends_in_a_sentence_within_five_seconds(hub: HubStandIn, failure: Any, words: str) -> None:
    hub.fail(MODEL, failure)
    started = time.monotonic()
    with pytest.raises(ModelError, match=words) as error:
        fetch_model(MODEL)
    assert time.monotonic() - started < FIVE_SECONDS
    assert sentence(error.value)
    assert hub.asked("safetensors") == []


def test_with_a_token_a_missing_model_is_missing(hub: HubStandIn) -> None:
    with pytest.raises(ModelError, match="misspelt, gone or private"):
        check_model("someone/nothing", token="hf_me")


def test_a_token_that_has_expired_is_named_as_the_reason(hub: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "expired")
    with pytest.raises(ModelError, match="unset HF_TOKEN") as error:
        check_model(MODEL)
    assert "expired" not in sentence(error.value)


def test_an_unknown_revision(hub: HubStandIn) -> None:
    with pytest.raises(ModelError, match="has no revision 'v9'"):
        check_model(f"{MODEL}@v9")


def test_models_that_are_refused_before_a_weight_is_fetched(
    hub: HubStandIn, changed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(words: str) -> None:
        hub.add_model("someone/odd", changed)
        with pytest.raises(ModelError, match=words) as error:
            fetch_model("someone/odd", allowed=ARCHITECTURES)
        assert "someone/odd" in sentence(error.value)
        assert hub.asked("safetensors") == []

    configure(changed, model_type="gpt2")
    refused("of type 'gpt2'. Supported are bert")
    configure(changed, model_type=["bert"])
    refused("of type")
    configure(changed, model_type="bert", auto_map={"AutoModel": "code.Model"})
    refused("run code of its own")
    (changed / "config.json").write_text("[1, 2]")
    refused("cannot be read")
    (changed / "config.json").write_text("[" * 100_000)
    refused("cannot be read")
    (changed / "config.json").write_text(" " * 2_000_000)
    refused("2,000,000 bytes")
    with monkeypatch.context() as limits:
        limits.setattr(models, "MAX_BYTES", 1000)
        refused("MB is the most")
    with monkeypatch.context() as limits:
        limits.setattr(models, "MAX_PARAMETERS", 1000)
        refused("million is the most")
    (changed / "model.safetensors").rename(changed / "pytorch_model.bin")
    refused("only as pickles")
    (changed / "pytorch_model.bin").unlink()
    refused("no safetensors weights")
    (changed / "config.json").unlink()
    refused("no config.json")

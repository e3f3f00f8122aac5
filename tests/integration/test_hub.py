"""The Hub through the real client libraries, against the stand-in: what it gives, and every way it can fail."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import tiny
from hub_stand_in import HubStandIn

from compression.errors import DataError, ModelError, ResourceError, RunCancelled
from compression.hub import check_dataset, check_model, connection, fetch_dataset, fetch_model, models, online
from compression.models.classifier import ARCHITECTURES, load_classifier

FIVE_SECONDS = 5.0
ROOT = Path(__file__).parent.parent.parent
MODEL, DATA = "someone/tiny", "someone/urls"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from huggingface_hub import constants

    folder = tmp_path / "cache"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    return folder


@pytest.fixture
def hub(cache: Path, tiny_teacher: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubStandIn]:
    from huggingface_hub import close_session, constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)  # read at its import, where the tests say offline
    for name in ("HF_HUB_OFFLINE", "HF_TOKEN", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setattr(connection, "_probed", {})
    with HubStandIn() as stand_in:
        monkeypatch.setenv("HF_ENDPOINT", stand_in.endpoint)
        stand_in.add_model(MODEL, tiny_teacher)
        yield stand_in
        close_session()


@pytest.fixture
def changed(tiny_teacher: Path, tmp_path: Path) -> Path:
    """A copy of the tiny model that a test may change."""
    return Path(shutil.copytree(tiny_teacher, tmp_path / "changed"))


@pytest.fixture
def go_offline(monkeypatch: pytest.MonkeyPatch) -> Any:
    from huggingface_hub import constants

    return lambda: monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)


def configure(folder: Path, **changes: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


def sentence(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert text[-1] == "."
    assert "\n" not in text
    assert len(text) < 300
    return text


def weights_asked(hub: HubStandIn) -> int:
    return len(hub.asked("safetensors"))


# A model that is well


def test_a_model_is_checked_without_its_weights(hub: HubStandIn, tiny_teacher: Path) -> None:
    found = check_model(MODEL, allowed=ARCHITECTURES)
    assert (found.id, found.current_id, found.sha) == (MODEL, MODEL, hub.repos["models", MODEL].sha)
    assert found.model_type == "bert"
    assert found.architectures == ("BertForSequenceClassification",)
    assert found.parameters == tiny_parameters(tiny_teacher)
    assert found.size_bytes == sum(path.stat().st_size for path in tiny_teacher.iterdir())
    assert found.pinned == f"{MODEL}@{found.sha}"
    assert weights_asked(hub) == 0


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


def test_a_second_use_needs_no_network(hub: HubStandIn, go_offline: Any) -> None:
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
    assert weights_asked(hub) == 0
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
    assert weights_asked(hub) == 0


def test_a_pinned_commit_is_main_only_where_the_hub_cannot_be_asked(
    hub: HubStandIn, changed: Path, go_offline: Any
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
    assert sentence(error)
    assert weights_asked(hub) == 0


def test_with_a_token_a_missing_model_is_missing(hub: HubStandIn) -> None:
    with pytest.raises(ModelError, match="misspelt, gone or private"):
        check_model("someone/nothing", token="hf_me")


def test_a_token_that_has_expired_is_named_as_the_reason(hub: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "expired")
    with pytest.raises(ModelError, match="unset HF_TOKEN") as error:
        check_model(MODEL)
    assert "expired" not in sentence(error)


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
        assert "someone/odd" in sentence(error)
        assert weights_asked(hub) == 0

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


# No network


def test_without_a_network_it_is_told_at_once(hub: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:  # bound, not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{taken.getsockname()[1]}")
        started = time.monotonic()
        with pytest.raises(ModelError, match="cannot be reached, and the model someone/tiny is not stored"):
            fetch_model(MODEL)
        with pytest.raises(DataError, match="use 'bundled'"):
            fetch_dataset(DATA)
    assert time.monotonic() - started < 1


def test_a_hub_that_hangs_is_probed_once_for_two_seconds(hub: HubStandIn) -> None:
    hub.fail("*", "hang")
    started = time.monotonic()
    assert not online()
    for _ in range(3):
        with pytest.raises(ModelError, match="cannot be reached"):
            check_model(MODEL)
    assert 1.5 < time.monotonic() - started < 3
    assert len(hub.requests) == 1


def test_asked_to_stay_offline_nothing_is_sent(hub: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert not online()
    with pytest.raises(ModelError, match="not stored on this machine"):
        fetch_model(MODEL)
    assert hub.requests == []


# Downloads that go wrong


def test_a_download_that_breaks_off_is_resumed(hub: HubStandIn, tiny_teacher: Path) -> None:
    fetch_model(MODEL, weights=False)
    hub.fail(MODEL, "truncated", times=1)
    with pytest.raises(ModelError, match=r"broke off .* Try again: it goes on") as error:
        fetch_model(MODEL)
    assert "model.safetensors" in sentence(error)
    hub.requests.clear()
    folder = fetch_model(MODEL)
    assert [request.headers.get("Range") for request in hub.asked("/large/")] == [
        f"bytes={(tiny_teacher / 'model.safetensors').stat().st_size // 2}-"
    ]
    assert (folder / "model.safetensors").read_bytes() == (tiny_teacher / "model.safetensors").read_bytes()


def test_a_download_that_stalls_ends_within_five_seconds(hub: HubStandIn) -> None:
    found = check_model(MODEL)
    hub.fail(MODEL, "stall")
    started = time.monotonic()
    with pytest.raises(ModelError, match="broke off"):
        fetch_model(found)
    assert time.monotonic() - started < FIVE_SECONDS


def test_a_damaged_download_is_refused_and_fetched_anew(hub: HubStandIn, cache: Path, tiny_teacher: Path) -> None:
    found = check_model(MODEL)
    hub.fail(MODEL, "damaged")
    with pytest.raises(ModelError, match="arrived damaged") as error:
        fetch_model(found)
    assert sentence(error)
    assert not list(cache.rglob("*.incomplete"))
    hub.heal(MODEL)
    folder = fetch_model(found)
    for path in tiny_teacher.iterdir():
        assert (folder / path.name).read_bytes() == path.read_bytes()


def test_raising_in_the_report_stops_a_download_and_keeps_what_came(hub: HubStandIn, cache: Path) -> None:
    def stop(doing: str, done_bytes: int, total: int) -> None:
        if done_bytes:
            raise RunCancelled

    fetch_model(MODEL, weights=False)
    hub.fail(MODEL, "slow")
    hub.step.release()  # one piece comes, the rest never would
    with pytest.raises(RunCancelled):
        fetch_model(MODEL, report=stop)
    (partial,) = cache.rglob("*.incomplete")
    kept = partial.stat().st_size
    assert 0 < kept < check_model(MODEL).files[-1].size
    hub.heal(MODEL)
    hub.requests.clear()
    assert fetch_model(MODEL).is_dir()
    assert hub.asked("/large/")[0].headers["Range"] == f"bytes={kept}-"


def test_two_who_want_the_same_model_share_one_download(hub: HubStandIn) -> None:
    with ThreadPoolExecutor(2) as both:
        first, second = both.map(fetch_model, [MODEL, MODEL])
    assert first == second
    assert len(hub.asked("/large/")) == 1


def test_a_cache_that_cannot_be_written(hub: HubStandIn, cache: Path) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(ResourceError, match="Set HF_HOME") as error:
        fetch_model(MODEL)
    assert sentence(error)


def test_a_full_disk_is_told_before_the_download(hub: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    found = check_model(MODEL)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 0))  # type: ignore[attr-defined]
    with pytest.raises(ResourceError, match="Free some space"):
        fetch_model(found)
    assert weights_asked(hub) == 0


# Data sets


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


def test_a_data_set_in_the_cache_needs_no_network(data: HubStandIn, go_offline: Any) -> None:
    splits = fetch_dataset(DATA)
    data.requests.clear()
    assert fetch_dataset(DATA) == splits
    go_offline()
    assert fetch_dataset(DATA) == splits
    assert data.requests == []


def test_half_a_data_set_is_none(data: HubStandIn, go_offline: Any) -> None:
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
    assert sentence(error)
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
    assert sentence(error)


# The stand-in is Hub enough for the libraries themselves


def in_a_library(code: str, hub: HubStandIn, cache: Path, **changes: str) -> Any:
    """The JSON that `code` prints in a process of its own, with the stand-in as its Hub."""
    environment = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HUB_OFFLINE": "0", "HF_HUB_CACHE": str(cache)}
    environment |= {"HF_HOME": str(cache / "home"), "HF_HUB_DISABLE_XET": "1", "OMP_NUM_THREADS": "1"} | changes
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_transformers_loads_from_it_and_from_the_cache_filled_here(hub: HubStandIn, cache: Path) -> None:
    fetch_model(MODEL)
    code = f"""
import json
from transformers import AutoModelForSequenceClassification, AutoTokenizer
found = []
for options in ({{"local_files_only": True}}, {{"cache_dir": {str(cache / "another")!r}}}):
    model = AutoModelForSequenceClassification.from_pretrained("{MODEL}", use_safetensors=True, **options)
    found.append([model.config.model_type, len(AutoTokenizer.from_pretrained("{MODEL}", **options))])
print(json.dumps(found))
"""
    assert in_a_library(code, hub, cache) == [["bert", len(tiny.tokenizer())]] * 2


def test_a_cache_filled_by_huggingface_hub_is_used(hub: HubStandIn, cache: Path, go_offline: Any) -> None:
    from huggingface_hub import snapshot_download

    folder = snapshot_download(MODEL, endpoint=hub.endpoint, cache_dir=cache, token=False)
    go_offline()
    assert fetch_model(MODEL) == Path(folder)


def test_datasets_loads_from_it(data: HubStandIn, cache: Path) -> None:
    code = f"""
import json
from datasets import load_dataset
print(json.dumps({{name: len(split) for name, split in load_dataset("{DATA}").items()}}))
"""
    assert in_a_library(code, data, cache) == {"train": 64, "validation": 32, "test": 32}


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # huggingface_hub's own upload
def test_it_takes_a_push(hub: HubStandIn, tiny_teacher: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HfHubHTTPError

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    api = HfApi(endpoint=hub.endpoint, token="hf_me")
    assert api.whoami()["name"] == "me"
    api.create_repo("me/pushed", private=True, exist_ok=False)
    api.upload_folder(repo_id="me/pushed", folder_path=tiny_teacher, commit_message="A tiny model")
    pushed = hub.repos["models", "me/pushed"]
    assert pushed.private
    assert pushed.files["model.safetensors"].content == (tiny_teacher / "model.safetensors").read_bytes()
    assert {path.name for path in tiny_teacher.iterdir()} <= set(pushed.files)
    with pytest.raises(HfHubHTTPError, match="409"):
        api.create_repo("me/pushed", exist_ok=False)
    with pytest.raises(HfHubHTTPError, match="403"):
        api.create_repo("someone/theirs")
    assert fetch_model("me/pushed", token="hf_me").is_dir()


def tiny_parameters(folder: Path) -> int:
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", "pt") as file:
        names = list(file.keys())
        return sum(file.get_tensor(name).numel() for name in names)

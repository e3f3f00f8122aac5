"""The stand-in is Hub enough for the libraries themselves, and they share one cache with this package."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
from hub_stand_in import HubStandIn

from compression.hub import fetch_model

MODEL, DATA = "someone/tiny", "someone/urls"
pytestmark = pytest.mark.usefixtures("someones_model")


@pytest.fixture
def in_a_library(fresh_process: Callable[..., Any], hub: HubStandIn, hub_cache: Path) -> Callable[[str], Any]:
    """Gives the JSON that code prints in a process of its own, with the stand-in as its Hub."""
    folders = {"HF_HUB_CACHE": str(hub_cache), "HF_HOME": str(hub_cache / "home")}
    settings = {"HF_HUB_OFFLINE": "0", "HF_HUB_DISABLE_XET": "1", "OMP_NUM_THREADS": "1"}
    return lambda code: fresh_process(code, HF_ENDPOINT=hub.endpoint, **folders, **settings)


def test_transformers_loads_from_it_and_from_the_cache_filled_here(
    in_a_library: Callable[[str], Any], hub_cache: Path
) -> None:
    fetch_model(MODEL)
    code = f"""
import json
from transformers import AutoModelForSequenceClassification, AutoTokenizer
found = []
for options in ({{"local_files_only": True}}, {{"cache_dir": {str(hub_cache / "another")!r}}}):
    model = AutoModelForSequenceClassification.from_pretrained("{MODEL}", use_safetensors=True, **options)
    found.append([model.config.model_type, len(AutoTokenizer.from_pretrained("{MODEL}", **options))])
print(json.dumps(found))
"""
    assert in_a_library(code) == [["bert", len(tiny.tokenizer())]] * 2


def test_a_cache_filled_by_huggingface_hub_is_used(
    hub: HubStandIn, hub_cache: Path, go_offline: Callable[[], None]
) -> None:
    from huggingface_hub import snapshot_download

    folder = snapshot_download(MODEL, endpoint=hub.endpoint, cache_dir=hub_cache, token=False)
    go_offline()
    assert fetch_model(MODEL) == Path(folder)


def test_datasets_loads_from_it(hub: HubStandIn, tiny_data: Path, in_a_library: Callable[[str], Any]) -> None:
    hub.add_dataset(DATA, tiny_data)
    code = f"""
import json
from datasets import load_dataset
print(json.dumps({{name: len(split) for name, split in load_dataset("{DATA}").items()}}))
"""
    assert in_a_library(code) == {"train": 64, "validation": 32, "test": 32}


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

"""Downloads from the Hub: without a network, broken off, damaged, cancelled, and without room."""

import shutil
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hub_stand_in import HubStandIn
from refusals import sentence

from compression.errors import DataError, ModelError, ResourceError, RunCancelled
from compression.hub import check_model, fetch_dataset, fetch_model, online

FIVE_SECONDS = 5.0
MODEL, DATA = "someone/tiny", "someone/urls"
pytestmark = pytest.mark.usefixtures("someones_model")


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
    assert "model.safetensors" in sentence(error.value)
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


def test_a_damaged_download_is_refused_and_fetched_anew(hub: HubStandIn, hub_cache: Path, tiny_teacher: Path) -> None:
    found = check_model(MODEL)
    hub.fail(MODEL, "damaged")
    with pytest.raises(ModelError, match="arrived damaged") as error:
        fetch_model(found)
    assert sentence(error.value)
    assert not list(hub_cache.rglob("*.incomplete"))
    hub.heal(MODEL)
    folder = fetch_model(found)
    for path in tiny_teacher.iterdir():
        assert (folder / path.name).read_bytes() == path.read_bytes()


def test_raising_in_the_report_stops_a_download_and_keeps_what_came(hub: HubStandIn, hub_cache: Path) -> None:
    def stop(doing: str, done_bytes: int, total: int) -> None:
        if done_bytes:
            raise RunCancelled

    fetch_model(MODEL, weights=False)
    hub.fail(MODEL, "slow")
    hub.step.release()  # one piece comes, the rest never would
    with pytest.raises(RunCancelled):
        fetch_model(MODEL, report=stop)
    (partial,) = hub_cache.rglob("*.incomplete")
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


def test_a_cache_that_cannot_be_written(hub: HubStandIn, hub_cache: Path) -> None:
    hub_cache.write_text("a file where the folder should be")
    with pytest.raises(ResourceError, match="Set HF_HOME") as error:
        fetch_model(MODEL)
    assert sentence(error.value)


def test_a_full_disk_is_told_before_the_download(hub: HubStandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    found = check_model(MODEL)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(1, 1, 0))  # type: ignore[attr-defined]
    with pytest.raises(ResourceError, match="Free some space"):
        fetch_model(found)
    assert hub.asked("safetensors") == []

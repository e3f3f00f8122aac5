"""Two visitors bring the same file, which is kept once: what one deletes, the other can still run on."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
from gated_runs import result

from compression.config import DistillationConfig, RunConfig
from compression.data import uploads
from compression.data.sources import load_data
from compression.errors import DataError
from compression.events import Report
from compression.result import Result
from compression.runs import Runs, RunStore
from compression.runs.snapshot import Run
from compression.runs.store import new_id
from compression.ui import form, keeping, sensing
from compression.ui.classifying import asked
from compression.ui.handlers import Handlers

PATIENCE_S = 30.0


def read_twice(config: RunConfig, report: Report, folder: Path) -> Result:
    load_data(config.data)
    raise DataError("Read.")


class Server:
    """Runs that read their data and fail; `restart` is what a new process on the same home would see."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.open()

    def open(self) -> None:
        self.store = RunStore(self.home)
        self.runs = Runs(self.store, read_twice, undo_seconds=0)
        self.runs.start()

    def close(self) -> None:
        self.runs.stop(PATIENCE_S)
        self.store.close()

    def restart(self) -> None:
        self.close()
        self.open()

    def kept(self) -> bool:
        return any((self.home / "uploads").iterdir())

    def ran(self, address: str, owner: str) -> str:
        """The id of a run that has ended, and found its data."""
        run_id = self.runs.submit(RunConfig(data=address), owner)
        seen = self.runs.wait(run_id, PATIENCE_S)
        assert seen is not None
        assert seen.error == "Read."
        return run_id


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("COMPRESSION_HOME", str(tmp_path / "home"))
    server = Server(tmp_path / "home")
    yield server
    server.close()


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    return tiny.save_csv(tmp_path / "brought.csv", tiny.urls(200))


@pytest.mark.parametrize("order", ["bob before the run", "bob after the run", "the app restarted"])
def test_deleting_ones_last_run_leaves_what_another_has_just_brought(server: Server, brought: Path, order: str) -> None:
    address = server.runs.keep_upload(brought, "a.csv", "ann").address
    if order == "bob before the run":
        server.runs.keep_upload(brought, "a.csv", "bob")
    run_id = server.ran(address, "ann")
    if order != "bob before the run":
        server.runs.keep_upload(brought, "a.csv", "bob")
    if order == "the app restarted":
        server.restart()
    server.runs.delete(run_id, "ann")
    bobs = server.ran(address, "bob")
    server.runs.delete(bobs, "bob")
    assert not server.kept()


def test_ones_own_file_leaves_with_ones_last_run_however_often_it_was_brought(server: Server, brought: Path) -> None:
    address = server.runs.keep_upload(brought, "a.csv", "ann").address
    run_id = server.ran(address, "ann")
    server.runs.keep_upload(brought, "again.csv", "ann")
    server.runs.delete(run_id, "ann")
    assert not server.kept()


def test_a_file_of_urls_without_labels_stays_as_long_as_a_run_learns_from_it(server: Server, brought: Path) -> None:
    address = server.runs.keep_upload(brought, "a.csv", "ann").address
    learning = DistillationConfig(unlabelled=address)
    other = server.runs.submit(RunConfig(data="bundled", distillation=learning), "ann")
    server.runs.wait(other, PATIENCE_S)
    server.runs.delete(server.ran(address, "ann"), "ann")
    assert server.kept()
    server.runs.delete(other, "ann")
    assert not server.kept()


def test_what_another_brought_and_never_used_holds_a_file_for_a_day(
    server: Server, brought: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    yesterday = time.time() - uploads.UNUSED_SECONDS - 60
    with monkeypatch.context() as then:
        then.setattr(time, "time", lambda: yesterday)
        server.runs.keep_upload(brought, "a.csv", "bob")
    address = server.runs.keep_upload(brought, "a.csv", "ann").address
    server.runs.delete(server.ran(address, "ann"), "ann")
    assert not server.kept()


def test_a_file_being_written_is_not_deleted_with_anothers_run(
    server: Server, brought: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = server.runs.keep_upload(brought, "a.csv", "ann").address
    run_id, write = server.ran(address, "ann"), uploads._write

    def interrupted(path: Path, content: bytes) -> None:
        write(path, content)
        server.runs.delete(run_id, "ann")

    monkeypatch.setattr(uploads, "_write", interrupted)
    server.runs.keep_upload(brought, "a.csv", "bob")
    server.ran(address, "bob")


def test_the_page_says_who_brought_a_file(server: Server, brought: Path) -> None:
    act = Handlers(server.runs)
    ann, bob = (act.attach(None)["browser"] for _ in range(2))
    address = act.upload(ann, str(brought))["data"].value
    run_id = server.ran(address, ann["visitor"])
    assert act.upload(bob, str(brought))["browser"] == bob
    keeping.press(server.runs, "delete", run_id, ann, "", "")
    server.ran(address, bob["visitor"])


def test_a_file_is_read_for_those_alone_who_brought_it(server: Server, brought: Path) -> None:
    """Whoever has a link to a run learns its recipe, and with it where the file is kept."""
    act = Handlers(server.runs)
    ann, bob = (act.attach(None)["browser"] for _ in range(2))
    address = act.upload(ann, str(brought))["data"].value
    run_id = server.ran(address, ann["visitor"])
    seen = act.attach(bob, [("run", run_id)])
    assert seen["data"] == address
    values = {key: seen[key] for key in form.KEYS}
    assert "hxxp" in act.preview(ann, values)["preview"]
    further = form.to_values(RunConfig(distillation=DistillationConfig(unlabelled=address)))
    for refused in (
        act.preview(bob, values)["preview"],
        act.start(bob, values)["message"],
        act.start(bob, further)["message"],
        act.answered("again", run_id, bob)["message"],
        sensing.measure(server.runs, bob, values, lambda event: None)["sensitivity-numbers"],
    ):
        assert "another visitor" in refused
        assert "hxxp" not in refused
    assert not server.runs.owned(bob["visitor"])
    uploaded = next((server.home / "uploads").iterdir())
    for path in (uploaded, uploaded.parent, uploaded.parent / ".." / "uploads" / uploaded.name):
        assert "another visitor" in act.preview(bob, values | {"data": str(path)})["preview"]
    assert "hxxp" in act.preview(ann, values | {"data": str(uploaded)})["preview"]
    act.upload(bob, str(brought))
    assert "hxxp" in act.preview(bob, values)["preview"]


def test_a_run_that_was_imported_opens_no_file(server: Server, brought: Path) -> None:
    """Whoever writes its recipe may write any address into it."""
    address = server.runs.keep_upload(brought, "a.csv", "ann").address
    config, now = RunConfig(data=address), time.time()
    server.store.save(Run(new_id(), "bob", "Imported", config, "succeeded", now, ended=now, work=new_id()))
    assert server.store.may_read(address, "ann")
    assert not server.store.may_read(address, "bob")
    with pytest.raises(DataError, match="another visitor"):
        server.runs.submit(config, "bob")


def test_a_file_can_be_read_until_its_last_run_is_deleted(
    server: Server, brought: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    yesterday = time.time() - uploads.UNUSED_SECONDS - 60
    with monkeypatch.context() as then:
        then.setattr(time, "time", lambda: yesterday)
        address = server.runs.keep_upload(brought, "a.csv", "ann").address
    first = server.ran(address, "ann")
    second = server.runs.submit(RunConfig(data=address, seed=1), "ann")
    server.runs.wait(second, PATIENCE_S)
    server.runs.delete(first, "ann")
    server.runs.check_uploads(RunConfig(data=address), "ann")
    server.runs.delete(second, "ann")
    assert not server.store.may_read(address, "ann")


def test_a_runtime_is_chosen_on_data_that_is_anybodys(server: Server, brought: Path) -> None:
    """It is measured for whoever classifies with the run's models, imported ones too."""
    address = server.runs.keep_upload(brought, "a.csv", "ann").address
    for data, whose in (("bundled", True), (address, False), (str(server.home / "uploads" / address[7:]), False)):
        config, now, run_id = RunConfig(data=data), time.time(), new_id()
        run = Run(run_id, "bob", "Imported", config, "succeeded", now, ended=now, work=new_id())
        server.store.save(replace(run, result=result(config)))
        assert (asked(server.runs, run_id).recipe is not None) == whose

"""What becomes of a file a visitor brings: kept once, found by its address alone, gone with its last run."""

import hashlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiny

from compression.config import RunConfig
from compression.data import uploads
from compression.data.sources import load_data
from compression.errors import CompressionError, DataError, ResourceError, StorageError
from compression.events import Notice, Report
from compression.result import Result
from compression.runs import Runs, RunStore

PATIENCE_S = 30.0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPRESSION_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def gate() -> threading.Event:
    return threading.Event()


@pytest.fixture
def runs(home: Path, gate: threading.Event) -> Iterator[Runs]:
    """Runs that read their data, wait at the gate, read it again, and fail."""

    def pipeline(config: RunConfig, report: Report, folder: Path) -> Result:
        load_data(config.data)
        while not gate.wait(0.02):
            report(Notice(text="Waiting at the gate."))
        load_data(config.data)
        raise DataError("Read twice.")

    store = RunStore(home)
    started = Runs(store, pipeline, undo_seconds=0)
    started.start()
    yield started
    gate.set()
    started.stop(PATIENCE_S)
    store.close()


@pytest.fixture
def brought(tmp_path: Path) -> Path:
    return tiny.save_csv(tmp_path / "Brought.CSV", tiny.urls(200))


def kept_files(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "uploads").iterdir())


def ended(runs: Runs, run_id: str) -> str:
    seen = runs.wait(run_id, PATIENCE_S)
    assert seen is not None
    assert seen.ended is not None
    return seen.error or ""


def test_a_file_is_kept_by_its_content_and_read_by_its_address(runs: Runs, home: Path, brought: Path) -> None:
    kept = runs.keep_upload(brought, "Brought.CSV", "ann")
    assert kept.rows == 200
    assert runs.keep_upload(brought, "again.csv", "ann") == kept
    digest = hashlib.sha256(brought.read_bytes()).hexdigest()
    assert kept.address == f"upload:{digest}"
    assert kept_files(home) == [f"{digest}.csv"]
    assert load_data(kept.address).splits == load_data(str(brought)).splits


@pytest.mark.parametrize("owner", ["ann", "bob"])
def test_an_upload_leaves_with_the_last_run_that_uses_it(
    runs: Runs, home: Path, gate: threading.Event, brought: Path, owner: str
) -> None:
    config = RunConfig(data=runs.keep_upload(brought, "a.csv", "ann").address)
    runs.keep_upload(brought, "a.csv", owner)
    first, second = runs.submit(config, "ann"), runs.submit(config.model_copy(update={"seed": 1}), owner)
    for unfinished in (first, second):
        with pytest.raises(StorageError, match="Cancel it first"):
            runs.delete(unfinished, owner if unfinished == second else "ann")
    runs.cancel(first, "ann")
    ended(runs, first)
    runs.delete(first, "ann")
    gate.set()
    assert ended(runs, second) == "Read twice."
    runs.delete(second, owner)
    assert kept_files(home) == []
    with pytest.raises(DataError, match=r"no longer here.* Upload it"):
        load_data(config.data)


def test_a_run_on_other_data_takes_no_upload_along(
    runs: Runs, home: Path, gate: threading.Event, brought: Path
) -> None:
    runs.keep_upload(brought, "a.csv", "ann")
    gate.set()
    run_id = runs.submit(RunConfig(), "ann")
    ended(runs, run_id)
    runs.delete(run_id, "ann")
    assert len(kept_files(home)) == 1


def test_what_nobody_came_to_use_is_cleared_away(
    runs: Runs, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used, old, new, newest = (
        runs.keep_upload(tiny.save_csv(tmp_path / "a.csv", tiny.urls(8, offset)), "a.csv", "ann").address
        for offset in (0, 100, 200, 300)
    )
    runs.submit(RunConfig(data=used), "ann")
    for address in (used, old):
        os.utime(uploads.find(address, home), (0, 0))
    runs.keep_upload(tmp_path / "a.csv", "a.csv", "ann")
    assert {uploads.PREFIX + name.removesuffix(".csv") for name in kept_files(home)} == {used, new, newest}
    os.utime(uploads.find(new, home), (1, uploads.find(newest, home).stat().st_mtime - 60))
    monkeypatch.setattr(uploads, "MOST_UNUSED", 1)
    runs.keep_upload(tmp_path / "a.csv", "a.csv", "ann")
    assert {uploads.PREFIX + name.removesuffix(".csv") for name in kept_files(home)} == {used, newest}


@pytest.mark.parametrize(
    "address",
    ["upload:", "upload:../runs.sqlite3", "upload:/etc/passwd", "upload:" + "a" * 64, "upload:" + "A" * 64,
     "upload:" + "a" * 63, "upload:" + "a" * 64 + ".csv", "upload:" + "a" * 64 + "\n", "upload:*", "upload:\0"],
)  # fmt: skip
def test_an_address_reaches_uploads_alone(home: Path, tmp_path: Path, address: str) -> None:
    tiny.save_csv(home / "secret.csv", tiny.urls(200))
    with pytest.raises(DataError, match="no longer here"):
        load_data(address)
    uploads.remove(address, home)
    assert (home / "secret.csv").exists()


def test_a_link_is_neither_read_nor_followed(home: Path, tmp_path: Path) -> None:
    secret = tiny.save_csv(tmp_path / "secret.csv", tiny.urls(200))
    (home / "uploads").mkdir(parents=True)
    link = home / "uploads" / ("a" * 64 + ".csv")
    link.symlink_to(secret)
    with pytest.raises(DataError, match="no longer here"):
        load_data("upload:" + "a" * 64)
    uploads.remove("upload:" + "a" * 64, home)
    assert not link.is_symlink()
    assert secret.exists()


def test_keeping_replaces_a_link_and_writes_through_none(home: Path, tmp_path: Path, brought: Path) -> None:
    address = uploads.keep(brought, "a.csv", home).address
    path, target = uploads.find(address, home), tmp_path / "target"
    path.unlink()
    target.write_text("precious")
    path.symlink_to(target)
    uploads.keep(brought, "a.csv", home)
    assert target.read_text() == "precious"
    assert uploads.find(address, home).read_bytes() == brought.read_bytes()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.txt", b"url,label\nx,1\n", r"^urls\.csv is neither"),
        ("a.csv", b"\x1f\x8b" + bytes(99), r"^urls\.csv is compressed"),
        ("a.csv", b"", r"^urls\.csv holds no rows"),
        ("a.csv", b"u" * 5_000_001, r"^urls\.csv is larger than 5 MB"),
        ("a.csv", b"url,label\n" + b"x,1\n" * 20_001, r"^urls\.csv has more than 20,000 rows"),
    ],
)
def test_what_is_no_table_is_not_kept(home: Path, tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        uploads.keep(tmp_path / name, "urls.csv", home)
    assert not (home / "uploads").exists()


def test_a_home_that_cannot_hold_it_gets_a_sentence(tmp_path: Path, brought: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match=r"cannot be kept here .*COMPRESSION_HOME"):
        uploads.keep(brought, "a.csv", tmp_path / "file")


def test_a_crash_while_writing_leaves_nothing(home: Path, brought: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CompressionError, match="The disk is full"):
        uploads.keep(brought, "a.csv", home)
    assert kept_files(home) == []

"""What owners do with their runs: names, notes, pins, a search, and a deletion that can be taken back."""

from pathlib import Path

import pytest
import tiny
from gated_runs import Gated, Serve, Server

from compression.config import RunConfig
from compression.errors import ConfigError, StorageError


@pytest.fixture
def done(serve: Serve, gated: Gated) -> tuple[Server, str]:
    """A server, and ann's run on it, which has succeeded."""
    server = serve()
    gated.open()
    run_id = server.submit()
    server.ended(run_id)
    return server, run_id


def test_name_note_and_pin_are_the_owners_and_are_kept(done: tuple[Server, str], serve: Serve) -> None:
    server, run_id = done
    before = server.see(run_id)
    server.runs.rename(run_id, "ann", "  the\tgood \u202e one ")
    server.runs.note(run_id, "ann", "first line\r\n\x1b[2J second line\n")
    server.runs.pin(run_id, "ann")
    seen = server.see(run_id)
    assert (seen.name, seen.note, seen.pinned) == ("the good one", "first line\n[2J second line", True)
    assert seen.revision == before.revision + 3, "an open page draws anew"
    server.stop()
    again = serve()
    assert again.see(run_id) == seen
    again.runs.note(run_id, "ann", "")
    again.runs.pin(run_id, "ann", False)
    assert (again.see(run_id).note, again.see(run_id).pinned) == ("", False)


def test_a_run_that_is_going_on_is_renamed_too(serve: Serve, gated: Gated) -> None:
    server = serve()
    run_id = server.submit()
    gated.reached()
    other = server.submit("bob")
    server.runs.rename(run_id, "ann", "mine")
    assert server.see(run_id).name == "mine"
    gated.open()
    assert server.ended(run_id).name == "mine"
    assert server.see(other).name != "mine", "what is computed together is named apart"


@pytest.mark.parametrize("name", ["", "  \n", "x" * 81, None, 7, ["a"]])
def test_an_impossible_name_is_refused(done: tuple[Server, str], name: str) -> None:
    server, run_id = done
    with pytest.raises(ConfigError, match="from 1 to 80 characters"):
        server.runs.rename(run_id, "ann", name)


@pytest.mark.parametrize("text", ["x" * 2_001, None, {}])
def test_an_impossible_note_is_refused(done: tuple[Server, str], text: str) -> None:
    server, run_id = done
    with pytest.raises(ConfigError, match="at most 2,000 characters"):
        server.runs.note(run_id, "ann", text)


def test_nobody_else_changes_a_run(done: tuple[Server, str]) -> None:
    server, run_id = done
    before = server.see(run_id)
    for who, what, why in (("bob", run_id, "another visitor"), ("ann", "unknown", "no longer exists")):
        for act in (
            lambda who=who, what=what: server.runs.rename(what, who, "stolen"),
            lambda who=who, what=what: server.runs.note(what, who, "stolen"),
            lambda who=who, what=what: server.runs.pin(what, who),
            lambda who=who, what=what: server.runs.delete(what, who),
        ):
            with pytest.raises(StorageError, match=why):
                act()
    assert server.see(run_id) == before


def test_search_finds_every_word_in_name_or_note(serve: Serve, gated: Gated) -> None:
    server = serve()
    gated.open(3)
    ids = [server.submit(seed=seed) for seed in range(3)]
    server.ended(ids[-1])
    server.runs.rename(ids[0], "ann", "Größe 100 %")
    server.runs.note(ids[1], "ann", "the one with GRÖSSE\nand temperature")

    def found(search: str) -> list[str]:
        return [seen.run_id for seen in server.runs.owned("ann", search)]

    assert found("grösse") == [ids[1], ids[0]]
    assert found("temperature GRÖSSE") == [ids[1]]
    assert found("100 %") == [ids[0]]
    assert found("%") == [ids[0]], "a sign that means something to a database means nothing here"
    assert found("nowhere") == []
    assert found(" ") == ids[::-1]
    assert server.runs.owned("bob", "Größe") == []


def test_what_was_deleted_is_seen_by_nobody_and_can_be_had_back(done: tuple[Server, str]) -> None:
    server, run_id = done
    before = server.see(run_id)
    server.runs.delete(run_id, "ann")
    assert server.runs.snapshot(run_id) is None
    assert server.runs.owned("ann") == []
    assert not server.runs.owns(run_id, "ann")
    with pytest.raises(StorageError, match="no longer exists"):
        server.runs.delete(run_id, "ann")
    with pytest.raises(StorageError, match="gone for good"):
        server.runs.undelete(run_id, "bob")
    server.runs.undelete(run_id, "ann")
    seen = server.see(run_id)
    assert (seen.result, seen.notices) == (before.result, before.notices)
    assert seen.revision > before.revision
    assert (server.runs.folder(run_id) / "weights").exists()


def test_a_deletion_is_complete_after_a_while(serve: Serve, gated: Gated, monkeypatch: pytest.MonkeyPatch) -> None:
    from compression.runs import history

    server = serve()
    gated.open(3)
    first, second = server.submit(seed=0), server.submit(seed=1)
    server.ended(second)
    folder = server.runs.folder(first)
    server.runs.delete(first, "ann")
    now = history.time.time()
    monkeypatch.setattr(history.time, "time", lambda: now + history.UNDO_SECONDS + 1)
    server.runs.delete(second, "ann")
    assert not folder.exists()
    with pytest.raises(StorageError, match="gone for good"):
        server.runs.undelete(first, "ann")
    server.runs.undelete(second, "ann")


def test_a_deletion_is_complete_when_the_app_is_started_anew(done: tuple[Server, str], serve: Serve) -> None:
    server, run_id = done
    folder = server.runs.folder(run_id)
    server.runs.delete(run_id, "ann")
    assert folder.exists()
    server.stop()
    again = serve()
    assert not folder.exists()
    with pytest.raises(StorageError, match="gone for good"):
        again.runs.undelete(run_id, "ann")


def test_a_folder_that_cannot_be_removed_keeps_no_app_from_starting(
    done: tuple[Server, str], serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def stuck(folder: Path) -> None:
        raise StorageError(f"{folder} cannot be removed (Device or resource busy). Remove it by hand.")

    server, run_id = done
    server.runs.delete(run_id, "ann")
    server.stop()
    monkeypatch.setattr("compression.runs.folders.remove", stuck)
    assert serve().runs.owned("ann") == []
    assert run_id in caplog.text


def test_an_upload_stays_as_long_as_a_deletion_can_be_taken_back(serve: Serve, gated: Gated, tmp_path: Path) -> None:
    server = serve()
    address = server.runs.keep_upload(tiny.save_csv(tmp_path / "a.csv", tiny.urls(8)), "a.csv", "ann").address
    gated.open()
    run_id = server.runs.submit(RunConfig(data=address), "ann")
    server.ended(run_id)
    server.runs.delete(run_id, "ann")
    assert list((tmp_path / "home" / "uploads").iterdir())
    server.stop()
    serve()
    assert not list((tmp_path / "home" / "uploads").iterdir())

"""What the page does with a visitor's runs, over a server of runs: nobody else's can be reached."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from exported_runs import made
from gated_runs import Gated, Serve, Server

from compression.catalog import EXAMPLES
from compression.config import RunConfig
from compression.runs import Runs, RunStore, Snapshot
from compression.settings import Limits
from compression.ui import comparing_runs, downloads, drawing, keeping, running
from compression.ui.handlers import Handlers
from compression.ui.visitor import known

ANN, BOB = ({"visitor": letter * 32, "run": ""} for letter in "ab")


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(downloads, "get_upload_folder", lambda: str(tmp_path / "passing"))
    server = Server(tmp_path / "home", made)
    yield server
    server.stop()


@pytest.fixture
def runs(server: Server) -> list[str]:
    """The ids of ann's two runs, and of bob's."""
    ids = [server.submit(ANN["visitor"]), server.submit(ANN["visitor"], seed=1), server.submit(BOB["visitor"], seed=2)]
    for run_id in ids:
        assert server.ended(run_id).status == "succeeded"
    return ids


def states(server: Server, ids: list[str]) -> list[Snapshot | None]:
    return [server.runs.snapshot(run_id) for run_id in ids]


@pytest.mark.parametrize("action", ["pin", "unpin", "delete", "undelete", "", "open me", "__class__"])
def test_a_button_of_another_visitors_run_does_nothing(server: Server, runs: list[str], action: str) -> None:
    before = states(server, runs)
    updates = keeping.press(server.runs, action, runs[2], ANN, runs[0], "")
    assert 'role="alert"' in updates["runs-message"]
    assert states(server, runs) == before


def test_another_visitors_run_is_neither_named_nor_exported_nor_compared(server: Server, runs: list[str]) -> None:
    before = states(server, runs)
    assert "belongs to another visitor" in keeping.save(server.runs, runs[2], "x", "y", ANN, "", "")["runs-message"]
    exported = keeping.export(server.runs, runs[2], ANN)
    assert exported["export"] is None
    assert 'role="alert"' in exported["runs-message"]
    assert 'role="alert"' in comparing_runs.compare(server.runs, f"{runs[0]} {runs[2]}", ANN)["compared"]
    assert states(server, runs) == before
    shown = keeping.listed(server.runs, ANN, "", "")
    assert runs[2] not in str(shown)


@pytest.mark.parametrize("chosen", ["", "one", "x y", "../../etc/passwd ..", " ".join(map(str, range(7)))])
def test_a_choice_that_cannot_be_compared_gets_a_sentence(server: Server, runs: list[str], chosen: str) -> None:
    assert 'role="alert"' in comparing_runs.compare(server.runs, chosen, ANN)["compared"]
    assert 'role="alert"' in comparing_runs.compare(server.runs, f"{runs[0]} {runs[0]}", ANN)["compared"]


def test_what_was_deleted_can_be_had_back_where_it_stood(server: Server, runs: list[str]) -> None:
    gone = keeping.press(server.runs, "delete", runs[1], ANN, runs[1], "")
    assert gone["viewing"] == server.runs.first_sight()
    assert f'data-action="undelete" data-run="{runs[1]}"' in gone["runs"]
    assert f'data-action="open" data-run="{runs[1]}"' not in gone["runs"]
    assert "undelete" not in keeping.find(server.runs, BOB, "", "")["runs"]
    back = keeping.press(server.runs, "undelete", runs[1], ANN, "", "")
    assert f'data-action="open" data-run="{runs[1]}"' in back["runs"]


def test_a_refused_name_changes_nothing_and_keeps_the_list_as_it_is(server: Server, runs: list[str]) -> None:
    updates = keeping.save(server.runs, runs[0], "", "a note", ANN, "", "")
    assert list(updates) == ["runs-message"]
    assert "from 1 to 80 characters" in updates["runs-message"]
    seen = server.see(runs[0])
    assert seen.note == ""
    keeping.save(server.runs, runs[0], "good", "a note", ANN, "", "")
    assert (server.see(runs[0]).name, server.see(runs[0]).note) == ("good", "a note")
    found = keeping.find(server.runs, ANN, "", " NOTE good ")["runs"]
    assert runs[0] in found
    assert runs[1] not in found


@pytest.mark.parametrize("search", [None, 7, ["a"], {"a": 1}, "\ud800", "x" * 100_000])
def test_any_search_is_answered(server: Server, runs: list[str], search: Any) -> None:
    assert keeping.find(server.runs, ANN, "", search)["runs"]


def test_an_exported_run_is_imported_by_somebody_else(server: Server, runs: list[str]) -> None:
    exported = keeping.export(server.runs, runs[0], ANN)
    file = Path(exported["export"])
    assert len(file.parent.name) > 40, "nobody guesses where it lies"
    brought = keeping.bring(server.runs, BOB, str(file))
    assert server.runs.owns(brought["viewing"], BOB["visitor"])
    assert brought["browser"]["run"] == brought["viewing"]
    assert "The run is imported" in brought["runs-message"]


def test_a_file_that_is_no_run_gets_a_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK")
    assert "is no exported run" in keeping.bring(server.runs, ANN, str(tmp_path / "x.zip"))["runs-message"]
    assert keeping.bring(server.runs, ANN, None) == {}
    server.runs.limits = Limits(import_bytes=1)
    assert "more than 0 MB" in keeping.bring(server.runs, ANN, str(tmp_path / "x.zip"))["runs-message"]


def test_a_result_that_is_there_is_offered_and_computed_again_only_when_asked(
    server: Server, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from compression.measure import limits

    monkeypatch.setattr(limits, "check", lambda config: None)
    seen = server.see(runs[0])
    monkeypatch.setattr(server.runs, "finished_like", lambda config, owner: seen if owner == ANN["visitor"] else None)
    values = Handlers(server.runs).attach(ANN, [("seed", "0")])
    offer = running.start(server.runs, ANN, values)
    assert list(offer) == ["message"]
    assert "You have this result already" in offer["message"]
    assert running.start(server.runs, BOB, values)["message"] == "", "nobody is offered another's"
    act = Handlers(server.runs)
    assert act.answered("open", runs[0], ANN)["viewing"] == runs[0]
    again = act.answered("again", runs[0], ANN)["viewing"]
    assert server.ended(again).config == RunConfig()
    assert again not in runs
    assert act.answered("", runs[0], ANN) == {}
    assert 'role="alert"' in act.answered("again", "nothing", ANN)["message"]


def test_only_its_owner_resumes_a_run(serve: Serve, gated: Gated) -> None:
    gated.error = MemoryError()
    server = serve()
    run_id = server.submit(ANN["visitor"])
    gated.open()
    assert server.ended(run_id).status == "failed"
    assert "belongs to another visitor" in running.resume(server.runs, BOB, run_id)["message"]
    assert server.see(run_id).status == "failed"
    gated.error = None
    gated.open()
    assert running.resume(server.runs, ANN, run_id)["viewing"] == run_id
    assert server.ended(run_id).status == "succeeded"
    assert 'role="alert"' in running.resume(server.runs, ANN, run_id)["message"], "there is nothing to resume any more"


def test_an_open_page_learns_of_whatever_concerns_its_visitor(serve: Serve, gated: Gated) -> None:
    """Another of the visitor's runs ends, somebody joins theirs: the page on show is drawn anew for both."""
    server = serve()
    act = Handlers(server.runs)
    anns = server.submit(ANN["visitor"])
    gated.reached()
    first = act.refresh(ANN, "", None, True, "")
    assert first is not None
    assert first["seen"]["going"] == {anns: "running"}
    assert first["timer"].active, "what goes on elsewhere than on show is waited for, too"
    assert act.refresh(ANN, "", first["seen"], True, "") is None

    shown = act.refresh(ANN, anns, None, True, "")
    assert shown is not None
    server.submit(BOB["visitor"])
    joined = act.refresh(ANN, anns, shown["seen"], True, "")
    assert joined is not None
    assert "2 visitors run this very recipe" in joined["progress"]

    gated.error = MemoryError()
    gated.open()
    server.ended(anns)
    ended = act.refresh(ANN, "", first["seen"], True, "")
    assert ended is not None
    assert "status failed" in ended["runs"]
    rest = act.look(ANN, "", ended["seen"])
    assert rest is not None
    assert not rest["timer"].active, "nothing is new, and nothing goes on"


def test_a_tick_asks_for_a_drawing_of_how_far_a_run_has_come_or_of_all(serve: Serve, gated: Gated) -> None:
    server = serve()
    act = Handlers(server.runs)
    assert list(act.look(ANN, None, None) or {}) == ["news"], "a page that was never drawn"
    run_id = server.submit(ANN["visitor"])
    gated.reached()
    shown = act.refresh(ANN, run_id, None, True, "")
    assert shown is not None
    assert act.look(ANN, run_id, shown["seen"]) is None
    server.submit(BOB["visitor"])
    assert list(act.look(ANN, run_id, shown["seen"]) or {}) == ["moved"]
    joined = act.follow(ANN, run_id, shown["seen"])
    assert joined is not None
    assert list(joined) == ["seen", "progress", "epochs"]
    assert "2 visitors run this very recipe" in joined["progress"]
    assert act.look(ANN, run_id, joined["seen"]) is None
    gated.error = MemoryError()
    gated.open()
    server.ended(run_id)
    first, second = (act.look(ANN, run_id, joined["seen"]) or {} for _ in range(2))
    assert first.keys() == second.keys() == {"news"}
    assert first != second, "asked for again until it has been drawn"
    ended = act.refresh(ANN, run_id, joined["seen"], True, "")
    assert ended is not None
    assert list(act.look(ANN, run_id, ended["seen"]) or {}) == ["timer"]


def test_a_finished_run_is_drawn_once_for_all_who_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawings, draw = [], drawing.outcome
    monkeypatch.setattr(drawing, "outcome", lambda *given: (drawings.append(given), draw(*given))[1])
    store = RunStore(tmp_path)
    act = Handlers(Runs(store, lambda *_: pytest.fail("nothing is run"), precomputed=EXAMPLES))
    with ThreadPoolExecutor(8) as room:
        seen = list(room.map(lambda visitor: act.refresh(visitor, "example-quick", None, True, ""), [ANN, BOB] * 4))
    anns, bobs = (updates or {} for updates in seen[:2])
    assert len(drawings) == 1
    assert anns["summary"] == bobs["summary"]
    assert "smaller" in anns["summary"]
    other = act.refresh(ANN, "example-real", None, True, "") or {}
    assert other["summary"] != anns["summary"]
    assert act.refresh(ANN, "example-quick", None, False, "") is not None
    assert len(drawings) == 3, "another run, and the same one without the article's points"
    store.close()


def test_a_page_whose_session_is_forgotten_is_loaded_anew(server: Server) -> None:
    updates = Handlers(server.runs).refresh(known(None), None, None, True, "")
    assert updates is not None
    assert list(updates) == ["connection"]
    assert "data-forgotten" in updates["connection"]

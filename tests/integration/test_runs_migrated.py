"""Databases that earlier versions of the app wrote are read, and nothing in them is lost."""

import json
import sqlite3
from pathlib import Path

import pytest
from gated_runs import Gated, Serve, result

from compression.config import RunConfig
from compression.runs import database

# As version 1 made them, before and after it noted what was at fault.
VERSION_1 = """
CREATE TABLE runs (
    run_id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, config TEXT NOT NULL, status TEXT NOT NULL,
    created REAL NOT NULL, changes INTEGER NOT NULL, started REAL, ended REAL, error TEXT, result TEXT{more}
);
CREATE INDEX runs_by_owner ON runs (owner, created);
CREATE TABLE events (
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, number INTEGER NOT NULL, at REAL NOT NULL,
    event TEXT NOT NULL, PRIMARY KEY (run_id, number)
) WITHOUT ROWID;
PRAGMA user_version = 1;
"""
NOTICE = json.dumps({"kind": "notice", "text": "Two rows were skipped."})


@pytest.fixture(params=["", ", at_fault TEXT"], ids=["first", "last"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A home of version 1 with a run that is done, and one that was going on."""
    home = tmp_path / "home"
    (home / "runs" / "done").mkdir(parents=True)
    (home / "runs" / "done" / "weights").write_bytes(b"weights")
    config = RunConfig().model_dump_json()
    connection = sqlite3.connect(home / "runs.sqlite3")
    connection.executescript(VERSION_1.format(more=request.param))
    insert = (
        "INSERT INTO runs (run_id, owner, name, config, status, created, changes, started, ended, error, result) "
        "VALUES (?, 'ann', ?, ?, ?, ?, ?, ?, ?, NULL, ?)"
    )
    done = json.dumps(result(RunConfig()).to_json())
    with connection:
        connection.execute(insert, ("done", "first", config, "succeeded", 1.0, 3, 2.0, 9.0, done))
        connection.execute(insert, ("going", "second", config, "running", 10.0, 2, 11.0, None, None))
        for run_id, number in (("done", 1), ("done", 7), ("going", 1)):
            connection.execute("INSERT INTO events VALUES (?, ?, ?, ?)", (run_id, number, 3.0 + number, NOTICE))
    connection.close()
    return home


def test_runs_of_version_1_are_as_they_were_and_can_do_what_is_new(home: Path, serve: Serve, gated: Gated) -> None:
    server = serve()
    assert [seen.name for seen in server.runs.owned("ann")] == ["second", "first"]
    seen = server.see("done")
    assert (seen.status, seen.result, seen.notices) == ("succeeded", result(RunConfig()), ("Two rows were skipped.",))
    assert (seen.revision, seen.started, seen.ended, seen.at_fault) == (3 + 7, 2.0, 9.0, ())
    assert (seen.note, seen.pinned, seen.size_bytes) == ("", False, 7)
    assert (server.runs.folder("done") / "weights").exists()
    assert server.see("going").status == "interrupted"
    server.runs.resume("going", "ann")
    gated.open()
    assert server.ended("going").status == "succeeded"
    server.runs.note("done", "ann", "from long ago")
    server.stop()
    again = serve(undo_seconds=0)
    assert again.see("done").note == "from long ago"
    folder = again.runs.folder("done")
    again.runs.delete("done", "ann")
    assert not folder.exists()
    assert again.see("going").status == "succeeded"


def test_a_migration_that_is_cut_off_leaves_the_old_database(
    home: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = database._FROM_VERSION_1
    monkeypatch.setattr(database, "_FROM_VERSION_1", script.replace("DROP TABLE events;", "SELECT no_such_function();"))
    with pytest.raises(Exception, match="no_such_function"):
        serve()
    monkeypatch.undo()
    assert serve().see("done").notices == ("Two rows were skipped.",)

"""The SQLite file of runs: its tables, how an earlier version's become these, and what is done about a broken one."""

import logging
import sqlite3
import time
from pathlib import Path

from compression.errors import StorageError

VERSION = 2

_LOG = logging.getLogger(__name__)
_PATIENCE_S = 2.0  # how long to wait for an earlier process to let go of the file
# Several runs may follow one computation (`work`): the events are the computation's, everything else is a run's own.
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, config TEXT NOT NULL, status TEXT NOT NULL,
    created REAL NOT NULL, changes INTEGER NOT NULL, started REAL, ended REAL, error TEXT, result TEXT, at_fault TEXT,
    work TEXT NOT NULL, note TEXT NOT NULL, pinned INTEGER NOT NULL, deleted REAL, size_bytes INTEGER
);
CREATE INDEX IF NOT EXISTS runs_by_owner ON runs (owner, created);
CREATE INDEX IF NOT EXISTS runs_by_work ON runs (work);
CREATE TABLE IF NOT EXISTS brought (
    upload TEXT NOT NULL, owner TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (upload, owner)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    work TEXT NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL, event TEXT NOT NULL, PRIMARY KEY (work, number)
) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
COMMIT;
"""
# Version 1 had no `at_fault` at first, and no `brought`. A run of that time is the one run of its computation.
_FROM_VERSION_1 = """
BEGIN IMMEDIATE;
{at_fault}
ALTER TABLE runs ADD COLUMN work TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN pinned INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN deleted REAL;
ALTER TABLE runs ADD COLUMN size_bytes INTEGER;
UPDATE runs SET work = run_id;
CREATE TABLE events_2 (
    work TEXT NOT NULL, number INTEGER NOT NULL, at REAL NOT NULL, event TEXT NOT NULL, PRIMARY KEY (work, number)
) WITHOUT ROWID;
INSERT INTO events_2 SELECT run_id, number, at, event FROM events;
DROP TABLE events;
ALTER TABLE events_2 RENAME TO events;
PRAGMA user_version = 2;
COMMIT;
"""


def open_database(path: Path) -> tuple[sqlite3.Connection, bool]:
    """A connection that holds the file alone, its tables as of this version; and whether a broken file was put aside.

    Raises StorageError for a file of a newer version, and sqlite3.Error for one that cannot be read or written.
    """
    try:
        return _connect(path), False
    except sqlite3.OperationalError:
        raise  # locked, full, not writable: the file itself is sound
    except sqlite3.DatabaseError:
        aside = f"{path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 1_000_000:06d}"
        for suffix in ("", "-wal", "-shm"):
            file = path.with_name(path.name + suffix)
            if file.exists():
                file.rename(path.with_name(aside + suffix))
        _LOG.exception("%s is broken: it was moved to %s, and a fresh one begun", path, aside)
        return _connect(path), True


def unusable(path: Path, reason: str) -> StorageError:
    """What to tell whoever runs the app about a file that cannot be read or written."""
    if "locked" in reason:
        return StorageError(
            f"Another copy of this app uses {path.parent}. Stop it, or set COMPRESSION_HOME to another folder."
        )
    return StorageError(
        f"Runs cannot be kept in {path} ({reason}). "
        "Free some disk space, or set COMPRESSION_HOME to a folder you can write to."
    )


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE_S, check_same_thread=False)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # before WAL: also spares it shared memory
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("the database is damaged")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > VERSION:
            raise StorageError(
                f"{path} was written by a newer version of this app. "
                "Update the app, or set COMPRESSION_HOME to another folder."
            )
        if version == 1:
            held = {name for _, name, *_ in connection.execute("PRAGMA table_info(runs)")}
            at_fault = "" if "at_fault" in held else "ALTER TABLE runs ADD COLUMN at_fault TEXT;"
            connection.executescript(_FROM_VERSION_1.format(at_fault=at_fault))
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection

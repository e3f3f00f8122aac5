"""The runs kept on disk: one SQLite file for what happened, one folder a run for what it made.

    home/runs.sqlite3        runs, and the events their snapshots rest on
    home/runs/<run_id>/      models and result.json
    home/uploads/            data that visitors brought; leaves with the last run that uses it (see `delete`)

One process owns a home, held by SQLite's own exclusive lock; so a run that is unfinished when the store opens was cut
off by the end of an earlier process.
"""

import json
import logging
import re
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from compression.config import RunConfig
from compression.data import uploads
from compression.errors import StorageError
from compression.events import EVENT, Event
from compression.result import Result
from compression.runs.snapshot import Fold, Run, fold

INTERRUPTED = "The app was restarted while this run was going on. Press Run to start it again."
MOST_HELD = 50  # step events a worker may show before it writes them

_LOG = logging.getLogger(__name__)
_VERSION = 1
_PATIENCE_S = 2.0  # how long to wait for an earlier process to let go of the file
_RUN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
# Where a recipe may name an upload.
_SOURCES = "json_extract(config, '$.data'), json_extract(config, '$.distillation.unlabelled')"
_COLUMNS = tuple(field.name for field in fields(Run))
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS runs (
    run_id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, config TEXT NOT NULL, status TEXT NOT NULL,
    created REAL NOT NULL, changes INTEGER NOT NULL, started REAL, ended REAL, error TEXT, result TEXT, at_fault TEXT
);
CREATE INDEX IF NOT EXISTS runs_by_owner ON runs (owner, created);
CREATE TABLE IF NOT EXISTS brought (
    upload TEXT NOT NULL, owner TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (upload, owner)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
    run_id TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, number INTEGER NOT NULL, at REAL NOT NULL,
    event TEXT NOT NULL, PRIMARY KEY (run_id, number)
) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
"""
_SAVE = (
    f"INSERT INTO runs ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "
    f"ON CONFLICT (run_id) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in _COLUMNS[1:])}"
)
# A page may have shown events that were never written: the revision must still move on from what it showed.
_INTERRUPT = f"""
UPDATE runs SET status = 'interrupted', error = ?, changes = changes + {MOST_HELD + 1},
    ended = coalesce((SELECT max(at) FROM events WHERE events.run_id = runs.run_id), started, created)
WHERE status IN ('queued', 'running') RETURNING run_id
"""


class RunStore:
    """Runs under `home`, safe to use from several threads. Opening it ends what an earlier process left unfinished.

    A database that is broken is moved aside and a fresh one begun. Raises StorageError, here and in every method,
    when `home` cannot be read or written or another process uses it.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._path = home / "runs.sqlite3"
        self._folders = home / "runs"
        self._lock = threading.Lock()
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folders.mkdir(exist_ok=True)
            self._connection = _open(self._path)
        except OSError as error:
            raise _unusable(self._path, error.strerror or str(error)) from error
        except sqlite3.Error as error:
            raise _unusable(self._path, str(error)) from error
        with self._transaction() as connection:
            cut_off = connection.execute(_INTERRUPT, (INTERRUPTED,)).fetchall()
        for (run_id,) in cut_off:
            self.remove_folder(run_id)

    def close(self) -> None:
        """Closes the database and lets another process have the home."""
        with self._lock:
            self._connection.close()

    def save(self, run: Run, events: Iterable[tuple[int, float, Event]] = (), dropped: Iterable[int] = ()) -> None:
        """Writes a run as it is now, adds events and drops others, all or nothing.

        An event comes as (number, unix seconds, event); `dropped` are numbers.
        """
        values = {name: getattr(run, name) for name in _COLUMNS}
        values["config"] = run.config.model_dump_json()
        values["result"] = None if run.result is None else json.dumps(run.result.to_json())
        values["at_fault"] = " ".join(run.at_fault)
        # Through Python's json, which unlike pydantic's keeps the NaN of a loss that diverged.
        rows = [(run.run_id, number, at, json.dumps(event.model_dump(mode="json"))) for number, at, event in events]
        with self._transaction() as connection:
            connection.execute(_SAVE, tuple(values.values()))
            connection.executemany(
                "DELETE FROM events WHERE run_id = ? AND number = ?", ((run.run_id, n) for n in dropped)
            )
            connection.executemany("INSERT INTO events (run_id, number, at, event) VALUES (?, ?, ?, ?)", rows)

    def load(self, run_id: str) -> tuple[Run, Fold] | None:
        """A run and the fold of its events; None if there is none or it can no longer be understood."""
        if not _RUN_ID.fullmatch(run_id):
            return None
        with self._transaction() as connection:
            row = connection.execute(f"SELECT {', '.join(_COLUMNS)} FROM runs WHERE run_id = ?", (run_id,)).fetchone()
            query = "SELECT number, at, event FROM events WHERE run_id = ? ORDER BY number"
            events = connection.execute(query, (run_id,)).fetchall()
        if row is None:
            return None
        try:
            state = fold((at, EVENT.validate_python(json.loads(event))) for _, at, event in events)
            return _run(row), replace(state, changes=events[-1][0] if events else 0)
        except ValidationError:  # another version of the app wrote it
            _LOG.warning("Run %s in %s cannot be understood", run_id, self._path, exc_info=True)
            return None

    def run_ids(self, owner: str) -> list[str]:
        """The ids of an owner's runs, newest first."""
        with self._transaction() as connection:
            query = "SELECT run_id FROM runs WHERE owner = ? ORDER BY created DESC, rowid DESC"
            return [run_id for (run_id,) in connection.execute(query, (owner,))]

    def delete(self, run_id: str) -> None:
        """Removes a run, its events and its folder, and the upload it used.

        An upload stays while another run uses it, or another owner brought it less than a day ago.
        """
        self.remove_folder(run_id)
        with self._transaction() as connection:
            query = f"DELETE FROM runs WHERE run_id = ? RETURNING {_SOURCES}, owner"
            row = connection.execute(query, (run_id,)).fetchone() or (None,)
            gone = [(data, row[-1]) for data in row[:-1] if data]
            connection.executemany("DELETE FROM brought WHERE upload = ? AND owner = ?", gone)
            connection.execute("DELETE FROM brought WHERE at < ?", (time.time() - uploads.UNUSED_SECONDS,))
            awaited = {data for (data,) in connection.execute("SELECT upload FROM brought")}
        for data in filter(uploads.is_upload, {data for data, _ in gone} - awaited - self.uploads_in_use()):
            uploads.remove(data, self.home)

    def bring(self, upload: str, owner: str) -> None:
        """Notes that an owner brought the upload of this address, to run on it."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO brought VALUES (?, ?, ?)", (upload, owner, time.time()))

    def uploads_in_use(self) -> set[str]:
        """The addresses of the uploads that runs use, whatever their status."""
        with self._transaction() as connection:
            found = connection.execute(f"SELECT DISTINCT {_SOURCES} FROM runs")
            return {data for row in found for data in row if data and uploads.is_upload(data)}

    def folder(self, run_id: str) -> Path:
        """Where a run keeps what it makes; the folder need not exist."""
        if not _RUN_ID.fullmatch(run_id):
            raise StorageError("This is not the id of a run. Open the run from the list of runs.")
        return self._folders / run_id

    def remove_folder(self, run_id: str) -> None:
        """Removes what a run made, if anything; a link is removed, never followed."""
        folder = self.folder(run_id)
        try:
            if folder.is_symlink():
                folder.unlink()
            elif folder.exists():
                shutil.rmtree(folder)
        except OSError as error:
            raise StorageError(f"{folder} cannot be removed ({error.strerror}). Remove it by hand.") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock, self._connection as connection:
                yield connection
        except sqlite3.Error as error:
            raise _unusable(self._path, str(error)) from error


def _open(path: Path) -> sqlite3.Connection:
    try:
        return _connect(path)
    except sqlite3.OperationalError:
        raise  # locked, full, not writable: the file itself is sound
    except sqlite3.DatabaseError:
        aside = f"{path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}-{time.time_ns() % 1_000_000:06d}"
        for suffix in ("", "-wal", "-shm"):
            file = path.with_name(path.name + suffix)
            if file.exists():
                file.rename(path.with_name(aside + suffix))
        _LOG.exception("%s is broken: it was moved to %s, and a fresh one begun", path, aside)
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_PATIENCE_S, check_same_thread=False)
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # before WAL: also spares it shared memory
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        if connection.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("the database is damaged")
        if connection.execute("PRAGMA user_version").fetchone()[0] > _VERSION:
            raise StorageError(
                f"{path} was written by a newer version of this app. "
                "Update the app, or set COMPRESSION_HOME to another folder."
            )
        connection.executescript(_SCHEMA)
        held = {name for _, name, *_ in connection.execute("PRAGMA table_info(runs)")}
        for column in set(_COLUMNS) - held:  # an earlier version made the table; to later ones too, no value is fine
            connection.execute(f"ALTER TABLE runs ADD COLUMN {column} TEXT")
    except BaseException:
        connection.close()
        raise
    return connection


def _unusable(path: Path, reason: str) -> StorageError:
    if "locked" in reason:
        return StorageError(
            f"Another copy of this app uses {path.parent}. Stop it, or set COMPRESSION_HOME to another folder."
        )
    return StorageError(
        f"Runs cannot be kept in {path} ({reason}). "
        "Free some disk space, or set COMPRESSION_HOME to a folder you can write to."
    )


def _run(row: tuple[Any, ...]) -> Run:
    values = dict(zip(_COLUMNS, row, strict=True))
    values["config"] = RunConfig.model_validate_json(values["config"])
    if values["result"] is not None:
        values["result"] = Result.from_json(json.loads(values["result"]))
    values["at_fault"] = tuple((values["at_fault"] or "").split())
    return Run(**values)

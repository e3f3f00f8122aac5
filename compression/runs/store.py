"""The runs kept on disk: one SQLite file for what happened, one folder a computation for what it made.

    home/runs.sqlite3        runs, and the events their snapshots rest on
    home/runs/<work>/        models, result.json, and what an attempt that was cut off needs to go on
    home/uploads/            data that visitors brought; leaves with the last run that uses it (see `forget`)

Runs of several visitors may follow one computation: events and folder stay until the last of these runs is gone.
One process owns a home, held by SQLite's own exclusive lock; so a run that is unfinished when the store opens was cut
off by the end of an earlier process.
"""

import json
import logging
import secrets
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from compression.config import RunConfig
from compression.data import uploads
from compression.errors import StorageError
from compression.events import EVENT, Event
from compression.result import Result
from compression.runs import folders, rows
from compression.runs.database import open_database, unusable
from compression.runs.estimate import Past
from compression.runs.fold import Fold, recall
from compression.runs.room import Held
from compression.runs.snapshot import Run

INTERRUPTED = "The app was stopped while this run was going on. Press Resume to go on from where it was."
MOST_HELD = 50  # step events a worker may show before it writes them

_LOG = logging.getLogger(__name__)
# Where a recipe may name an upload.
_SOURCES = "json_extract(config, '$.data'), json_extract(config, '$.distillation.unlabelled')"
# A page may have shown events that were never written: the revision must still move on from what it showed.
_INTERRUPT = f"""
UPDATE runs SET status = 'interrupted', error = ?, changes = changes + {MOST_HELD + 1}, size_bytes = NULL,
    ended = coalesce((SELECT max(at) FROM events WHERE events.work = runs.work AND at >= runs.started),
                     started, created)
WHERE status IN ('queued', 'running')
"""


class RunStore:
    """Runs under `home`, safe to use from several threads. Opening it ends what an earlier process left unfinished.

    Opening also completes what was deleted, and weighs and sweeps the folders. A database that is broken is moved
    aside and a fresh one begun; the folders of its runs stay for a week. Raises StorageError, here and in every
    method, when `home` cannot be read or written or another process uses it.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self._path = home / "runs.sqlite3"
        self._folders = home / "runs"
        self._lock = threading.Lock()
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folders.mkdir(exist_ok=True)
            self._connection, anew = open_database(self._path)
        except OSError as error:
            raise unusable(self._path, error.strerror or str(error)) from error
        except sqlite3.Error as error:
            raise unusable(self._path, str(error)) from error
        try:
            self._settle(anew)
        except BaseException:
            self.close()
            raise

    def _settle(self, anew: bool) -> None:
        with self._transaction() as connection:
            connection.execute(_INTERRUPT, (INTERRUPTED,))
        self.forget_deleted(time.time())
        with self._transaction() as connection:
            works = {work for (work,) in connection.execute("SELECT DISTINCT work FROM runs")}
            unweighed = connection.execute("SELECT DISTINCT work FROM runs WHERE size_bytes IS NULL").fetchall()
            weighed = [(folders.size_bytes(self._folders / work), work) for (work,) in unweighed]
            connection.executemany("UPDATE runs SET size_bytes = ? WHERE work = ? AND size_bytes IS NULL", weighed)
        try:
            if anew:
                folders.touch(self._folders)
            folders.sweep(self._folders, works)
        except OSError as error:
            raise unusable(self._path, error.strerror or str(error)) from error

    def close(self) -> None:
        """Closes the database and lets another process have the home."""
        with self._lock:
            self._connection.close()

    def save(self, *runs: Run) -> None:
        """Writes runs as they are now, all or none."""
        with self._transaction() as connection:
            connection.executemany(rows.SAVE, [rows.to_row(run) for run in runs])

    def append(self, work: str, events: Iterable[tuple[int, float, Event]] = (), dropped: Iterable[int] = ()) -> None:
        """Adds events to a computation and drops others, all or nothing.

        An event comes as (number, unix seconds, event); `dropped` are numbers.
        """
        # Through Python's json, which unlike pydantic's keeps the NaN of a loss that diverged.
        added = [(work, number, at, json.dumps(event.model_dump(mode="json"))) for number, at, event in events]
        with self._transaction() as connection:
            connection.executemany("DELETE FROM events WHERE work = ? AND number = ?", ((work, n) for n in dropped))
            connection.executemany("INSERT INTO events (work, number, at, event) VALUES (?, ?, ?, ?)", added)

    def load(self, run_id: str) -> tuple[Run, Fold] | None:
        """A run and the fold of its events; None if there is none or it can no longer be understood."""
        if not folders.is_id(run_id):
            return None
        row = self._one(f"SELECT {rows.COLUMNS} FROM runs WHERE run_id = ?", run_id)
        if row is None:
            return None
        try:
            run = rows.from_row(row)
            return run, recall(self.events(run.work))
        except ValidationError:  # another version of the app wrote it
            _LOG.warning("Run %s in %s cannot be understood", run_id, self._path, exc_info=True)
            return None

    def events(self, work: str) -> list[tuple[int, float, Event]]:
        """The kept events of a computation, as `append` took them. Raises pydantic.ValidationError."""
        with self._transaction() as connection:
            query = "SELECT number, at, event FROM events WHERE work = ? ORDER BY number"
            kept = connection.execute(query, (work,)).fetchall()
        return [(number, at, EVENT.validate_python(json.loads(event))) for number, at, event in kept]

    def run_ids(self, owner: str, deleted: bool = False) -> list[str]:
        """The ids of an owner's runs, newest first; or of those deleted that are not gone for good, latest first."""
        those = "deleted IS NOT NULL ORDER BY deleted DESC" if deleted else "deleted IS NULL ORDER BY created DESC"
        with self._transaction() as connection:
            query = f"SELECT run_id FROM runs WHERE owner = ? AND {those}, rowid DESC"
            return [run_id for (run_id,) in connection.execute(query, (owner,))]

    def held(self) -> list[Held]:
        """The runs that have ended and whose files are still here."""
        columns = ", ".join(field.name for field in fields(Held))
        with self._transaction() as connection:
            query = f"SELECT {columns} FROM runs WHERE ended IS NOT NULL AND size_bytes > 0"
            return [Held(*row) for row in connection.execute(query)]

    def last_turn(self, owner: str) -> float:
        """When a run of this owner last began, in unix seconds; 0 if none did."""
        row = self._one("SELECT max(started) FROM runs WHERE owner = ?", owner)
        return float(row[0] or 0.0) if row else 0.0

    def past(self, most: int) -> list[Past]:
        """How long the latest computations that succeeded here took; those imported were computed elsewhere."""
        query = """
            SELECT config, (SELECT sum(json_extract(value, '$.seconds')) FROM json_each(result, '$.stages'))
            FROM runs WHERE status = 'succeeded' AND started IS NOT NULL GROUP BY work ORDER BY max(ended) DESC LIMIT ?
        """
        with self._transaction() as connection:
            computed = connection.execute(query, (most,)).fetchall()
        found = []
        for config, seconds in computed:
            with suppress(ValidationError):  # another version of the app wrote it
                found.append(Past.of(RunConfig.model_validate_json(config), float(seconds or 0.0)))
        return found

    def same(self, config: RunConfig, owner: str) -> list[str]:
        """The ids of an owner's runs of this very recipe that succeeded here and whose files are here, newest first."""
        query = """
            SELECT run_id FROM runs WHERE owner = ? AND config = ? AND status = 'succeeded' AND deleted IS NULL
            AND started IS NOT NULL AND size_bytes > 0 ORDER BY created DESC
        """
        with self._transaction() as connection:
            return [run_id for (run_id,) in connection.execute(query, (owner, config.model_dump_json()))]

    def finished(self, work: str) -> Result | None:
        """The result of a computation that succeeded, by whichever run followed it."""
        row = self._one("SELECT result FROM runs WHERE work = ? AND status = 'succeeded'", work)
        return None if row is None else Result.from_json(json.loads(row[0]))

    def shared(self, run: Run) -> bool:
        """Whether another run follows the same computation."""
        with self._transaction() as connection:
            query = "SELECT 1 FROM runs WHERE work = ? AND run_id != ? LIMIT 1"
            return connection.execute(query, (run.work, run.run_id)).fetchone() is not None

    def let_go(self, run: Run) -> Run:
        """The run, saved, without its files: they are removed, unless another run follows the same computation.

        Then this one has one of its own from now on, in which the same has happened as far as it is written.
        """
        if not self.shared(run):
            self.remove_folder(run.work)
            apart = replace(run, size_bytes=0)
        else:
            apart = replace(run, size_bytes=0, work=new_id(), changes=run.changes + MOST_HELD + 1)
            with self._transaction() as connection:
                copy = "INSERT INTO events SELECT ?, number, at, event FROM events WHERE work = ?"
                connection.execute(copy, (apart.work, run.work))
        self.save(apart)
        return apart

    def tidy(self, work: str) -> None:
        """Removes events and folder of a computation that no run follows any more."""
        if self._one("SELECT 1 FROM runs WHERE work = ?", work) is None:
            self.remove_folder(work)
            with self._transaction() as connection:
                connection.execute("DELETE FROM events WHERE work = ?", (work,))

    def forget(self, run_id: str) -> None:
        """Removes a run for good, its events and folder if no other follows the same computation, and its upload.

        An upload stays while another run uses it, or another owner brought it less than a day ago.
        """
        with self._transaction() as connection:
            query = f"DELETE FROM runs WHERE run_id = ? RETURNING {_SOURCES}, owner, work"
            *sources, owner, work = connection.execute(query, (run_id,)).fetchone() or (None, None)
            gone = {data for data in sources if data}
            unused = f"NOT EXISTS (SELECT 1 FROM runs WHERE runs.owner = brought.owner AND upload IN ({_SOURCES}))"
            theirs = f"DELETE FROM brought WHERE upload = ? AND owner = ? AND {unused}"
            connection.executemany(theirs, [(data, owner) for data in gone])
            connection.execute(
                f"DELETE FROM brought WHERE at < ? AND {unused}", (time.time() - uploads.UNUSED_SECONDS,)
            )
            awaited = {data for (data,) in connection.execute("SELECT upload FROM brought")}
        for data in filter(uploads.is_upload, gone - awaited - self.uploads_in_use()):
            uploads.remove(data, self.home)
        if work is not None:
            self.tidy(work)

    def forget_deleted(self, before: float) -> None:
        """Removes for good the runs that were deleted no later than at `before`, in unix seconds."""
        with self._transaction() as connection:
            found = connection.execute("SELECT run_id FROM runs WHERE deleted <= ?", (before,)).fetchall()
        for (run_id,) in found:
            try:
                self.forget(run_id)
            except StorageError:
                _LOG.exception("What run %s made stays on disk for a week", run_id)

    def bring(self, upload: str, owner: str) -> None:
        """Notes that an owner brought the upload of this address, to run on it."""
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO brought VALUES (?, ?, ?)", (upload, owner, time.time()))

    def hand_over(self, before: str, after: str) -> None:
        """Makes all that is one owner's another's."""
        with self._transaction() as connection:
            for table in ("runs", "brought"):
                connection.execute(f"UPDATE OR REPLACE {table} SET owner = ? WHERE owner = ?", (after, before))

    def may_read(self, upload: str, owner: str) -> bool:
        """Whether an owner brought the upload of this address: a run that uses it may have been imported."""
        with self._transaction() as connection:
            query = "SELECT 1 FROM brought WHERE upload = ? AND owner = ?"
            return connection.execute(query, (upload, owner)).fetchone() is not None

    def uploads_in_use(self) -> set[str]:
        """The addresses of the uploads that runs use, whatever their status."""
        with self._transaction() as connection:
            found = connection.execute(f"SELECT DISTINCT {_SOURCES} FROM runs")
            return {data for row in found for data in row if data and uploads.is_upload(data)}

    def folder(self, work: str) -> Path:
        """Where a computation keeps what it makes; the folder need not exist."""
        if not folders.is_id(work):
            raise StorageError("This is not the id of a run. Open the run from the list of runs.")
        return self._folders / work

    def folder_of(self, run_id: str) -> Path:
        """Where a run's files are; the folder need not exist."""
        folder = self.folder(run_id)
        row = self._one("SELECT work FROM runs WHERE run_id = ?", run_id)
        return folder if row is None else self.folder(row[0])

    def remove_folder(self, work: str) -> None:
        """Removes what a computation made, if anything; a link is removed, never followed."""
        folders.remove(self.folder(work))

    def _one(self, query: str, key: str) -> tuple[Any, ...] | None:
        with self._transaction() as connection:
            row: tuple[Any, ...] | None = connection.execute(query, (key,)).fetchone()
            return row

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._lock, self._connection as connection:
                yield connection
        except sqlite3.Error as error:
            raise unusable(self._path, str(error)) from error


def new_id() -> str:
    """An id that nobody guesses, of a run or of a computation."""
    return secrets.token_hex(12)

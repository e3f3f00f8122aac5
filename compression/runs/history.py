"""The runs there are, going on or not: looking at them, and what their owners may do besides running them."""

import logging
import secrets
import tempfile
import threading
import time
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from compression import __version__
from compression.config import RunConfig
from compression.data import uploads
from compression.durable import write
from compression.errors import ConfigError, DataError, StorageError, sentence
from compression.runs import bundle, examples, folders, room
from compression.runs.database import unusable
from compression.runs.snapshot import NAME_LENGTH, NOTE_LENGTH, Run, Snapshot, Status, snapshot
from compression.runs.store import RunStore, new_id
from compression.runs.work import Work
from compression.settings import Limits

UNDO_SECONDS = 300.0  # for which what was deleted can be had back, unless the app is started anew

_LOG = logging.getLogger(__name__)
_FINISHED_KEPT = 64  # snapshots of finished runs kept in memory


class History:
    """All runs of a server. Whoever knows a run's id may look at it; only its owner may change or delete it.

    Those computed beforehand, in a folder each below `precomputed`, are everyone's to look at and nobody's to delete.
    """

    def __init__(
        self, store: RunStore, precomputed: Path | None, limits: Limits, undo_seconds: float = UNDO_SECONDS
    ) -> None:
        self.limits = limits
        self._store = store
        self._undo_seconds = undo_seconds
        self._examples = examples.find(precomputed) if precomputed else {}
        self._changed = threading.Condition(threading.RLock())  # guards all below; notified when a status changes
        self._live: dict[str, Work] = {}  # by the ids of the runs that follow it
        self._finished = lru_cache(_FINISHED_KEPT)(self._load)

    # Looking

    def snapshot(self, run_id: str) -> Snapshot | None:
        """The run as it is now, None if there is none of this id."""
        with self._changed:
            work = self._live.get(run_id)
            if work is None:
                return self._finished(run_id)
            run, starts = work.runs[run_id], work.start_at
            eta = None if starts is None or run.status != "queued" else max(0.0, starts - time.time())
            return snapshot(run, work.state, work.ahead, eta, len(work.runs))

    def owned(self, owner: str, search: str = "") -> list[Snapshot]:
        """An owner's runs, newest first; only those in whose name and note every word of `search` stands."""
        found = [self.snapshot(run_id) for run_id in self._store.run_ids(owner)]
        words = search.casefold().split()
        return [
            seen for seen in found if seen and all(word in f"{seen.name}\n{seen.note}".casefold() for word in words)
        ]

    def going(self, owner: str) -> dict[str, Status]:
        """How an owner's runs stand that have not ended, by their ids; looked up in memory alone."""
        with self._changed:
            unfinished = (work.run_of(owner) for work in self._live.values() if not work.over)
            return {run.run_id: run.status for run in unfinished if run is not None}

    def deleted(self, owner: str) -> list[Snapshot]:
        """An owner's deleted runs that can still be had back, the latest first."""
        found = [self._store.load(run_id) for run_id in self._store.run_ids(owner, deleted=True)]
        return [snapshot(*each) for each in found if each is not None]

    def finished_like(self, config: RunConfig, owner: str) -> Snapshot | None:
        """The owner's latest run of this very recipe that succeeded here under the package versions of now, if any.

        Whether files and models that the recipe names by their place have changed since is not looked at: what
        `pipeline.reusable` makes of the recipe and the run's folder says so. Uploads are named by what they hold.
        """
        for run_id in self._store.same(config, owner):
            seen = self.snapshot(run_id)
            if seen and seen.result and all(_here(*of) for of in seen.result.environment.packages.items()):
                return seen
        return None

    def examples(self) -> tuple[str, ...]:
        """The ids of the runs computed beforehand."""
        return tuple(self._examples)

    def first_sight(self) -> str:
        """The id of the precomputed run to open with; empty if there is none."""
        return next(iter(self._examples), "")

    def owns(self, run_id: str, owner: str) -> bool:
        """Whether the run exists and is this owner's."""
        with self._changed:
            if work := self._live.get(run_id):
                return work.runs[run_id].owner == owner
        return run_id in self._store.run_ids(owner)

    def secret(self) -> bytes:
        """A secret of this home, for ids that nobody can make up. Raises StorageError."""
        path = self._store.home / "secret"

        def fill(draft: Path) -> None:
            draft.touch(mode=0o600)
            draft.write_bytes(secrets.token_bytes(32))

        with self._changed:
            try:
                if not path.exists():
                    write(path, fill)
                return path.read_bytes()
            except OSError as error:
                raise unusable(path, error.strerror or str(error)) from error

    def check_uploads(self, config: RunConfig, owner: str) -> None:
        """Raises DataError if the recipe reads a file that this owner has not brought.

        Whoever has the link to a run learns where its data is kept, not what that holds.
        """
        if not all(self._store.may_read(address, owner) for address in uploads.brought_with(config, self._store.home)):
            raise DataError(uploads.GONE)

    def folder(self, run_id: str) -> Path:
        """Where a run keeps its models and result. Raises StorageError if this can be no run's id."""
        return self._examples.get(run_id) or self._store.folder_of(run_id)

    def wait(self, run_id: str, timeout: float) -> Snapshot | None:
        """The run once it has ended, or as it is after `timeout` seconds; for tests and scripts."""
        with self._changed:
            self._changed.wait_for(lambda: (seen := self.snapshot(run_id)) is None or seen.ended is not None, timeout)
            return self.snapshot(run_id)

    # Changing. Every method raises StorageError for an unknown run or another's.

    def rename(self, run_id: str, owner: str, name: str) -> None:
        """Gives a run another name. Raises ConfigError for one that is empty or too long."""
        name = sentence(name) if isinstance(name, str) else ""
        if not 1 <= len(name) <= NAME_LENGTH:
            raise ConfigError(f"A run's name has from 1 to {NAME_LENGTH} characters. Give it another one.")
        self._change(run_id, owner, name=name)

    def note(self, run_id: str, owner: str, text: str) -> None:
        """Puts a note to a run, in the place of the one before; an empty one removes it. Raises ConfigError."""
        if not isinstance(text, str) or len(text) > NOTE_LENGTH:
            raise ConfigError(f"A note has at most {NOTE_LENGTH:,} characters. Make it shorter.")
        self._change(run_id, owner, note="\n".join(map(sentence, text.splitlines())).strip())

    def pin(self, run_id: str, owner: str, pinned: bool = True) -> None:
        """Lets a run keep its files longest when the disk gets full; or takes that back."""
        self._change(run_id, owner, pinned=bool(pinned))

    def delete(self, run_id: str, owner: str) -> None:
        """Deletes a run that has ended; for some minutes it can be had back. Raises StorageError if it has not."""
        with self._changed:
            if self._owned(run_id, owner).ended is None:
                raise StorageError("This run has not ended yet. Cancel it first, then delete it.")
            self._change(run_id, owner, deleted=time.time())
            self._live.pop(run_id, None)
            self._forget_deleted()

    def undelete(self, run_id: str, owner: str) -> None:
        """Has a deleted run back, if it is not gone for good."""
        with self._changed:
            found = self._store.load(run_id)
            if found is None or found[0].owner != owner:
                raise StorageError("This run is gone for good. Press Run to start one like it.")
            self._save(replace(found[0], deleted=None, changes=found[0].changes + 1))

    # Taking along

    def export(self, run_id: str, folder: Path | None = None) -> Path:
        """A zip file of a run that succeeded, written to `folder` (or to a new temporary one).

        Raises StorageError if there is no such run, or its files are not here.
        """
        with self._changed:
            found = None if run_id in self._live else self._store.load(run_id)
            if found is None or found[0].deleted or found[0].result is None or not self.folder(run_id).is_dir():
                raise StorageError("Only a run that succeeded and still has its models can be exported. Choose one.")
            events = self._store.events(found[0].work)
        target = folder or Path(tempfile.mkdtemp(prefix="compression-lab-"))
        return bundle.pack(found[0], events, self.folder(run_id), target)

    def import_(self, file: Path, owner: str) -> str:
        """Takes in a run that `export` wrote, as one of the owner's, and returns its id.

        The file may come from anyone. Raises StorageError if it is no such file, holds anything else, or is too large.
        """
        if not owner:
            raise StorageError("This page does not know yet who you are. Reload it, then import the run again.")
        run_id, work = new_id(), new_id()
        folder = self._store.folder(work)
        try:
            taken = bundle.unpack(file, folder, min(self.limits.visitor_bytes, self.limits.artefact_bytes))
            now = time.time()
            run = Run(run_id, owner, taken.name, taken.result.config, "succeeded", now, ended=now, work=work)
            self._store.append(work, taken.events)
            size = folders.size_bytes(folder)
            self._store.save(replace(run, result=taken.result, note=taken.note, size_bytes=size))
        except BaseException:
            self._store.tidy(work)
            raise
        with self._changed:
            self._clear_up({work})
        return run_id

    # Inside

    def _load(self, run_id: str) -> Snapshot | None:
        if run_id in self._examples:
            return examples.read(run_id, self._examples[run_id])
        found = self._store.load(run_id)
        return None if found is None or found[0].deleted is not None else snapshot(*found)

    def _owned(self, run_id: str, owner: str) -> Run:
        work = self._live.get(run_id)
        found = None if work else self._store.load(run_id)
        run = work.runs[run_id] if work else found and found[0]
        if run is None or run.deleted is not None:
            raise StorageError("This run no longer exists. Reload the page to see the runs there are.")
        if run.owner != owner:
            raise StorageError("This run belongs to another visitor: only whoever started it may do that.")
        return run

    def _change(self, run_id: str, owner: str, **values: Any) -> None:
        with self._changed:
            run = self._owned(run_id, owner)
            self._save(replace(run, changes=run.changes + 1, **values))

    def _save(self, *runs: Run) -> None:
        """Writes runs, and shows them so from now on."""
        self._store.save(*runs)
        for run in runs:
            if work := self._live.get(run.run_id):
                work.runs[run.run_id] = run
        self._finished.cache_clear()

    def _forget_deleted(self) -> None:
        self._store.forget_deleted(time.time() - self._undo_seconds)
        self._finished.cache_clear()

    def _clear_up(self, spare: set[str]) -> None:
        """Completes what was deleted, and makes room on the disk without touching the computations in `spare`."""
        try:
            self._forget_deleted()
            self._make_room(spare | {work.id for work in self._live.values()})
        except StorageError:
            _LOG.exception("The disk could not be cleared up")

    def _make_room(self, spare: set[str]) -> None:
        """Takes the files from runs, as `room.too_many` says, if there are more than the limits allow."""
        gone = room.too_many(self._store.held(), self.limits.visitor_bytes, self.limits.artefact_bytes, spare)
        for run_id in gone:
            if found := self._store.load(run_id):
                self._store.let_go(replace(found[0], changes=found[0].changes + 1))
        self._finished.cache_clear()


def _here(package: str, wanted: str) -> bool:
    try:
        return wanted == (__version__ if package == "compression-lab" else version(package))
    except PackageNotFoundError:
        return False

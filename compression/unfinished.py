"""What a run that has not ended keeps beside its models, so that it can go on from there.

    unfinished/record.json           recipe, inputs and versions; what each finished step made, and its folder's digest
    unfinished/models/<step>/        the student after a step, which later ones start from
    unfinished/<step>.safetensors    where the training that goes on stands (`models/checkpoint.py`)
    unfinished/<step>/               models of steps within a step, until that is finished

The record is written after each step, whole or not at all, and goes with all the rest when the run has ended well. A
step is believed to be finished if the folder it made still is what it was; none is after the first that is not.
"""

import shutil
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from pydantic import BaseModel, ConfigDict

from compression import durable
from compression.artefacts import folder as artefact
from compression.artefacts.claim import UNFINISHED
from compression.config import RunConfig
from compression.errors import ModelError, ResourceError
from compression.events import Notice, Report
from compression.models.checkpoint import SUFFIX, standing
from compression.repeats import UNTAUGHT
from compression.step import Made

_RECORD = "record.json"
_DIFFERENCES = {  # field of an attempt: what is said where it is not the same
    "config": "another recipe",
    "inputs": "other data or models",
    "packages": "other versions of this program or of its libraries",
}


class Outcome(BaseModel):
    """What came of a step, which took so many seconds: a model in a folder, or figures."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")

    seconds: float
    made: Made | None = None
    figures: dict[str, float] | None = None
    digest: str | None = None  # of the model's folder


class Attempt(BaseModel):
    """What a run follows from. One attempt goes on with what another has left if they differ in the device at most."""

    model_config = ConfigDict(frozen=True)

    config: RunConfig
    inputs: dict[str, str]  # digests
    packages: dict[str, str]
    device: str


class _Record(BaseModel):
    attempt: Attempt
    steps: dict[str, Outcome] = {}


class Unfinished:
    """The finished steps of a run, by their keys; a key with a dot is of a step within the one named before it.

    `earlier_seconds` is what attempts before this one have spent on what they finished or kept.
    """

    def __init__(self, output: Path, attempt: Attempt, report: Report, kept: bool = True) -> None:
        """Goes on with what an earlier attempt left in `output`, where it fits, and says so.

        Unless steps are `kept`, it starts at the beginning, and nothing will be left to go on with. Raises
        ResourceError if what does not fit cannot be removed.
        """
        self.folder = output / UNFINISHED
        self._kept, self._report, self._told = kept, report, False
        found = _found(output, attempt, report) if kept else None
        if found is None:
            discard(output)
        self._record = found or _Record(attempt=attempt)
        self._write()
        self.earlier_seconds = self.seconds()

    def checkpoint(self, key: str) -> Path | None:
        """Where the training of a step is kept."""
        return self.folder / f"{key}{SUFFIX}" if self._kept else None

    def seconds(self, key: str = "") -> float:
        """How long a step, with those within it, has taken so far in what is finished or kept; without a key, all."""
        steps = {name: outcome.seconds for name, outcome in self._record.steps.items()}
        steps |= {path.name.removesuffix(SUFFIX): standing(path)[1] for path in self.folder.glob(f"[!.]*{SUFFIX}")}
        return sum(seconds for name, seconds in steps.items() if not key or f"{name}.".startswith(f"{key}."))

    def outcome(self, key: str, folder: Path | None, take: Callable[[], Any]) -> Any:
        """What a step makes (into `folder`, if that is a model) or finds: known from an earlier attempt, or taken now.

        Once taken it is recorded, and what is kept of a training or of steps within it is not needed any more.
        """
        known = self._finished(key, folder)
        if known is None:
            earlier, start = self.seconds(key), perf_counter()
            came = take()
            seconds = earlier + perf_counter() - start
            known = Outcome(seconds=seconds, **{"made" if isinstance(came, Made) else "figures": came})
            if self._kept:
                self._keep(key, folder, known)
        return known.figures if known.made is None else known.made

    def end(self) -> None:
        """Removes it all: the run has ended well."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _finished(self, key: str, folder: Path | None) -> Outcome | None:
        known = self._record.steps.get(key)
        if known is None or folder is None or _digest(folder) == known.digest:
            return known
        self._report(Notice(text=f"What {key} had made was changed or lost, so it is made again."))
        keys = list(self._record.steps)
        for later in keys[keys.index(key) :]:
            del self._record.steps[later]
        for path in self.folder.glob(f"*{SUFFIX}"):
            _remove(path)
        return None

    def _keep(self, key: str, folder: Path | None, outcome: Outcome) -> None:
        digest = None if folder is None else artefact.digest(folder)
        steps = {name: known for name, known in self._record.steps.items() if not name.startswith(f"{key}.")}
        self._record.steps = steps | {key: outcome.model_copy(update={"digest": digest})}
        self._write(folder)
        for path in (self.folder / key, self.folder / f"{key}{SUFFIX}"):
            _remove(path)

    def _write(self, folder: Path | None = None) -> None:
        """Writes the record, once what it says of `folder` is on disk; says so, once, where that is not possible."""
        if not self._kept:
            return
        try:
            if folder is not None:
                durable.sync(folder)
            content = self._record.model_dump_json(indent=1)
            durable.write(self.folder / _RECORD, lambda draft: draft.write_text(content, encoding="utf-8"))
        except OSError as error:
            if not self._told:
                reason = error.strerror or error
                text = f"What is finished cannot be recorded ({reason}). The run goes on, but may not be resumable."
                self._report(Notice(text=text))
            self._told = True


def recipe_left(output: Path) -> RunConfig | None:
    """The recipe of the run that was cut off in `output`, if one was."""
    record = _read(output)
    return None if record is None else record.attempt.config


def discard(output: Path) -> None:
    """Removes what an attempt that was cut off has left in `output` besides whole models. Raises ResourceError."""
    _remove(output / UNFINISHED)


def _found(output: Path, attempt: Attempt, report: Report) -> _Record | None:
    """The record of an earlier attempt that can be gone on with; says what there is, or why it cannot be."""
    if not (output / UNFINISHED).exists():
        return None
    for name in ("teacher", "student", "compressed", UNTAUGHT):
        for draft in (output / "models").glob(f".{name}-*"):  # it was being saved
            _remove(draft)
    record = _read(output)
    if record is None:
        report(Notice(text="What an earlier attempt has left cannot be read, so the run starts over."))
        return None
    for field, others in _DIFFERENCES.items():
        if getattr(record.attempt, field) != getattr(attempt, field):
            report(Notice(text=f"An earlier attempt followed from {others}, so the run starts over."))
            return None
    if finished := [name for name in record.steps if "." not in name]:
        report(Notice(text=f"Going on with what an earlier attempt has left; done are: {', '.join(finished)}."))
    if record.attempt.device != attempt.device:
        text = f"An earlier attempt ran on {record.attempt.device}: another device rounds differently."
        report(Notice(text=text))
    return record


def _read(output: Path) -> _Record | None:
    try:
        return _Record.model_validate_json((output / UNFINISHED / _RECORD).read_bytes())
    except (OSError, ValueError):
        return None


def _digest(folder: Path) -> str | None:
    try:
        return artefact.digest(folder)
    except ModelError:
        return None


def _remove(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise ResourceError(f"{path} cannot be removed ({error.strerror or error}). Remove it by hand.") from None

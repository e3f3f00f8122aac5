"""A run as one zip file: what it made, its recipe, its result and its events, to be opened on another machine.

    run.json         format, name and note
    config.json      the recipe
    result.json      as any run leaves it, without places on the disk it was computed on
    events.json      [number, unix seconds, event] of each event its snapshot rests on
    models/…         the model folders it made

Such a file may come from anyone. It is read entry by entry: only names that a run can have, only plain files, nothing
that is larger than it says or than is allowed, and no pickle; what the JSON says is taken through the same models as
everything else, and places on a disk that it names are not believed.
"""

import json
import re
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from compression.catalog import BUNDLED, BUNDLED_TEACHER
from compression.config import RunConfig
from compression.errors import ResourceError, StorageError, actionable, sentence
from compression.events import EVENT, Event, Notice, RunStarted, StageEnded
from compression.result import ModelReport, Result
from compression.runs import folders
from compression.runs.snapshot import NAME_LENGTH, NOTE_LENGTH, Run, describe

SUFFIXES = frozenset({".json", ".safetensors", ".onnx", ".txt", ".parquet", ".model", ".vocab"})

_FORMAT = 1
_COMPRESSED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_MADE = frozenset({"teacher", "student", "compressed"})
_MODEL = re.compile(r"[a-z][a-z0-9-]{0,31}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_JSON_BYTES = {"run.json": 100_000, "config.json": 100_000, "result.json": 5_000_000, "events.json": 20_000_000}
_MOST_FILES = 500
_PIECE = 1 << 20
_EVENTS: TypeAdapter[list[tuple[int, float, Any]]] = TypeAdapter(list[tuple[int, float, Any]])
_NOT_ONE = "This file is no exported run ({reason}). Export the run again, and import that file."


@dataclass(frozen=True)
class Bundle:
    """What a zip file held besides the models, which lie in their folder already."""

    name: str
    note: str
    result: Result
    events: list[tuple[int, float, Event]]


def pack(run: Run, events: list[tuple[int, float, Event]], folder: Path, into: Path) -> Path:
    """Writes a run that succeeded, whose files are in `folder`, to a zip file in the folder `into`; returns its path.

    Raises ResourceError if it cannot be written.
    """
    assert run.result is not None
    models = {name: _portable(name, model, folder) for name, model in run.result.models.items()}
    texts: dict[str, Any] = {
        "run.json": {"format": _FORMAT, "name": run.name, "note": run.note},
        "config.json": run.config.model_dump(mode="json"),
        "result.json": run.result.model_copy(update={"models": models}).to_json(),
        "events.json": [[number, at, event.model_dump(mode="json")] for number, at, event in events],
    }
    target = into / f"run-{run.run_id[:8]}.zip"
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for name, content in texts.items():
                archive.writestr(name, json.dumps(content, indent=1))
            for path in sorted((folder / "models").rglob("*")):
                name = path.relative_to(folder).as_posix()
                if path.is_file() and not path.is_symlink() and _belongs(name):
                    archive.write(path, name)
    except OSError as error:
        with suppress(OSError):
            target.unlink(missing_ok=True)
        raise actionable(error) or ResourceError(
            f"The run cannot be exported ({error.strerror or error}). Free some disk space, and export it again."
        ) from error
    return target


def unpack(file: Path, folder: Path, most_bytes: int) -> Bundle:
    """Puts the models of an exported run into `folder`, which must not exist, and returns the rest.

    Raises StorageError, with nothing left behind, if the file is no exported run, or unpacks to more than `most_bytes`.
    """
    try:
        with _refusing():
            if file.stat().st_size > most_bytes:
                raise _refused(f"it has more than {most_bytes / 1e6:,.0f} MB")
        with _refusing(), zipfile.ZipFile(file) as archive:
            entries = _entries(archive, most_bytes)
            texts = {name: _read_json(archive, entries.pop(name)) for name in _JSON_BYTES}
            folder.mkdir(parents=True)
            for name, entry in entries.items():
                _write(archive, entry, folder / name)
            taken = _understood(texts, folder)
            for name, content in {"config.json": texts["config.json"], "result.json": taken.result.to_json()}.items():
                (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        return taken
    except BaseException:
        folders.remove(folder)
        raise


def _entries(archive: zipfile.ZipFile, most_bytes: int) -> dict[str, zipfile.ZipInfo]:
    """The files of an archive by their names. Raises StorageError for whatever a run does not have."""
    found: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    infos = archive.infolist()
    if len(infos) > _MOST_FILES:
        raise _refused(f"it holds more than {_MOST_FILES} files")
    for info in infos:
        name = info.orig_filename
        kind = stat.S_IFMT(info.external_attr >> 16)
        plain = kind in (0, stat.S_IFREG) and not info.flag_bits & 1 and info.compress_type in _COMPRESSED
        if not (_belongs(name) or name in _JSON_BYTES) or not plain:
            raise _refused(f"it holds “{sentence(name)[:60]}”")
        if name.casefold() in seen:
            raise _refused(f"it holds {name} twice")
        seen.add(name.casefold())
        if info.file_size > _JSON_BYTES.get(name, most_bytes):
            raise _refused(f"{name} is too large")
        found[name] = info
    if missing := _JSON_BYTES.keys() - found.keys():
        raise _refused(f"it has no {min(missing)}")
    if sum(info.file_size for info in infos) > most_bytes:
        raise _refused(f"it unpacks to more than {most_bytes / 1e6:,.0f} MB")
    return found


def _belongs(name: str) -> bool:
    """Whether a run's models may have a file of this name: models/<model>/[folder/]<file with a known suffix>."""
    top, *parts = name.split("/")
    return (
        top == "models"
        and 2 <= len(parts) <= 3
        and bool(_MODEL.fullmatch(parts[0]))
        and all(_NAME.fullmatch(part) and ".." not in part for part in parts)
        and Path(name).suffix in SUFFIXES
    )


def _read_json(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Any:
    with archive.open(entry) as source:
        content = source.read(entry.file_size + 1)
    if len(content) > entry.file_size:
        raise _refused(f"{entry.filename} is larger than it says")
    if entry.filename == "events.json":  # the loss of a run that diverged is no number
        return json.loads(content)
    return json.loads(content, parse_constant=_no_number)


def _no_number(text: str) -> float:
    raise ValueError(text)


def _write(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size
    with archive.open(entry) as source, target.open("xb") as file:
        while piece := source.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise _refused(f"{entry.filename} is larger than it says")
            file.write(piece)


def _understood(texts: dict[str, Any], folder: Path) -> Bundle:
    """What the JSON files say, each through the model of its kind. Raises pydantic.ValidationError, StorageError."""
    about, kept = texts["run.json"], texts["events.json"]
    if not isinstance(about, dict) or about.get("format") != _FORMAT or not isinstance(texts["result.json"], dict):
        raise _refused("it is of another version of this app")
    result = Result.from_json(texts["result.json"])
    events = [(number, at, EVENT.validate_python(event)) for number, at, event in _EVENTS.validate_python(kept)]
    if result.config != RunConfig.model_validate(texts["config.json"]):
        raise _refused("recipe and result are of different runs")
    _check_result(result, events)
    numbers = [number for number, _, _ in events]
    if numbers != sorted(set(numbers)) or not all(0 < n < 2**40 and 0 <= at < 2**40 for n, at, _ in events):
        raise _refused("its events are not in order")
    models = {name: _placed(name, model, result, folder) for name, model in result.models.items()}
    name = sentence(about.get("name") or "")[:NAME_LENGTH] or describe(result.config)
    note = "\n".join(map(sentence, str(about.get("note") or "").splitlines()))[:NOTE_LENGTH]
    return Bundle(name, note, result.model_copy(update={"models": models}), events)


def _check_result(result: Result, events: list[tuple[int, float, Event]]) -> None:
    """Raises StorageError for a result that no run has, as far as that would be believed or could not be shown."""
    from compression.repeats import SEEDS, UNTAUGHT
    from compression.step import MAKES

    stages = {stage.name for stage in result.stages}
    for _, _, event in events:
        match event:
            case RunStarted():
                stages |= set(event.stages)
            case StageEnded():
                stages.add(event.report.name)
            case Notice():
                pass
            case _:
                stages.add(event.stage)
    if not stages <= {*MAKES, UNTAUGHT, SEEDS, "evaluate"}:
        raise _refused("it has steps that no run takes")
    if not result.models.keys() >= _MADE or not all(map(_MODEL.fullmatch, result.models)):
        raise _refused("its models are not those of a run")
    for model in result.models.values():
        sizes, times = (model.parameters, model.size_bytes, model.size_stored_bytes), model.latency_ms
        whole = set(model.metrics) == {"validation", "test"} and set(model.paired or ()) <= {"test", "both"}
        possible = all(0 <= figure < 2**53 for figure in (*sizes, times.p50, times.p95)) and model.size_bytes
        if not whole or not possible:
            raise _refused("its figures are not those of a run")


def _portable(name: str, model: ModelReport, folder: Path) -> ModelReport:
    own = (folder / "models" / name).is_dir()
    return model.model_copy(update={"folder": f"models/{name}" if own else ""})


def _placed(name: str, model: ModelReport, result: Result, folder: Path) -> ModelReport:
    """The model where it is here: in the run's folder, or bundled with this app, or nowhere."""
    if (folder / "models" / name).is_dir():
        return model.model_copy(update={"folder": f"models/{name}"})
    bundled = name == "teacher" and result.config.teacher == BUNDLED and not result.config.fine_tuning.epochs
    return model.model_copy(update={"folder": str(BUNDLED_TEACHER) if bundled else ""})


def _refused(reason: str) -> StorageError:
    return StorageError(_NOT_ONE.format(reason=reason))


@contextmanager
def _refusing() -> Iterator[None]:
    """Whatever goes wrong in reading such a file, as one sentence."""
    try:
        yield
    except ValidationError:
        raise _refused("its recipe, result or events cannot be understood") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError):  # JSON that is none, or too deep, too
        raise _refused("it is damaged") from None
    except OSError as error:
        raise actionable(error) or _refused(error.strerror or "it cannot be read") from None

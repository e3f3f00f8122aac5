"""Files that only look like an exported run: each is refused in a sentence, and nothing of it is left behind."""

import math
import shutil
import stat
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from exported_runs import Alter, altered
from gated_runs import Server

from compression.errors import StorageError


def refuse(server: Server, file: Path, because: str) -> None:
    """Asserts that the file is refused in a sentence, and leaves nothing behind."""
    with pytest.raises(StorageError, match=because) as refused:
        server.runs.import_(file, "bob")
    assert str(refused.value).endswith("Export the run again, and import that file.")
    assert str(refused.value).isprintable()
    assert not list((server.store.home / "runs").iterdir())
    assert server.runs.owned("bob") == []


def test_what_is_no_zip_file_is_refused(elsewhere: Server, exported: Path, tmp_path: Path) -> None:
    content = exported.read_bytes()
    damaged = {
        "nothing": b"",
        "text": b"this is no zip file",
        "half": content[: len(content) // 2],
        "flipped": content[:2_000] + bytes(byte ^ 255 for byte in content[2_000:2_100]) + content[2_100:],
    }
    for name, wrong in damaged.items():
        (tmp_path / name).write_bytes(wrong)
        refuse(elsewhere, tmp_path / name, "damaged")
    refuse(elsewhere, tmp_path / "absent", "No such file")
    refuse(elsewhere, tmp_path, "directory")


@pytest.mark.parametrize(
    "name",
    [
        "../escaped.json",
        "models/../../escaped.json",
        "models/student/../../../escaped.json",
        "/tmp/escaped.json",
        "models\\..\\escaped.json",
        "models/student/..\\..\\escaped.json",
        "C:/escaped.json",
        "models/student/weights.pkl",
        "models/student/pytorch_model.bin",
        "models/student/modeling.py",
        "models/student/.hidden.json",
        "models/.hidden/config.json",
        "models/student/a/b/c.json",
        "models/student/",
        "models/student/config.json\0.py",
        "models/Student/config.json",
        "models/student/CONFIG.json",
        "models/config.json",
        "predictions.pickle",
        "checkpoint.safetensors",
        "result.json",
        "",
    ],
)
def test_a_name_that_no_run_has_is_refused(elsewhere: Server, exported: Path, tmp_path: Path, name: str) -> None:
    file = Path(shutil.copy(exported, tmp_path / "hostile.zip"))
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(file, "a") as archive:
        info = zipfile.ZipInfo("placeholder")
        info.filename = info.orig_filename = name
        archive.writestr(info, b"{}")
    refuse(elsewhere, file, r"it holds|no exported run")
    assert not list(tmp_path.rglob("escaped*"))


def test_links_devices_and_locked_entries_are_refused(elsewhere: Server, exported: Path, tmp_path: Path) -> None:
    for number, kind in enumerate((stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFDIR)):
        file = Path(shutil.copy(exported, tmp_path / f"{number}.zip"))
        with zipfile.ZipFile(file, "a") as archive:
            info = zipfile.ZipInfo("models/student/special.json")
            info.external_attr = (kind | 0o644) << 16
            archive.writestr(info, b"/etc/passwd")
        refuse(elsewhere, file, "special.json")
    locked = bytearray(exported.read_bytes())
    locked[locked.rindex(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    refuse(elsewhere, tmp_path / "locked.zip", "it holds")


def test_what_is_larger_than_it_may_be_is_refused(elsewhere: Server, exported: Path, tmp_path: Path) -> None:
    many = Path(shutil.copy(exported, tmp_path / "many.zip"))
    with zipfile.ZipFile(many, "a") as archive:
        for number in range(501):
            archive.writestr(f"models/student/{number}.json", b"{}")
    refuse(elsewhere, many, "more than 500 files")
    bomb = Path(shutil.copy(exported, tmp_path / "bomb.zip"))
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as archive:
        for number in range(3):
            archive.writestr(f"models/student/{number}.safetensors", b"\0" * 20_000_000)
    assert bomb.stat().st_size < exported.stat().st_size + 100_000
    refuse(elsewhere, bomb, "unpacks to more than 50 MB")
    refuse(
        elsewhere, altered(exported, tmp_path / "long.zip", run=lambda run: run | {"note": "x" * 200_000}), "too large"
    )


def test_an_entry_that_lies_about_its_size_is_refused(elsewhere: Server, exported: Path, tmp_path: Path) -> None:
    """The sizes in an archive's directory are whatever its writer wished."""
    file = Path(shutil.copy(exported, tmp_path / "liar.zip"))
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("models/student/zeros.safetensors", b"\0" * 5_000_000)
    content = bytearray(file.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 24 : at + 28] = (100).to_bytes(4, "little")
    file.write_bytes(content)
    refuse(elsewhere, file, "damaged|larger than it says")


def without(key: str) -> Alter:
    return lambda content: {name: value for name, value in content.items() if name != key}


def of_models(change: Callable[[dict[str, Any]], Any]) -> Alter:
    return lambda result: result | {"models": change(result["models"])}


def of_student(**values: Any) -> Alter:
    return of_models(lambda models: models | {"student": models["student"] | values})


@pytest.mark.parametrize(
    "texts",
    [
        {"run": lambda run: []},
        {"run": lambda run: run | {"format": 2}},
        {"config": lambda config: config | {"seed": 5}},
        {"config": lambda config: config | {"seed": -1}},
        {"config": lambda config: config | {"shell": "rm"}},
        {"config": lambda config: [config]},
        {"result": lambda result: [result]},
        {"result": without("models")},
        {"result": of_models(lambda models: {})},
        {"result": of_models(lambda models: models | {"../../etc": models["student"]})},
        {"result": of_models(lambda models: models | {"a" * 99: models["student"]})},
        {"result": of_student(size_bytes=0)},
        {"result": of_student(parameters=-1)},
        {"result": of_student(metrics={})},
        {"result": of_student(latency_ms={"p50": math.nan, "p95": 1.0})},
        {"result": of_student(latency_ms={"p50": 1e300, "p95": 1.0})},
        {"result": lambda result: result | {"stages": [result["stages"][0] | {"name": "<script>"}]}},
        {"events": lambda events: {}},
        {"events": lambda events: [[1, 0.0, {"kind": "pickle"}]]},
        {"events": lambda events: events[::-1]},
        {"events": lambda events: [[number, math.nan, event] for number, _, event in events]},
        {"events": lambda events: [[number - 5, at, event] for number, at, event in events]},
        {"events": lambda events: [[1, 0.0, {"kind": "stage-started", "stage": "<script>"}]]},
    ],
)
def test_what_the_json_says_is_believed_only_as_far_as_a_run_can_say_it(
    elsewhere: Server, exported: Path, tmp_path: Path, texts: dict[str, Alter]
) -> None:
    refuse(elsewhere, altered(exported, tmp_path / "altered.zip", **texts), "no exported run")


def test_json_that_is_none_or_missing_or_too_deep_is_refused(elsewhere: Server, exported: Path, tmp_path: Path) -> None:
    for number, content in enumerate((None, b"{", b"\xff\xfe", b"[" * 90_000, b"9" * 90_000)):
        file = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(exported) as archive, zipfile.ZipFile(file, "w") as out:
            for info in archive.infolist():
                if info.filename != "run.json":
                    out.writestr(info.filename, archive.read(info))
                elif content is not None:
                    out.writestr(info.filename, content)
        refuse(elsewhere, file, "damaged|has no run.json")

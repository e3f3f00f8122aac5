"""A run that goes to another machine as one file."""

import math
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from exported_runs import altered, made
from gated_runs import Gated, Serve, Server

from compression.catalog import BUNDLED_TEACHER
from compression.errors import ResourceError, StorageError
from compression.predict import predictor
from compression.result import Result
from compression.runs import Snapshot
from compression.settings import Limits

URL = "http://login-verify.account.test/secure"


def test_an_exported_run_is_itself_elsewhere(exported_run: tuple[Snapshot, Path], elsewhere: Server) -> None:
    before, exported = exported_run
    run_id = elsewhere.runs.import_(exported, "bob")
    seen, folder = elsewhere.see(run_id), elsewhere.runs.folder(run_id)
    assert run_id != before.run_id
    for part in ("status", "name", "note", "config", "device", "stages", "notices"):
        assert getattr(seen, part) == getattr(before, part)
    assert [math.isnan(point.loss) for point in seen.curve] == [True]
    assert seen.result is not None
    assert before.result is not None
    assert {n: m.metrics for n, m in seen.result.models.items()} == {
        n: m.metrics for n, m in before.result.models.items()
    }
    assert Result.read(folder) == seen.result
    models = {name: seen.result.model_folder(name, folder) for name in ("student", "compressed")}
    assert all(place.is_relative_to(folder) for place in models.values())
    assert set(predictor.classify(URL, models)) == {"student", "compressed"}
    assert seen.size_bytes == sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert elsewhere.runs.owned("bob") == [seen]
    assert elsewhere.runs.finished_like(seen.config, "bob") is None, "it was computed on another machine"
    again = elsewhere.runs.export(run_id)
    with zipfile.ZipFile(again) as second, zipfile.ZipFile(exported) as first:
        assert second.namelist() == first.namelist()
    shutil.rmtree(again.parent)


def test_only_what_a_run_made_is_taken_along(exported: Path) -> None:
    with zipfile.ZipFile(exported) as archive:
        names, texts = set(archive.namelist()), [archive.read(name) for name in archive.namelist()]
    model = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    expected = {f"models/{name}/{file}" for name in ("student", "compressed") for file in model}
    assert names == expected | {"run.json", "config.json", "result.json", "events.json"}
    assert not any(b"/home/ann" in text or text == b"ann" for text in texts), "no place of this disk, and no owner"


def test_only_a_run_with_its_models_is_exported(serve: Serve, gated: Gated, tmp_path: Path) -> None:
    server = serve()
    run_id = server.submit()
    gated.reached()
    for what in (run_id, "unknown", "../.."):
        with pytest.raises(StorageError, match=r"Only a run that succeeded|not the id of a run"):
            server.runs.export(what, tmp_path)
    gated.open()
    server.ended(run_id)
    shutil.rmtree(server.runs.folder(run_id))
    with pytest.raises(StorageError, match="still has its models"):
        server.runs.export(run_id, tmp_path)


def test_an_export_that_cannot_be_written_is_a_sentence(elsewhere: Server, exported: Path, tmp_path: Path) -> None:
    run_id = elsewhere.runs.import_(exported, "bob")
    (tmp_path / "file").touch()
    with pytest.raises(ResourceError, match=r"cannot be exported .*export it again"):
        elsewhere.runs.export(run_id, tmp_path / "file")


def test_a_visitor_without_an_id_cannot_import(exported: Path, elsewhere: Server) -> None:
    with pytest.raises(StorageError, match="Reload"):
        elsewhere.runs.import_(exported, "")


def test_an_import_counts_among_what_a_visitor_keeps(exported: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(exported) as archive:
        size = sum(info.file_size for info in archive.infolist())
    server = Server(tmp_path / "small", made, limits=Limits(visitor_bytes=size * 3 // 2))
    first, second = (server.runs.import_(exported, "ann") for _ in range(2))
    assert server.see(first).size_bytes == 0
    assert server.see(second).size_bytes
    server.stop()
    server = Server(tmp_path / "smaller", made, limits=Limits(visitor_bytes=size // 2))
    with pytest.raises(StorageError, match=r"too large|more than"):
        server.runs.import_(exported, "ann")
    server.stop()


@pytest.mark.parametrize("teacher", ["bundled", "/etc"])
def test_places_on_another_disk_are_not_believed(
    elsewhere: Server, exported: Path, tmp_path: Path, teacher: str
) -> None:
    def stolen(result: dict[str, Any]) -> dict[str, Any]:
        models = {name: model | {"folder": "/etc"} for name, model in result["models"].items()}
        return result | {"models": models, "config": result["config"] | {"teacher": teacher}}

    file = altered(
        exported, tmp_path / "stolen.zip", result=stolen, config=lambda config: config | {"teacher": teacher}
    )
    run_id = elsewhere.runs.import_(file, "bob")
    found = elsewhere.see(run_id).result
    assert found is not None
    assert found.models["teacher"].folder == (str(BUNDLED_TEACHER) if teacher == "bundled" else "")
    assert found.models["control"].folder == ""
    for name in ("student", "compressed"):
        assert found.model_folder(name, elsewhere.runs.folder(run_id)).is_relative_to(elsewhere.store.home)
    with pytest.raises(StorageError, match="can be resumed"):
        elsewhere.runs.resume(run_id, "bob")


def test_what_a_name_and_a_note_hold_is_cleaned(elsewhere: Server, exported: Path, tmp_path: Path) -> None:
    wild = {"name": "\u202egood\n" + "x" * 500, "note": "a\x1b[2J\nb" + "x" * 5_000}
    run_id = elsewhere.runs.import_(altered(exported, tmp_path / "wild.zip", run=lambda run: run | wild), "bob")
    seen = elsewhere.see(run_id)
    assert (len(seen.name), len(seen.note)) == (80, 2_000)
    assert seen.name.isprintable()
    assert seen.note.replace("\n", "").isprintable()
    nameless = altered(exported, tmp_path / "nameless.zip", run=lambda run: run | {"name": None, "note": None})
    assert elsewhere.see(elsewhere.runs.import_(nameless, "bob")).name == "all layers · NF4 · 4 epochs"

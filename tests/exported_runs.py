"""A run as the pipeline leaves it, exported, and that file with something in it changed."""

import json
import math
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gated_runs import Server, training

from compression.catalog import EXAMPLES
from compression.config import RunConfig
from compression.events import Notice, Report, RunStarted
from compression.result import Result
from compression.runs import Snapshot


def made(config: RunConfig, report: Report, folder: Path) -> Result:
    """A run as the pipeline leaves it, with the models of the example, and what it needs only while it goes on."""
    report(RunStarted(device="CPU", stages=("load", "distill")))
    report(training(1, math.nan))
    report(Notice(text="Two rows were skipped."))
    for name in ("student", "compressed"):
        shutil.copytree(EXAMPLES / "quick" / "models" / "compressed", folder / "models" / name)
    (folder / "models" / ".initial").mkdir()
    (folder / "models" / ".initial" / "secret.json").write_text("{}")
    (folder / "checkpoint.safetensors").write_bytes(b"large")
    (folder / "models" / "student" / "link.json").symlink_to("/etc/hostname")
    done = Result.read(EXAMPLES / "quick").model_copy(update={"config": config})
    places = {"teacher": "/home/ann/teacher", "control": ""}
    models = {
        name: model.model_copy(update={"folder": places.get(name, str(folder / "models" / name))})
        for name, model in done.models.items()
    }
    return done.model_copy(update={"models": models})


def export(folder: Path) -> tuple[Snapshot, Path]:
    """A run of ann's, named and noted, and its file."""
    server = Server(folder / "home", made)
    run_id = server.submit()
    assert server.ended(run_id).status == "succeeded"
    server.runs.rename(run_id, "ann", "the good one")
    server.runs.note(run_id, "ann", "why it is\ngood")
    exported = server.see(run_id), server.runs.export(run_id, folder)
    server.stop()
    return exported


Alter = Callable[[dict[str, Any]], Any]


def altered(exported: Path, target: Path, **texts: Alter) -> Path:
    """The file with what stands in some of its JSON files changed."""
    with zipfile.ZipFile(exported) as archive, zipfile.ZipFile(target, "w") as out:
        for info in archive.infolist():
            content = archive.read(info)
            if alter := texts.get(info.filename.removesuffix(".json")):
                content = json.dumps(alter(json.loads(content))).encode()
            out.writestr(info.filename, content)
    return target

"""`kill -9` at random moments of a short run, which is then gone on with: is the end that of the undisturbed run?

    PYTHONPATH=.:tests python tests/benchmarks/killing.py [--times 50] [--server] [--seed 0]

A run of tiny models through most steps is first made undisturbed. Then, so many times: the same run in a process of its
own, killed at a moment drawn evenly from its length; what was on disk then is told; another process goes on with it;
and the models' digests are compared. With `--server` the run is submitted to a server of runs, whose database is
checked after each kill; else it is `python -m compression run`, and `--resume`.
"""

import argparse
import contextlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tiny

from compression.artefacts.folder import digest
from compression.config import RunConfig
from compression.models.checkpoint import standing
from compression.recipe import nest, parse
from compression.stages import steps

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "device": "cpu",
    "student.layers": 2,
    "vocabulary.method": "trim",
    "distillation.epochs": 8,
    "distillation.batch_size": 4,
    "distillation.max_length": 48,
    "distillation.averaging": "true",
    "distillation.hidden_weight": 0.5,
    "structured.layers": 1,
    "structured.epochs": 3,
    "pruning.sparsity": 0.5,
    "pruning.schedule": "gradual",
    "pruning.epochs": 3,
    "quantization": "ternary",
    "qat.start": "student",
    "qat.epochs": 3,
    "training.precision": "fp32",
}
# Submits a run to a server, or resumes it where an id is given; ends with it.
SERVER = """
import sys, threading
from pathlib import Path
from compression import pipeline
from compression.recipe import parse
from compression.runs.store import RunStore
from compression.runs.worker import Runs
import json

home, recipe, *resumed = sys.argv[1:]
runs = Runs(RunStore(Path(home)), pipeline.run)
if resumed:
    run_id = resumed[0]
    before = runs.snapshot(run_id)
    print("cut off", before.status, before.stage, before.step, before.steps, sep="|", flush=True)
    runs.resume(run_id, "ann")
else:
    run_id = runs.submit(parse(json.loads(recipe)), "ann")
runs.start()
while not (seen := runs.snapshot(run_id)).stages:
    runs.wait(run_id, 0.05)
print("running", run_id, runs.folder(run_id), sep="|", flush=True)
seen = runs.wait(run_id, 3600)
print("ended", seen.status, seen.error, sep="|", flush=True)
runs.stop(10)
"""


@dataclass(frozen=True)
class Way:
    """How a run is started in a process of its own, and gone on with; `config` is its recipe, `home` the server's."""

    config: RunConfig
    server: bool

    def start(self, place: Path, run_id: str | None = None, resume: bool = False) -> "subprocess.Popen[str]":
        """The process; what tells that it runs comes on standard error, or from a server on standard output."""
        if self.server:
            ids = [run_id] if run_id else []
            command = ["-c", SERVER, str(place), self.config.model_dump_json(), *ids]
        else:
            recipe = place.parent / "recipe.json"
            recipe.write_text(self.config.model_dump_json())
            command = ["-m", "compression", "run", "--config", str(recipe), "--output", str(place)]
            command += ["--resume"] if resume else []
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL if self.server else subprocess.STDOUT}
        environment = os.environ | {"COMPRESSION_HOME": str(place.parent / "home")}
        return subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, text=True, **streams)  # type: ignore[call-overload, no-any-return]


def lines(process: "subprocess.Popen[str]") -> Iterator[str]:
    assert process.stdout is not None
    return iter(process.stdout.readline, "")


def running(process: "subprocess.Popen[str]") -> tuple[str, ...]:
    """Waits until the run has begun; what the process says of it."""
    for line in lines(process):
        if line.startswith(("Running on", "running|")):
            return tuple(line.strip().split("|"))
    raise SystemExit(f"The run did not begin: exit code {process.wait()}")


def models(folder: Path) -> dict[str, str]:
    return {path.name: digest(path) for path in sorted((folder / "models").iterdir())}


def moment(folder: Path, config: RunConfig) -> str:
    """Where a run was, by what it has left on disk."""
    left = folder / "unfinished"
    if (folder / "result.json").exists():
        return "after its result"
    try:
        done = json.loads((left / "record.json").read_text())["steps"]
    except OSError:
        return "before its record"
    stage = next((name for name in steps(config) if name not in done), "evaluate")
    kept = standing(left / f"{stage}.safetensors")[0].step
    written = ", while a checkpoint was written" if any(left.glob(".*.safetensors")) else ""
    saved = ", while a model was saved" if [*left.glob("models/.*"), *folder.glob("models/.*")] else ""
    return f"{stage}, " + (f"step {kept} kept" if kept else "nothing kept") + written + saved


def kill(way: Way, place: Path, after_s: float) -> tuple[str, Path, str | None]:
    """Starts the run in `place` and kills it; where it was, its folder, and its id on a server."""
    with way.start(place) as process:
        _, *said = running(process)
        time.sleep(after_s)
        process.send_signal(signal.SIGKILL)
        process.wait()
    run_id, folder = (said[0], Path(said[1])) if way.server else (None, place)
    return moment(folder, way.config), folder, run_id


def go_on(way: Way, place: Path, run_id: str | None) -> str:
    """Goes on with what was killed, to the end; returns what was said of where it was."""
    with way.start(place, run_id, resume=True) as process:
        said = [line.strip() for line in lines(process)]
    if way.server:
        with contextlib.closing(sqlite3.connect(place / "runs.sqlite3")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert said[-1].startswith("ended|succeeded"), said
        _, status, stage, step, of = said[0].split("|")
        assert status == "interrupted", status
        return f"shown as {status} in {stage}, step {step} of {of}"
    assert process.returncode == 0 or any("already holds a result" in line for line in said), said
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--server", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="killing-") as scratch:
        folder = Path(scratch)
        data = {"teacher": str(tiny.save_model(folder / "teacher")), "data": str(tiny.save_splits(folder / "data"))}
        way = Way(parse(nest((data | SETTINGS).items())), given.server)
        place = folder / "undisturbed"
        with way.start(place) as process:
            said = running(process)
            begun = time.monotonic()
            rest = list(lines(process))
        assert process.returncode == 0, rest
        length = time.monotonic() - begun
        wanted = models(Path(said[2]) if given.server else place)
        print(f"undisturbed: {length:.1f} s from its begin to its end, models {', '.join(wanted)}", flush=True)
        right = 0
        for number in range(1, given.times + 1):
            place = folder / "killed"
            after_s = draw.uniform(0, length)
            where, left, run_id = kill(way, place, after_s)
            shown = go_on(way, place, run_id)
            same = models(left) == wanted and not (left / "unfinished").exists()
            right += same
            verdict = "the same models" if same else "OTHER MODELS"
            print(f"{number:3} after {after_s:5.1f} s: {where}. {shown} {verdict}", flush=True)
            shutil.rmtree(place)
        print(f"{right} of {given.times} end with the models of the undisturbed run")
    sys.exit(right != given.times)


if __name__ == "__main__":
    main()

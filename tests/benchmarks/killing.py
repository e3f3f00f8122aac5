"""`kill -9` at random moments of a short run, which is then gone on with: is the end that of the undisturbed run?

    PYTHONPATH=.:tests python tests/benchmarks/killing.py [--times 50] [--server] [--seed 0]

A run of tiny models through most steps is first made undisturbed. Then, so many times: the same run in a process of its
own, killed at a moment drawn evenly from what it computes until its result is there; what was on disk then is told;
this process goes on with it; and the models' digests are compared. With `--server` the run is submitted to a server of
runs, which is killed and whose database is checked then; else it is `python -m compression run`, and `--resume`.
"""

import argparse
import contextlib
import io
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
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import tiny
from processes import alive, children

from compression import pipeline
from compression.__main__ import main as command_line
from compression.artefacts.folder import digest
from compression.config import RunConfig
from compression.models.checkpoint import standing
from compression.recipe import nest, parse
from compression.runs.store import RunStore
from compression.runs.worker import Runs
from compression.stages import steps

ROOT = Path(__file__).parents[2]
SETTINGS = {
    "device": "cpu",
    "student.layers": 2,
    "vocabulary.method": "trim",
    "distillation.epochs": 6,
    "distillation.batch_size": 8,
    "distillation.max_length": 48,
    "distillation.averaging": "true",
    "distillation.hidden_weight": 0.5,
    "structured.layers": 1,
    "structured.epochs": 2,
    "pruning.sparsity": 0.5,
    "pruning.schedule": "gradual",
    "pruning.epochs": 2,
    "quantization": "ternary",
    "qat.start": "student",
    "qat.epochs": 2,
    "training.precision": "fp32",
}
# Submits a run to a server, says where it is, and waits for its end.
SERVER = """
import json, sys
from pathlib import Path
from compression import pipeline
from compression.recipe import parse
from compression.runs.apart import Apart
from compression.runs.store import RunStore
from compression.runs.worker import Runs

runs = Runs(RunStore(Path(sys.argv[1])), apart := Apart(pipeline.run))
run_id = runs.submit(parse(json.loads(sys.argv[2])), "ann")
runs.start()
while not runs.snapshot(run_id).stages:
    runs.wait(run_id, 0.05)
print("Running on", run_id, runs.folder(run_id), sep="|", flush=True)
print(runs.wait(run_id, 3600).status, flush=True)
runs.stop(10)
apart.close()
"""
PATIENCE_S = 3600


@dataclass(frozen=True)
class Killed:
    """A run that was killed: its folder, where it was by what is on disk, and its id on a server."""

    folder: Path
    moment: str
    run_id: str


@dataclass(frozen=True)
class Way:
    """How a run is started in a process of its own, with its folder or a server's home at `place`."""

    config: RunConfig
    server: bool

    def start(self, place: Path) -> "subprocess.Popen[str]":
        """The process, whose first line says that the run goes on."""
        recipe = place.parent / "recipe.json"
        recipe.write_text(self.config.model_dump_json())
        if self.server:
            command = ["-c", SERVER, str(place), recipe.read_text()]
        else:
            command = ["-m", "compression", "run", "--config", str(recipe), "--output", str(place)]
        said, unsaid = ("stdout", "stderr") if self.server else ("stderr", "stdout")
        streams: dict[str, int] = {said: subprocess.PIPE, unsaid: subprocess.DEVNULL}
        return subprocess.Popen([sys.executable, *command], cwd=ROOT, text=True, **streams)  # type: ignore[call-overload, no-any-return]

    def begun(self, process: "subprocess.Popen[str]", place: Path) -> tuple[Path, str]:
        """Waits until the run goes on; its folder, and its id on a server."""
        for line in process.stdout or process.stderr or ():
            if line.startswith("Running on"):
                _, *where = line.strip().split("|")
                return (Path(where[1]), where[0]) if self.server else (place, "")
        raise SystemExit(f"The run did not begin: exit code {process.wait()}")

    def go_on(self, killed: Killed, place: Path) -> str:
        """Goes on with what was killed, to its end; what a server shows of where it was."""
        if not self.server:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
                code = command_line(
                    ["run", "--output", str(place), "--resume", "--config", str(place.parent / "recipe.json")]
                )
            assert code == 0 or "already holds a result" in said.getvalue(), said.getvalue()
            return ""
        with contextlib.closing(sqlite3.connect(place / "runs.sqlite3")) as database:  # a store lets no other in
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        store = RunStore(place)
        runs = Runs(store, pipeline.run)
        before = runs.snapshot(killed.run_id)
        assert before is not None
        if before.status != "succeeded":
            assert before.status == "interrupted", before.status
            runs.resume(killed.run_id, "ann")
            runs.start()
            ended = runs.wait(killed.run_id, PATIENCE_S)
            assert ended is not None
            assert ended.status == "succeeded", ended.error
            runs.stop(10)
        store.close()
        return f"Shown as {before.status} in {before.stage}, step {before.step} of {before.steps}. "


def cpu_seconds(pid: int) -> float:
    """How long a process and its children have computed, so that a busy machine moves no moment; 0 at the end."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") + sum(map(cpu_seconds, children(pid)))
    except OSError:
        return 0.0


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


def kill(way: Way, place: Path, after_s: float) -> Killed:
    """Starts the run, and kills it once it has computed for so many seconds."""
    with way.start(place) as process:
        folder, run_id = way.begun(process, place)
        start = cpu_seconds(process.pid)
        while process.poll() is None and cpu_seconds(process.pid) < start + after_s:
            time.sleep(0.002)
        computing = children(process.pid)
        process.send_signal(signal.SIGKILL)
        process.wait()
    while any(map(alive, computing)):  # they see that it has gone
        time.sleep(0.002)
    return Killed(folder, moment(folder, way.config), run_id)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--server", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    draw = random.Random(given.seed)
    with tempfile.TemporaryDirectory(prefix="killing-") as scratch:
        folder = Path(scratch)
        os.environ["COMPRESSION_HOME"] = str(folder / "home")
        data = {"teacher": str(tiny.save_model(folder / "teacher")), "data": str(tiny.save_splits(folder / "data"))}
        way = Way(parse(nest((data | SETTINGS).items())), given.server)
        place = folder / "undisturbed"
        with way.start(place) as process:
            whole, _ = way.begun(process, place)
            start = length = cpu_seconds(process.pid)
            while process.poll() is None and not (whole / "result.json").exists():
                length = cpu_seconds(process.pid) or length
                time.sleep(0.002)
            process.communicate()
        assert process.returncode == 0
        length, wanted = length - start, models(whole)
        print(f"undisturbed: {length:.1f} s of computing; models {', '.join(wanted)}", flush=True)
        right = 0
        for number in range(1, given.times + 1):
            place = folder / "killed"
            after_s = draw.uniform(0, length)
            killed = kill(way, place, after_s)
            shown = way.go_on(killed, place)
            same = models(killed.folder) == wanted
            right += same
            verdict = "The same models." if same else "OTHER MODELS."
            print(f"{number:3} after {after_s:5.1f} s: {killed.moment}. {shown}{verdict}", flush=True)
            shutil.rmtree(place)
        print(f"{right} of {given.times} end with the models of the undisturbed run")
    sys.exit(right != given.times)


if __name__ == "__main__":
    main()

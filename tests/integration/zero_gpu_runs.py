"""What the tests of ZeroGPU do in a process of their own: it forks. Prints what happened as JSON.

Arguments: a folder to work in, the teacher's folder, the data's.
"""

import json
import os
import shutil
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import spaces
from gradio.context import LocalContext

from compression import pipeline
from compression.artefacts.folder import digest
from compression.config import RunConfig
from compression.errors import ConfigError
from compression.events import Event, Notice, Progress, Report, TrainingStep, ignore
from compression.models import device, lent
from compression.models.classifier import LOADING
from compression.places import home
from compression.recipe import nest, parse
from compression.runs.store import RunStore
from compression.runs.worker import Runs

SETTINGS: dict[str, Any] = {
    "student.layers": 1,
    "distillation.epochs": 2,
    "distillation.batch_size": 16,
    "distillation.max_length": 48,
    "training.precision": "fp32",
    "quantization": "nf4",
}


def refused(report: Report) -> None:
    raise ConfigError("Seven layers are too many.", "student.layers")


def broken(report: Report) -> float:
    return 1 / 0


def killed(report: Report) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def endless(note: str, report: Report) -> None:
    """Leaves word when it was stopped."""
    try:
        while True:
            report(Notice(text="Still here."))
    finally:
        Path(note).write_text("stopped")


def process(report: Report) -> int:
    return os.getpid()


def raised(stage: Any, *arguments: Any, report: Report = ignore) -> dict[str, Any]:
    try:
        device.on_device(stage, *arguments, report=report, seconds=1)
    except Exception as error:
        return {"kind": type(error).__name__, "text": str(error), "key": getattr(error, "key", None)}
    return {}


def weights(folder: Path) -> list[str]:
    return [digest(folder / "models" / name) for name in ("student", "compressed")]


def queued(runs: Runs, config: RunConfig, visitor: str) -> str:
    """Submits a run in a context such as a click has; another thread runs it later."""
    LocalContext.request.set(SimpleNamespace(headers={"x-ip-token": visitor}))
    run_id = runs.submit(config, visitor)
    LocalContext.request.set(None)
    return run_id


def main(folder: Path, teacher: str, data: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    config = parse(nest([("teacher", teacher), ("data", data), *SETTINGS.items()]))
    inline: list[Event] = []
    shutil.rmtree(home() / "cache", ignore_errors=True)
    pipeline.run(config, inline.append, folder / "inline")
    found["inline"] = weights(folder / "inline")
    found["prepared"] = [lent.lends(), lent.prepare(), lent.lends(), device.here().type]

    runs = Runs(RunStore(folder / "home"), pipeline.run)
    runs.start()
    run_id = queued(runs, config, "visitor-of-one-click")
    seen = runs.wait(run_id, 120)
    assert seen is not None
    found["status"], found["why"] = seen.status, seen.error
    found["lent"] = weights(runs.folder(run_id))
    found["asked"] = list(spaces.asked)
    found["itself"] = os.getpid()

    shutil.rmtree(home() / "cache")  # or the teacher's answers are known, and it does not read again
    lent_events: list[Event] = []
    pipeline.run(config, lent_events.append, folder / "again")
    found["events"] = [[type(event).__name__ for event in events] for events in (inline, lent_events)]
    found["losses"] = [[e.loss for e in events if isinstance(e, TrainingStep)] for events in (inline, lent_events)]

    long = parse(config.model_dump(), nest([("distillation.epochs", 100)]))
    run_id = queued(runs, long, "visitor-who-cancels")
    while not (now := runs.snapshot(run_id)) or not now.curve:
        runs.wait(run_id, 0.05)
    runs.cancel(run_id, "visitor-who-cancels")
    ended = runs.wait(run_id, 60)
    found["cancelled"] = ended and ended.status
    runs.stop(10)

    note = folder / "note"

    def enough(event: Event) -> None:
        raise KeyError("enough")

    found["stopped"] = [raised(endless, str(note), report=enough)["kind"], note.read_text()]
    found["refused"], found["broken"], found["killed"] = raised(refused), raised(broken), raised(killed)

    # Another thread is loading a model at the moment of a fork: the child must not wait for it for ever.
    loading, go_on = threading.Event(), threading.Event()

    def load() -> None:
        with LOADING:
            loading.set()
            go_on.wait(0.5)

    loader = threading.Thread(target=load)
    loader.start()
    loading.wait()
    found["forked while loading"] = device.on_device(loads, report=ignore, seconds=1)
    loader.join()

    before = len(spaces.asked)
    found["on the CPU"] = device.on_device(process, report=ignore, device="cpu", seconds=1) == os.getpid()
    found["on the CPU"] &= len(spaces.asked) == before
    found["longest"] = device.on_device(process, report=ignore, seconds=10_000) and spaces.asked[-1][0]
    found["refusals"] = {}
    for title, message in json.loads(os.environ["REFUSALS"]):
        spaces.refusal = (title, message)
        found["refusals"][f"{title}: {message}"] = raised(process)
    return found


def loads(report: Report) -> bool:
    with LOADING:
        report(Progress(stage="load", doing="It got the lock", step=1, steps=1))
    return True


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])))

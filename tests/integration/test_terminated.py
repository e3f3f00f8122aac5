"""How a Space ends an app, in a process of its own: the run that goes on is interrupted, and goes on the next time."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

from gated_runs import PATIENCE_S, Serve, Stepping

ROOT = Path(__file__).parents[2]
# The page as it is served, with a pipeline that reports for ever after its fifth step.
APP = """
import time

from compression import pipeline
from compression.config import RunConfig
from compression.events import Notice
from compression.runs.worker import Runs
from compression.ui import launch, server
from gated_runs import Stepping

def endless(config, report, folder):
    def at(step):
        while step == 5:
            report(Notice(text="Still here."))
            time.sleep(0.01)

    return Stepping(at)(config, report, folder)

def submitted(*_, **__):
    run_id = running[0].submit(RunConfig(), "ann")
    while (seen := running[0].snapshot(run_id)).ended is None and not seen.notices[1:]:
        time.sleep(0.01)
    print(run_id, flush=True)

if __name__ == "__main__":
    running, start = [], Runs.start
    Runs.start = lambda runs: (running.append(runs), start(runs))[1]
    server.warm_up = submitted
    pipeline.run = endless
    launch()
    print("ended well", flush=True)
"""


def test_an_app_that_is_told_to_end_does_so_at_once_and_its_run_goes_on_the_next_time(
    serve: Serve, tmp_path: Path
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = {"COMPRESSION_HOME": str(tmp_path / "home"), "GRADIO_SERVER_PORT": str(port)}
    environment = os.environ | variables | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    (script := tmp_path / "app.py").write_text(APP)
    command = [sys.executable, str(script)]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        watchdog = threading.Timer(PATIENCE_S, process.kill)
        watchdog.start()
        lines = iter(process.stdout.readline, "")
        run_id = next(line for line in lines if "http" not in line).strip()
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        watchdog.cancel()
        assert process.wait(10) == 0
    assert rest.endswith("ended well\n")
    pipeline = Stepping()
    server = serve(pipeline)
    seen = server.see(run_id)
    assert (seen.status, seen.curve[-1].step) == ("interrupted", 5)
    server.runs.resume(run_id, "ann")
    assert server.ended(run_id).status == "succeeded"
    assert pipeline.computed == [4, 5, 6, 7, 8, 9]

"""Pipelines for a process of their own, which finds them here: what they do depends on the recipe's seed."""

import os
import signal
import tempfile
import time
from contextlib import suppress
from enum import IntEnum
from pathlib import Path

from gated_runs import result

from compression.config import RunConfig
from compression.errors import ConfigError, RunCancelled
from compression.events import Notice, Report
from compression.hub import HubModelError
from compression.result import Result


class Does(IntEnum):
    """What a run with this seed does."""

    WELL = 0
    BLOCKS = 1
    REFUSES = 2
    BREAKS = 3
    IS_KILLED = 4
    STEPS = 5
    IS_TERMINATED = 6
    LACKS_A_MODEL = 7
    IS_DEAF = 8
    NAMES_ITS_GPUS = 9
    IS_TERMINATED_EARLY = 10


def pipeline(config: RunConfig, report: Report, folder: Path) -> Result:
    """Tells in which process it is, then does what the seed says."""
    (folder / "begun").write_text(str(os.getpid()))
    with tempfile.NamedTemporaryFile(delete=False) as left:
        (folder / "left").write_text(left.name)
    report(Notice(text=str(os.getpid())))
    match Does(config.seed):
        case Does.BLOCKS:  # as an export or a download does
            time.sleep(600)
        case Does.REFUSES:
            raise ConfigError("No such thing.", "student.layers")
        case Does.LACKS_A_MODEL:
            raise HubModelError("It is gone.", "someone/model")
        case Does.BREAKS:
            raise ZeroDivisionError("a bug of ours")
        case Does.IS_KILLED:
            os.kill(os.getpid(), signal.SIGKILL)
        case Does.IS_TERMINATED:
            os.kill(os.getpid(), signal.SIGTERM)
            step_on(report, folder)
        case Does.IS_TERMINATED_EARLY:  # as before it has imported what listens to the signal
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(600)
        case Does.STEPS:
            step_on(report, folder)
        case Does.NAMES_ITS_GPUS:
            report(Notice(text=os.environ["CUDA_VISIBLE_DEVICES"]))
        case Does.IS_DEAF:
            while True:
                with suppress(RunCancelled):
                    step_on(report, folder)
    return result(config)


def step_on(report: Report, folder: Path) -> None:
    """Reports until it is stopped, and keeps what stopped it."""
    try:
        while True:
            report(Notice(text="Still here."))
            time.sleep(0.01)
    except RunCancelled as stopped:
        (folder / "stopped").write_text(type(stopped).__name__)
        raise

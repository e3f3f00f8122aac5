"""Stages on a lent GPU, through a stand-in of `spaces` that forks as the real one does. One process does it all."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from compression.models import device, lent

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("zero_gpu_runs.py")

# What the real package says, and a piece of the sentence that visitors read.
REFUSALS = {
    ("ZeroGPU quota exceeded", "You have exceeded your free ZeroGPU quota (60s requested vs. 3s left)."): "used up",
    ("ZeroGPU quota exceeded", "Space app has reached its GPU limit. Try re-running."): "used up",
    ("ZeroGPU illegal duration", "The requested GPU duration (240s) is larger than"): "more GPU time at once",
    ("ZeroGPU client error", "Expired ZeroGPU proxy token"): "Reload the page",
    ("ZeroGPU client error", "No GPU was available"): "No GPU was free",
    ("ZeroGPU queue timeout", "No GPU was available after 60s."): "No GPU was free",
    ("ZeroGPU pending credits exceeded", "You have too many ZeroGPU credits allocated"): "set aside",
    ("Error", "Something new"): "cannot be had just now",
}


@pytest.fixture(scope="module")
def found(tiny_teacher: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    stand_in = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "zero_gpu")])
    environment = os.environ | {"SPACES_ZERO_GPU": "true", "PYTHONPATH": stand_in}
    environment["REFUSALS"] = json.dumps(list(REFUSALS))
    command = [sys.executable, SCRIPT, tmp_path_factory.mktemp("zero"), tiny_teacher, tiny_data]
    done = subprocess.run(
        list(map(str, command)), cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=240
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def test_a_run_on_a_lent_gpu_makes_the_same_models(found: dict[str, Any]) -> None:
    assert found["prepared"] == [False, True, True, "cpu"]
    assert found["status"] == "succeeded", found["why"]
    assert found["lent"] == found["inline"]


def test_each_stage_is_a_fork_paid_for_by_the_visitor_who_clicked(found: dict[str, Any]) -> None:
    seconds, visitors, processes = zip(*found["asked"], strict=True)
    assert len(seconds) == 5  # load, student, distill, quantize, evaluate
    assert all(lent.SHORTEST_SECONDS <= asked < lent.LONGEST_SECONDS for asked in seconds)
    assert set(visitors) == {"visitor-of-one-click"}
    assert found["itself"] not in processes


def test_events_arrive_as_they_do_without_a_fork(found: dict[str, Any]) -> None:
    inline, forked = found["events"]
    assert "EpochEnded" in forked
    assert forked == inline
    assert found["losses"][0] == found["losses"][1]


def test_cancelling_reaches_the_child(found: dict[str, Any]) -> None:
    assert found["cancelled"] == "cancelled"
    assert found["stopped"] == ["KeyError", "stopped"]


def test_what_a_stage_raises_comes_through(found: dict[str, Any]) -> None:
    assert found["refused"] == {"kind": "ConfigError", "text": "Seven layers are too many.", "key": "student.layers"}
    assert found["broken"]["kind"] == "RuntimeError"
    assert "ZeroDivisionError" in found["broken"]["text"]


def test_a_gpu_taken_back_is_a_sentence(found: dict[str, Any]) -> None:
    assert found["killed"]["kind"] == "ResourceError"
    assert f"{lent.SHORTEST_SECONDS} seconds" in found["killed"]["text"]


def test_a_model_that_is_being_loaded_does_not_hang_a_fork(found: dict[str, Any]) -> None:
    assert found["forked while loading"] is True


def test_the_cpu_needs_no_fork_and_no_one_asks_for_too_long(found: dict[str, Any]) -> None:
    assert found["on the CPU"] is True
    assert found["longest"] == lent.LONGEST_SECONDS


def test_every_refusal_is_one_sentence_with_a_way_on(found: dict[str, Any]) -> None:
    for (title, message), expected in REFUSALS.items():
        said = found["refusals"][f"{title}: {message}"]
        assert said["kind"] == "ResourceError"
        assert expected in said["text"]
        assert "ZeroGPU" not in said["text"]


def test_without_the_package_everything_runs_here() -> None:
    assert not lent.prepare()
    assert device.on_device(lambda report: os.getpid(), report=print, seconds=1) == os.getpid()

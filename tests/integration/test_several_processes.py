"""One run shared out among two processes, as `accelerate launch` starts them: the same model as one makes alone."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny
from safetensors.torch import load_file

from compression.__main__ import main

ROOT = Path(__file__).parent.parent.parent
LAUNCH = ["--multi_gpu", "--num_processes", "2", "--num_machines", "1", "--mixed_precision", "no"]
# 64 rows and 21 without a label, in batches of 21: four of an odd number, and one of a single row.
RECIPE = {
    "student.layers": 1,
    "distillation.epochs": 3,
    "distillation.learning_rate": 1e-3,
    "distillation.batch_size": 21,
    "distillation.recombined": 21,
    "distillation.max_length": 48,
    "distillation.soft_weight": 0.7,
    "distillation.soft_weight_end": 0.3,
    "distillation.hidden_weight": 0.5,
    "distillation.attention_weight": 0.5,
    "distillation.averaging": "true",
    "quantization": "none",
    "device": "cpu",
    "training.precision": "fp32",
}


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A teacher without dropout, so that what is learnt does not depend on who draws which mask."""
    quiet = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    return tiny.save_model(tmp_path_factory.mktemp("calm") / "teacher", **quiet)


def arguments(teacher: Path, data: Path, output: Path, **changes: Any) -> list[str]:
    settings = [f"--set={key}={value}" for key, value in (RECIPE | changes).items()]
    return ["run", "--teacher", str(teacher), "--data", str(data), *settings, "--output", str(output), "--json"]


def launched(folder: Path, *given: str) -> "subprocess.CompletedProcess[str]":
    """Two processes on a home and a temporary folder of their own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "tmp").mkdir()
    places = {"TMPDIR": str(folder / "tmp"), "COMPRESSION_HOME": str(folder / "home")}
    command = [sys.executable, "-m", "accelerate.commands.launch", *LAUNCH, "--main_process_port", str(port)]
    return subprocess.run(
        [*command, "--dynamo_backend", "no", "-m", "compression", *given],
        cwd=ROOT,
        env=os.environ | places | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def left(folder: Path) -> list[str]:
    """What the two have left where temporary things go, without the launcher's own."""
    return [path.name for path in (folder / "tmp").iterdir() if not path.name.startswith("torchelastic_")]


def test_two_processes_make_the_model_that_one_makes(
    calm: Path, tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = launched(tmp_path, *arguments(calm, tiny_data, tmp_path / "two"))
    assert done.returncode == 0, done.stderr
    assert main(arguments(calm, tiny_data, tmp_path / "one")) == 0
    alone = json.loads(capsys.readouterr().out)
    shared = json.loads(done.stdout)  # one JSON value and nothing else
    assert shared["models"]["student"]["metrics"] == alone["models"]["student"]["metrics"]
    assert done.stderr.count("Epoch 3 of 3") == done.stderr.count("evaluate: done") == 1
    assert Path(shared["models"]["student"]["folder"]) == tmp_path / "two" / "models" / "student"
    assert left(tmp_path) == []
    kept = list((tmp_path / "home" / "cache" / "logits").iterdir())
    assert len(kept) == 4  # each process has kept its half of the rows and of the texts without labels

    first = load_file(calm / "model.safetensors")
    one, two = (load_file(tmp_path / name / "models" / "student" / "model.safetensors") for name in ("one", "two"))
    assert one.keys() == two.keys()
    for name in one:
        # The same is added to all of a text's scores by a key's bias, and softmax takes it out again: its gradient is
        # nothing but rounding, of which Adam makes steps as large as any. No answer depends on it.
        within = 1e-4 if name.endswith("key.bias") else 1e-5
        assert (one[name] - two[name]).abs().max() < within, name
    assert (one["classifier.weight"] - first["classifier.weight"]).abs().max() > 1e-4


def test_a_run_that_is_refused_ends_both(calm: Path, tiny_data: Path, tmp_path: Path) -> None:
    """The refusal comes out of the training itself, after both have read their rows."""
    done = launched(tmp_path, *arguments(calm, tiny_data, tmp_path / "run", **{"distillation.layer_map": "7"}))
    assert done.returncode != 0
    assert done.stdout == ""
    assert "distillation.layer_map = 7 does not fit" in done.stderr
    assert not (tmp_path / "run" / "result.json").exists()
    assert left(tmp_path) == []

"""`kill -9` and SIGTERM, on the command line in a process of its own: a run goes on from there, to the same models."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cut_off import QUICK, Watch, at_step, cut_off, models
from refusals import refused

from compression.__main__ import main
from compression.catalog import preset_settings
from compression.config import RunConfig
from compression.recipe import nest, parse

ROOT = Path(__file__).parents[2]
# The command line, which kills itself at a chosen point: argument 1 says where.
KILLED = """
import os, signal, sys
from compression import durable, pipeline
from compression.__main__ import main
from compression.events import StageEnded, TrainingStep

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def at(point, run=pipeline.run):
    def watched(config, report, output):
        def told(event):
            report(event)
            match point, event:
                case "in distill", TrainingStep(stage="distill", step=7):
                    die()
                case "told to end in distill", TrainingStep(stage="distill", step=7):
                    os.kill(os.getpid(), signal.SIGTERM)
        return run(config, told, output)
    return watched

def half(path):
    content = path.read_bytes()
    path.write_bytes(content[:len(content) // 2])
    die()

point = sys.argv.pop(1)
pipeline.run = at(point)
write = durable.write
if point == "while a checkpoint is written":
    written = []
    def second(path, fill):
        written.append(path.suffix == ".safetensors")
        write(path, (lambda draft: (fill(draft), half(draft))) if sum(written) == 2 else fill)
    durable.write = second
elif point == "between two steps":
    def record(path, fill):
        write(path, fill)
        if b'"distill": {' in path.read_bytes() and path.name == "record.json":
            die()
    durable.write = record
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def config(tiny_teacher: Path, tiny_data: Path) -> RunConfig:
    """What `command` asks for: its settings are laid over a preset."""
    return parse(
        preset_settings("quick"), nest({"teacher": str(tiny_teacher), "data": str(tiny_data), **QUICK}.items())
    )


@pytest.fixture(scope="module")
def undisturbed(config: RunConfig, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    output = tmp_path_factory.mktemp("undisturbed")
    done = process("nowhere", command(config, output))  # elsewhere, as the others: tests before may have changed torch
    assert done.returncode == 0, done.stderr
    return models(output)


def command(config: RunConfig, output: Path, *more: str) -> list[str]:
    settings = [f"--set={key}={value}" for key, value in QUICK.items()]
    return ["run", "--teacher", config.teacher, "--data", config.data, *settings, "--output", str(output), *more]


def process(point: str, arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    given = [sys.executable, "-c", KILLED, point, *arguments]
    return subprocess.run(given, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("point", "goes_on"),
    [
        ("in distill", "distill goes on after step 4 of 12."),
        ("between two steps", "done are: load, student, distill."),
        ("while a checkpoint is written", "distill goes on after step 4 of 12."),
    ],
)
def test_a_killed_command_is_gone_on_with(
    config: RunConfig,
    undisturbed: dict[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    point: str,
    goes_on: str,
) -> None:
    killed = process(point, command(config, tmp_path))
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert not (tmp_path / "result.json").exists()
    assert "was cut off. Go on with --resume, or begin anew with --overwrite" in refused(
        capsys, *command(config, tmp_path)
    )
    assert main(command(config, tmp_path, "--resume", "--json")) == 0
    out, err = capsys.readouterr()
    assert goes_on in err
    assert json.loads(out) == json.loads((tmp_path / "result.json").read_text())
    assert models(tmp_path) == undisturbed
    assert not (tmp_path / "unfinished").exists()


def test_a_command_that_is_told_to_end_keeps_its_step(
    config: RunConfig, undisturbed: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = process("told to end in distill", command(config, tmp_path))
    assert ended.returncode == 143, ended.stderr
    assert ended.stdout == ""
    assert ended.stderr.endswith("Stopped. Give the same command with --resume to go on from here.\n")
    assert not list(tmp_path.rglob(".*"))
    assert main(["run", "--output", str(tmp_path), "--resume"]) == 0  # the folder knows the recipe
    assert "distill goes on after step 8 of 12." in capsys.readouterr().err
    assert models(tmp_path) == undisturbed


ENDLESS = """
import os, signal, sys, threading, time
from compression import stopping
from compression.events import ignore

stopping._PATIENCE_S = 0.2
with stopping.stopping(ignore):
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait()  # and never a report
"""


def test_what_never_reports_is_ended_all_the_same() -> None:
    ended = subprocess.run([sys.executable, "-c", ENDLESS], cwd=ROOT, check=False, timeout=60)
    assert ended.returncode == 143


def test_a_command_that_was_not_told_leaves_the_signal_as_it_was() -> None:
    from compression.events import Notice
    from compression.stopping import stopping

    before, watch = signal.getsignal(signal.SIGTERM), Watch()
    with stopping(watch) as report:
        report(Notice(text="Still here."))
    assert watch.notices == ["Still here."]
    assert signal.getsignal(signal.SIGTERM) is before


def test_resume_refuses_another_recipe_and_takes_its_own(
    config: RunConfig, undisturbed: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut_off(config, tmp_path, Watch(at_step("distill", 6)))
    record = (tmp_path / "unfinished" / "record.json").read_bytes()
    asked = command(config, tmp_path, "--resume")
    for other in ("--set=seed=1", "--preset=tiny"):
        said = refused(capsys, "run", "--output", tmp_path, "--resume", other)
        assert "holds another recipe: there " in said
    assert "seed = 0" in refused(capsys, *asked, "--set=seed=1")
    assert "exclude each other" in refused(capsys, *asked, "--overwrite")
    assert (tmp_path / "unfinished" / "record.json").read_bytes() == record
    assert main([*asked, "--set=seed=0"]) == 0
    assert "distill goes on after step 4 of 12." in capsys.readouterr().err
    assert models(tmp_path) == undisturbed
    assert "already holds a result" in refused(capsys, *asked)


def test_resume_where_nothing_was_cut_off_says_so_and_starts(
    config: RunConfig, undisturbed: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(command(config, tmp_path / "new", "--resume")) == 0
    assert "so this one starts at the beginning" in capsys.readouterr().err
    assert models(tmp_path / "new") == undisturbed
    (tmp_path / "thesis.tex").write_text("mine")
    assert "is not empty" in refused(capsys, *command(config, tmp_path, "--resume"))


def test_overwrite_starts_over(config: RunConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut_off(config, tmp_path, Watch(at_step("distill", 6)))
    assert main(command(config, tmp_path, "--overwrite")) == 0
    said = capsys.readouterr().err
    assert "goes on" not in said
    assert "Going on" not in said


def test_several_processes_cannot_resume(
    config: RunConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "WORLD_SIZE", "2")
    assert "keeps nothing to --resume" in refused(capsys, *command(config, tmp_path, "--resume"))

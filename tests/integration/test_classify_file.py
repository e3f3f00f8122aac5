"""A whole file on the command line: killed and gone on with, in constant memory, on a full disk, and refused."""

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import tiny
from refusals import refused

from compression.__main__ import main
from compression.predict import batch

ROOT = Path(__file__).parent.parent.parent
ROWS = [text for text, _ in tiny.urls(300)]
CHUNK = 64

# Two places to die in: in the middle of a chunk's work, and when its rows are written but not yet sure.
KILLED = """
import os, signal, sys
from compression.__main__ import main
from compression.predict import batch, part, predictor

batch.CHUNK = int(sys.argv[1])
owner, name = {"work": (predictor.Predictor, "probabilities"), "write": (part.Part, "_settle")}[sys.argv[2]]
call, calls = getattr(owner, name), []

def deadly(self, *given):
    calls.append(1)
    if len(calls) == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return call(self, *given)

setattr(owner, name, deadly)
sys.exit(main(sys.argv[3:]))
"""

MEMORY = """
import json, resource, sys
from pathlib import Path
import numpy as np
from compression.data.rows import open_urls
from compression.events import ignore
from compression.predict.batch import classify_file
from compression.predict.predictor import Predictor

class Instant(Predictor):
    def __init__(self):
        pass
    def probabilities(self, texts, report=None):
        return np.full(len(texts), 0.25)

folder, count = Path(sys.argv[1]), int(sys.argv[2])
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
small, large = folder / "small.csv", folder / "large.csv"
for path, rows in ((small, 5_000), (large, count)):
    with path.open("w") as file:
        file.write("url\\n")
        file.writelines(f"http://a{n}.test/catalogue/item-{n}\\n" for n in range(rows))
classify_file(small, folder / "small.parquet", Instant())
classify_file(folder / "small.parquet", folder / "small-again.csv", Instant())
grown, done = [peak()], []
steps = [("large.csv", "csv-to.csv"), ("large.csv", "csv-to.parquet"), ("csv-to.parquet", "parquet-to.csv")]
for source, target in steps:
    done.append(classify_file(folder / source, folder / target, Instant()).rows)
    grown.append(peak())
print(json.dumps([done, [after - before for before, after in zip(grown, grown[1:])]]))
"""

FULL = """
import resource, signal, sys
from compression.__main__ import main
from compression.predict import batch

batch.CHUNK = int(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, resource.RLIM_INFINITY))
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tiny.save_csv(tmp_path / "in.csv", [(url, 0) for url in ROWS], ("url", "n"))


@pytest.fixture
def command(tiny_teacher: Path, source: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """All but the output."""
    monkeypatch.setattr(batch, "CHUNK", CHUNK)
    return ["classify-file", str(tiny_teacher), str(source), "--device", "cpu", "--json"]


def in_child(code: str, *arguments: object) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", code, str(CHUNK), *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_same_verdicts_as_one_by_one(
    command: list[str], tiny_teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*command, str(tmp_path / "out.csv")]) == 0
    done = json.loads(capsys.readouterr().out)
    assert set(done) == {"rows", "not_safe", "skipped", "seconds", "urls_per_second"}
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["url"] for row in rows] == ROWS
    assert (done["rows"], done["skipped"]) == (300, 0)
    assert done["not_safe"] == sum(row["label"] == "Not Safe" for row in rows)
    assert main(["classify", str(tiny_teacher), *ROWS[:8], "--json"]) == 0
    alone = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["label"] for row in rows[:8]] == [line["label"] for line in alone]
    assert [float(row["probability"]) for row in rows[:8]] == pytest.approx([line["probability"] for line in alone])
    assert main([*command[:-1], "--overwrite", str(tmp_path / "out.csv")]) == 0
    assert "300 rows" in capsys.readouterr().out


@pytest.mark.parametrize(("moment", "kind"), [("work", ".csv"), ("write", ".csv"), ("write", ".parquet")])
def test_after_a_kill_the_file_is_as_if_undisturbed(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], moment: str, kind: str
) -> None:
    target, undisturbed = tmp_path / f"out{kind}", tmp_path / f"undisturbed{kind}"
    died = in_child(KILLED, moment, *command, target)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert not target.exists()
    sure = json.loads((tmp_path / f"out{kind}.part.json").read_text())["done"]
    assert sure["rows"] == {"work": 3, "write": 2}[moment] * CHUNK
    assert (target.with_name(target.name + ".part").stat().st_size > sure["size_bytes"]) == (moment == "write")
    assert "Go on with --resume" in refused(capsys, *command, target)
    assert main([*command, "--resume", str(target)]) == 0
    resumed = json.loads(capsys.readouterr().out)
    assert main([*command, str(undisturbed)]) == 0
    whole = json.loads(capsys.readouterr().out)
    assert target.read_bytes() == undisturbed.read_bytes()
    assert [resumed[name] for name in ("rows", "not_safe")] == [whole[name] for name in ("rows", "not_safe")]
    assert not list(tmp_path.glob("*.part*"))
    if kind == ".parquet":
        assert pq.read_table(target)["url"].to_pylist() == ROWS


def test_memory_does_not_grow_with_the_file(fresh_process: Callable[..., Any], tmp_path: Path) -> None:
    rows, grown = fresh_process(MEMORY, tmp_path, 200_000)
    assert rows == [200_000] * 3
    assert max(grown) < 32_000, grown  # kB, CSV to CSV, CSV to Parquet and back; the rows alone would take 60 MB
    assert (tmp_path / "csv-to.csv").read_bytes() == (tmp_path / "parquet-to.csv").read_bytes()


def test_a_full_disk_costs_one_chunk(command: list[str], tmp_path: Path) -> None:
    died = in_child(FULL, *command, tmp_path / "out.csv")
    assert (died.returncode, died.stdout) == (2, "")
    said = died.stderr.splitlines()[-1]
    assert said.startswith("The disk is full after ")
    assert said.endswith("Free some space and go on with --resume.")
    assert "Traceback" not in died.stderr
    assert main([*command, "--resume", str(tmp_path / "out.csv")]) == 0
    assert (tmp_path / "out.csv").read_text().count("\n") == 301


def test_two_commands_do_not_write_one_file(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import fcntl

    with (tmp_path / "out.csv.part").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert "being written by another" in refused(capsys, *command, tmp_path / "out.csv")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({1: "/nowhere"}, "There is no folder"),
        ({2: "/nowhere.csv"}, "There is no file"),
        ({2: "{tmp}"}, "There is no file"),
        ({4: "tpu"}, "device = 'tpu' is not possible"),
        ({6: "{tmp}/out.xlsx"}, "neither .csv nor .parquet"),
        ({6: "{tmp}/in.csv"}, "is what is read"),
        ({6: "{tmp}/" + "x" * 300 + ".csv"}, "can be no path"),
        ({5: "--text-column=link"}, "no column 'link'"),
        ({5: "--not-safe=9"}, "9"),
        ({5: "--levitate"}, "levitate"),
    ],
)
def test_mistakes_get_one_sentence(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], change: dict[int, str], words: str
) -> None:
    arguments = [*command, str(tmp_path / "out.csv")]
    for place, given in change.items():
        arguments[place] = given.format(tmp=tmp_path)
    assert words in refused(capsys, *arguments)
    assert not list(tmp_path.glob("out*"))

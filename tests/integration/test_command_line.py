"""The command line as its contract states it: output, precedence, exit codes, and one sentence for every mistake."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import tiny
from refusals import refused

from compression.__main__ import main

ROOT = Path(__file__).parent.parent.parent
SMALL = ["--set", "student.layers=1", "--set", "distillation.epochs=1", "--set", "distillation.max_length=48"]
SMALL += ["--set", "device=cpu", "--set", "training.precision=fp32"]


@pytest.fixture(scope="module")
def finished(tiny_teacher: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of one run, made through the command line."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    assert main(["run", "--teacher", str(tiny_teacher), "--data", str(tiny_data), *SMALL, "--output", str(folder)]) == 0
    return folder


def test_json_is_all_that_stands_on_standard_output(
    tiny_teacher: Path, tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--teacher", str(tiny_teacher), "--data", str(tiny_data), *SMALL, "--output", str(tmp_path), "--json"]
    assert main(["run", *arguments]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out) == json.loads((tmp_path / "result.json").read_text())
    assert "load → student → distill → quantize → evaluate" in err
    assert "Epoch 1 of 1" in err


def test_a_table_without_json(finished: Path, tiny_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(finished / "models" / "student"), "--data", str(tiny_data)]) == 0
    assert "accuracy" in capsys.readouterr().out


def test_precedence(tiny_teacher: Path, tiny_data: Path, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text(
        json.dumps({"teacher": "/nowhere", "distillation": {"epochs": 9, "batch_size": 64}, "seed": 5})
    )
    arguments = ["--preset", "quick", "--config", str(tmp_path / "recipe.json"), "--teacher", str(tiny_teacher)]
    assert main(["run", *arguments, "--data", str(tiny_data), *SMALL, "--output", str(tmp_path / "run")]) == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["quantization"]["scheme"] == "nf4"  # the preset
    assert (config["seed"], config["distillation"]["batch_size"]) == (5, 64)  # --config over the preset
    assert config["teacher"] == str(tiny_teacher)  # --teacher over --config
    assert config["distillation"]["epochs"] == 1  # --set over --config


@pytest.mark.parametrize("split", ["validation", "test"])
def test_evaluate_in_a_fresh_process_states_the_same(finished: Path, tiny_data: Path, split: str) -> None:
    model = finished / "models" / "compressed"
    command = [sys.executable, "-m", "compression", "evaluate", model, "--data", tiny_data, "--split", split, "--json"]
    found = json.loads(subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout)
    stated = json.loads((finished / "result.json").read_text())["models"]["compressed"]["metrics"][split]
    assert found == {"model": str(model), "data": str(tiny_data), "split": split} | stated


def test_evaluate_all_counts_every_row(finished: Path, tiny_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        main(["evaluate", str(finished / "models" / "student"), "--data", str(tiny_data), "--split", "all", "--json"])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["examples"] == 64 + 32 + 32


def test_classify_agrees_with_evaluate(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, rows = str(finished / "models" / "compressed"), tiny.urls(16, offset=300)
    tiny.save_csv(tmp_path / "test.csv", rows)
    assert main(["evaluate", model, "--data", str(tmp_path), "--json"]) == 0
    accuracy = json.loads(capsys.readouterr().out)["accuracy"]
    assert main(["classify", model, *(text for text, _ in rows), "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["url"] for line in lines] == [text for text, _ in rows]
    assert all(set(line) == {"url", "label", "probability", "latency_ms", "runtime"} for line in lines)
    assert all((line["label"] == "Not Safe") == (line["probability"] >= 0.5) for line in lines)
    right = sum((line["label"] == "Not Safe") == bool(label) for line, (_, label) in zip(lines, rows, strict=True))
    assert right / len(rows) == accuracy


def test_bundled_names_the_bundled_teacher(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "bundled", "https://www.wikipedia.org/", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["label"] == "Safe"


@pytest.mark.parametrize("frozen", [True, False])
def test_train_teacher(
    tiny_teacher: Path, tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], frozen: bool
) -> None:
    from safetensors.torch import load_file

    arguments = ["--base", str(tiny_teacher), "--data", str(tiny_data), "--output", str(tmp_path / "t"), "--json"]
    arguments += ["--epochs", "3", "--learning-rate", "0.003", "--max-length", "48", "--device", "cpu"]
    assert main(["train-teacher", *arguments, *(["--freeze-encoder"] if frozen else [])]) == 0
    trained = json.loads(capsys.readouterr().out)
    before, after = (load_file(folder / "model.safetensors") for folder in (tiny_teacher, tmp_path / "t"))
    same = {name for name in before if before[name].equal(after[name])}
    assert any("pooler" in name for name in before.keys() - same)
    assert ("bert.encoder.layer.0.output.dense.weight" in same) == frozen
    assert main(["evaluate", str(tmp_path / "t"), "--data", str(tiny_data), "--split", "validation", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == trained
    assert main(["train-teacher", *arguments]) == 2  # the folder is taken now


def test_output_that_holds_a_result_is_kept(
    finished: Path, tiny_teacher: Path, tiny_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (finished / "result.json").read_bytes()
    arguments = ["run", "--teacher", tiny_teacher, "--data", tiny_data, *SMALL, "--output", finished]
    assert "already holds a result" in refused(capsys, *arguments)
    assert (finished / "result.json").read_bytes() == before
    assert main([*map(str, arguments), "--reuse", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reused"] is True
    assert main([*map(str, arguments), "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["reused"] is False


def test_a_folder_with_other_things_in_it_is_not_written_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    assert "is not empty" in refused(capsys, "run", "--output", tmp_path)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["run"], "output"),
        (["run", "--output", "{tmp}", "--preset", "best"], "no preset 'best'"),
        (["run", "--output", "{tmp}", "--set", "distillation.epochs=0"], "distillation.epochs = '0' is not possible"),
        (["run", "--output", "{tmp}", "--set", "epochs=1"], "epochs is not a recipe key"),
        (["run", "--output", "{tmp}", "--set", "distillation.epochs"], "has no value"),
        (["run", "--output", "{tmp}", "--set", "quantization=int3"], "quantization.scheme = 'int3'"),
        (["run", "--output", "{tmp}", "--config", "{tmp}/none.json"], "cannot be read as a recipe"),
        (["run", "--output", "{tmp}", "--config", "{list}"], "is not a recipe"),
        (["run", "--output", "{tmp}", "--teacher", "/nowhere"], "There is no folder /nowhere"),
        (["run", "--output", "{tmp}", "--teacher", "{tmp}"], "is what the run reads"),
        (["run", "--output", "{tmp}/run", "--teacher", "{tmp}"], "has no config.json"),
        (["run", "--output", "{tmp}", "--data", "/nowhere.csv"], "There is no file or folder"),
        (["run", "--output", "{file}"], "is a file"),
        (["run", "--output", "{tmp}", "--set", "device=cuda"], "no CUDA device"),
        (["run", "--output", "{tmp}", "--set", "device=cpu", "--set", "training.precision=fp16"], "needs a GPU"),
        (["evaluate", "bundled", "--data", "bundled", "--split", "train"], "train"),
        (["evaluate", "/nowhere", "--data", "bundled"], "There is no folder"),
        (["evaluate", "bundled", "--data", "bundled", "--device", "tpu"], "device = 'tpu' is not possible"),
        (["classify", "bundled", "  "], "A URL is empty"),
        (["classify", "bundled"], "URL"),
        (["train-teacher", "--base", "/nowhere", "--data", "bundled", "--output", "{tmp}/t"], "There is no folder"),
        (["train-teacher", "--base", "bundled", "--data", "bundled", "--output", "{tmp}/t", "--epochs", "0"], "epochs"),
        (["levitate"], "levitate"),
    ],
)
def test_mistakes_get_one_sentence_and_exit_code_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    places = {"tmp": tmp_path / "out", "file": tmp_path / "file", "list": tmp_path / "list.json"}
    places["file"].write_text("")
    places["list"].write_text("[]")
    places["tmp"].mkdir()
    found = refused(capsys, *(argument.format(**places) for argument in arguments))
    assert sentence.casefold() in found.casefold()


def test_a_run_that_cannot_start_says_so_as_a_process(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "compression", "run", "--output", str(tmp_path), "--set", "seed=-1", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "seed = '-1' is not possible: legal is a whole number from 0 to 4294967295.\n"


def test_interrupting_a_run_exits_with_130(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "compression",
        "run",
        "--output",
        str(tmp_path),
        "--set",
        "distillation.epochs=100",
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stderr is not None
        assert "Running on" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert rest.splitlines()[-1] == "Interrupted."
    assert "Traceback" not in rest


def test_overwrite_keeps_the_old_result_until_the_new_run_can_start(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "There is no file" in refused(capsys, "run", "--output", finished, "--overwrite", "--data", "/nowhere.csv")
    assert (finished / "result.json").exists()


def test_train_teacher_deletes_nothing_but_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    arguments = ("--base", "bundled", "--data", "bundled", "--output", tmp_path, "--overwrite")
    assert "holds more than a model" in refused(capsys, "train-teacher", *arguments)
    assert (tmp_path / "thesis.tex").exists()


def test_a_run_does_not_write_over_what_it_reads(tiny_teacher: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("run", "--teacher", tiny_teacher, "--output", tiny_teacher, "--overwrite")
    assert "is what the run reads" in refused(capsys, *arguments)


def test_a_result_without_its_models_is_not_reused(
    finished: Path, tiny_teacher: Path, tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(finished, tmp_path / "copy")
    shutil.rmtree(copy / "models")
    arguments = ("run", "--teacher", tiny_teacher, "--data", tiny_data, *SMALL, "--output", copy, "--reuse")
    assert "already holds a result" in refused(capsys, *arguments)


@pytest.mark.parametrize("name", ["~nosuchuser/model", "x" * 300])
def test_paths_that_can_be_none(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    for arguments in (("--teacher", name, "--output", tmp_path), ("--data", name, "--output", tmp_path)):
        refused(capsys, "run", *arguments)
    refused(capsys, "run", "--output", tmp_path / ("y" * 300))


def test_bytes_no_terminal_could_decode(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["classify", "bundled", "http://a.example/\udcff", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["label"]


def test_notes_about_the_data_are_told(tiny_teacher: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny.save_csv(tmp_path / "test.csv", [*tiny.urls(16), ("", 1)])
    assert main(["evaluate", str(tiny_teacher), "--data", str(tmp_path), "--json"]) == 0
    assert "1 row was skipped" in capsys.readouterr().err

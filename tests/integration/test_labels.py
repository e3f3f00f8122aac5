"""Teachers of many classes and data of other names, from recipe to verdict: pipeline, command line, page and Hub."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from compression import pipeline
from compression.__main__ import main
from compression.export.card import card
from compression.models.classifier import load_classifier, logits_of
from compression.recipe import nest, parse
from compression.result import Result
from compression.runs import Runs, RunStore
from compression.ui import form
from compression.ui.handlers import Handlers
from compression.ui.visitor import NOBODY

CLASSES = {0: "malware", 1: "benign", 2: "phishing", 3: "<i>defacement</i>"}
CHOSEN, GROUP = "malware, phishing, <I>Defacement</I>", [0, 2, 3]
SMALL = {"student.layers": 1, "distillation.epochs": 1, "distillation.max_length": 48, "device": "cpu"}
SMALL |= {"training.precision": "fp32", "quantization": "none"}
URL = "http://login-verify7.account.test/secure?id=7"
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_model(tmp_path_factory.mktemp("many") / "teacher", num_labels=4, id2label=CLASSES)


@pytest.fixture(scope="module")
def finished(teacher: Path, tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run with the teacher of four classes, made through the command line."""
    folder = tmp_path_factory.mktemp("finished") / "run"
    settings = [f"--set={key}={value}" for key, value in SMALL.items()]
    arguments = ["--teacher", teacher, "--data", tiny_data, f"--set=labels.not_safe={CHOSEN}", "--output", folder]
    assert main(["run", *map(str, arguments), *settings]) == 0
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    """Runs that really run."""
    store = RunStore(tmp_path / "home")
    started = Runs(store, pipeline.run)
    started.start()
    yield started
    started.stop(PATIENCE_S)
    store.close()


@pytest.fixture
def act(runs: Runs) -> Handlers:
    """What the page does."""
    return Handlers(runs)


def values(teacher: object, data: object, **more: Any) -> dict[str, Any]:
    settings = {key: value for key, value in SMALL.items() if key != "quantization"}
    given = {"teacher": str(teacher), "data": str(data), "quantization.scheme": "none", **settings, **more}
    return {**form.preset_values("custom"), **given}


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """The one line on standard error of a command that ends with exit code 2."""
    assert main([str(argument) for argument in arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1), err
    return str(err)


def outputs(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert main([str(argument) for argument in arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def model_probability(folder: Path, url: str) -> float:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    loaded = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    inputs = AutoTokenizer.from_pretrained(folder)(url, return_tensors="pt", return_token_type_ids=False)
    with torch.inference_mode():
        return float(torch.softmax(loaded(**inputs).logits[0].double(), dim=0)[GROUP].sum())


def test_a_run_with_a_teacher_of_four_classes(finished: Path, tiny_data: Path) -> None:
    result = Result.read(finished)
    assert result.config.labels.not_safe == CHOSEN
    for name in ("student", "compressed"):
        stored = json.loads((finished / "models" / name / "config.json").read_text())
        assert stored["id2label"] == {"0": "Safe", "1": "Not Safe"}
        assert logits_of(load_classifier(finished / "models" / name, torch.device("cpu")), [URL]).shape == (1, 2)
    assert pipeline.reusable(result.config, finished) is not None
    other = parse(result.config.model_dump(), nest([("labels.not_safe", "2")]))
    assert pipeline.reusable(other, finished) is None


def test_evaluate_takes_the_teachers_classes(
    finished: Path, teacher: Path, tiny_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stated = json.loads((finished / "result.json").read_text())["models"]["teacher"]["metrics"]["test"]
    found = outputs(capsys, "evaluate", teacher, "--data", tiny_data, "--not-safe", "0,2,3", "--json")
    assert {key: found[key] for key in stated} == stated


def test_classify_takes_the_models_classes(teacher: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = outputs(capsys, "classify", teacher, URL, "--not-safe", CHOSEN, "--json")
    assert found["probability"] == pytest.approx(model_probability(teacher, URL), abs=1e-6)


def test_the_card_says_which_classes_counted(finished: Path) -> None:
    text = card(Result.read(finished), "student", "me/it")
    (line,) = [line for line in text.splitlines() if "with the sum of their probabilities" in line]
    assert line.startswith("Of the teacher's classes, `malware, phishing, I Defacement /I` count as `Not Safe`")


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        (None, "has 4 classes: 0 'malware', 1 'benign', 2 'phishing'"),
        ("spam", "has no class 'spam'"),
        ("0,1,2,3", "All of the classes"),
    ],
)
def test_every_command_refuses_classes_it_cannot_tell_apart(
    teacher: Path, tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], chosen: str | None, words: str
) -> None:
    given = ("--not-safe", chosen) if chosen else ()
    for arguments in (
        ("run", "--teacher", teacher, "--data", tiny_data, "--output", tmp_path / "run"),
        ("evaluate", teacher, "--data", tiny_data),
        ("classify", teacher, URL),
    ):
        sentence = refused(capsys, *arguments, *given)
        assert words in sentence
        assert "--not-safe CLASSES, or labels.not_safe in the recipe" in sentence
    assert not (tmp_path / "run").exists()


def test_a_class_of_one_is_refused_everywhere(
    act: Handlers, tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lone = tiny.save_model(tmp_path / "one", num_labels=1, id2label={0: "score"})
    assert "only one class" in refused(capsys, "classify", lone, URL)
    assert "only one class" in refused(capsys, "run", "--teacher", lone, "--output", tmp_path / "run")
    assert "only one class" in act.start(NOBODY, values(lone, tiny_data))["message"]


def test_the_page_refuses_in_its_own_words_and_shows_the_classes(act: Handlers, teacher: Path, tiny_data: Path) -> None:
    unsettled = values(teacher, tiny_data)
    for sentence in (act.start(NOBODY, unsettled)["message"], act.assess(unsettled)["estimate"]):
        assert "has 4 classes" in sentence
        assert "“Teacher&#x27;s classes that mean Not Safe”" in sentence
    wrong = act.start(NOBODY, values(teacher, tiny_data, **{"labels.not_safe": "spam"}))["message"]
    assert "has no class &#x27;spam&#x27;" in wrong
    seen = act.preview(NOBODY, unsettled)["preview"]
    assert seen.count("To be chosen") == 4
    assert "&lt;i&gt;defacement&lt;/i&gt;" in seen
    assert "Say which of them mean Not Safe" in seen


def test_the_page_runs_and_classifies_with_the_choice(
    act: Handlers, runs: Runs, teacher: Path, tiny_data: Path
) -> None:
    settled = values(teacher, tiny_data, **{"labels.not_safe": CHOSEN})
    seen = act.preview(NOBODY, settled)["preview"]
    assert seen.count("<td>Not Safe</td>") >= 3
    assert "To be chosen" not in seen
    started = act.start(NOBODY, settled)
    assert started["message"] == ""
    done = runs.wait(started["viewing"], PATIENCE_S)
    assert done is not None
    assert done.result, done.error
    verdicts = act.classify(started["viewing"], URL)["verdicts"]
    assert verdicts.count("<p>Probability of phishing") == 3
    assert f"<p>Probability of phishing: {100 * model_probability(teacher, URL):.1f} %" in verdicts

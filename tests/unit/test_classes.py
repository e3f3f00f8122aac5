"""Classes of any naming, order and number become Safe and Not Safe, by their words or by an explicit choice."""

from pathlib import Path

import pytest
import tiny
import torch
from transformers import BertConfig

from compression.config import Pretrained, TeacherLayers
from compression.errors import CompressionError, ConfigError, ModelError
from compression.measure.size import estimate
from compression.models.classes import not_safe_classes, two_logits
from compression.models.classifier import ARCHITECTURES, load_classifier, logits_of
from compression.models.student import build_student
from compression.pipeline import check
from compression.predict.predictor import Predictor, classify
from compression.recipe import nest, parse

CPU = torch.device("cpu")
TEXTS = [text for text, _ in tiny.urls(12)]
THREE = ("benign", "phishing", "malware")
FOUR = ("phishing", "benign", "malware", "defacement, or worse")


def config(*names: str, **changes: object) -> BertConfig:
    return BertConfig(id2label=dict(enumerate(names)), **changes)


def model(folder: Path, names: tuple[str, ...], architecture: str = "bert") -> Path:
    return tiny.save_model(folder, architecture, num_labels=len(names), id2label=dict(enumerate(names)))


def raw_probabilities(folder: Path) -> torch.Tensor:
    """The model's own softmax, class by class, one text at a time."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    loaded = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    rows = []
    with torch.inference_mode():
        for text in TEXTS:
            inputs = tokenizer(text, return_tensors="pt", truncation=True, return_token_type_ids=False)
            rows.append(loaded(**inputs).logits[0])
    return torch.softmax(torch.stack(rows).double(), dim=1)


@pytest.mark.parametrize(
    ("names", "index"),
    [
        (("Safe", "Not Safe"), 1),
        (("phishing", "benign"), 0),
        (("LABEL_0", "LABEL_1"), 1),
        (("MALICIOUS", "other"), 0),
        (("other", "legitimate"), 0),
        (("other", "another"), 1),
        (("not_safe", "safe"), 0),
        (("1", "0"), 0),
    ],
)
def test_two_classes_are_told_apart_by_their_words(names: tuple[str, str], index: int) -> None:
    assert not_safe_classes(config(*names), None, "It") == (index,)


@pytest.mark.parametrize(
    ("names", "chosen", "indices"),
    [
        (("Safe", "Not Safe"), "Safe", (0,)),
        (("LABEL_0", "LABEL_1"), "label_0", (0,)),
        (THREE, "phishing, MALWARE", (1, 2)),
        (THREE, "1,2", (1, 2)),
        (THREE, " 2 ,phishing, 2,", (1, 2)),
        (FOUR, "defacement, or worse", (3,)),
        (FOUR, "0,2,3", (0, 2, 3)),
        (("1", "0", "2"), "1", (0,)),  # a name before a number
    ],
)
def test_a_choice_names_or_numbers_classes(names: tuple[str, ...], chosen: str, indices: tuple[int, ...]) -> None:
    assert not_safe_classes(config(*names), chosen, "It") == indices


@pytest.mark.parametrize(
    ("names", "chosen", "sentence"),
    [
        (THREE, "spyware", "It has no class 'spyware'; its classes are 0 'benign', 1 'phishing', 2 'malware'"),
        (THREE, "3", "It has no class '3'"),
        (THREE, "-1", "It has no class '-1'"),
        (THREE, "benign, phishing, 2", "All of the classes of It"),
        (THREE, " , ", "None of the classes of It"),
        (("Safe", "Not Safe"), "0,1", "All of the classes"),
    ],
)
def test_a_wrong_choice_is_refused_with_the_classes_there_are(
    names: tuple[str, ...], chosen: str, sentence: str
) -> None:
    with pytest.raises(ConfigError, match=sentence) as refused:
        not_safe_classes(config(*names), chosen, "It")
    assert refused.value.key == "labels.not_safe"
    assert "labels.not_safe" in str(refused.value)


def test_more_than_two_classes_need_a_choice() -> None:
    with pytest.raises(ModelError, match=r"3 classes: 0 'benign', 1 'phishing', 2 'malware'.*--not-safe.*labels.not_s"):
        not_safe_classes(config(*THREE), None, "It")


@pytest.mark.parametrize("chosen", [None, "0"])
def test_one_class_is_none(chosen: str | None) -> None:
    with pytest.raises(ModelError, match="only one class"):
        not_safe_classes(config("score"), chosen, "It")


@pytest.mark.parametrize("chosen", [None, "1,2"])
def test_classes_that_do_not_exclude_each_other_have_no_sum(chosen: str | None) -> None:
    with pytest.raises(ModelError, match="several classes"):
        not_safe_classes(config(*THREE, problem_type="multi_label_classification"), chosen, "It")


def test_two_logits_stay_as_they_are_bit_for_bit() -> None:
    logits = torch.randn(50, 2) * 30
    assert torch.equal(two_logits(logits, (1,)), logits)
    assert torch.equal(two_logits(logits, (0,)), logits.flip(1))


def test_extreme_logits_stay_finite() -> None:
    logits = torch.tensor([[3e38, -3e38, 1e38], [-200.0, -300.0, -400.0]])
    assert torch.isfinite(two_logits(logits, (1, 2))).all()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize(
    ("names", "chosen", "group"), [(THREE, "phishing,malware", [1, 2]), (FOUR, "0,2,3", [0, 2, 3])]
)
def test_the_probability_of_not_safe_is_the_sum_over_its_classes(
    tmp_path: Path, architecture: str, names: tuple[str, ...], chosen: str, group: list[int]
) -> None:
    folder = model(tmp_path / "m", names, architecture)
    expected = raw_probabilities(folder)[:, group].sum(dim=1)
    assert expected.std() > 1e-3
    found = Predictor(load_classifier(folder, CPU, not_safe=chosen)).probabilities(TEXTS)
    assert abs(torch.from_numpy(found) - expected).max() < 1e-6
    assert classify(TEXTS[0], {"teacher": folder}, {"teacher": chosen})["teacher"].probability == pytest.approx(
        float(expected[0]), abs=1e-6
    )


def test_another_choice_is_another_verdict_of_the_same_folder(tmp_path: Path) -> None:
    folder = model(tmp_path / "m", THREE)
    first, rest = (classify(TEXTS[0], {"m": folder}, {"m": chosen})["m"].probability for chosen in ("0", "1,2"))
    assert first + rest == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_student_copied_from_many_classes_has_two_and_starts_near_the_teacher(
    tmp_path: Path, architecture: str
) -> None:
    """Near: the head is the first-order sum, so where the classes of a group are alike it is the teacher."""
    teacher = load_classifier(model(tmp_path / "m", FOUR, architecture), CPU, not_safe="0,2,3")
    student = build_student(TeacherLayers(), teacher, max_length=64, seed=0)
    assert student.model.config.id2label == {0: "Safe", 1: "Not Safe"}
    head = [m for m in teacher.model.modules() if isinstance(m, torch.nn.Linear) and m.out_features == 4][-1]
    with torch.no_grad():
        for parameter in (head.weight, head.bias):
            parameter[2:] = parameter[0]
    alike = build_student(TeacherLayers(), teacher, max_length=64, seed=0)
    assert torch.allclose(logits_of(alike, TEXTS), logits_of(teacher, TEXTS), atol=1e-5)
    assert not torch.allclose(logits_of(student, TEXTS), logits_of(teacher, TEXTS), atol=1e-5)


def test_a_base_of_many_classes_gets_a_new_head_of_two(tmp_path: Path, tiny_teacher: Path) -> None:
    base = model(tmp_path / "base", FOUR, "distilbert")
    student = build_student(Pretrained(base=str(base)), load_classifier(tiny_teacher, CPU), max_length=48, seed=0)
    assert logits_of(student, TEXTS).shape == (len(TEXTS), 2)


@pytest.mark.parametrize("ask", [check, estimate])
@pytest.mark.parametrize(
    ("names", "chosen", "sentence"),
    [
        (THREE, None, "has 3 classes"),
        (THREE, "evil", "has no class 'evil'"),
        (("score",), None, "only one class"),
    ],
)
def test_a_recipe_is_refused_before_anything_is_loaded(
    tmp_path: Path, ask: object, names: tuple[str, ...], chosen: str | None, sentence: str
) -> None:
    recipe = parse(nest([("teacher", str(model(tmp_path / "m", names))), ("labels.not_safe", chosen)]))
    (tmp_path / "m" / "model.safetensors").write_bytes(b"")
    with pytest.raises(CompressionError, match=sentence):
        ask(recipe)

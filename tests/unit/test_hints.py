"""Hidden states and attention maps: the losses on known cases, the layer maps, every architecture taught by them."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from transformers import PreTrainedTokenizerFast

from compression.config import RunConfig
from compression.errors import ConfigError
from compression.events import Event, TrainingStep
from compression.methods.hints import attention_loss, hidden_loss, layer_map
from compression.methods.training import Lesson, train
from compression.models.classifier import ARCHITECTURES, Classifier, load_classifier, logits_of
from compression.recipe import nest, parse
from compression.result import Metrics

CPU = torch.device("cpu")
TEXTS = tuple(text for text, _ in tiny.urls(16))
UNKNOWN = (-1,) * 16
NOTHING = Metrics(
    accuracy=0, precision=None, recall=None, f1=None, roc_auc=None, examples=1, confusion=((1, 0), (0, 0))
)


@pytest.mark.parametrize(
    ("student", "teacher", "expected"),
    [(4, 12, (3, 6, 9, 12)), (3, 3, (1, 2, 3)), (1, 6, (6,)), (4, 6, (2, 3, 4, 6)), (6, 2, (1, 1, 1, 1, 2, 2))],
)
def test_layers_are_mapped_evenly(student: int, teacher: int, expected: tuple[int, ...]) -> None:
    assert layer_map(None, student, teacher) == expected


def test_a_chosen_map_is_taken() -> None:
    assert layer_map("2,5", 2, 6) == (2, 5)


@pytest.mark.parametrize("chosen", ["2", "1,2,3", "0,2", "2,7"])
def test_a_map_that_does_not_fit_says_what_would(chosen: str) -> None:
    with pytest.raises(ConfigError, match="Give 2 numbers from 1 to 6") as refused:
        layer_map(chosen, 2, 6)
    assert refused.value.key == "distillation.layer_map"


def test_padding_has_no_hidden_loss() -> None:
    student = torch.tensor([[[1.0, 2.0], [3.0, 3.0], [90.0, 90.0]]])
    teacher = torch.tensor([[[1.0, 0.0], [3.0, 5.0], [-9.0, 0.0]]])
    assert hidden_loss(student, teacher, torch.tensor([[1, 1, 0]])).item() == pytest.approx((4 + 4) / 4)


def test_other_tokens_are_compared_by_their_mean_and_the_first() -> None:
    student = torch.tensor([[[1.0], [3.0]]])
    teacher = torch.tensor([[[2.0], [4.0], [6.0], [50.0]]])
    found = hidden_loss(student, teacher, torch.tensor([[1, 1]]), torch.tensor([[1, 1, 1, 0]]))
    assert found.item() == pytest.approx(((1 - 2) ** 2 + (2 - 4) ** 2) / 2)


def test_attention_is_compared_between_real_tokens() -> None:
    student = torch.zeros(1, 2, 3, 3)
    teacher = torch.zeros(1, 2, 3, 3)
    teacher[0, 0, 0, 1] = 1.0
    teacher[0, 1, 2, 2] = 9.0  # padding
    assert attention_loss(student, teacher, torch.tensor([[1, 1, 0]])).item() == pytest.approx(1 / 8)


def test_other_numbers_of_heads_are_compared_by_their_means() -> None:
    student, teacher = torch.full((1, 1, 2, 2), 0.5), torch.zeros(1, 2, 2, 2)
    teacher[0, 0] = 1.0
    assert attention_loss(student, teacher, torch.ones(1, 2)).item() == 0


def recipe(**settings: Any) -> RunConfig:
    quick = {"batch_size": 8, "max_length": 48, "learning_rate": 3e-3, "soft_weight": 1.0}
    chosen = [(f"distillation.{name}", value) for name, value in (quick | settings).items()]
    return parse(nest([("device", "cpu"), ("training.precision", "fp32"), *chosen]))


def taught(student: Classifier, teacher: Classifier, config: RunConfig, epochs: int = 1) -> list[TrainingStep]:
    seen: list[Event] = []
    lesson = Lesson(TEXTS, UNKNOWN, logits_of(teacher, TEXTS))
    options: dict[str, Any] = {"stage": "distill", "epochs": epochs, "teacher": teacher}
    rate = config.distillation.learning_rate
    train(student, lesson, lambda s: NOTHING, config, seen.append, learning_rate=rate, **options)
    return [event for event in seen if isinstance(event, TrainingStep)]


def hint(step: TrainingStep) -> float:
    return step.loss - step.soft_loss


def calm(folder: Path, architecture: str = "bert", **changes: Any) -> Classifier:
    """A model without dropout, which answers the same in training as afterwards."""
    bert = ("hidden_dropout_prob", "attention_probs_dropout_prob")
    names = ("dropout", "attention_dropout", "seq_classif_dropout") if architecture == "distilbert" else bert
    return load_classifier(tiny.save_model(folder, architecture, **dict.fromkeys(names, 0.0), **changes), CPU)


@pytest.mark.parametrize("weights", [{"hidden_weight": 1.0}, {"attention_weight": 1.0}])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_copy_of_the_teacher_has_nothing_to_learn_and_others_learn(
    tmp_path: Path, architecture: str, weights: dict[str, float]
) -> None:
    teacher = calm(tmp_path / "teacher", architecture)
    first, *_ = taught(deepcopy(teacher), teacher, recipe(**weights))
    assert first.loss == pytest.approx(0, abs=1e-6)
    student = calm(tmp_path / "student", architecture, seed=1, num_hidden_layers=1)
    steps = taught(student, teacher, recipe(**dict.fromkeys(weights, 1000.0), learning_rate=1e-2), epochs=6)
    assert 0 < hint(steps[-1]) < 0.9 * hint(steps[0])


def test_a_narrower_student_with_other_heads_learns_both(tmp_path: Path) -> None:
    teacher = calm(tmp_path / "teacher")
    student = calm(tmp_path / "student", hidden_size=32, num_attention_heads=2)
    names = set(student.model.state_dict())
    steps = taught(student, teacher, recipe(hidden_weight=1.0, attention_weight=1.0), epochs=4)
    assert hint(steps[-1]) < hint(steps[0])
    assert set(student.model.state_dict()) == names  # the projections do not stay


def test_hints_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    teacher = calm(tmp_path / "teacher")
    calm(tmp_path / "student", hidden_size=32)
    runs = [taught(load_classifier(tmp_path / "student", CPU), teacher, recipe(hidden_weight=1.0)) for _ in range(2)]
    assert runs[0] == runs[1]


def test_the_teacher_stays_as_it_is(tmp_path: Path) -> None:
    teacher = calm(tmp_path / "teacher")
    before, way = logits_of(teacher, TEXTS), teacher.model.config._attn_implementation
    student = calm(tmp_path / "student", seed=1)
    taught(student, teacher, recipe(hidden_weight=1.0, attention_weight=1.0))
    assert torch.equal(logits_of(teacher, TEXTS), before)
    assert teacher.model.config._attn_implementation == student.model.config._attn_implementation == way == "sdpa"
    assert all(parameter.grad is None for parameter in teacher.model.parameters())


def other_words(classifier: Classifier) -> Classifier:
    """The same model with a tokenizer whose ids mean other characters, and which knows fewer words."""
    tokenizer = tiny.tokenizer()
    content = tokenizer.backend_tokenizer.to_str().replace('"https"', '"zzzzz"')
    names = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    inner = type(tokenizer.backend_tokenizer).from_str(content)
    other = PreTrainedTokenizerFast(tokenizer_object=inner, model_max_length=64, **names)
    return Classifier(classifier.model, other, 64)


def test_with_other_tokens_hidden_states_teach_and_attention_is_refused(tmp_path: Path) -> None:
    teacher = calm(tmp_path / "teacher")
    student = other_words(calm(tmp_path / "student", seed=1))
    assert student.tokenize(TEXTS) != teacher.tokenize(TEXTS)
    steps = taught(student, teacher, recipe(hidden_weight=1.0), epochs=4)
    assert hint(steps[-1]) < hint(steps[0])
    with pytest.raises(ConfigError, match="do not read the same tokens") as refused:
        taught(student, teacher, recipe(attention_weight=1.0))
    assert refused.value.key == "distillation.attention_weight"


def test_no_weight_no_hint(tmp_path: Path) -> None:
    teacher = calm(tmp_path / "teacher")
    steps = taught(calm(tmp_path / "student", seed=1), teacher, recipe(layer_map="9"))
    assert [hint(step) for step in steps] == [0.0, 0.0]

"""What structured pruning leaves: how many of each, which ones, and what it refuses."""

from pathlib import Path

import pytest
import tiny
import torch

from compression.config import StructuredConfig
from compression.errors import ConfigError, ModelError
from compression.methods.importance import LayerImportance, mean_loss
from compression.methods.structured import heads_left, kept, neurons_left, plan_structured, remove
from compression.models.classifier import Classifier, load_classifier, read_config
from compression.models.shapes import apply_shapes, heads_of, is_standard, layers_of, set_layers

CPU = torch.device("cpu")
TEXTS, LABELS = zip(*tiny.urls(16), strict=True)


@pytest.mark.parametrize(
    ("heads", "share", "left"), [(12, 0.5, 6), (12, 0.9, 1), (12, 0.01, 12), (10, 0.9, 1), (4, 0.125, 3), (2, 0.9, 1)]
)
def test_the_nearest_number_of_heads_goes_and_one_stays(heads: int, share: float, left: int) -> None:
    assert heads_left(heads, share) == left


@pytest.mark.parametrize(
    ("neurons", "share", "left"),
    [
        (768, 0.5, 384),
        (1536, 0.3, 1088),  # 1075.2 stay, up to a multiple of 64
        (640, 0.9, 64),
        (128, 0.75, 32),  # fewer than 64 are left: a multiple of 8
        (100, 0.5, 56),  # was none of 64
        (20, 0.95, 8),
        (4, 0.5, 4),
    ],
)
def test_the_neurons_left_are_rounded_up_to_a_size_that_runs_well(neurons: int, share: float, left: int) -> None:
    assert neurons_left(neurons, share) == left


def test_the_plan_needs_no_weights(tiny_teacher: Path) -> None:
    config = read_config(tiny_teacher)
    planned = plan_structured(StructuredConfig(heads=0.5, neurons=0.5, layers=1), config)
    assert (planned.num_hidden_layers, heads_of(planned), planned.intermediate_size) == (1, 2, 64)
    assert (config.num_hidden_layers, heads_of(config), config.intermediate_size) == (2, 4, 128)
    assert planned.num_attention_heads == 4  # so that the standard class builds, with the right head size
    assert planned.compression["heads"] == 2
    assert planned.compression["head_size"] == 16
    assert is_standard(config)
    assert not is_standard(planned)
    assert is_standard(plan_structured(StructuredConfig(neurons=0.5, layers=1), config))


@pytest.mark.parametrize(
    ("settings", "key", "words"),
    [
        ({"layers": 2}, "structured.layers", "has 2 and one must stay. Use 1 at most"),
        ({"layers": 9}, "structured.layers", "Use 1 at most"),
        ({"heads": 0.1}, "structured.heads", "none of the 4 heads of a layer. Use 0.13 or more, or 0"),
        ({"neurons": 0.2}, "structured.neurons", "none of the 128 neurons of a layer. Use 0.5 or more, or 0"),
    ],
)
def test_more_than_there_is_and_nothing_at_all_are_refused(
    tiny_teacher: Path, settings: dict[str, float], key: str, words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        plan_structured(StructuredConfig(**settings), read_config(tiny_teacher))  # type: ignore[arg-type]
    assert caught.value.key == key


def test_a_single_head_stays(tmp_path: Path) -> None:
    config = read_config(tiny.save_model(tmp_path / "m", num_attention_heads=1))
    with pytest.raises(ConfigError, match=r"none of the 1 heads of a layer\. Use 0"):
        plan_structured(StructuredConfig(heads=0.9), config)


def test_the_most_important_stay_in_their_order(monkeypatch: pytest.MonkeyPatch, tiny_teacher: Path) -> None:
    student = load_classifier(tiny_teacher, CPU)
    worth = [
        LayerImportance(torch.tensor([4.0, 1.0, 2.0, 3.0]), torch.arange(128).float()),
        LayerImportance(torch.tensor([1.0, 1.0, 1.0, 1.0]), -torch.arange(128).float()),
    ]
    monkeypatch.setattr("compression.methods.structured.structure_importance", lambda *_: worth)
    planned = plan_structured(StructuredConfig(heads=0.5, neurons=0.5), student.model.config)
    heads, neurons = kept(student, planned, "taylor", TEXTS, LABELS)
    assert [h.tolist() for h in heads] == [[0, 3], [0, 1]]
    assert [n.tolist() for n in neurons] == [list(range(64, 128)), list(range(64))]


def without(student: Classifier, layer: int) -> float:
    layers = list(layers_of(student.model))
    set_layers(student.model, layers[:layer] + layers[layer + 1 :])
    loss = mean_loss(student, TEXTS, LABELS)
    set_layers(student.model, layers)
    return loss


def test_the_layer_goes_without_which_the_loss_is_lowest(tmp_path: Path) -> None:
    student = load_classifier(tiny.save_model(tmp_path / "m", num_hidden_layers=4), CPU)
    losses = [without(student, layer) for layer in range(4)]
    smaller = remove(student, StructuredConfig(layers=1), TEXTS, LABELS, seed=0)
    least = losses.index(min(losses))
    expected = [layer.attention.self.query.weight for n, layer in enumerate(layers_of(student.model)) if n != least]
    assert all(
        torch.equal(layer.attention.self.query.weight, weight)
        for layer, weight in zip(layers_of(smaller.model), expected, strict=True)
    )
    assert mean_loss(smaller, TEXTS, LABELS) == pytest.approx(min(losses))


def test_the_student_stays_as_it_is_and_the_same_seed_gives_the_same(tiny_teacher: Path) -> None:
    student = load_classifier(tiny_teacher, CPU)
    before = {name: weight.clone() for name, weight in student.model.state_dict().items()}
    settings = StructuredConfig(heads=0.25, neurons=0.5, layers=1)
    smaller, again = (remove(student, settings, TEXTS, LABELS, seed=1).model.state_dict() for _ in range(2))
    assert all(torch.equal(weight, before[name]) for name, weight in student.model.state_dict().items())
    assert (student.model.config.num_hidden_layers, is_standard(student.model.config)) == (2, True)
    assert all(torch.equal(weight, again[name]) for name, weight in smaller.items())


def test_heads_can_be_taken_twice(tiny_teacher: Path) -> None:
    settings = StructuredConfig(heads=0.5)
    once = remove(load_classifier(tiny_teacher, CPU), settings, TEXTS, LABELS, seed=0)
    twice = remove(once, settings, TEXTS, LABELS, seed=0)
    assert (heads_of(once.model.config), heads_of(twice.model.config)) == (2, 1)
    mean_loss(twice, TEXTS, LABELS)


@pytest.mark.parametrize(
    "record",
    [{"heads": 9, "head_size": 16}, {"heads": 0, "head_size": 16}, {"heads": "2"}, {"heads": 2, "head_size": 7}],
)
def test_a_record_that_cannot_be_is_refused(tiny_teacher: Path, record: dict[str, object]) -> None:
    model = load_classifier(tiny_teacher, CPU).model
    model.config.compression = record
    with pytest.raises(ModelError, match=r"at most 4 of size 16\. Save the model again"):
        apply_shapes(model, model.config)

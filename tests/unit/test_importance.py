"""What weights, heads and neurons are worth, against cases worked out by hand and against the definition."""

from pathlib import Path

import pytest
import tiny
import torch

from compression.methods.importance import (
    diagonal_fisher,
    fisher_of,
    gate_gradients,
    mean_loss,
    saliency,
    sample,
    structure_importance,
    weight_importance,
)
from compression.models.classifier import Classifier, load_classifier
from compression.models.shapes import blocks

CPU = torch.device("cpu")
TEXTS, LABELS = zip(*tiny.urls(12), strict=True)
HEAD_SIZE = tiny.HIDDEN // tiny.HEADS


@pytest.fixture(scope="module")
def classifier(tiny_teacher: Path) -> Classifier:
    return load_classifier(tiny_teacher, CPU)


def test_fisher_of_a_line_through_two_points_is_known_by_hand() -> None:
    """Loss ½(w·x − y)² has gradient (w·x − y)·x: at w = (1, 2) these are (−2, 0) and (3, 6)."""
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    points = [(torch.tensor([1.0, 0.0]), 3.0), (torch.tensor([1.0, 2.0]), 2.0)]
    fisher = diagonal_fisher((0.5 * (w @ x - y) ** 2 for x, y in points), {"w": w})
    assert fisher["w"].tolist() == [(4 + 9) / 2, (0 + 36) / 2]
    assert saliency(w.detach(), fisher["w"]).tolist() == [0.5 * 6.5 * 1, 0.5 * 18 * 4]


def test_saliency_is_the_loss_a_weight_at_its_minimum_costs_where_the_loss_is_a_parabola() -> None:
    """L = ½ Σ hᵢ(wᵢ − aᵢ)², with h for the Fisher: without weight i the loss rises by ½ hᵢ aᵢ²."""
    h, a = torch.tensor([3.0, 0.5]), torch.tensor([0.2, -4.0])
    without = [float(0.5 * (h * (a * kept - a) ** 2).sum()) for kept in torch.eye(2).logical_not().float()]
    assert saliency(a, h).tolist() == pytest.approx(without)


def test_fisher_is_the_mean_over_examples_of_squared_gradients_and_leaves_the_model_alone(
    classifier: Classifier,
) -> None:
    name = "bert.encoder.layer.0.intermediate.dense.weight"
    weight = dict(classifier.model.named_parameters())[name]
    expected = torch.zeros_like(weight)
    for text, label in zip(TEXTS, LABELS, strict=True):
        inputs = classifier.tokenizer(text, return_tensors="pt", return_token_type_ids=False)
        loss = torch.nn.functional.cross_entropy(classifier.model(**inputs).logits, torch.tensor([label]))
        expected += torch.autograd.grad(loss, weight)[0].square() / len(TEXTS)
    torch.testing.assert_close(fisher_of(classifier, [name], TEXTS, LABELS)[name], expected)
    assert weight.grad is None


def test_a_gate_sums_gradient_times_weight_over_the_weights_that_read_it(classifier: Classifier) -> None:
    gradients = gate_gradients(classifier, TEXTS, LABELS)
    for number, block in enumerate(blocks(classifier.model)):
        both = block.output.weight, block.outer.weight
        names = [n for n, p in classifier.model.named_parameters() if any(p is weight for weight in both)]
        readers = {name: dict(classifier.model.named_parameters())[name] for name in names}
        inputs = classifier.tokenizer(list(TEXTS), padding=True, return_tensors="pt", return_token_type_ids=False)
        loss = torch.nn.functional.cross_entropy(
            classifier.model(**inputs).logits, torch.tensor(LABELS), reduction="sum"
        )
        output, outer = (
            (weight * gradient).sum(0)
            for weight, gradient in zip(
                readers.values(), torch.autograd.grad(loss, list(readers.values())), strict=True
            )
        )
        heads, neurons = gradients[number]
        torch.testing.assert_close(heads.sum(0), output.view(-1, HEAD_SIZE).sum(1), atol=1e-5, rtol=1e-3)
        torch.testing.assert_close(neurons.sum(0), outer, atol=1e-5, rtol=1e-3)


def test_every_text_has_a_gradient_of_its_own(classifier: Classifier) -> None:
    together = gate_gradients(classifier, TEXTS, LABELS)[0][0]
    alone = torch.cat([gate_gradients(classifier, [t], [y])[0][0] for t, y in zip(TEXTS, LABELS, strict=True)])
    torch.testing.assert_close(together.sort(0).values, alone.sort(0).values, atol=1e-6, rtol=1e-3)


@pytest.mark.parametrize("importance", ["magnitude", "taylor", "fisher"])
def test_what_says_nothing_is_worth_least(importance: str, tiny_teacher: Path) -> None:
    mute = load_classifier(tiny_teacher, CPU)
    block = blocks(mute.model)[1]
    with torch.no_grad():
        block.output.weight[:, 2 * HEAD_SIZE : 3 * HEAD_SIZE] = 0
        block.outer.weight[:, 5] = 0
        for projection in block.projections:
            projection.weight[2 * HEAD_SIZE : 3 * HEAD_SIZE] = 0
        block.inner.weight[5] = 0
    worth = structure_importance(mute, importance, TEXTS, LABELS)[1]  # type: ignore[arg-type]
    assert (worth.heads.shape, worth.neurons.shape) == ((tiny.HEADS,), (tiny.FEED_FORWARD,))
    assert (int(worth.heads.argmin()), int(worth.neurons.argmin())) == (2, 5)
    assert worth.heads[2] == worth.neurons[5] == 0


def test_magnitude_of_a_structure_is_the_norm_of_all_it_takes_along(classifier: Classifier) -> None:
    block = blocks(classifier.model)[0]
    rows = slice(HEAD_SIZE, 2 * HEAD_SIZE)
    head = torch.cat([*(p.weight[rows].flatten() for p in block.projections), block.output.weight[:, rows].flatten()])
    neuron = torch.cat([block.inner.weight[7], block.outer.weight[:, 7]])
    worth = structure_importance(classifier, "magnitude", TEXTS, LABELS)[0]
    torch.testing.assert_close(worth.heads[1], head.norm().detach())
    torch.testing.assert_close(worth.neurons[7], neuron.norm().detach())


def test_an_unknown_label_counts_as_what_the_model_answers(classifier: Classifier) -> None:
    inputs = classifier.tokenizer(TEXTS[0], return_tensors="pt", return_token_type_ids=False)
    answer = int(classifier.model(**inputs).logits.argmax())
    assert mean_loss(classifier, TEXTS[:1], [-1]) == mean_loss(classifier, TEXTS[:1], [answer])


def test_scores_follow_the_weights_as_they_change(classifier: Classifier) -> None:
    name = "bert.pooler.dense.weight"
    weights = {name: dict(classifier.model.named_parameters())[name].detach()}
    doubled = {name: 2 * weights[name]}
    for importance, factor in (("magnitude", 2), ("fisher", 4)):
        score = weight_importance(importance, classifier, [name], TEXTS, LABELS, seed=0)  # type: ignore[arg-type]
        torch.testing.assert_close(score(doubled)[name], factor * score(weights)[name])


def test_the_sample_is_drawn_by_its_seed() -> None:
    rows = sample(TEXTS, LABELS, seed=3, count=5)
    assert rows == sample(TEXTS, LABELS, seed=3, count=5) != sample(TEXTS, LABELS, seed=4, count=5)
    assert set(zip(*rows, strict=True)) < set(zip(TEXTS, LABELS, strict=True))
    assert len(sample(TEXTS, LABELS, seed=0)[0]) == len(TEXTS)

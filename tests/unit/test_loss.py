"""The distillation loss on cases whose answer is known."""

import pytest
import torch
from torch.nn.functional import cross_entropy

from compression.errors import ConfigError
from compression.methods.distill import distillation_loss

LOGITS = torch.tensor([[2.0, -1.0], [0.3, 0.1], [-4.0, 5.0]])
OTHER = torch.tensor([[0.0, 1.0], [3.0, -2.0], [1.0, 1.0]])
LABELS = torch.tensor([0, 1, 1])


def test_zero_when_student_is_the_teacher() -> None:
    loss = distillation_loss(LOGITS, LOGITS, LABELS, temperature=2.0, soft_weight=1.0)
    assert loss.total.item() == pytest.approx(0.0, abs=1e-7)


def test_cross_entropy_without_soft_targets() -> None:
    loss = distillation_loss(LOGITS, OTHER, LABELS, temperature=2.0, soft_weight=0.0)
    assert loss.total.item() == pytest.approx(cross_entropy(LOGITS, LABELS).item())


def test_is_the_weighted_sum_of_the_article() -> None:
    temperature, weight = 3.0, 0.3
    teacher = torch.softmax(OTHER / temperature, dim=-1)
    student = torch.softmax(LOGITS / temperature, dim=-1)
    divergence = (teacher * (teacher / student).log()).sum() / len(LABELS)
    expected = weight * temperature**2 * divergence + (1 - weight) * cross_entropy(LOGITS, LABELS)
    loss = distillation_loss(LOGITS, OTHER, LABELS, temperature, weight)
    assert loss.total.item() == pytest.approx(expected.item())
    assert loss.soft.item() == pytest.approx((temperature**2 * divergence).item())


def test_finite_at_extreme_logits() -> None:
    extreme = torch.tensor([[1e4, -1e4], [-1e4, 1e4], [0.0, 0.0]], requires_grad=True)
    loss = distillation_loss(extreme, -extreme.detach(), LABELS, temperature=0.5, soft_weight=0.5).total
    loss.backward()
    assert torch.isfinite(loss)
    assert extreme.grad is not None
    assert torch.isfinite(extreme.grad).all()


def test_gradient_size_does_not_depend_on_temperature() -> None:
    sizes = []
    for temperature in (10.0, 20.0):
        logits = (LOGITS * 0.1).requires_grad_()
        distillation_loss(logits, OTHER * 0.1, LABELS, temperature, 1.0).total.backward()
        assert logits.grad is not None
        sizes.append(logits.grad.norm().item())
    assert sizes[0] == pytest.approx(sizes[1], rel=0.01)


def test_rows_without_a_label_have_all_their_weight_on_the_teacher() -> None:
    temperature, weight = 3.0, 0.3
    rows = [distillation_loss(LOGITS[i : i + 1], OTHER[i : i + 1], LABELS[i : i + 1], temperature, 1) for i in range(3)]
    hard = [cross_entropy(LOGITS[i : i + 1], LABELS[i : i + 1]).item() for i in range(3)]
    soft = [row.soft.item() for row in rows]
    loss = distillation_loss(LOGITS, OTHER, torch.tensor([0, -1, 1]), temperature, weight)
    by_row = [weight * soft[0] + (1 - weight) * hard[0], soft[1], weight * soft[2] + (1 - weight) * hard[2]]
    assert loss.total.item() == pytest.approx(sum(by_row) / 3)
    assert loss.soft.item() == pytest.approx(sum(soft) / 3)
    assert loss.hard.item() == pytest.approx((hard[0] + hard[2]) / 2)


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0])
def test_without_any_label_the_soft_loss_is_all(weight: float) -> None:
    logits = LOGITS.clone().requires_grad_()
    loss = distillation_loss(logits, OTHER, torch.full((3,), -1), 2.0, weight)
    loss.total.backward()
    assert loss.hard.item() == 0
    assert loss.total.item() == pytest.approx(loss.soft.item())
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize(("temperature", "weight"), [(0.0, 0.5), (-1.0, 0.5), (2.0, -0.1), (2.0, 1.1)])
def test_refuses_what_has_no_meaning(temperature: float, weight: float) -> None:
    with pytest.raises(ConfigError):
        distillation_loss(LOGITS, OTHER, LABELS, temperature, weight)

"""Zeros: the exact share of them, that they hold while a model trains, and what they could save."""

from pathlib import Path

import pytest
import tiny
import torch
from safetensors.torch import save_model

from compression.config import PruningConfig
from compression.methods.importance import weight_importance
from compression.methods.prune import masks, matrices, sparsify, sparsity_at, stored
from compression.models.classifier import Classifier, load_classifier

CPU = torch.device("cpu")
TEXTS, LABELS = zip(*tiny.urls(8), strict=True)


@pytest.fixture
def student(tiny_teacher: Path) -> Classifier:
    return load_classifier(tiny_teacher, CPU)


def magnitude(student: Classifier):
    return weight_importance("magnitude", student, matrices(student.model), TEXTS, LABELS, 0)


class Training:
    """A fine-tuning of `steps` steps with an optimizer that has momentum; remembers the sparsity at each."""

    def __init__(self, student: Classifier, steps: int) -> None:
        self.student, self.steps, self.seen = student, steps, []

    def __call__(self, before_step) -> None:
        inputs = self.student.tokenizer(list(TEXTS), padding=True, return_tensors="pt", return_token_type_ids=False)
        optimizer = torch.optim.AdamW(self.student.model.parameters(), lr=1e-2, weight_decay=0.1)
        for step in range(self.steps):
            if before_step:
                before_step(step, self.steps)
            self.seen.append(zeros(self.student))
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(self.student.model(**inputs).logits, torch.tensor(LABELS)).backward()
            optimizer.step()


def zeros(student: Classifier) -> float:
    found = stored(student.model)
    return found.zeros / found.weights


def test_the_lowest_scores_go_over_all_matrices_or_in_each() -> None:
    scores = {"a": torch.tensor([[1.0, 2.0], [3.0, 4.0]]), "b": torch.tensor([5.0, 6.0, 0.5, 7.0])}
    overall = masks(scores, 0.5, "global")
    assert overall["a"].tolist() == [[False, False], [False, True]]
    assert overall["b"].tolist() == [True, True, False, True]
    apart = masks(scores, 0.5, "layer")
    assert apart["a"].tolist() == [[False, False], [True, True]]
    assert apart["b"].tolist() == [False, True, False, True]


@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("share", [0.0, 0.1, 1 / 3, 0.99])
def test_the_share_is_exact_where_scores_are_equal_too(share: float, scope: str) -> None:
    scores = {"a": torch.ones(10, 10), "b": torch.randn(7, 13).round()}
    kept = masks(scores, share, scope)  # type: ignore[arg-type]
    gone = {name: int((~mask).sum()) for name, mask in kept.items()}
    if scope == "layer":
        assert gone == {"a": round(share * 100), "b": round(share * 91)}
    assert abs(sum(gone.values()) - share * 191) <= 1


def test_the_cubic_schedule() -> None:
    """s(t) = s + (0 − s)(1 − t)³, t over the first three quarters of the steps."""
    assert [sparsity_at(step, 400, 0.8) for step in (0, 150, 300, 399)] == pytest.approx([0, 0.8 * 7 / 8, 0.8, 0.8])
    assert sparsity_at(0, 1, 0.8) == 0


def test_only_the_matrices_of_the_encoder_are_pruned(student: Classifier) -> None:
    before = {name: weight.clone() for name, weight in student.model.state_dict().items()}
    sparsify(student, PruningConfig(sparsity=0.6, epochs=0), magnitude(student), lambda _: pytest.fail("no epochs"))
    changed = {name for name, weight in student.model.state_dict().items() if not torch.equal(weight, before[name])}
    assert changed == set(matrices(student.model))
    assert not [name for name in changed if "embeddings" in name or "LayerNorm" in name or "classifier" in name]
    assert len(changed) == 6 * tiny.LAYERS + 1  # and the pooler
    assert stored(student.model).zeros == round(0.6 * stored(student.model).weights)
    kept = [weight[weight != 0] for weight in matrices(student.model).values()]
    assert all(
        torch.isin(weight, before[name]).all() for name, weight in zip(matrices(student.model), kept, strict=True)
    )


@pytest.mark.parametrize("schedule", ["one-shot", "gradual"])
@pytest.mark.parametrize("importance", ["magnitude", "fisher"])
def test_zeros_hold_while_the_student_trains(student: Classifier, schedule: str, importance: str) -> None:
    names = set(student.model.state_dict())
    training = Training(student, 20)
    weigh = weight_importance(importance, student, matrices(student.model), TEXTS, LABELS, 0)  # type: ignore[arg-type]
    settings = PruningConfig(sparsity=0.7, schedule=schedule, importance=importance)  # type: ignore[arg-type]
    before = {name: weight.detach().clone() for name, weight in matrices(student.model).items()}
    assert sparsify(student, settings, weigh, training) is student
    if schedule == "one-shot":
        assert training.seen == pytest.approx([0.7] * 20, abs=1e-4)
    else:
        assert training.seen == pytest.approx([sparsity_at(step, 20, 0.7) for step in range(20)], abs=1e-4)
        assert training.seen[15:] == pytest.approx([0.7] * 5, abs=1e-4)
    assert zeros(student) == pytest.approx(0.7, abs=1e-4)
    assert set(student.model.state_dict()) == names  # plain weights again, which any loader reads
    assert all(weight.requires_grad for weight in matrices(student.model).values())
    assert all(not torch.equal(weight, before[name]) for name, weight in matrices(student.model).items())


def test_a_training_too_short_for_its_ramp_still_ends_at_the_sparsity_asked_for(student: Classifier) -> None:
    sparsify(student, PruningConfig(sparsity=0.7, schedule="gradual"), magnitude(student), Training(student, 1))
    assert zeros(student) == pytest.approx(0.7, abs=1e-4)


def test_a_cancelled_training_leaves_a_plain_model(student: Classifier) -> None:
    names = set(student.model.state_dict())

    def cancelled(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sparsify(student, PruningConfig(sparsity=0.5), magnitude(student), cancelled)
    assert set(student.model.state_dict()) == names


def test_fisher_keeps_what_the_loss_needs_where_magnitude_would_not(student: Classifier) -> None:
    """A column that reads nothing but zeros can be as large as it likes: its Fisher is zero."""
    name = "bert.encoder.layer.0.output.dense.weight"
    with torch.no_grad():
        student.model.bert.encoder.layer[0].intermediate.dense.weight[3] = 0
        student.model.bert.encoder.layer[0].intermediate.dense.bias[3] = 0
        matrices(student.model)[name][:, 3] = 100
    for importance, gone in (("fisher", True), ("magnitude", False)):
        weigh = weight_importance(importance, student, [name], TEXTS, LABELS, 0)  # type: ignore[arg-type]
        kept = masks(weigh({name: matrices(student.model)[name].detach()}), 0.1, "layer")[name]
        assert bool((~kept[:, 3]).all()) is gone


def test_what_zeros_save_is_counted_three_ways() -> None:
    """A 4 × 16 matrix with row 0 and columns 1 and 2 dead: 64 weights, 3 · 14 of them alive."""
    model = torch.nn.Linear(16, 4, bias=False)
    with torch.no_grad():
        model.weight.fill_(-1)
        model.weight[0] = 0
        model.weight[:, 1:3] = 0
    found = stored(model)
    assert (found.dense_bytes, found.zeros, found.weights) == (256, 22, 64)
    assert found.sparse_bytes == 64 // 8 + 4 * 42
    assert found.removable_bytes == 4 * 22
    assert found.zero_share == {"weight": 22 / 64}


def test_dense_zeros_take_the_room_of_any_weight(student: Classifier, tmp_path: Path) -> None:
    save_model(student.model, tmp_path / "before")
    sparsify(student, PruningConfig(sparsity=0.9, epochs=0), magnitude(student), lambda _: None)
    save_model(student.model, tmp_path / "after")
    assert (tmp_path / "after").stat().st_size == (tmp_path / "before").stat().st_size
    assert stored(student.model).sparse_bytes < 0.15 * stored(student.model).dense_bytes


def test_a_model_without_an_encoder_is_pruned_in_all_its_matrices() -> None:
    model = torch.nn.Sequential(torch.nn.EmbeddingBag(20, 2, mode="sum"))
    bare = Classifier(model, None, 8)  # type: ignore[arg-type]
    weigh = weight_importance("magnitude", bare, matrices(model), (), (), 0)
    sparsify(bare, PruningConfig(sparsity=0.25, epochs=0), weigh, lambda _: None)
    assert stored(model).zeros == 10

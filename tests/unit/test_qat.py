"""Training with the rounding in the loop: what is trained is what is stored, and pruned weights stay pruned."""

from pathlib import Path

import pytest
import tiny
import torch

from compression.methods.grids import GRIDS, restore, round_to
from compression.methods.qat import convert, prepare, rounded_modules
from compression.models.classifier import ARCHITECTURES, Classifier, load_classifier, logits_of, on_meta
from compression.schemes import PackedInt4, PackedInt8, Ternary, Trainable

CPU = torch.device("cpu")
TEXTS, LABELS = zip(*tiny.urls(16), strict=True)
every_scheme = pytest.mark.parametrize("scheme", [PackedInt8(), PackedInt4(), Ternary()], ids=lambda s: s.scheme)


def train(classifier: Classifier, steps: int = 3) -> None:
    optimizer = torch.optim.AdamW(classifier.model.parameters(), lr=1e-3)
    inputs = classifier.tokenizer(list(TEXTS), padding=True, return_tensors="pt")
    for _ in range(steps):
        optimizer.zero_grad()
        classifier.model(**inputs, labels=torch.tensor(LABELS)).loss.backward()
        optimizer.step()


@every_scheme
def test_converting_changes_no_answer(tiny_teacher: Path, scheme: Trainable) -> None:
    student = prepare(load_classifier(tiny_teacher, CPU), scheme)
    train(student)
    with torch.no_grad():  # what `convert` also rounds, to fp16, would move the logits a little
        for name, parameter in student.model.named_parameters():
            if "parametrizations" not in name:
                parameter.copy_(parameter.half())
    before = logits_of(student, TEXTS)
    assert torch.equal(logits_of(convert(student, scheme), TEXTS), before)


@every_scheme
def test_the_result_lies_on_the_grid_and_is_a_plain_model(tiny_teacher: Path, scheme: Trainable) -> None:
    student = prepare(load_classifier(tiny_teacher, CPU), scheme)
    names = set(load_classifier(tiny_teacher, CPU).model.state_dict())
    train(student)
    convert(student, scheme)
    assert set(student.model.state_dict()) == names
    grid = GRIDS[scheme.scheme]
    for module in rounded_modules(student.model, embeddings=True).values():
        assert torch.equal(restore(*round_to(module.weight, grid), grid), module.weight)
    assert student.model.config.compression["scheme"] == scheme.scheme


def test_it_learns(tiny_teacher: Path) -> None:
    student = prepare(load_classifier(tiny_teacher, CPU), Ternary())
    inputs = student.tokenizer(list(TEXTS), padding=True, return_tensors="pt")
    losses = []
    for _ in range(2):
        with torch.no_grad():
            losses.append(student.model(**inputs, labels=torch.tensor(LABELS)).loss.item())
        train(student, 10)
    assert losses[1] < losses[0]


@every_scheme
def test_pruned_weights_stay_zero(tiny_teacher: Path, scheme: Trainable) -> None:
    classifier = load_classifier(tiny_teacher, CPU)
    pruned = {}
    with torch.no_grad():
        for name, module in rounded_modules(classifier.model, embeddings=False).items():
            pruned[name] = module.weight.abs() < module.weight.abs().median()
            module.weight[pruned[name]] = 0
    student = prepare(classifier, scheme)
    train(student)
    for name, module in rounded_modules(convert(student, scheme).model, embeddings=False).items():
        assert (module.weight[pruned[name]] == 0).all()
        assert (module.weight != 0).any()


def test_without_keeping_zeros_they_may_grow(tiny_teacher: Path) -> None:
    classifier = load_classifier(tiny_teacher, CPU)
    with torch.no_grad():
        for module in rounded_modules(classifier.model, embeddings=False).values():
            module.weight[0] = 0
    student = prepare(classifier, PackedInt8(), keep_zeros=False)
    train(student)
    rows = [module.weight[0] for module in rounded_modules(convert(student, PackedInt8()).model, False).values()]
    assert any((row != 0).any() for row in rows)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_embeddings_are_rounded_only_if_wanted_and_the_head_never(architecture: str) -> None:
    model = on_meta(tiny.config(architecture))
    without, everything = (set(rounded_modules(model, embeddings)) for embeddings in (False, True))
    tables = {name.rpartition(".")[2] for name in everything - without}
    assert (
        {"word_embeddings", "position_embeddings"}
        <= tables
        <= {f"{n}_embeddings" for n in ("word", "position", "token_type")}
    )
    assert not [name for name in everything if "classifier" in name]
    linear = {n for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and "classifier" not in n}
    assert without == linear

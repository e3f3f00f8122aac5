"""Narrower students: what is dead weight goes without a trace, the rest as close as least squares come."""

from pathlib import Path

import pytest
import tiny
import torch

from compression.config import TeacherLayers
from compression.errors import ConfigError
from compression.models.classifier import ARCHITECTURES, Classifier, load_classifier, logits_of
from compression.models.student import build_student, layers_path

CPU = torch.device("cpu")
TEXTS = [text for text, _ in tiny.urls(16)]


def build(teacher: Classifier, **settings: object) -> Classifier:
    return build_student(TeacherLayers(**settings), teacher, max_length=64, seed=0, texts=TEXTS)


def matrices(model: torch.nn.Module) -> list[list[torch.nn.Linear]]:
    """Query, key, value, attention output and the two feed-forward matrices of every layer."""
    layers = model.get_submodule(layers_path(model))
    return [[m for m in layer.modules() if isinstance(m, torch.nn.Linear)] for layer in layers]


@pytest.mark.parametrize("width", ["pca", "truncate"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_is_cut_in_all_directions(tmp_path: Path, architecture: str, width: str) -> None:
    teacher = load_classifier(tiny.save_model(tmp_path / "t", architecture), CPU)
    before = {name: value.clone() for name, value in teacher.model.state_dict().items()}
    student = build(teacher, layers=1, hidden_size=32, intermediate_size=48, positions=70, width=width)
    assert [tuple(m.weight.shape) for m in matrices(student.model)[0]] == [(32, 32)] * 4 + [(48, 32), (32, 48)]
    assert student.model.get_input_embeddings().embedding_dim == 32
    assert torch.isfinite(logits_of(student, TEXTS)).all()
    for name, value in teacher.model.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_neurons_without_weight_go_without_a_trace(tmp_path: Path, architecture: str) -> None:
    teacher = load_classifier(tiny.save_model(tmp_path / "t", architecture), CPU)
    for *_, outer in matrices(teacher.model):
        outer.weight.data[:, ::2] = 0
    student = build(teacher, intermediate_size=64)
    torch.testing.assert_close(logits_of(student, TEXTS), logits_of(teacher, TEXTS), rtol=0, atol=1e-5)


def test_features_without_weight_go_without_a_trace(tmp_path: Path) -> None:
    """Every other feature is always zero, the heads that made them too; a LayerNorm over half as many is undone."""
    teacher = load_classifier(tiny.save_model(tmp_path / "t"), CPU)
    model = teacher.model
    for query, _, value, attended, inner, outer in matrices(model):
        attended.weight.data[:, 32:] = 0
        value.weight.data[32:] = value.bias.data[32:] = query.weight.data[32:] = 0
        for writer in (attended, outer):
            writer.weight.data[::2] = writer.bias.data[::2] = 0
        for reader in (query, value, inner):
            reader.weight.data[:, ::2] = 0
    for module in model.modules():
        if isinstance(module, torch.nn.LayerNorm):
            module.weight.data[::2] = 0
    student = build(teacher, hidden_size=32, width="truncate")
    mine, theirs = matrices(student.model)[0], matrices(model)[0]
    assert torch.equal(mine[0].weight, theirs[0].weight[:32, 1::2])
    assert torch.equal(mine[3].weight, theirs[3].weight[1::2, :32])
    assert torch.equal(mine[4].weight, theirs[4].weight[:, 1::2])
    words = model.get_input_embeddings().weight[:, 1::2]
    assert torch.equal(student.model.get_input_embeddings().weight, words)


def test_pca_is_a_rotation_with_the_best_gains(tmp_path: Path) -> None:
    teacher = load_classifier(tiny.save_model(tmp_path / "t"), CPU)
    student = build(teacher, hidden_size=32)
    wide, narrow = (model.bert.embeddings for model in (teacher.model, student.model))
    with torch.no_grad():
        kept = torch.linalg.lstsq(wide.word_embeddings.weight, narrow.word_embeddings.weight).solution
        torch.testing.assert_close(kept.T @ kept, torch.eye(32), rtol=0, atol=1e-4)
        rows = [torch.tensor([ids]) for ids in teacher.tokenize(TEXTS)]
        expected = torch.cat([wide(ids)[0] for ids in rows]) @ kept
        found = torch.cat([narrow(ids)[0] for ids in rows])

        def error() -> torch.Tensor:
            return (torch.cat([narrow(ids)[0] for ids in rows]) - expected).square().sum(dim=0)

        torch.testing.assert_close(found.mean(dim=0), expected.mean(dim=0), rtol=0, atol=1e-4)
        best = error()
        for parameter in narrow.LayerNorm.parameters():
            for step in (0.05, -0.1, 0.05):
                parameter += step
                assert step == 0.05 or (error() > best).all()


def test_pca_keeps_more_than_any_choice_of_features(tmp_path: Path) -> None:
    teacher = load_classifier(tiny.save_model(tmp_path / "t"), CPU)
    ids = torch.tensor(teacher.tokenize(TEXTS[:1]))
    with torch.no_grad():
        states = torch.cat(teacher.model(ids, output_hidden_states=True).hidden_states)[:, :, :].flatten(0, 1)
        words = teacher.model.get_input_embeddings().weight
        lost = {}
        for width in ("pca", "truncate"):
            student = build_student(TeacherLayers(hidden_size=32, width=width), teacher, 64, 0, TEXTS[:1])
            kept = torch.linalg.lstsq(words, student.model.get_input_embeddings().weight).solution
            lost[width] = (states - states @ kept @ kept.T).square().sum()
    assert lost["pca"] < lost["truncate"]


def test_without_texts_random_tokens_are_read_the_same_every_time(tmp_path: Path) -> None:
    teacher = load_classifier(tiny.save_model(tmp_path / "t"), CPU)
    first, again, other = (
        logits_of(build_student(TeacherLayers(hidden_size=32), teacher, 64, seed), TEXTS) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("architecture", ["bert", "mpnet"])
def test_heads_of_another_size_share_the_same_features(tmp_path: Path, architecture: str) -> None:
    teacher = load_classifier(tiny.save_model(tmp_path / "t", architecture), CPU)
    student = build(teacher, heads=8)
    for mine, theirs in zip(matrices(student.model), matrices(teacher.model), strict=True):
        assert all(torch.equal(a.weight, b.weight) for a, b in zip(mine, theirs, strict=True))
    narrow = build(teacher, hidden_size=40, heads=5)
    assert torch.isfinite(logits_of(narrow, TEXTS)).all()


def test_electra_keeps_its_narrow_embeddings(tmp_path: Path) -> None:
    teacher = load_classifier(tiny.save_model(tmp_path / "t", "electra", embedding_size=32), CPU)
    student = build(teacher, hidden_size=48)
    assert torch.equal(student.model.get_input_embeddings().weight, teacher.model.get_input_embeddings().weight)
    assert torch.isfinite(logits_of(student, TEXTS)).all()
    with pytest.raises(ConfigError, match="size of the teacher's embeddings"):
        build(teacher, hidden_size=32)


def test_a_teacher_of_many_classes_is_cut_too(tmp_path: Path) -> None:
    names = {0: "benign", 1: "phishing", 2: "malware"}
    folder = tiny.save_model(tmp_path / "t", id2label=names, num_labels=3)
    student = build(load_classifier(folder, CPU, not_safe="phishing,malware"), hidden_size=32)
    assert logits_of(student, TEXTS).shape == (len(TEXTS), 2)

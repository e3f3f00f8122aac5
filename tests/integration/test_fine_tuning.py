"""Fine-tuning a teacher: exactly what shall learn does, the best epoch is kept, it stops when no better one comes."""

from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from compression.data.sources import Split
from compression.errors import ConfigError
from compression.events import EpochEnded, Event, Notice
from compression.models.classifier import ARCHITECTURES, Classifier
from compression.models.teacher import TeacherRecipe, load_base, train_teacher
from compression.result import Metrics

ROWS = tiny.urls(16)
TRAIN = Split(tuple(text for text, _ in ROWS), tuple(label for _, label in ROWS))


def metrics(roc_auc: float) -> Metrics:
    return Metrics(
        accuracy=0.5, precision=None, recall=None, f1=None, roc_auc=roc_auc, examples=1, confusion=((1, 0), (0, 0))
    )


def tuned(folder: Path, scores: list[float], **settings: Any) -> tuple[Classifier, set[str], list[dict], list[Event]]:
    """The teacher, the names of what has changed, its weights after each epoch, and the events."""
    recipe = TeacherRecipe(epochs=len(scores), batch_size=8, learning_rate=1e-3, device="cpu", **settings)
    base = load_base(folder, recipe)
    before = {name: value.clone() for name, value in base.model.state_dict().items()}
    states: list[dict[str, torch.Tensor]] = []
    seen: list[Event] = []

    def validate(classifier: Classifier) -> Metrics:
        states.append({name: value.clone() for name, value in classifier.model.state_dict().items()})
        return metrics(scores[len(states) - 1])

    teacher, best = train_teacher(base, TRAIN, validate, recipe, seen.append)
    assert best.roc_auc == max(scores[: len(states)])
    changed = {name for name, value in teacher.model.state_dict().items() if not torch.equal(value, before[name])}
    return teacher, changed, states, seen


def above(names: set[str]) -> set[str]:
    """Those of the names that belong to pooler and head."""
    return {name for name in names if "classifier" in name or "pooler" in name}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_last_layers_pooler_and_head_learn_and_nothing_else(tmp_path: Path, architecture: str) -> None:
    folder = tiny.save_model(tmp_path / "base", architecture, num_hidden_layers=3)
    teacher, changed, *_ = tuned(folder, [0.5], train="last-layers", last_layers=2)
    everything = {name for name, _ in teacher.model.named_parameters()}
    layers = {name for name in everything if ".layer.1." in name or ".layer.2." in name}
    silent = {name for name in layers if "key.bias" in name or "k_lin.bias" in name or "attn.k.bias" in name}
    assert layers
    assert above(everything) | layers >= changed >= (above(everything) | layers) - silent


def test_a_head_learns_alone(tmp_path: Path) -> None:
    teacher, changed, *_ = tuned(tiny.save_model(tmp_path / "base"), [0.5], train="head")
    assert changed == above({name for name, _ in teacher.model.named_parameters()})


def test_all_of_it_learns_unless_told_otherwise(tmp_path: Path) -> None:
    changed = tuned(tiny.save_model(tmp_path / "base"), [0.5])[1]
    assert {"bert.embeddings.word_embeddings.weight", "bert.encoder.layer.0.output.dense.weight"} <= changed


def test_more_layers_than_there_are_is_refused(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "base")
    with pytest.raises(ConfigError, match=r"but the model has 2\. Use 2 or less") as refused:
        tuned(folder, [0.5], train="last-layers", last_layers=3)
    assert refused.value.key == "fine_tuning.last_layers"


def test_it_stops_when_no_better_epoch_comes_and_keeps_the_best(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "base")
    teacher, _, states, seen = tuned(folder, [0.6, 0.8, 0.7, 0.8, 0.9, 0.9], patience=2)
    assert len(states) == 4
    assert all(torch.equal(value, states[1][name]) for name, value in teacher.model.state_dict().items())
    assert [event.epoch for event in seen if isinstance(event, EpochEnded)] == [1, 2, 3, 4]
    assert seen[-1] == Notice(text="Stopped after epoch 4 of 6: the best one was epoch 2.")


def test_it_goes_on_as_long_as_better_ones_come(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "base")
    _, _, states, seen = tuned(folder, [0.5, 0.6, 0.55, 0.7, 0.65], patience=2)
    assert len(states) == 5
    assert not [event for event in seen if isinstance(event, Notice)]


def test_without_patience_every_epoch_is_tried(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "base")
    teacher, _, states, _ = tuned(folder, [0.9, 0.5, 0.5, 0.5])
    assert len(states) == 4
    assert all(torch.equal(value, states[0][name]) for name, value in teacher.model.state_dict().items())

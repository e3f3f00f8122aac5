"""Every architecture, cut down: the same answers as with what went set to zero, through the disk, in a new process."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import save_model

from compression.config import StructuredConfig
from compression.methods.importance import sample
from compression.methods.structured import kept, plan_structured, remove
from compression.models.classifier import ARCHITECTURES, Classifier, load_classifier, logits_of, on_meta
from compression.models.shapes import apply_shapes, blocks, is_standard

CPU = torch.device("cpu")
TEXTS, LABELS = zip(*tiny.urls(12), strict=True)  # of several lengths, so that batches are padded
BOTH = StructuredConfig(heads=0.5, neurons=0.5)
HEAD_SIZE = tiny.HIDDEN // tiny.HEADS
RELOAD = """
import json, sys
from pathlib import Path
from safetensors.torch import load_model
from transformers import AutoModelForSequenceClassification
from compression.models.classifier import Classifier, load_tokenizer, logits_of, read_config
from compression.models.shapes import apply_shapes
logits = {}
for folder in Path(sys.argv[1]).iterdir():
    config = read_config(folder)
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation=folder.name.split("_")[1])
    apply_shapes(model, config)
    load_model(model, folder / "packed.safetensors")
    logits[folder.name] = logits_of(Classifier(model.eval(), load_tokenizer(folder), 64), sys.argv[2:]).tolist()
print(json.dumps(logits))
"""
# MPNet has eager attention only.
IMPLEMENTATIONS = [
    (name, kind) for name in ARCHITECTURES for kind in ("sdpa", "eager") if (name, kind) != ("mpnet", "sdpa")
]


@pytest.fixture(scope="module", params=ARCHITECTURES)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.save_model(tmp_path_factory.mktemp("shapes") / request.param, request.param)


def load(folder: Path, attention: str) -> Classifier:
    return load_classifier(folder, CPU, attn_implementation=attention)


def silenced(student: Classifier, settings: StructuredConfig) -> torch.Tensor:
    """The student's logits with what the heads and neurons to be removed say set to zero."""
    planned = plan_structured(settings, student.model.config)
    heads, neurons = kept(student, planned, settings.importance, *sample(TEXTS, LABELS, 0))
    with torch.no_grad():
        for block, heads_, neurons_ in zip(blocks(student.model), heads, neurons, strict=True):
            said = torch.zeros(tiny.HEADS).index_fill(0, heads_, 1).repeat_interleave(HEAD_SIZE)
            block.output.weight.mul_(said)
            block.outer.weight.mul_(torch.zeros(tiny.FEED_FORWARD).index_fill(0, neurons_, 1))
    return logits_of(student, TEXTS)


@pytest.mark.parametrize("importance", ["magnitude", "taylor", "fisher"])
@pytest.mark.parametrize(("architecture", "attention"), IMPLEMENTATIONS)
def test_it_answers_as_with_what_went_set_to_zero(
    tmp_path: Path, architecture: str, attention: str, importance: str
) -> None:
    settings = BOTH.model_copy(update={"importance": importance})
    student = load(tiny.save_model(tmp_path / "m", architecture), attention)
    assert student.model.config._attn_implementation == attention
    before = logits_of(student, TEXTS)
    smaller = remove(student, settings, TEXTS, LABELS, seed=0)
    expected = silenced(student, settings)
    assert not torch.allclose(before, expected, atol=1e-3)  # what went did say something
    torch.testing.assert_close(logits_of(smaller, TEXTS), expected, atol=1e-5, rtol=1e-5)


def test_parameters_are_really_fewer_and_known_beforehand(folder: Path) -> None:
    student = load_classifier(folder, CPU)
    smaller = remove(student, BOTH, TEXTS, LABELS, seed=0).model
    gone = tiny.HEADS // 2 * HEAD_SIZE * (4 * tiny.HIDDEN + 3) + tiny.FEED_FORWARD // 2 * (2 * tiny.HIDDEN + 1)
    table = 32 * tiny.HEADS // 2 if "mpnet" in folder.name else 0  # of its position biases
    assert student.model.num_parameters() - smaller.num_parameters() == tiny.LAYERS * gone + table
    planned = on_meta(plan_structured(BOTH, student.model.config))
    apply_shapes(planned, planned.config)
    shapes = {name: weight.shape for name, weight in smaller.state_dict().items()}
    assert {name: weight.shape for name, weight in planned.state_dict().items()} == shapes


def test_fewer_heads_survive_the_disk(tmp_path: Path, fresh_process: Callable[..., Any]) -> None:
    expected = {}
    for architecture, attention in IMPLEMENTATIONS:
        folder = tmp_path / "cut" / f"{architecture}_{attention}"
        student = load(tiny.save_model(tmp_path / architecture, architecture), attention)
        smaller = remove(student, BOTH, TEXTS, LABELS, seed=0)
        smaller.model.config.save_pretrained(folder)
        smaller.tokenizer.save_pretrained(folder)
        save_model(smaller.model, folder / "packed.safetensors")
        recorded = json.loads((folder / "config.json").read_text(encoding="utf-8"))["compression"]
        assert recorded | {"note": ""} == {"note": "", "heads": 2, "head_size": HEAD_SIZE}
        expected[folder.name] = logits_of(smaller, TEXTS)
    found = fresh_process(RELOAD, tmp_path / "cut", *TEXTS)
    assert found.keys() == expected.keys()
    for name, logits in found.items():
        torch.testing.assert_close(torch.tensor(logits), expected[name], atol=1e-6, rtol=1e-6)


def test_fewer_neurons_and_layers_are_a_standard_model(folder: Path, tmp_path: Path) -> None:
    smaller = remove(load_classifier(folder, CPU), StructuredConfig(neurons=0.5, layers=1), TEXTS, LABELS, seed=0)
    assert is_standard(smaller.model.config)
    smaller.model.save_pretrained(tmp_path)
    smaller.tokenizer.save_pretrained(tmp_path)
    assert "compression" not in json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    reloaded = load_classifier(tmp_path, CPU)
    assert reloaded.model.config.num_hidden_layers == 1
    assert torch.equal(logits_of(reloaded, TEXTS), logits_of(smaller, TEXTS))


def test_what_is_left_still_learns(folder: Path) -> None:
    smaller = remove(load_classifier(folder, CPU), BOTH, TEXTS, LABELS, seed=0)
    inputs = smaller.tokenizer(list(TEXTS), padding=True, return_tensors="pt", return_token_type_ids=False)
    smaller.model(**inputs, labels=torch.tensor(LABELS)).loss.backward()
    matrices = [m for b in blocks(smaller.model) for m in (*b.projections, b.output, b.inner, b.outer)]
    assert all(matrix.weight.grad.abs().sum() > 0 for matrix in matrices)

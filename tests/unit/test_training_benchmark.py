"""The arithmetic of the training benchmark: what is composed of its measurements, and what stands for a batch."""

from typing import Any

import pytest
import tiny
import torch
from benchmarks.agreement import AskedEveryStep, everything_padded, padded
from benchmarks.training import Step, carried, composed, forward_flops, spread
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForSequenceClassification

from compression.methods import training
from compression.models.classifier import load_classifier, logits_of

CPU = torch.device("cpu")
TEXTS = [text for text, _ in tiny.urls(6)]


def test_the_teacher_counts_every_step_there_and_one_epoch_here() -> None:
    assert composed(Step(30, 40), Step(1, 2)) == (330 * 70, 66 * 1 + 330 * 2)
    assert composed(Step(3, 4), Step(1, 2), epochs=2, steps=10) == (20 * 7, 10 * 1 + 20 * 2)


def test_seconds_are_carried_over_by_operations() -> None:
    assert carried(Step(2, 3), flops=Step(10, 100), needed=Step(15, 400)) == Step(3, 12)


@pytest.mark.parametrize("architecture", ["bert", "distilbert"])
def test_flops_are_those_of_the_matrix_products(architecture: str) -> None:
    config: Any = tiny.config(architecture)
    model = AutoModelForSequenceClassification.from_config(config, attn_implementation="eager").eval()
    with torch.inference_mode(), FlopCounterMode(display=False) as counted:
        model(input_ids=torch.ones(3, 20, dtype=torch.long))
    assert forward_flops(config, 3, 20) == counted.get_total_flops()


def test_batches_of_all_lengths_stand_for_an_epoch() -> None:
    batches = [[[0] * length] for length in range(60)]
    taken = [[len(batch[0]) for batch in spread(batches, offset, 6)] for offset in (0.25, 0.75)]
    assert taken == [[2, 12, 22, 32, 42, 52], [7, 17, 27, 37, 47, 57]]
    assert spread(batches[:2], 0.5, 6) == batches[:2]


def test_a_padded_batch_has_the_longest_length_and_the_same_tokens() -> None:
    inputs = padded([[5, 6, 7], [8]], 0, 6)
    assert inputs["input_ids"].tolist() == [[5, 6, 7, 0, 0, 0], [8, 0, 0, 0, 0, 0]]
    assert inputs["attention_mask"].tolist() == [[1, 1, 1, 0, 0, 0], [1, 0, 0, 0, 0, 0]]


def test_the_notebooks_teacher_says_the_same_in_every_step(tiny_teacher: Any) -> None:
    teacher = load_classifier(tiny_teacher, CPU)
    targets = AskedEveryStep(teacher, teacher.tokenize(TEXTS), 64)
    assert torch.allclose(targets[[4, 0]], logits_of(teacher, TEXTS)[[4, 0]], atol=1e-5)


def test_the_notebook_pads_for_as_long_as_it_is_asked_to() -> None:
    with everything_padded(9):
        assert training.collate([[1, 2]], 0)["input_ids"].shape == (1, 9)
    assert training.collate([[1, 2]], 0)["input_ids"].shape == (1, 2)

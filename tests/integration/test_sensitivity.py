"""Each part alone pruned or rounded: the rows, what they mean, and that the model is left as it was."""

from pathlib import Path

import pytest
import tiny
import torch

from compression.data.sources import Split
from compression.errors import ModelError, RunCancelled
from compression.events import Progress
from compression.measure.sensitivity import parts, round4, sensitivity
from compression.models.classifier import Classifier, load_classifier, logits_of

CPU = torch.device("cpu")
SPLIT = Split(*map(tuple, zip(*tiny.urls(32, 1000), strict=True)))


@pytest.fixture
def classifier(tiny_teacher: Path) -> Classifier:
    return load_classifier(tiny_teacher, CPU)


def loss_of(classifier: Classifier) -> float:
    logits = logits_of(classifier, SPLIT.texts)
    return float(torch.nn.functional.cross_entropy(logits, torch.tensor(SPLIT.labels)))


def test_four_bits_are_fifteen_values_times_a_scale_known_by_hand() -> None:
    weight = torch.zeros(2, 66)
    weight[0, :4] = torch.tensor([7.0, -3.4, 3.6, 0.4])  # a scale of 1
    weight[0, 64] = 0.25  # alone in its block, so kept exactly
    weight[1, :2] = torch.tensor([-0.07, 0.016])  # a scale of 0.01
    rounded = round4(weight)
    assert rounded[0, :4].tolist() == [7, -3, 4, 0]
    assert rounded[0, 64] == 0.25
    assert rounded[1, :2].tolist() == pytest.approx([-0.07, 0.02])
    assert rounded.count_nonzero() == 6
    assert len(round4(torch.randn(1, 64)).unique()) <= 15


def test_one_row_a_part_and_kind_beside_the_untouched_model(classifier: Classifier) -> None:
    rows = sensitivity(classifier, SPLIT)
    expected = ["embeddings"]
    for layer in ("layer 0", "layer 1"):
        expected += [layer, f"{layer}: attention", f"{layer}: feed-forward"]
    assert [row.part for row in rows] == [part for part in expected for _ in range(2)]
    assert [row.kind for row in rows] == ["prune", "quantize"] * 7
    assert [row.baseline_loss for row in rows] == pytest.approx([loss_of(classifier)] * 14)
    assert all(0 <= row.accuracy <= 1 and row.loss != row.baseline_loss for row in rows)


def test_a_row_is_what_changing_that_part_alone_does(classifier: Classifier) -> None:
    rows = {(row.part, row.kind): row for row in sensitivity(classifier, SPLIT)}
    with torch.no_grad():
        for weight in parts(classifier)["layer 1: attention"]:
            weight.copy_(round4(weight))
    assert rows["layer 1: attention", "quantize"].loss == pytest.approx(loss_of(classifier), rel=1e-5)


def test_half_of_a_matrix_is_pruned_and_the_bytes_saved_are_counted(classifier: Classifier) -> None:
    rows = {(row.part, row.kind): row for row in sensitivity(classifier, SPLIT)}
    weights = 4 * tiny.HIDDEN**2
    pruned, rounded = (rows["layer 0: attention", kind].saved_bytes for kind in ("prune", "quantize"))
    assert pruned == 4 * weights // 2 - weights // 8
    assert rounded == 4 * weights - weights // 2 - 2 * weights // 64
    feed_forward = rows["layer 0: feed-forward", "prune"].saved_bytes
    assert rows["layer 0", "prune"].saved_bytes == pruned + feed_forward


def test_all_weights_are_afterwards_what_they_were(classifier: Classifier) -> None:
    before = {name: weight.clone() for name, weight in classifier.model.state_dict().items()}

    def cancel(event: object) -> None:
        if isinstance(event, Progress) and event.step == 4:
            raise RunCancelled

    sensitivity(classifier, SPLIT, kinds=("quantize",))
    with pytest.raises(RunCancelled):
        sensitivity(classifier, SPLIT, report=cancel)
    assert all(torch.equal(weight, before[name]) for name, weight in classifier.model.state_dict().items())


def test_it_says_what_it_does_before_each_step(classifier: Classifier) -> None:
    events: list[Progress] = []
    rows = sensitivity(classifier, SPLIT, report=events.append)  # type: ignore[arg-type]
    assert [event.step for event in events] == list(range(len(rows) + 1))
    assert {event.steps for event in events} == {len(rows) + 1}
    assert events[3].doing == "layer 0 pruned, the rest untouched"


def test_a_quantized_model_is_refused(classifier: Classifier) -> None:
    classifier.model.config.compression_scheme = "fp16"
    with pytest.raises(ModelError, match="already quantized"):
        sensitivity(classifier, SPLIT)

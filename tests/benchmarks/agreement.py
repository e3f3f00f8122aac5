"""Whether a student is as good when it is trained our way as in the notebook's: both to the end, on a small scale.

    PYTHONPATH=.:tests python -m benchmarks.training --agreement [--rows 640] [--seeds 3]

The notebook pads every batch to the longest text there may be, takes rows as they stand, has the teacher read them in
every step, and computes in fp32; here batches are of nearly one length, the teacher reads once, and precision is the
host's choice. Recipe (*Quick*), teacher and URLs (bundled) are the same.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import mean, stdev
from time import perf_counter
from typing import Any
from unittest.mock import patch

import torch

from compression.catalog import BUNDLED, BUNDLED_TEACHER, PRESETS
from compression.config import TeacherLayers
from compression.data.batching import collate
from compression.data.sources import Data, Split, load_data
from compression.measure.paired import paired
from compression.measure.quality import quality
from compression.methods import lesson, training
from compression.models.classes import two_logits
from compression.models.classifier import Classifier, load_classifier, logits_of
from compression.models.student import build_student
from compression.recipe import parse
from compression.result import Metrics

CPU = torch.device("cpu")
Batch = list[list[int]]  # token ids, row by row


def padded(token_ids: Batch, pad_id: int, longest: int) -> dict[str, torch.Tensor]:
    """The notebook's batch: every row padded to `longest`."""
    inputs = collate([*token_ids, [pad_id] * longest], pad_id)  # with a row that is as long as all shall be
    return {name: tensor[:-1] for name, tensor in inputs.items()}


class AskedEveryStep:
    """A lesson's targets as the notebook has them: the teacher reads the rows, padded, each time they are wanted."""

    def __init__(self, teacher: Classifier, token_ids: Batch, longest: int) -> None:
        self._teacher, self._token_ids, self._longest = teacher, token_ids, longest

    def __getitem__(self, rows: list[int]) -> torch.Tensor:
        inputs = padded([self._token_ids[row] for row in rows], self._teacher.tokenizer.pad_token_id, self._longest)
        with torch.no_grad():
            return two_logits(self._teacher.model(**inputs).logits, self._teacher.not_safe)


@contextmanager
def everything_padded(longest: int) -> Iterator[None]:
    """Has the training pad every batch to the longest text there may be."""
    with patch.object(training, "collate", lambda ids, pad: padded(ids, pad, longest)):
        yield


def agree(rows: int, seeds: Sequence[int]) -> None:
    """Prints the validation accuracy of students trained to the end in both ways, and how far they are apart."""
    data = load_data(BUNDLED)
    train = Split(data.splits["train"].texts[:rows], data.splits["train"].labels[:rows])
    few, checked = Data({**data.splits, "train": train}), data.splits["validation"]
    teacher = load_classifier(BUNDLED_TEACHER, CPU)

    def probabilities(student: Classifier) -> Any:
        return logits_of(student, checked.texts).softmax(-1)[:, 1].numpy()

    def validate(student: Classifier) -> Metrics:
        return quality(checked.labels, probabilities(student))

    def trained(seed: int, notebook: bool) -> tuple[Any, float]:
        way = {"bucketing": False, "precision": "fp32"} if notebook else {"bucketing": True, "precision": "auto"}
        config = parse(PRESETS["quick"].settings, {"seed": seed, "device": "cpu", "training": way})
        settings, start = config.distillation, perf_counter()
        assert isinstance(config.student, TeacherLayers)
        student = build_student(config.student, teacher, settings.max_length, seed, train.texts)
        taught: dict[str, Any] = {"stage": "distill", "epochs": settings.epochs}
        taught["learning_rate"] = settings.learning_rate
        if notebook:
            targets: Any = AskedEveryStep(teacher, teacher.tokenize(train.texts), settings.max_length)
            with everything_padded(settings.max_length):
                learnt = training.Lesson(train.texts, train.labels, targets)
                training.train(student, learnt, validate, config, **taught)
        else:
            learnt = lesson.compose(config, few, teacher, teacher_digest=f"seed {seed}")  # nothing is known beforehand
            training.train(student, learnt, validate, config, **taught)
        return probabilities(student), perf_counter() - start

    print(f"Quick's recipe on {rows} of the bundled URLs, validation accuracy on {len(checked)}:")
    print("| Seed | Notebook's way | s | Ours | s | Difference, points | 95 % |\n|---|---|---|---|---|---|---|")
    differences, halves, accuracies = [], [], ([], [])
    for seed in seeds:
        (theirs, slow), (ours, fast) = trained(seed, True), trained(seed, False)
        found = paired(checked.labels, theirs, ours)
        both = [quality(checked.labels, answers).accuracy for answers in (theirs, ours)]
        for known, accuracy in zip(accuracies, both, strict=True):
            known.append(accuracy)
        differences.append(100 * found.difference)
        halves.append(50 * (found.high - found.low))
        print(
            f"| {seed} | {both[0]:.4f} | {slow:.0f} | {both[1]:.4f} | {fast:.0f} | {differences[-1]:+.2f} | "
            f"{100 * found.low:+.2f} to {100 * found.high:+.2f} |",
            flush=True,
        )
    between = [100 * (stdev(known) if len(known) > 1 else 0) for known in accuracies]
    print(
        f"Mean difference {mean(differences):+.2f} points; noise ± {mean(halves):.2f} (half an interval, between two "
        f"models on the same URLs); between seeds ± {between[0]:.2f} and ± {between[1]:.2f}: "
        + ("they agree within noise" if abs(mean(differences)) <= mean(halves) else "they do not agree")
    )

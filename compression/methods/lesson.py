"""A student's lesson: the training rows, texts without labels, and what the teacher says of each.

training rows ── labels ──────────────────────────────────────┐
training rows ┬─▶ teacher (and n-gram model) ─▶ soft targets ─┴─▶ Lesson
unlabelled  ──┘   kept on disk, so that the next run with them need not ask again
"""

from collections.abc import Callable, Sequence
from importlib.metadata import version
from random import Random
from typing import TYPE_CHECKING

from compression.config import RunConfig
from compression.data.corpus_lesson import linear_reader
from compression.data.sources import Data, Split
from compression.data.unlabelled import unlabelled_texts
from compression.errors import DataError
from compression.events import Progress, Report, ignore
from compression.methods.training import Lesson
from compression.models.classifier import Classifier, logits_of
from compression.models.device import device_name, gathered, open_accelerator, own, training_precision
from compression.models.kept_logits import kept

if TYPE_CHECKING:
    import torch

UNKNOWN = -1
_FOLDS = 5
_TRAINING, _UNLABELLED = "The teacher reads the training URLs, once", "The teacher reads URLs without labels, once"


def compose(
    config: RunConfig,
    data: Data,
    teacher: Classifier,
    report: Report = ignore,
    stage: str = "distill",
    *,
    teacher_digest: str,
) -> Lesson:
    """The training rows and, labelled −1, the texts `config.distillation` adds, with soft targets for all of them.

    A target is (1 − w) · the teacher's logits + w · an n-gram model's, w being `ngram_weight`: a second teacher, which
    errs on other URLs than an encoder does. It reads each training row as fitted on the others.
    `teacher_digest` tells teachers apart (`artefacts.folder.digest`): logits known from an earlier run are taken from
    disk. `stage` is the step that asks. Raises DataError where the added texts cannot be had.
    """
    import torch

    train, settings = data.splits["train"], config.distillation
    apart = frozenset(text for name, split in data.splits.items() if name != "train" for text in split.texts)
    added = unlabelled_texts(settings, train, config.seed, apart, report, stage)
    targets = soft_targets(teacher, train.texts, config, report, stage, teacher_digest=teacher_digest)
    if added:
        more = soft_targets(teacher, added, config, report, stage, _UNLABELLED, teacher_digest=teacher_digest)
        targets = torch.cat([targets, more])
    if weight := settings.ngram_weight:
        targets = (1 - weight) * targets + weight * ngram_targets(train, added, config.seed, report, stage)
    return Lesson((*train.texts, *added), (*train.labels, *[UNKNOWN] * len(added)), targets)


def soft_targets(
    teacher: Classifier,
    texts: Sequence[str],
    config: RunConfig,
    report: Report = ignore,
    stage: str = "distill",
    doing: str = _TRAINING,
    *,
    teacher_digest: str,
) -> "torch.Tensor":
    """The teacher's logits on every text, (texts, 2) float32 on the CPU, computed here or by an earlier run.

    The teacher is frozen and in eval mode, so one pass serves every epoch. Where several processes share the work, each
    reads its own texts, and keeps what was said of them.
    """
    import torch

    device = teacher.model.device
    precision = training_precision(config.training.precision, device)
    accelerator = open_accelerator(device, precision)
    shared = own(accelerator, texts)

    def progress(step: int, steps: int) -> None:
        report(Progress(stage=stage, doing=doing, step=step, steps=steps))

    def read() -> "torch.Tensor":
        return logits_of(teacher, shared, progress, accelerator.autocast)

    settings = (teacher_digest, str(teacher.max_length), str(teacher.not_safe), precision)
    host = (device_name(device), torch.__version__, version("transformers"), version("tokenizers"))
    logits = kept(("teacher", *settings, *host, *shared), len(shared), read) if shared else torch.empty((0, 2))
    return gathered(accelerator, logits, len(texts))


def ngram_targets(
    train: Split, added: Sequence[str], seed: int, report: Report = ignore, stage: str = "distill"
) -> "torch.Tensor":
    """An n-gram model's logits on the training rows and then the added texts, (texts, 2) float32 on the CPU.

    Each training row is read by a model fitted on four of five folds, the one it stands in left out, so that its label
    is not merely repeated; the added texts by one fitted on all rows. Raises DataError without two rows of each class.
    """
    import torch

    folds = _folds(train.labels, seed)
    steps = len(folds) + bool(added)

    def fit(step: int, rows: Sequence[int]) -> "Callable[[Sequence[str]], torch.Tensor]":
        report(Progress(stage=stage, doing="An n-gram model learns, to teach as well", step=step, steps=steps))
        return linear_reader([train.texts[row] for row in rows], [train.labels[row] for row in rows])

    def read() -> "torch.Tensor":
        logits = torch.empty((len(train) + len(added), 2), dtype=torch.float32)
        for step, fold in enumerate(folds):
            others = sorted(set(range(len(train))) - set(fold))
            logits[fold] = fit(step, others)([train.texts[row] for row in fold])
        if added:
            logits[len(train) :] = fit(len(folds), range(len(train)))(added)
        return logits

    rows = (f"{label} {text}" for text, label in zip(train.texts, train.labels, strict=True))
    host = (version("scikit-learn"), version("tokenizers"))
    return kept(("n-grams", str(seed), *host, str(len(train)), *rows, *added), len(train) + len(added), read)


def _folds(labels: Sequence[int], seed: int) -> list[list[int]]:
    """The rows in five parts (or as many as the rarer class has rows), classes evenly among them."""
    random, classes = Random(seed), [[row for row, label in enumerate(labels) if label == c] for c in (0, 1)]
    count = min(_FOLDS, *map(len, classes))
    if count < 2:
        raise DataError(
            "An n-gram model among the teachers needs two training rows of each class. Give more data, or use "
            "distillation.ngram_weight = 0."
        )
    for rows in classes:
        random.shuffle(rows)
    return [[row for rows in classes for row in rows[fold::count]] for fold in range(count)]

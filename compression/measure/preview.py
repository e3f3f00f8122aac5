"""A look at the data before a run: how it is read, rows, class balance, token lengths, what was skipped."""

from dataclasses import dataclass, field
from pathlib import Path

from compression.catalog import LABELS
from compression.config import RunConfig
from compression.data.sources import Reading, load_data
from compression.errors import ConfigError, ModelError
from compression.models.classes import class_names, not_safe_classes
from compression.models.classifier import load_tokenizer, locate, read_config

EXAMPLES = 6
_MEASURED = 5_000  # rows whose token lengths are counted


@dataclass(frozen=True)
class Preview:
    """Rows and phishing rows by split, some examples, and token lengths (special tokens included) of training URLs.

    `reading` is how columns, labels and splits were taken (None for the bundled data); `classes` are the teacher's,
    with what each means, or None where that is still to be chosen.
    """

    rows: dict[str, int]
    phishing: dict[str, int]
    skipped: int
    examples: list[tuple[str, str]]
    token_lengths: dict[str, float]
    truncated: float  # share of training URLs longer than distillation.max_length
    notes: list[str]
    reading: Reading | None = None
    classes: list[tuple[str, str | None]] = field(default_factory=list)


def preview(config: RunConfig) -> Preview:
    """What the recipe's data looks like to its teacher's tokenizer. Raises DataError or ModelError.

    A teacher whose classes are still to be told apart is shown with the reason among the notes, not refused.
    """
    import numpy as np

    data = load_data(config.data, config.columns, splits=config.splits)
    teacher = locate(config.teacher, weights=False)
    classes, reason = _classes(teacher, config)
    tokenizer = load_tokenizer(teacher)
    train = data.splits["train"]
    encoded = tokenizer(list(train.texts[:_MEASURED]), truncation=False, verbose=False)["input_ids"]
    lengths = np.array([len(ids) for ids in encoded])
    return Preview(
        rows={name: len(split) for name, split in data.splits.items()},
        phishing={name: sum(split.labels) for name, split in data.splits.items()},
        skipped=data.skipped,
        examples=[(t, LABELS[label]) for t, label in zip(train.texts[:EXAMPLES], train.labels[:EXAMPLES], strict=True)],
        token_lengths={f"p{p}": float(np.percentile(lengths, p)) for p in (50, 95, 99)} | {"max": float(lengths.max())},
        truncated=float((lengths > config.distillation.max_length).mean()),
        notes=[*data.notes, *reason],
        reading=data.reading,
        classes=classes,
    )


def _classes(folder: Path, config: RunConfig) -> tuple[list[tuple[str, str | None]], list[str]]:
    """The teacher's classes with their meanings, or without and why."""
    model = read_config(folder)
    names = class_names(model)
    try:
        not_safe = not_safe_classes(model, config.labels.not_safe, f"The teacher {config.teacher}")
    except (ConfigError, ModelError) as error:
        return [(name, None) for name in names], [str(error)]
    return [(name, LABELS[int(index in not_safe)]) for index, name in enumerate(names)], []

"""A look at the data before a run: rows, class balance, token lengths, what was skipped."""

from dataclasses import dataclass

from compression.catalog import LABELS
from compression.config import RunConfig
from compression.data.sources import load_data
from compression.models.classifier import load_tokenizer, locate

EXAMPLES = 6
_MEASURED = 5_000  # rows whose token lengths are counted


@dataclass(frozen=True)
class Preview:
    """Rows and phishing rows by split, some examples, and token lengths (special tokens included) of training URLs."""

    rows: dict[str, int]
    phishing: dict[str, int]
    skipped: int
    examples: list[tuple[str, str]]
    token_lengths: dict[str, float]
    truncated: float  # share of training URLs longer than distillation.max_length
    notes: list[str]


def preview(config: RunConfig) -> Preview:
    """What the recipe's data looks like to its teacher's tokenizer. Raises DataError or ModelError."""
    import numpy as np

    data = load_data(config.data, config.columns)
    tokenizer = load_tokenizer(locate(config.teacher, weights=False))
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
        notes=list(data.notes),
    )

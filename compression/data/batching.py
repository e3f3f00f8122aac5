"""Which rows form a batch, and how token lists become padded tensors."""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_WINDOW = 50  # batches a shuffled window holds before it is sorted by length


def in_order(count: int, batch_size: int) -> list[list[int]]:
    """Rows 0 … count-1 in order, `batch_size` at a time; the last batch may be shorter."""
    return [list(range(start, min(start + batch_size, count))) for start in range(0, count, batch_size)]


def by_length(lengths: Sequence[int], batch_size: int) -> list[list[int]]:
    """All rows, longest first, so that a batch's rows have nearly one length; for where order does not matter."""
    ranked = sorted(range(len(lengths)), key=lambda row: (-lengths[row], row))
    return [[ranked[i] for i in batch] for batch in in_order(len(ranked), batch_size)]


def bucketed(lengths: Sequence[int], batch_size: int, seed: int) -> list[list[int]]:
    """All rows shuffled, sorted by length within windows of 50 batches, batches shuffled again.

    Padding nearly vanishes, while which rows meet in a batch still changes with `seed` (one a epoch).
    """
    random = Random(seed)
    rows = list(range(len(lengths)))
    random.shuffle(rows)
    window = batch_size * _WINDOW
    batches: list[list[int]] = []
    for start in range(0, len(rows), window):
        ranked = sorted(rows[start : start + window], key=lambda row: lengths[row])
        batches += [[ranked[i] for i in batch] for batch in in_order(len(ranked), batch_size)]
    random.shuffle(batches)
    return batches


def collate(token_ids: Sequence[Sequence[int]], pad_id: int) -> "dict[str, torch.Tensor]":
    """`input_ids` and `attention_mask`, both (batch, longest) int64, padded on the right to the batch's longest row."""
    import torch

    longest = max(len(ids) for ids in token_ids)
    input_ids = torch.full((len(token_ids), longest), pad_id, dtype=torch.long)
    mask = torch.zeros((len(token_ids), longest), dtype=torch.long)
    for row, ids in enumerate(token_ids):
        input_ids[row, : len(ids)] = torch.tensor(ids, dtype=torch.long)
        mask[row, : len(ids)] = 1
    return {"input_ids": input_ids, "attention_mask": mask}

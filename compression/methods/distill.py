"""Knowledge distillation from logits: the student learns the teacher's soft targets and the hard labels."""

from typing import TYPE_CHECKING, NamedTuple

from compression.errors import ConfigError

if TYPE_CHECKING:
    import torch

_UNKNOWN = -1  # the label of a row without one


class BatchSize(NamedTuple):
    """How many rows a batch has, and how many of them have a label."""

    rows: int
    labelled: int


class DistillationLoss(NamedTuple):
    """The weighted loss and its two terms before weighting; scalars, in nats."""

    total: "torch.Tensor"
    soft: "torch.Tensor"
    hard: "torch.Tensor"


def distillation_loss(
    student_logits: "torch.Tensor",
    teacher_logits: "torch.Tensor",
    labels: "torch.Tensor",
    temperature: float,
    soft_weight: float,
    batch: BatchSize | None = None,
) -> DistillationLoss:
    """Mean loss over the batch: soft_weight · T² · KL(teacher ‖ student) + (1 − soft_weight) · cross-entropy.

    A row without a label has its whole weight on the soft loss: with N rows, L of them labelled, the total is
    1/N · [Σ over labelled (soft_weight · soft + (1 − soft_weight) · hard) + Σ over the others soft].
    `soft` is the mean over all rows, `hard` over the labelled ones (0 without any).
    With `batch` the rows given are a share of one of that size, and so are the losses: those of all shares, added,
    are the batch's. Nothing here waits for the device the logits are on.
    Shapes: logits (rows, classes); labels (rows,), class ids, −1 where there is none.
    Raises: ConfigError if temperature ≤ 0 or soft_weight is outside [0, 1].
    Source: Hinton et al. 2015, arXiv:1503.02531, §2 (T² keeps the gradient's size independent of T).
    """
    import torch
    from torch.nn.functional import cross_entropy, kl_div, log_softmax

    if temperature <= 0:
        raise ConfigError(f"distillation.temperature = {temperature} must be above 0.", "distillation.temperature")
    if not 0 <= soft_weight <= 1:
        raise ConfigError(
            f"distillation.soft_weight = {soft_weight} must lie between 0 and 1.", "distillation.soft_weight"
        )
    student_log = log_softmax(student_logits / temperature, dim=-1)
    teacher_log = log_softmax(teacher_logits / temperature, dim=-1)
    soft = temperature**2 * kl_div(student_log, teacher_log, reduction="none", log_target=True).sum(dim=-1)
    hard = cross_entropy(student_logits, labels, ignore_index=_UNKNOWN, reduction="none")
    known = labels != _UNKNOWN
    each = torch.where(known, soft_weight * soft + (1 - soft_weight) * hard, soft)
    rows = len(labels) if batch is None else batch.rows
    labelled = known.sum().clamp(min=1) if batch is None else max(1, batch.labelled)
    return DistillationLoss(each.sum() / rows, soft.sum() / rows, hard.sum() / labelled)

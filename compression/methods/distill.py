"""Knowledge distillation from logits: the student learns the teacher's soft targets and the hard labels."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from compression.config import RunConfig
from compression.data.batching import bucketed, collate, in_order
from compression.data.sources import Split
from compression.errors import CompressionError, ConfigError
from compression.events import EpochEnded, Notice, Progress, Report, TrainingStep, ignore
from compression.models.classifier import Classifier, logits_of
from compression.models.device import open_accelerator, training_precision
from compression.result import Metrics

if TYPE_CHECKING:
    import torch

STAGE = "distill"
SHORTEST_CYCLE = 10  # steps


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
) -> DistillationLoss:
    """Mean loss over the batch: soft_weight · T² · KL(teacher ‖ student) + (1 − soft_weight) · cross-entropy.

    Shapes: logits (batch, classes); labels (batch,), class ids.
    Raises: ConfigError if temperature ≤ 0 or soft_weight is outside [0, 1].
    Source: Hinton et al. 2015, arXiv:1503.02531, §2 (T² keeps the gradient's size independent of T).
    """
    from torch.nn.functional import cross_entropy, kl_div, log_softmax

    if temperature <= 0:
        raise ConfigError(f"distillation.temperature = {temperature} must be above 0.", "distillation.temperature")
    if not 0 <= soft_weight <= 1:
        raise ConfigError(
            f"distillation.soft_weight = {soft_weight} must lie between 0 and 1.", "distillation.soft_weight"
        )
    student_log = log_softmax(student_logits / temperature, dim=-1)
    teacher_log = log_softmax(teacher_logits / temperature, dim=-1)
    soft = temperature**2 * kl_div(student_log, teacher_log, reduction="batchmean", log_target=True)
    hard = cross_entropy(student_logits, labels)
    return DistillationLoss(soft_weight * soft + (1 - soft_weight) * hard, soft, hard)


def soft_targets(
    teacher: Classifier, texts: tuple[str, ...], config: RunConfig, report: Report = ignore
) -> "torch.Tensor":
    """The teacher's logits on every text, (texts, 2) float32 on the CPU.

    The teacher is frozen and in eval mode, so one pass serves every epoch.
    """
    device = teacher.model.device
    accelerator = open_accelerator(device, training_precision(config.training.precision, device))

    def progress(step: int, steps: int) -> None:
        report(Progress(stage=STAGE, doing="The teacher reads the training URLs, once", step=step, steps=steps))

    return logits_of(teacher, texts, progress, accelerator.autocast)


def distill(
    student: Classifier,
    targets: "torch.Tensor",
    train: Split,
    validate: Callable[[Classifier], Metrics],
    config: RunConfig,
    report: Report = ignore,
    teacher_metrics: Metrics | None = None,
) -> Classifier:
    """The student, trained in place on `train` against the teacher's `targets` (rows of `train`, 2), in eval mode.

    `validate` is called on it after each epoch. Raises CompressionError if the loss is no longer a number.
    """
    import torch

    settings, device = config.distillation, student.model.device
    token_ids = student.tokenize(train.texts, settings.max_length)
    lengths = [len(ids) for ids in token_ids]
    labels = torch.tensor(train.labels)
    steps = settings.epochs * len(in_order(len(train), settings.batch_size))

    if settings.schedule == "one-cycle" and steps < SHORTEST_CYCLE:
        report(Notice(text=f"{steps} steps are too few for a cycle: the learning rate stays constant."))
    accelerator = open_accelerator(device, training_precision(config.training.precision, device))
    optimizer = torch.optim.Adam(student.model.parameters(), lr=settings.learning_rate, fused=True)
    optimizer = accelerator.prepare(optimizer)
    schedule = _schedule(optimizer, config, steps)
    torch.manual_seed(config.seed)

    step = 0
    for epoch in range(1, settings.epochs + 1):
        student.model.train()
        for rows in _batches(lengths, config, epoch):
            inputs = collate([token_ids[row] for row in rows], student.tokenizer.pad_token_id)
            with accelerator.autocast():
                logits = student.model(**{name: tensor.to(device) for name, tensor in inputs.items()}).logits
            loss = distillation_loss(
                logits.float(),
                targets[rows].to(device),
                labels[rows].to(device),
                settings.temperature,
                settings.soft_weight,
            )
            total, soft, hard = torch.stack([part.detach() for part in loss]).tolist()
            if total != total:
                raise CompressionError("The loss is no longer a number. Lower distillation.learning_rate.")
            optimizer.zero_grad()
            accelerator.backward(loss.total)
            optimizer.step()
            schedule.step()
            step += 1
            report(
                TrainingStep(
                    stage=STAGE, step=step, steps=steps, epoch=epoch, loss=total, soft_loss=soft, hard_loss=hard
                )
            )
        student.model.eval()
        metrics = validate(student)
        report(EpochEnded(stage=STAGE, epoch=epoch, epochs=settings.epochs, student=metrics, teacher=teacher_metrics))
    return student


def _batches(lengths: list[int], config: RunConfig, epoch: int) -> list[list[int]]:
    """The epoch's batches: length-bucketed and shuffled, or (the notebook's way) rows as they stand, unshuffled."""
    if config.training.bucketing:
        return bucketed(lengths, config.distillation.batch_size, config.seed * 1000 + epoch)
    return in_order(len(lengths), config.distillation.batch_size)


def _schedule(
    optimizer: "torch.optim.Optimizer", config: RunConfig, steps: int
) -> "torch.optim.lr_scheduler.LRScheduler":
    from torch.optim.lr_scheduler import ConstantLR, OneCycleLR

    if config.distillation.schedule == "constant" or steps < SHORTEST_CYCLE:
        return ConstantLR(optimizer, factor=1.0, total_iters=0)
    return OneCycleLR(
        optimizer, config.distillation.learning_rate, total_steps=steps, pct_start=0.1, cycle_momentum=False
    )

"""Training a student on a lesson: soft targets and hard labels in every batch, and what else the recipe asks for.

Lesson (texts, labels, teacher's logits) ── batches ──▶ distillation loss (+ hints) ──▶ Adam ──▶ student
                                                                                    (mean of the last weights)
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compression.config import DistillationConfig, RunConfig
from compression.data.batching import bucketed, collate, in_order
from compression.errors import CompressionError
from compression.events import EpochEnded, Notice, Report, TrainingStep, ignore
from compression.methods.distill import BatchSize, distillation_loss
from compression.methods.hints import imitating
from compression.models.asking import answer
from compression.models.checkpoint import Checkpoint, Course, Place
from compression.models.classifier import Classifier
from compression.models.device import (
    add_gradients,
    equalize,
    moved,
    open_accelerator,
    own,
    steps_between_reads,
    training_precision,
)
from compression.result import Metrics

if TYPE_CHECKING:
    import torch

SHORTEST_CYCLE = 11  # steps; the rise takes a tenth of them, and must not end where it begins


@dataclass(frozen=True)
class Lesson:
    """What a student learns from, row by row: `targets` are the teacher's logits, (texts, 2) float32 on the CPU.

    A label is a class id, or −1 where the class is unknown: then the teacher alone is believed.
    """

    texts: tuple[str, ...]
    labels: tuple[int, ...]
    targets: "torch.Tensor"

    def __len__(self) -> int:
        return len(self.texts)


def train(
    student: Classifier,
    lesson: Lesson,
    validate: Callable[[Classifier], Metrics],
    config: RunConfig,
    report: Report = ignore,
    *,
    stage: str,
    epochs: int,
    learning_rate: float,
    teacher: Classifier | None = None,
    before_step: Callable[[int, int], None] | None = None,
    teacher_metrics: Metrics | None = None,
    checkpoint: Path | None = None,
) -> Classifier:
    """The student, trained in place on the lesson (all its parameters that require gradients), in eval mode.

    Loss, batches and schedule are those of `config.distillation`; its hidden states and attention maps are compared
    with those of `teacher`, where their weights are above 0 and there is one. `before_step(step, steps)`, step from 1,
    is called before each step's forward pass. `validate` is called on the student after each epoch.
    With `averaging` the student ends with the mean of its weights after each step of the second half: stochastic weight
    averaging, Izmailov et al. 2018, arXiv:1803.05407, §3; here beside the falling rate of the one cycle.
    Where several processes share the work, each batch is shared out by rows and the gradients are added up.
    On a GPU no step waits for the device: the loss is read, and reported, every few steps and after each epoch's last.
    Each epoch is kept in the file `checkpoint`; a training that finds one there goes on from it, to the same weights.
    Raises CompressionError if the loss is no longer a number, ConfigError where a hint cannot be given.
    """
    import torch

    settings, device = config.distillation, student.model.device
    token_ids = student.tokenize(lesson.texts, settings.max_length)
    lengths = [len(ids) for ids in token_ids]
    labels = torch.tensor(lesson.labels)
    steps = epochs * len(in_order(len(lesson), settings.batch_size))

    if settings.schedule == "one-cycle" and steps < SHORTEST_CYCLE:
        report(Notice(text=f"{steps} steps are too few for a cycle: the learning rate stays constant."))
    accelerator = open_accelerator(device, training_precision(config.training.precision, device))
    with imitating(student, teacher, lesson.texts, token_ids, config) as imitation:
        equalize(accelerator, student.model, imitation.projections)
        learning = [parameter for parameter in student.model.parameters() if parameter.requires_grad]
        parameters = [*learning, *imitation.parameters()]
        optimizer = accelerator.prepare(torch.optim.Adam(parameters, lr=learning_rate, fused=True))
        schedule = _schedule(optimizer, settings.schedule, learning_rate, steps)
        mean = _Mean(learning)
        modules = {"student": student.model, "projections": imitation.projections}
        course = Course(modules, optimizer, mean, schedule, accelerator.scaler)
        kept = Checkpoint(checkpoint, stage, steps, course, report)
        torch.manual_seed(config.seed + accelerator.process_index)  # each process drops other units of its rows
        place = kept.find()

        def learn(batch: list[int], step: int) -> "torch.Tensor":
            """Total, soft and hard loss of this process's rows, as shares of the batch's; their gradients are left."""
            rows = list(own(accelerator, batch))
            if not rows:
                accelerator.backward(0 * parameters[0].sum())  # or the scaler of fp16 would not know its scale
                return torch.zeros(3, device=device)
            inputs = collate([token_ids[row] for row in rows], student.tokenizer.pad_token_id)
            with accelerator.autocast():
                output = answer(student.model, inputs, **imitation.asked)
                hint = imitation.loss(rows, batch, inputs, output)
            loss = distillation_loss(
                output.logits.float(),
                moved(lesson.targets[rows], device),
                moved(labels[rows], device),
                *_weights(settings, step, steps),
                BatchSize(len(batch), sum(lesson.labels[row] >= 0 for row in batch)),
            )
            total = loss.total if hint is None else loss.total + hint
            accelerator.backward(total)
            return torch.stack([total, loss.soft, loss.hard]).detach()

        between = steps_between_reads(device)
        for epoch in range(place.epoch, epochs + 1):
            student.model.train()
            batches = _batches(lengths, config, epoch)
            place = replace(place, epoch=epoch, batches=place.batches if epoch == place.epoch else 0)
            for batch in batches[place.batches :]:
                if before_step is not None:
                    before_step(place.step + 1, steps)
                optimizer.zero_grad()
                losses = learn(batch, place.step)
                add_gradients(accelerator, parameters)
                optimizer.step()
                schedule.step()
                place = Place(place.step + 1, epoch, place.batches + 1)
                if settings.averaging and place.step > steps // 2:
                    mean.add()
                if place.step % between == 0 or place.batches == len(batches):
                    losses = accelerator.reduce(losses, "sum")
                    kept.report(_looked_at(losses, stage, place.step, steps, epoch), place)
            kept.keep(place)
            student.model.eval()
            if epoch == epochs:
                mean.load()
            metrics = validate(student)
            report(EpochEnded(stage=stage, epoch=epoch, epochs=epochs, student=metrics, teacher=teacher_metrics))
    return student


def _looked_at(losses: "torch.Tensor", stage: str, step: int, steps: int, epoch: int) -> TrainingStep:
    """What to report of a step; waits for the device. Raises CompressionError if the loss is no longer a number."""
    total, soft, hard = losses.tolist()
    if total != total:
        raise CompressionError(f"The loss is no longer a number. Lower the learning rate of {stage}.")
    return TrainingStep(stage=stage, step=step, steps=steps, epoch=epoch, loss=total, soft_loss=soft, hard_loss=hard)


class _Mean:
    """The mean of several states of parameters; nothing is held before the first."""

    def __init__(self, parameters: "list[torch.nn.Parameter]") -> None:
        self._parameters = parameters
        self._count = 0
        self._mean: list[torch.Tensor] = []

    def add(self) -> None:
        """Counts the parameters in as they are now."""
        self._count += 1
        if self._count == 1:
            self._mean = [parameter.detach().clone() for parameter in self._parameters]
        for mean, parameter in zip(self._mean, self._parameters, strict=True):
            mean.lerp_(parameter.detach(), 1 / self._count)

    def load(self) -> None:
        """Gives the parameters their mean; leaves them as they are if none was taken."""
        for mean, parameter in zip(self._mean, self._parameters, strict=bool(self._mean)):
            parameter.data.copy_(mean)

    def state(self) -> "tuple[dict[str, torch.Tensor], dict[str, Any]]":
        """The mean so far, and of how many states."""
        return {str(number): mean for number, mean in enumerate(self._mean)}, {"count": self._count}

    def restore(self, tensors: "dict[str, torch.Tensor]", facts: dict[str, Any]) -> None:
        """Goes on from what `state` said."""
        self._count = facts["count"]
        self._mean = [tensors[str(n)].to(self._parameters[n].device) for n in range(len(tensors))]


def _weights(settings: DistillationConfig, step: int, steps: int) -> tuple[float, float]:
    """Temperature and weight of the soft targets at a step (from 0): on a line from start to end, or constant."""
    passed = step / max(1, steps - 1)

    def at(start: float, end: float | None) -> float:
        return start if end is None else start + (end - start) * passed

    return at(settings.temperature, settings.temperature_end), at(settings.soft_weight, settings.soft_weight_end)


def _batches(lengths: list[int], config: RunConfig, epoch: int) -> list[list[int]]:
    """The epoch's batches: length-bucketed and shuffled, or (the notebook's way) rows as they stand, unshuffled."""
    if config.training.bucketing:
        return bucketed(lengths, config.distillation.batch_size, config.seed * 1000 + epoch)
    return in_order(len(lengths), config.distillation.batch_size)


def _schedule(
    optimizer: "torch.optim.Optimizer", schedule: str, learning_rate: float, steps: int
) -> "torch.optim.lr_scheduler.LRScheduler":
    from torch.optim.lr_scheduler import ConstantLR, OneCycleLR

    if schedule == "constant" or steps < SHORTEST_CYCLE:
        return ConstantLR(optimizer, factor=1.0, total_iters=0)
    return OneCycleLR(optimizer, learning_rate, total_steps=steps, pct_start=0.1, cycle_momentum=False)

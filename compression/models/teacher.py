"""Fine-tuning a teacher: the article's first notebook, with the encoder frozen or not, the best epoch kept."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compression.catalog import LABELS
from compression.config import Device, Precision
from compression.data.batching import bucketed, collate
from compression.data.sources import Split
from compression.errors import CompressionError, ConfigError
from compression.events import EpochEnded, Report, TrainingStep, ignore
from compression.models.classifier import Classifier, load_classifier
from compression.models.device import open_accelerator, resolve, training_precision
from compression.result import Metrics

STAGE = "train-teacher"


@dataclass(frozen=True)
class TeacherRecipe:
    """Hyperparameters of a fine-tuning; the numbers are the article's, which also froze the encoder."""

    epochs: int = 10
    batch_size: int = 8
    learning_rate: float = 2e-4
    freeze_encoder: bool = False
    max_length: int = 512
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "auto"


def load_base(folder: Path, recipe: TeacherRecipe) -> Classifier:
    """The pretrained encoder in `folder` with a new two-class head (or its own, if it has one)."""
    import torch

    torch.manual_seed(recipe.seed)
    names: dict[str, Any] = {"id2label": dict(LABELS), "label2id": {name: index for index, name in LABELS.items()}}
    base = load_classifier(folder, resolve(recipe.device), new_head=True, num_labels=2, **names)
    base.tokenizer.model_max_length = min(recipe.max_length, base.max_length)
    return Classifier(base.model, base.tokenizer, base.tokenizer.model_max_length)


def train_teacher(
    base: Classifier,
    train: Split,
    validate: Callable[[Classifier], Metrics],
    recipe: TeacherRecipe,
    report: Report = ignore,
) -> tuple[Classifier, Metrics]:
    """`base` fine-tuned with cross-entropy, as it was after its best epoch, and its metrics on validation.

    The best epoch has the highest ROC AUC (the article's choice), then accuracy. With `freeze_encoder`, only what lies
    above the layers (pooler, classifier) learns. Raises CompressionError if the loss is no longer a number.
    """
    import torch
    from torch.nn.functional import cross_entropy

    model = base.model
    if recipe.freeze_encoder:
        _freeze_encoder(model)
    accelerator = open_accelerator(model.device, training_precision(recipe.precision, model.device))
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=recipe.learning_rate)
    optimizer = accelerator.prepare(optimizer)
    torch.manual_seed(recipe.seed)

    token_ids = base.tokenize(train.texts)
    lengths = [len(ids) for ids in token_ids]
    labels = torch.tensor(train.labels)
    steps = recipe.epochs * len(bucketed(lengths, recipe.batch_size, recipe.seed))
    step, best, best_weights = 0, None, None
    for epoch in range(1, recipe.epochs + 1):
        model.train()
        for rows in bucketed(lengths, recipe.batch_size, recipe.seed + epoch):
            inputs = collate([token_ids[row] for row in rows], base.tokenizer.pad_token_id)
            inputs = {name: tensor.to(model.device) for name, tensor in inputs.items()}
            with accelerator.autocast():
                logits = model(**inputs).logits
            loss = cross_entropy(logits.float(), labels[rows].to(logits.device))
            value = float(loss.detach())
            if value != value:
                raise CompressionError("The loss is no longer a number. Lower the learning rate.")
            optimizer.zero_grad()
            accelerator.backward(loss)
            optimizer.step()
            step += 1
            report(
                TrainingStep(
                    stage=STAGE, step=step, steps=steps, epoch=epoch, loss=value, soft_loss=0.0, hard_loss=value
                )
            )
        model.eval()
        metrics = validate(base)
        report(EpochEnded(stage=STAGE, epoch=epoch, epochs=recipe.epochs, student=metrics))
        if best is None or _rank(metrics) > _rank(best):
            best, best_weights = metrics, deepcopy(model.state_dict())
    if best is None or best_weights is None:
        raise ConfigError("epochs must be 1 or more.")
    model.load_state_dict(best_weights)
    return base, best


def _rank(metrics: Metrics) -> tuple[float, float]:
    return (metrics.roc_auc or 0.0, metrics.accuracy)


def _freeze_encoder(model: "object") -> None:
    """Stops the base model's weights from learning, its pooler excepted."""
    for name, parameter in model.base_model.named_parameters():  # type: ignore[attr-defined]
        parameter.requires_grad = "pooler" in name

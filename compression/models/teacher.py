"""Fine-tuning a teacher: the article's first notebook, all of it learning or its upper part, the best epoch kept."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from compression.catalog import LABELS
from compression.config import Device, Precision
from compression.data.batching import bucketed, collate
from compression.data.sources import Split
from compression.errors import CompressionError, ConfigError
from compression.events import EpochEnded, Notice, Report, TrainingStep, ignore
from compression.models.checkpoint import Checkpoint, Course, Place
from compression.models.classifier import Classifier, load_classifier
from compression.models.device import equalize, open_accelerator, resolve, training_precision
from compression.models.student import layers_path
from compression.result import Metrics

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

STAGE = "train-teacher"


@dataclass(frozen=True)
class TeacherRecipe:
    """Hyperparameters of a fine-tuning; the numbers are the article's, which also froze the encoder.

    `train` says what learns: everything, the last `last_layers` encoder layers with pooler and classifier, or these two
    alone (head). After `patience` epochs without a better one it stops.
    """

    epochs: int = 10
    batch_size: int = 8
    learning_rate: float = 2e-4
    max_length: int = 512
    seed: int = 0
    device: Device = "auto"
    precision: Precision = "auto"
    train: Literal["all", "last-layers", "head"] = "all"
    last_layers: int = 1
    patience: int | None = None


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
    stage: str = STAGE,
    checkpoint: Path | None = None,
) -> tuple[Classifier, Metrics]:
    """`base` fine-tuned with cross-entropy, as it was after its best epoch, and its metrics on validation.

    The best epoch has the highest ROC AUC (the article's choice), then accuracy. Each epoch is kept in the file
    `checkpoint`; a training that finds one there goes on from it, to the same weights. Raises CompressionError if the
    loss is no longer a number, ConfigError if the model has fewer layers than shall learn.
    """
    import torch
    from torch.nn.functional import cross_entropy

    model = base.model
    _freeze(model, recipe)
    accelerator = open_accelerator(model.device, training_precision(recipe.precision, model.device))
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=recipe.learning_rate)
    optimizer = accelerator.prepare(optimizer)
    torch.manual_seed(recipe.seed)

    token_ids = base.tokenize(train.texts)
    lengths = [len(ids) for ids in token_ids]
    labels = torch.tensor(train.labels)
    steps = recipe.epochs * len(bucketed(lengths, recipe.batch_size, recipe.seed))
    best = _Best(model)
    kept = Checkpoint(
        checkpoint, stage, steps, Course({"model": model}, optimizer, best, None, accelerator.scaler), report
    )
    place = kept.find()
    for epoch in range(place.epoch, recipe.epochs + 1):
        model.train()
        batches = bucketed(lengths, recipe.batch_size, recipe.seed + epoch)
        place = replace(place, epoch=epoch, batches=place.batches if epoch == place.epoch else 0)
        for rows in batches[place.batches :]:
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
            place = Place(place.step + 1, epoch, place.batches + 1)
            seen = TrainingStep(
                stage=stage, step=place.step, steps=steps, epoch=epoch, loss=value, soft_loss=0.0, hard_loss=value
            )
            kept.report(seen, place)
        kept.keep(place)
        model.eval()
        metrics = validate(base)
        report(EpochEnded(stage=stage, epoch=epoch, epochs=recipe.epochs, student=metrics))
        best.consider(epoch, metrics)
        if epoch - best.epoch == recipe.patience and epoch < recipe.epochs:
            report(Notice(text=f"Stopped after epoch {epoch} of {recipe.epochs}: the best one was epoch {best.epoch}."))
            break
    if best.metrics is None:
        raise ConfigError("epochs must be 1 or more.")
    model.load_state_dict(best.weights)
    equalize(accelerator, model)
    return base, best.metrics


class _Best:
    """The best epoch so far of a model that learns: its number, metrics and weights."""

    def __init__(self, model: "PreTrainedModel") -> None:
        self._model = model
        self.epoch, self.metrics = 0, cast(Metrics | None, None)
        self.weights: dict[str, torch.Tensor] = {}

    def consider(self, epoch: int, metrics: Metrics) -> None:
        """Takes an epoch that has just ended, if it is better than the best one."""
        if self.metrics is None or _rank(metrics) > _rank(self.metrics):
            self.epoch, self.metrics, self.weights = epoch, metrics, deepcopy(self._model.state_dict())

    def state(self) -> "tuple[dict[str, torch.Tensor], dict[str, Any]]":
        """All of it, as tensors and as what JSON can say."""
        return self.weights, {"epoch": self.epoch, "metrics": self.metrics and self.metrics.model_dump(mode="json")}

    def restore(self, tensors: "dict[str, torch.Tensor]", facts: dict[str, Any]) -> None:
        """Goes on from what `state` said."""
        self.epoch, self.weights = facts["epoch"], tensors
        self.metrics = facts["metrics"] and Metrics.model_validate(facts["metrics"])


def _rank(metrics: Metrics) -> tuple[float, float]:
    return (metrics.roc_auc or 0.0, metrics.accuracy)


def _freeze(model: "PreTrainedModel", recipe: TeacherRecipe) -> None:
    """Leaves to learn what the recipe says; the pooler counts with the classifier, above the layers."""
    layers, path = model.config.num_hidden_layers, layers_path(model)
    if recipe.train == "last-layers" and recipe.last_layers > layers:
        raise ConfigError(
            f"fine_tuning.last_layers = {recipe.last_layers}, but the model has {layers}. Use {layers} or less.",
            "fine_tuning.last_layers",
        )
    count = recipe.last_layers if recipe.train == "last-layers" else 0
    learning = tuple(f"{path}.{index}." for index in range(layers - count, layers))
    base = f"{model.base_model_prefix}."
    for name, parameter in model.named_parameters():
        above = not name.startswith(base) or "pooler" in name
        parameter.requires_grad = recipe.train == "all" or above or name.startswith(learning)

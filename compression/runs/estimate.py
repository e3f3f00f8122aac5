"""How long a run will take, told from what runs like it took on this machine."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from compression.config import RunConfig
from compression.recipe import flatten
from compression.settings import training_epochs

# What hardly changes how long an epoch takes.
_INDIFFERENT = frozenset(
    {
        "seed",
        "labels.not_safe",
        "fine_tuning.learning_rate",
        "fine_tuning.patience",
        "student.init",
        "student.width",
        "distillation.learning_rate",
        "distillation.schedule",
        "distillation.averaging",
        "distillation.temperature",
        "distillation.temperature_end",
        "distillation.soft_weight",
        "distillation.soft_weight_end",
        "distillation.ngram_weight",
        "structured.importance",
        "structured.learning_rate",
        "pruning.sparsity",
        "pruning.scope",
        "pruning.schedule",
        "pruning.learning_rate",
        "qat.learning_rate",
    }
)


@dataclass(frozen=True)
class Past:
    """A run that succeeded: what recipes like its own share, its epochs, and how long its stages took."""

    like: tuple[object, ...]
    epochs: int
    seconds: float

    @classmethod
    def of(cls, config: RunConfig, seconds: float) -> "Past":
        """The past of a run that took so many seconds."""
        return cls(_like(config), training_epochs(config), seconds)


def expected_seconds(config: RunConfig, past: Iterable[Past]) -> float | None:
    """The median of what runs of like recipes took, scaled by their epochs; None if there was none."""
    like, epochs = _like(config), training_epochs(config)
    known = [run.seconds * epochs / run.epochs for run in past if run.like == like]
    return median(known) if known else None


def _like(config: RunConfig) -> tuple[object, ...]:
    """What decides how long an epoch takes: data, shapes, lengths, and which steps there are."""
    settings = flatten(config).items()
    kept = tuple(value for key, value in settings if key not in _INDIFFERENT and not key.endswith(".epochs"))
    return (*kept, config.pruning.sparsity > 0, config.fine_tuning.epochs > 0)

"""A model's classes: which of them mean Not Safe, and any number of logits made into two."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from compression.data.labels import fold, listed, meaning, names_in
from compression.errors import ConfigError, ModelError

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig

_CHOOSE = "(--not-safe CLASSES, or labels.not_safe in the recipe)"


def class_names(config: "PretrainedConfig") -> list[str]:
    """The model's names for its classes, in the order of its logits."""
    return [str(config.id2label.get(index, f"LABEL_{index}")) for index in range(config.num_labels)]


def not_safe_classes(config: "PretrainedConfig", chosen: str | None, called: str) -> tuple[int, ...]:
    """Which logits of the model mean Not Safe: those `chosen` (names or numbers, commas between), else by their names.

    Names that say nothing leave the second of two classes. Raises ModelError, calling the model by `called`, if it has
    one class, more than two that do not exclude each other, or more than two without a choice; ConfigError for a choice
    of no class, of all, or of one that is not there.
    """
    names = class_names(config)
    if len(names) < 2:
        raise ModelError(f"{called} has only one class ({listed(names)}). Give a classifier with two or more.")
    if len(names) > 2 and config.problem_type == "multi_label_classification":
        raise ModelError(f"{called} may give one text several classes. Give a classifier that decides for one class.")
    if chosen is not None:
        return _chosen(names, chosen, called)
    if len(names) == 2:
        first, second = map(meaning, names)
        return (0,) if first == 1 or (first is None and second == 0) else (1,)
    raise ModelError(
        f"{called} has {len(names)} classes: {_numbered(names)}. Say which of them mean Not Safe, "
        f"with commas between {_CHOOSE}."
    )


def two_logits(logits: "torch.Tensor", not_safe: Sequence[int]) -> "torch.Tensor":
    """Logits (texts, classes) as (texts, 2), columns Safe and Not Safe: the log of each group's summed exponentials.

    The softmax over the two is then each group's summed probability. A group of one keeps its logit, bit for bit.
    """
    import torch

    groups = (_others(logits.shape[1], not_safe), list(not_safe))
    columns = [logits[:, g[0]] if len(g) == 1 else torch.logsumexp(logits[:, g], dim=1) for g in groups]
    return torch.stack(columns, dim=1)


def two_rows(parameter: "torch.Tensor", not_safe: Sequence[int]) -> "torch.Tensor":
    """A head's weight (classes, features) or bias (classes,) for the two logits: the mean of each group's rows.

    A bias also gains the logarithm of the group's size: the mean of k logits + log k is `two_logits` to first order,
    and equal to it where the group's logits are alike. Groups of one are copied.
    """
    import torch

    groups = (_others(len(parameter), not_safe), list(not_safe))
    gain = math.log if parameter.dim() == 1 else lambda _: 0.0
    return torch.stack([parameter[g].mean(dim=0) + gain(len(g)) for g in groups])


def _others(classes: int, not_safe: Sequence[int]) -> list[int]:
    return [index for index in range(classes) if index not in not_safe]


def _chosen(names: list[str], chosen: str, called: str) -> tuple[int, ...]:
    folded = [fold(name) for name in names]
    found: set[int] = set()
    for name in names_in(chosen, folded):
        indices = {index for index, known in enumerate(folded) if known == fold(name)}
        if not indices and name.isdecimal() and int(name) < len(names):
            indices = {int(name)}
        if not indices:
            raise _refused(f"{called} has no class {name[:40]!r}; its classes are {_numbered(names)}.")
        found |= indices
    if not found or len(found) == len(names):
        which = "All" if found else "None"
        raise _refused(f"{which} of the classes of {called} would mean Not Safe; they are {_numbered(names)}.")
    return tuple(sorted(found))


def _refused(what: str) -> ConfigError:
    return ConfigError(f"{what} Say which of them mean Not Safe {_CHOOSE}.", "labels.not_safe")


def _numbered(names: list[str]) -> str:
    """The first few classes with their numbers, for a sentence."""
    shown = ", ".join(f"{index} {name[:40]!r}" for index, name in enumerate(names[:8]))
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")

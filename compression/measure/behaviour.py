"""How two models differ beyond accuracy: which verdicts changed, and how closely one keeps to the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from compression.measure.intervals import Interval, wilson
from compression.predict.predictor import THRESHOLD

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Flips:
    """Rows whose verdict is another one with the second model: wrong before and right now, and right before and wrong
    now."""

    repaired: tuple[int, ...]
    broken: tuple[int, ...]


@dataclass(frozen=True)
class Loyalty:
    """How closely a model keeps to its teacher, each 1 where they never differ.

    `label` is the share of equal verdicts, with its 95 % interval; `probability` 1 less the mean distance of the
    probabilities, at least 1 − √ln 2 = 0.17.
    """

    label: float
    label_interval: Interval
    probability: float


def flips(labels: Sequence[int], before: "np.ndarray", after: "np.ndarray") -> Flips:
    """The rows in which the verdicts, at one half, of two models' probabilities of class 1 differ; all (rows,)."""
    import numpy as np

    truth = np.asarray(labels, dtype=bool)
    was_right, is_right = (before >= THRESHOLD) == truth, (after >= THRESHOLD) == truth
    repaired, broken = np.flatnonzero(~was_right & is_right), np.flatnonzero(was_right & ~is_right)
    return Flips(tuple(repaired.tolist()), tuple(broken.tolist()))


def loyalty(teacher: "np.ndarray", model: "np.ndarray") -> Loyalty:
    """Label and probability loyalty of a model to its teacher, from probabilities of class 1, (rows,) each.

    The distance of two probabilities is the root of their Jensen-Shannon divergence in nats. Raises ValueError for no
    rows. Source: Xu et al. 2021, "Beyond Preserved Accuracy", arXiv:2109.03228, §3.1; the natural logarithm is that of
    the implementation its authors name.
    """
    import numpy as np
    from scipy.special import rel_entr

    equal = int(((teacher >= THRESHOLD) == (model >= THRESHOLD)).sum())
    interval = wilson(equal, len(model))
    ours, theirs = np.stack([model, 1 - model]), np.stack([teacher, 1 - teacher])
    middle = (ours + theirs) / 2
    divergence = (rel_entr(ours, middle) + rel_entr(theirs, middle)).sum(axis=0) / 2
    distance = np.sqrt(np.maximum(divergence, 0))  # rounding may leave it below 0
    return Loyalty(equal / len(model), interval, 1 - float(distance.mean()))

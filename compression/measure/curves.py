"""What thresholds other than one half would do: ROC and precision-recall curves, the threshold for a wanted recall."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from compression.errors import DataError

if TYPE_CHECKING:
    import numpy as np

RECALLS = (0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True, eq=False)
class Curve:
    """Points of a curve, (points,) each: `x` and `y` where the verdict is Not Safe from each threshold on.

    ROC: false-positive rate and recall. Precision-recall: recall and precision.
    """

    x: "np.ndarray"
    y: "np.ndarray"
    thresholds: "np.ndarray"


@dataclass(frozen=True)
class OperatingPoint:
    """What a model does where its verdict is Not Safe from `threshold` on; `precision` is None without a verdict."""

    threshold: float
    recall: float
    false_positive_rate: float
    precision: float | None


def roc(labels: Sequence[int], probabilities: "np.ndarray") -> Curve:
    """The ROC curve from (0, 0), where nothing is Not Safe (threshold ∞), to (1, 1).

    Raises DataError for one class only.
    """
    from sklearn.metrics import roc_curve

    _require_both(labels)
    false_positives, recall, thresholds = roc_curve(labels, probabilities)
    return Curve(false_positives, recall, thresholds)


def precision_recall(labels: Sequence[int], probabilities: "np.ndarray") -> Curve:
    """The precision-recall curve from recall 1 down to the highest threshold. Raises DataError for one class only."""
    from sklearn.metrics import precision_recall_curve

    _require_both(labels)
    precision, recall, thresholds = precision_recall_curve(labels, probabilities, drop_intermediate=True)
    return Curve(recall[:-1], precision[:-1], thresholds)  # the last point, (0, 1), is of no threshold


def threshold_for(labels: Sequence[int], probabilities: "np.ndarray", recall: float) -> float:
    """The highest threshold from which on at least the share `recall` of the positive examples is found.

    Raises DataError for one class only, ValueError for a recall outside (0, 1].
    """
    import numpy as np

    if not 0 < recall <= 1:
        raise ValueError(f"A recall of {recall} cannot be reached.")
    _require_both(labels)
    positive = np.sort(probabilities[np.asarray(labels, dtype=bool)])[::-1]
    needed = int(np.ceil(recall * len(positive) - 1e-9))  # 0.95 · 20 is a little more than 19
    return float(positive[needed - 1])


def operating_point(labels: Sequence[int], probabilities: "np.ndarray", threshold: float) -> OperatingPoint:
    """What the threshold does on these examples. Raises DataError for one class only."""
    import numpy as np

    _require_both(labels)
    truth, verdicts = np.asarray(labels, dtype=bool), probabilities >= threshold
    found, wrong = int((verdicts & truth).sum()), int((verdicts & ~truth).sum())
    return OperatingPoint(
        threshold=threshold,
        recall=found / int(truth.sum()),
        false_positive_rate=wrong / int((~truth).sum()),
        precision=found / (found + wrong) if found + wrong else None,
    )


def threshold_table(
    chosen_on: "tuple[Sequence[int], np.ndarray]",
    told_on: "tuple[Sequence[int], np.ndarray]",
    recalls: Sequence[float] = RECALLS,
) -> tuple[OperatingPoint, ...]:
    """For each wanted recall the threshold that reaches it on one split, and what that does on another.

    A split is its labels and the probabilities of class 1. A threshold that was chosen on the very URLs it is told on
    would look better than it is: choose on validation, tell on test. Raises DataError for one class only.
    """
    return tuple(operating_point(*told_on, threshold_for(*chosen_on, recall)) for recall in recalls)


def _require_both(labels: Sequence[int]) -> None:
    if len(set(labels)) < 2:
        raise DataError("These URLs are all of one class, so there is no curve. Give data with safe and phishing URLs.")

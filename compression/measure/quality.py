"""How often a model is right: the metrics of one split."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from compression.predict.predictor import THRESHOLD
from compression.result import Metrics

if TYPE_CHECKING:
    import numpy as np


def quality(labels: Sequence[int], probabilities: "np.ndarray") -> Metrics:
    """Metrics of the verdicts at threshold one half; (examples,) class ids and probabilities of class 1.

    What is undefined (precision without a positive verdict, ROC AUC with one class) is None.
    """
    from sklearn.metrics import confusion_matrix, roc_auc_score

    predicted = (probabilities >= THRESHOLD).astype(int)
    (tn, fp), (fn, tp) = confusion_matrix(labels, predicted, labels=[0, 1]).tolist()
    return Metrics(
        accuracy=(tp + tn) / len(labels),
        precision=tp / (tp + fp) if tp + fp else None,
        recall=tp / (tp + fn) if tp + fn else None,
        f1=2 * tp / (2 * tp + fp + fn) if 2 * tp + fp + fn else None,
        roc_auc=float(roc_auc_score(labels, probabilities)) if 0 < sum(labels) < len(labels) else None,
        examples=len(labels),
        confusion=((tn, fp), (fn, tp)),
    )

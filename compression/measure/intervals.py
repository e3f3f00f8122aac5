"""How sure each metric of a split is: 95 % intervals, by formula for shares and by resampling for the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from compression.measure.quality import quality
from compression.result import Metrics

if TYPE_CHECKING:
    import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 2_000
_CELLS = 250_000  # of resamples by URLs that are held at a time: what a CPU's cache holds is done fastest
Interval = tuple[float, float]


@dataclass(frozen=True)
class Intervals:
    """The two-sided 95 % interval of each metric; None where the metric is undefined."""

    accuracy: Interval
    precision: Interval | None
    recall: Interval | None
    f1: Interval | None
    roc_auc: Interval | None


def intervals(
    labels: Sequence[int], probabilities: "Mapping[str, np.ndarray]", seed: int = 0, resamples: int = RESAMPLES
) -> dict[str, Intervals]:
    """The intervals of each model's metrics; labels and each model's probabilities of class 1 are (examples,).

    Accuracy, precision and recall are shares, for which Wilson's interval holds (precision's for as many positive
    verdicts as were given). F1 and ROC AUC are none: theirs run between percentiles of the metric over resamples of
    the examples, drawn with `seed`, the same for all models (Efron 1979, doi:10.1214/aos/1176344552, §2).
    Raises ValueError for no examples.
    """
    drawn = _bootstrap(labels, probabilities, seed, resamples)
    found = {}
    for name, own in probabilities.items():
        metrics = quality(labels, own)
        f1, roc_auc = drawn[name]
        found[name] = replace(
            of_counts(metrics),
            f1=None if metrics.f1 is None else _percentiles(f1),
            roc_auc=None if metrics.roc_auc is None else _percentiles(roc_auc),
        )
    return found


def of_counts(metrics: Metrics) -> Intervals:
    """The intervals that a confusion matrix alone gives: Wilson's, of the shares; none of F1 and ROC AUC."""
    (tn, fp), (fn, tp) = metrics.confusion
    return Intervals(
        accuracy=wilson(tn + tp, metrics.examples),
        precision=wilson(tp, tp + fp) if tp + fp else None,
        recall=wilson(tp, tp + fn) if tp + fn else None,
        f1=None,
        roc_auc=None,
    )


def wilson(successes: int, examples: int) -> Interval:
    """The two-sided 95 % interval of a share, such as an accuracy. Raises ValueError for no examples.

    Source: the score interval, Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    from scipy.stats import binomtest

    interval = binomtest(successes, examples).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def _bootstrap(
    labels: Sequence[int], probabilities: "Mapping[str, np.ndarray]", seed: int, resamples: int
) -> "dict[str, tuple[np.ndarray, np.ndarray]]":
    """F1 and ROC AUC of each model on each resample, (resamples,); not a number where undefined."""
    import numpy as np

    truth, count = np.asarray(labels, dtype=bool), len(labels)
    if count == 0:
        raise ValueError("There is no example to resample.")
    random = np.random.default_rng(seed)
    f1: dict[str, list[np.ndarray]] = {name: [] for name in probabilities}
    roc_auc: dict[str, list[np.ndarray]] = {name: [] for name in probabilities}
    at_a_time = max(1, _CELLS // count)
    for start in range(0, resamples, at_a_time):
        rows = min(at_a_time, resamples - start)
        drawn = random.integers(count, size=(rows, count)) + count * np.arange(rows)[:, None]
        times = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count).astype(np.float32)
        for name, own in probabilities.items():
            f1[name].append(_f1(truth, own, times))
            roc_auc[name].append(_roc_auc(truth, own, times))
    return {name: (np.concatenate(f1[name]), np.concatenate(roc_auc[name])) for name in probabilities}


def _f1(truth: "np.ndarray", probabilities: "np.ndarray", times: "np.ndarray") -> "np.ndarray":
    """F1 where each example counts as often as `times` (resamples, examples) says, (resamples,)."""
    import numpy as np

    from compression.predict.predictor import THRESHOLD

    verdicts = probabilities >= THRESHOLD
    hits, wrong = times @ (truth & verdicts), times @ (truth ^ verdicts)
    with np.errstate(invalid="ignore"):
        return np.asarray(2 * hits / (2 * hits + wrong))


def _roc_auc(truth: "np.ndarray", probabilities: "np.ndarray", times: "np.ndarray") -> "np.ndarray":
    """ROC AUC where each example counts as often as `times` (resamples, examples) says, (resamples,).

    It is the share of pairs of a positive and a negative example in which the positive one is rated higher, ties half
    (Mann and Whitney's U).
    """
    import numpy as np

    order = np.argsort(probabilities, kind="stable")
    starts = np.flatnonzero(np.diff(probabilities[order], prepend=-1))  # of equal probabilities
    sorted_times, positive = times[:, order], truth[order]
    above = np.add.reduceat(sorted_times * positive, starts, axis=1)
    below = np.add.reduceat(sorted_times * ~positive, starts, axis=1)
    pairs = above.sum(axis=1, dtype=np.float64) * below.sum(axis=1, dtype=np.float64)
    won = np.einsum("ij,ij->i", above, np.cumsum(below, axis=1) - below / 2, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(won / pairs)


def _percentiles(values: "np.ndarray") -> Interval | None:
    import numpy as np

    defined = values[~np.isnan(values)]
    if not defined.size:
        return None
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(defined, [tail, 100 - tail])
    return float(low), float(high)

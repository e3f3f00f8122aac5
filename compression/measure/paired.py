"""Two models on the same URLs: how much better one is, and whether that is more than chance; and one accuracy alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from compression.predict.predictor import THRESHOLD

if TYPE_CHECKING:
    import numpy as np

_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Paired:
    """The second model against the first on the same examples; a difference is of accuracies, second − first."""

    examples: int
    only_first_right: int
    only_second_right: int
    difference: float
    low: float  # of the two-sided 95 % interval of the difference
    high: float
    lower_bound_95: float  # the difference is above it with 95 % confidence, one-sided
    p_value: float  # exact McNemar test, two-sided: both are equally often right


def paired(labels: Sequence[int], first: "np.ndarray", second: "np.ndarray") -> Paired:
    """Compares the verdicts, at one half, of two models' probabilities of class 1; all three are (examples,).

    Raises ValueError for other lengths, or for no examples.
    """
    import numpy as np

    truth = np.asarray(labels, dtype=bool)
    if not truth.shape == np.shape(first) == np.shape(second) or truth.size == 0:
        raise ValueError(f"Nothing to pair: {truth.shape} labels, {np.shape(first)} and {np.shape(second)} verdicts.")
    first_right = (np.asarray(first) >= THRESHOLD) == truth
    second_right = (np.asarray(second) >= THRESHOLD) == truth
    return compare(truth.size, int((first_right & ~second_right).sum()), int((second_right & ~first_right).sum()))


def compare(examples: int, only_first_right: int, only_second_right: int) -> Paired:
    """The same from the numbers of examples that just one of the two models got right.

    The interval is the adjusted Wald interval of Bonett and Price 2012, doi:10.3102/1076998611411915: one example is
    added where only the first is right, and one where only the second is. It holds its confidence, or more, where the
    models seldom differ, which the plain Wald interval does not; its centre is a little nearer to 0 than `difference`.
    The test is McNemar's, exact: given that one of the two is right, each is so with probability one half.
    """
    from scipy.stats import binomtest, norm

    gained, lost = (only_second_right + 1) / (examples + 2), (only_first_right + 1) / (examples + 2)
    centre = gained - lost
    error = sqrt((gained + lost - centre**2) / (examples + 2))
    two_sided, one_sided = float(norm.ppf((1 + _CONFIDENCE) / 2)), float(norm.ppf(_CONFIDENCE))
    apart = only_first_right + only_second_right
    return Paired(
        examples=examples,
        only_first_right=only_first_right,
        only_second_right=only_second_right,
        difference=(only_second_right - only_first_right) / examples,
        low=max(-1.0, centre - two_sided * error),
        high=min(1.0, centre + two_sided * error),
        lower_bound_95=max(-1.0, centre - one_sided * error),
        p_value=float(binomtest(only_second_right, apart).pvalue) if apart else 1.0,
    )


def wilson(successes: int, examples: int) -> tuple[float, float]:
    """The two-sided 95 % interval of a share, such as an accuracy. Raises ValueError for no examples.

    Source: the score interval, Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    from scipy.stats import binomtest

    interval = binomtest(successes, examples).proportion_ci(_CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)

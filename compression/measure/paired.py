"""Two models on the same URLs: how much better one is, and whether that is more than chance; and one accuracy alone."""

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING

from compression.predict.predictor import THRESHOLD
from compression.result import Paired

if TYPE_CHECKING:
    import numpy as np

_CONFIDENCE = 0.95


def paired(labels: Sequence[int], teacher: "np.ndarray", model: "np.ndarray") -> Paired:
    """Compares the verdicts, at one half, of two models' probabilities of class 1; all three are (examples,).

    Raises ValueError for other lengths, or for no examples.
    """
    import numpy as np

    truth = np.asarray(labels, dtype=bool)
    if not truth.shape == np.shape(teacher) == np.shape(model) or truth.size == 0:
        raise ValueError(f"Nothing to pair: {truth.shape} labels, {np.shape(teacher)} and {np.shape(model)} verdicts.")
    teacher_right = (np.asarray(teacher) >= THRESHOLD) == truth
    model_right = (np.asarray(model) >= THRESHOLD) == truth
    return compare(truth.size, int((teacher_right & ~model_right).sum()), int((model_right & ~teacher_right).sum()))


def compare(examples: int, only_teacher_right: int, only_model_right: int) -> Paired:
    """The same from the numbers of examples that just one of the two models got right.

    The interval is the adjusted Wald interval of Bonett and Price 2012, doi:10.3102/1076998611411915: one example is
    added where only the teacher is right, and one where only the model is. It holds its confidence, or more, where the
    models seldom differ, which the plain Wald interval does not; its centre is a little nearer to 0 than `difference`.
    The test is McNemar's, exact: given that one of the two is right, each is so with probability one half.
    """
    from scipy.stats import binomtest, norm

    gained, lost = (only_model_right + 1) / (examples + 2), (only_teacher_right + 1) / (examples + 2)
    centre = gained - lost
    error = sqrt((gained + lost - centre**2) / (examples + 2))
    two_sided, one_sided = float(norm.ppf((1 + _CONFIDENCE) / 2)), float(norm.ppf(_CONFIDENCE))
    apart = only_teacher_right + only_model_right
    return Paired(
        examples=examples,
        only_teacher_right=only_teacher_right,
        only_model_right=only_model_right,
        difference=(only_model_right - only_teacher_right) / examples,
        low=max(-1.0, centre - two_sided * error),
        high=min(1.0, centre + two_sided * error),
        lower_bound=max(-1.0, centre - one_sided * error),
        p_value=float(binomtest(only_model_right, apart).pvalue) if apart else 1.0,
    )


def wilson(successes: int, examples: int) -> tuple[float, float]:
    """The two-sided 95 % interval of a share, such as an accuracy. Raises ValueError for no examples.

    Source: the score interval, Wilson 1927, doi:10.1080/01621459.1927.10502953.
    """
    from scipy.stats import binomtest

    interval = binomtest(successes, examples).proportion_ci(_CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)

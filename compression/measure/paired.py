"""Two models on the same URLs: how much better one is, and whether that is more than chance."""

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING

from compression.measure.intervals import CONFIDENCE
from compression.predict.predictor import THRESHOLD
from compression.result import Paired

if TYPE_CHECKING:
    import numpy as np


def paired(labels: Sequence[int], teacher: "np.ndarray", model: "np.ndarray") -> Paired:
    """Compares the verdicts, at one half, of two models' probabilities of class 1; all three are (examples,).

    Any model may stand in the teacher's place: `difference` is then the other's accuracy less its accuracy.
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
    two_sided, one_sided = float(norm.ppf((1 + CONFIDENCE) / 2)), float(norm.ppf(CONFIDENCE))
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


def within_noise(by: Paired) -> bool:
    """Whether chance alone may explain who was right more often: McNemar's exact p-value is at least 0.05."""
    return by.p_value >= 1 - CONFIDENCE


def uneven_enough(apart: int) -> int | None:
    """Of so many examples that just one of two models got right, how many one of them must have got to be beyond
    noise; None if even all of them would not do."""
    from scipy.stats import binomtest

    wanted = range(apart // 2, apart + 1)
    return next((count for count in wanted if binomtest(count, apart).pvalue < 1 - CONFIDENCE), None) if apart else None


def in_words(by: Paired, model: str, other: str) -> str:
    """The comparison as a clause; `other` stands in the teacher's place ('the student').

    'the compressed model is right on 3 more of 450 URLs than the student: within noise (p = 0.66)'.
    """
    more = by.only_model_right - by.only_teacher_right
    urls = f"{by.examples:,} URLs"
    chance = "p < 0.001" if by.p_value < 0.001 else f"p = {by.p_value:.{2 if by.p_value >= 0.095 else 3}f}"
    verdict = f"{'within' if within_noise(by) else 'beyond'} noise ({chance})"
    if by.only_model_right == by.only_teacher_right == 0:
        return f"{model} and {other} are right on the same of {urls}"
    if more == 0:
        return f"{model} is right on as many of {urls} as {other}, though not on the same: {verdict}"
    return f"{model} is right on {abs(more):,} {'more' if more > 0 else 'fewer'} of {urls} than {other}: {verdict}"

"""Whether a model is as often right as it is sure: expected calibration error, and one temperature that mends it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from compression.measure.intervals import Interval, wilson
from compression.predict.predictor import THRESHOLD

if TYPE_CHECKING:
    import numpy as np

BINS = 15
_TEMPERATURES = (0.02, 50.0)  # where it is looked for; a split without a mistake asks for less and less
_SUREST = 1e-15  # how near to 0 or 1 a probability is taken to be: rounded to 1, its log odds are lost


@dataclass(frozen=True)
class Bin:
    """Verdicts about as sure as each other: between which confidences, their mean, and how many of them are right."""

    low: float
    high: float
    examples: int
    confidence: float
    accuracy: float
    interval: Interval  # of the accuracy, 95 %


@dataclass(frozen=True)
class Reliability:
    """The reliability curve (bins that hold a verdict, rising) and the expected calibration error, a fraction."""

    bins: tuple[Bin, ...]
    ece: float


@dataclass(frozen=True)
class Calibration:
    """A model before and after its log odds are divided by `temperature`; no verdict changes."""

    temperature: float
    before: Reliability
    after: Reliability


def reliability(labels: Sequence[int], probabilities: "np.ndarray", bins: int = BINS) -> Reliability:
    """How often verdicts of each confidence are right, in bins of equal width; (examples,) each.

    The confidence is the probability of the class that the verdict names, so at least one half. The error is the mean
    over all examples of their bin's |accuracy − confidence|. Raises ValueError for no examples.
    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv:1706.04599, §2.
    """
    import numpy as np

    if not len(labels):
        raise ValueError("There is no verdict to bin.")
    verdicts = probabilities >= THRESHOLD
    right = verdicts == np.asarray(labels, dtype=bool)
    confidences = np.where(verdicts, probabilities, 1 - probabilities)
    edges = np.linspace(0, 1, bins + 1)
    own = np.clip(np.searchsorted(edges, confidences, side="left") - 1, 0, bins - 1)  # a bin holds its upper edge
    found = []
    for number in np.unique(own):
        inside = own == number
        count, hits = int(inside.sum()), int(right[inside].sum())
        found.append(
            Bin(
                low=float(edges[number]),
                high=float(edges[number + 1]),
                examples=count,
                confidence=float(confidences[inside].mean()),
                accuracy=hits / count,
                interval=wilson(hits, count),
            )
        )
    error = sum(one.examples * abs(one.accuracy - one.confidence) for one in found) / len(labels)
    return Reliability(tuple(found), error)


def fit_temperature(labels: Sequence[int], probabilities: "np.ndarray") -> float:
    """The temperature with the least mean negative log-likelihood on these examples, 0.02 to 50.

    Fit it on validation, never on test. Source: Guo et al. 2017, arXiv:1706.04599, §4.2.
    """
    import numpy as np
    from scipy.optimize import minimize_scalar

    odds = _log_odds(probabilities)
    signed = np.where(np.asarray(labels, dtype=bool), odds, -odds)

    def loss(log_temperature: float) -> float:
        return float(np.logaddexp(0, -signed / np.exp(log_temperature)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=np.log(_TEMPERATURES), method="bounded").x))


def scaled(probabilities: "np.ndarray", temperature: float) -> "np.ndarray":
    """The probabilities with their log odds divided by the temperature; same shape."""
    import numpy as np
    from scipy.special import expit

    return np.asarray(expit(_log_odds(probabilities) / temperature))


def calibration(
    fitted_on: "tuple[Sequence[int], np.ndarray]", told_on: "tuple[Sequence[int], np.ndarray]"
) -> Calibration:
    """A temperature fitted on one split (validation), and what it does to the calibration on another (test).

    A split is its labels and the probabilities of class 1. Raises ValueError for an empty one.
    """
    temperature = fit_temperature(*fitted_on)
    labels, own = told_on
    return Calibration(temperature, reliability(labels, own), reliability(labels, scaled(own, temperature)))


def _log_odds(probabilities: "np.ndarray") -> "np.ndarray":
    import numpy as np
    from scipy.special import logit

    return np.asarray(logit(np.clip(probabilities, _SUREST, 1 - _SUREST)))

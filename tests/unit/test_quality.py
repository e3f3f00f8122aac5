"""Metrics of small cases counted by hand, and what is undefined."""

import numpy as np
import pytest

from compression.measure.quality import quality


def test_counts_by_hand() -> None:
    metrics = quality([0, 0, 0, 1, 1, 1, 1, 1], np.array([0.1, 0.2, 0.9, 0.5, 0.8, 0.7, 0.3, 0.6]))
    assert metrics.confusion == ((2, 1), (1, 4))
    assert metrics.accuracy == 6 / 8
    assert metrics.precision == metrics.recall == metrics.f1 == 4 / 5
    assert metrics.roc_auc == pytest.approx(10 / 15)
    assert metrics.examples == 8


def test_undefined_is_none() -> None:
    no_positive_verdict = quality([0, 1], np.array([0.1, 0.2]))
    assert (no_positive_verdict.precision, no_positive_verdict.recall) == (None, 0.0)
    one_class = quality([0, 0], np.array([0.1, 0.2]))
    assert (one_class.recall, one_class.f1, one_class.roc_auc, one_class.accuracy) == (None, None, None, 1.0)

"""Curves and thresholds against scikit-learn and by hand, calibration against Guo et al.'s definitions."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.metrics import auc, average_precision_score, log_loss, roc_auc_score

from compression.errors import DataError
from compression.measure.calibration import calibration, fit_temperature, reliability, scaled
from compression.measure.curves import operating_point, precision_recall, roc, threshold_for, threshold_table
from compression.measure.intervals import wilson


def drawn(count: int = 4000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from their own probabilities: a calibrated model."""
    random = np.random.default_rng(seed)
    said = expit(random.normal(0, 2, count))
    return (random.random(count) < said).astype(int), said


def test_the_area_under_the_curves_is_that_of_the_metrics() -> None:
    labels, said = drawn(500)
    curve = roc(labels, said)
    assert auc(curve.x, curve.y) == pytest.approx(roc_auc_score(labels, said))
    assert (curve.x[0], curve.y[0], curve.x[-1], curve.y[-1]) == (0, 0, 1, 1)
    found = precision_recall(labels, said)
    assert found.x[0] == 1
    assert len(found.x) == len(found.y) == len(found.thresholds)
    steps = np.diff(found.x[::-1], prepend=0) @ found.y[::-1]
    assert steps == pytest.approx(average_precision_score(labels, said), abs=2e-3)


def test_every_point_of_a_curve_is_what_its_threshold_does() -> None:
    labels, said = drawn(60)
    curve, found = roc(labels, said), precision_recall(labels, said)
    for x, y, threshold in zip(curve.x[1:], curve.y[1:], curve.thresholds[1:], strict=True):
        point = operating_point(labels, said, threshold)
        assert (point.false_positive_rate, point.recall) == pytest.approx((x, y))
    for x, y, threshold in zip(found.x, found.y, found.thresholds, strict=True):
        point = operating_point(labels, said, threshold)
        assert (point.recall, point.precision) == pytest.approx((x, y))


def test_the_threshold_is_the_highest_that_reaches_the_recall() -> None:
    labels, said = [1, 1, 1, 1, 0, 0], np.array([0.9, 0.8, 0.6, 0.2, 0.7, 0.1])
    assert [threshold_for(labels, said, recall) for recall in (0.25, 0.5, 0.75, 0.76, 1)] == [0.9, 0.8, 0.6, 0.2, 0.2]
    point = operating_point(labels, said, 0.6)
    assert (point.recall, point.false_positive_rate, point.precision) == (0.75, 0.5, 0.75)
    assert operating_point(labels, said, 0.95).precision is None
    twenty = np.linspace(0.01, 0.99, 20)
    assert threshold_for([1] * 20 + [0], np.append(twenty, 0), 0.95) == twenty[1]  # 19 of 20


def test_a_threshold_is_chosen_on_one_split_and_told_on_another() -> None:
    validation, test = drawn(seed=1), drawn(seed=2)
    table = threshold_table(validation, test, (0.9, 0.95))
    assert [point.threshold for point in table] == [threshold_for(*validation, recall) for recall in (0.9, 0.95)]
    assert [point.recall for point in table] == pytest.approx([0.9, 0.95], abs=0.03)
    assert table[0].recall != 0.9  # on test it is what it is
    assert table[0].false_positive_rate < table[1].false_positive_rate


@pytest.mark.parametrize("ask", [roc, precision_recall, lambda y, p: threshold_for(y, p, 0.9)])
def test_one_class_alone_has_no_curve(ask: object) -> None:
    with pytest.raises(DataError, match="one class"):
        ask([1, 1], np.array([0.5, 0.6]))  # type: ignore[operator]
    with pytest.raises(DataError, match="one class"):
        operating_point([0, 0], np.array([0.5, 0.6]), 0.5)


@pytest.mark.parametrize("recall", [0, -1, 1.01])
def test_a_recall_that_cannot_be_is_refused(recall: float) -> None:
    with pytest.raises(ValueError, match="cannot be reached"):
        threshold_for([0, 1], np.array([0.1, 0.2]), recall)


def test_the_calibration_error_by_hand() -> None:
    """Confidences 0.9, 0.9, 0.9 (two right) and 0.6, 0.7 (both right): 3/5 · |2/3 − 0.9| + 1/5 · 0.4 + 1/5 · 0.3."""
    labels, said = [1, 0, 1, 0, 1], np.array([0.9, 0.1, 0.1, 0.4, 0.7])
    found = reliability(labels, said)
    assert found.ece == pytest.approx(0.6 * (0.9 - 2 / 3) + 0.2 * 0.4 + 0.2 * 0.3)
    assert [one.examples for one in found.bins] == [1, 1, 3]
    assert [one.confidence for one in found.bins] == pytest.approx([0.6, 0.7, 0.9])
    assert (found.bins[-1].accuracy, found.bins[-1].interval) == (2 / 3, wilson(2, 3))
    assert all(one.low < one.confidence <= one.high + 1e-12 for one in found.bins)


def test_fifteen_bins_of_equal_width_and_the_upper_edge_belongs_to_a_bin() -> None:
    found = reliability([1] * 4, np.array([0.5, 0.8, 0.81, 1.0]))
    edges = [(round(15 * one.low), round(15 * one.high)) for one in found.bins]
    assert edges == [(7, 8), (11, 12), (12, 13), (14, 15)]
    with pytest.raises(ValueError, match="no verdict"):
        reliability([], np.array([]))


def test_a_calibrated_model_needs_no_temperature() -> None:
    labels, said = drawn(20_000)
    assert fit_temperature(labels, said) == pytest.approx(1, abs=0.05)
    assert reliability(labels, said).ece < 0.015


def test_the_temperature_is_the_factor_by_which_a_model_is_too_sure() -> None:
    labels, said = drawn()
    known = fit_temperature(labels, said)
    for factor in (0.5, 3):
        assert fit_temperature(labels, scaled(said, 1 / factor)) == pytest.approx(factor * known, rel=1e-3)


def test_no_other_temperature_has_a_smaller_loss() -> None:
    labels, said = drawn(300, seed=4)
    fitted = fit_temperature(labels, said)
    best = log_loss(labels, scaled(said, fitted))
    for other in (0.9, 0.99, 1.01, 1.1):
        assert best < log_loss(labels, scaled(said, fitted * other))


def test_calibration_is_fitted_on_one_split_mends_another_and_changes_no_verdict() -> None:
    sure = [(labels, expit(4 * logit(said))) for labels, said in (drawn(seed=1), drawn(seed=2))]
    found = calibration(*sure)
    assert found.temperature == fit_temperature(*sure[0])
    assert found.before.ece == reliability(*sure[1]).ece
    assert found.after.ece < found.before.ece / 3
    labels, said = sure[1]
    assert ((scaled(said, found.temperature) >= 0.5) == (said >= 0.5)).all()
    assert sum(one.examples for one in found.after.bins) == len(labels)


def test_certain_probabilities_stay_numbers() -> None:
    labels, said = [0, 1, 1, 0], np.array([0.0, 1.0, 0.0, 1.0])
    assert np.isfinite(scaled(said, fit_temperature(labels, said))).all()
    assert 0.02 <= fit_temperature([0, 1], np.array([0.0, 1.0])) <= 50

"""The interval of every metric, against statsmodels for shares and scipy's bootstrap for F1 and ROC AUC."""

from time import process_time
from typing import Any

import numpy as np
import pytest
from scipy.stats import bootstrap
from sklearn.metrics import f1_score, roc_auc_score

from compression.measure.intervals import intervals, wilson

# statsmodels 0.15.0: proportion_confint(right, count, method="wilson")
STATSMODELS = {
    (421, 450): (0.9089796434333337, 0.9547581054682563),
    (418, 450): (0.9013361875596148, 0.9491810855934816),
    (1977, 2000): (0.9828022720924287, 0.9923247727137873),
    (0, 20): (0.0, 0.1611251580528194),
    (20, 20): (0.8388748419471804, 1.0),
}


def sample(count: int, seed: int = 1, decimals: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities that know something of them; few decimals make ties."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, count)
    return labels, np.clip(labels * 0.3 + 0.35 + random.normal(0, 0.25, count), 0, 1).round(decimals)


@pytest.mark.parametrize(("right", "count"), STATSMODELS)
def test_wilson_is_that_of_statsmodels(right: int, count: int) -> None:
    assert wilson(right, count) == pytest.approx(STATSMODELS[right, count], abs=1e-12)


def test_wilson_is_the_published_interval() -> None:
    """Newcombe 1998, Statistics in Medicine 17, 857-872, table I: 81 of 263."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20)[0] == 0


@pytest.mark.parametrize("decimals", [12, 1])
def test_the_bootstrap_is_scipys(decimals: int) -> None:
    labels, said = sample(150, decimals=decimals)
    found = intervals(labels, {"model": said}, seed=7, resamples=500)["model"]

    def scipys(metric: Any) -> tuple[float, float]:
        options: dict[str, Any] = {"paired": True, "vectorized": False, "n_resamples": 500, "method": "percentile"}
        interval = bootstrap((labels, said), metric, rng=np.random.default_rng(7), **options).confidence_interval
        return interval.low, interval.high

    assert found.f1 == pytest.approx(scipys(lambda y, p: f1_score(y, p >= 0.5)), abs=1e-6)
    assert found.roc_auc == pytest.approx(scipys(roc_auc_score), abs=1e-6)


def test_the_shares_have_wilsons_interval_of_their_own_counts() -> None:
    labels, said = [1, 1, 1, 0, 0], np.array([0.9, 0.8, 0.2, 0.7, 0.1])
    found = intervals(labels, {"model": said}, resamples=50)["model"]
    assert found.accuracy == wilson(3, 5)
    assert found.precision == wilson(2, 3)
    assert found.recall == wilson(2, 3)


def test_equal_seeds_give_equal_intervals_and_a_model_alone_those_it_has_among_others() -> None:
    labels, said = sample(80)
    both = intervals(labels, {"one": said, "other": 1 - said}, resamples=200)
    assert intervals(labels, {"one": said}, resamples=200)["one"] == both["one"]
    assert intervals(labels, {"one": said}, seed=1, resamples=200)["one"] != both["one"]


def test_more_urls_make_an_interval_narrower() -> None:
    widths = []
    for count in (100, 1600):
        labels, said = sample(count)
        low, high = intervals(labels, {"model": said}, resamples=400)["model"].roc_auc or (0, 0)
        assert low < roc_auc_score(labels, said) < high
        widths.append(high - low)
    assert 2 < widths[0] / widths[1] < 8  # sixteen times the URLs: about a quarter as wide


def test_what_is_undefined_has_no_interval() -> None:
    found = intervals([0, 0, 0], {"model": np.array([0.1, 0.2, 0.3])}, resamples=20)["model"]
    assert (found.precision, found.recall, found.f1, found.roc_auc) == (None, None, None, None)
    assert found.accuracy == wilson(3, 3)
    with pytest.raises(ValueError, match="no example"):
        intervals([], {"model": np.array([])})


def test_two_thousand_urls_and_four_models_are_quick() -> None:
    labels, said = sample(2000)
    start = process_time()
    intervals(labels, {str(model): said for model in range(4)})
    assert process_time() - start < 1.5  # measured: 0.3 s of one core; a busy one takes longer

import numpy as np
import pytest

from compression.measure.paired import compare, paired, wilson


def test_counts_come_from_the_verdicts() -> None:
    labels = [1, 1, 0, 0, 1]
    first = np.array([0.9, 0.1, 0.2, 0.7, 0.5])  # right, wrong, right, wrong, right (one half is Not Safe)
    second = np.array([0.8, 0.6, 0.9, 0.1, 0.4])  # right, right, wrong, right, wrong
    found = paired(labels, first, second)
    assert (found.examples, found.only_teacher_right, found.only_model_right) == (5, 2, 2)
    assert (found.difference, found.p_value) == (0, 1)
    assert found == compare(5, 2, 2)


def test_interval_is_the_one_its_authors_publish() -> None:
    """R package statpsych, by Bonett: ci.prop.ps(.05, 12, 4, 26, 6) gives 0.44 and 0.2548067 to 0.6251933."""
    found = compare(48, 4, 26)
    assert (found.low, found.high) == pytest.approx((0.2548067, 0.6251933), abs=1e-7)
    assert found.difference == pytest.approx(22 / 48)


def test_mcnemar_is_the_binomial_test_of_the_examples_that_differ() -> None:
    assert compare(21, 1, 7).p_value == pytest.approx(2 * (1 + 8) / 2**8)  # P(at most 1 of 8), twice
    assert compare(21, 7, 1).p_value == compare(21, 1, 7).p_value


def test_three_more_of_450_is_within_noise() -> None:
    """The article's comparison, 0.9289 against 0.9356 on 450 URLs, if the models differ on 17 of them."""
    found = compare(450, 7, 10)
    assert round(found.difference, 4) == 0.0067
    assert found.low < 0 < found.high
    assert found.p_value > 0.5


def test_one_sided_bound_lies_inside_the_two_sided_interval() -> None:
    found = compare(2967, 60, 40)
    assert found.low < found.lower_bound < found.difference < found.high


@pytest.mark.parametrize(("lost", "gained"), [(0, 0), (0, 5), (5, 0)])
def test_extremes_stay_in_range(lost: int, gained: int) -> None:
    found = compare(5, lost, gained)
    assert -1 <= found.low <= found.difference <= found.high <= 1
    assert compare(5, 0, 0).p_value == 1


def test_models_that_never_differ_leave_room_for_chance() -> None:
    found = compare(100, 0, 0)
    assert found.low < 0 < found.high


@pytest.mark.parametrize(("lost", "gained", "most"), [(0.02, 0.02, 0.98), (0.05, 0.03, 0.98), (0.004, 0.001, 1)])
def test_intervals_hold_the_truth_as_often_as_they_say(lost: float, gained: float, most: float) -> None:
    """Two thousand samples of 500 URLs; where models differ on two or three of them, they hold it more often."""
    counts = np.random.default_rng(0).multinomial(500, [lost, gained, 1 - lost - gained], 2000)[:, :2]
    samples, times = np.unique(counts, axis=0, return_counts=True)
    found = [compare(500, *sample.tolist()) for sample in samples]
    truth = gained - lost
    assert 0.94 <= np.average([f.low <= truth <= f.high for f in found], weights=times) <= most
    assert 0.94 <= np.average([f.lower_bound <= truth for f in found], weights=times) <= most


def test_what_cannot_be_paired_is_refused() -> None:
    with pytest.raises(ValueError, match="Nothing to pair"):
        paired([1, 0], np.array([0.5]), np.array([0.5, 0.5]))
    with pytest.raises(ValueError, match="Nothing to pair"):
        paired([], np.array([]), np.array([]))


def test_wilson_is_the_published_interval() -> None:
    """Newcombe 1998, Statistics in Medicine 17, 857-872, table I: 81 of 263."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 20)[0] == 0

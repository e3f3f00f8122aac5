import numpy as np
import pytest

from compression.measure.paired import compare, in_words, paired, within_noise


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


# statsmodels 0.15.0: mcnemar([[0, lost], [gained, 0]], exact=True).pvalue
STATSMODELS = {
    (10, 7): 0.629058837890625,
    (12, 9): 0.6636238098144531,
    (30, 27): 0.7913664277791806,
    (3, 0): 0.25,
    (60, 40): 0.05688793364098089,
    (1, 7): 0.0703125,
    (25, 5): 0.0003249142318964005,
    (100, 103): 0.8884106489509462,
}


@pytest.mark.parametrize(("lost", "gained"), STATSMODELS)
def test_the_p_value_is_that_of_statsmodels(lost: int, gained: int) -> None:
    assert compare(450, lost, gained).p_value == pytest.approx(STATSMODELS[lost, gained], abs=1e-12)


def articles_predictions(both_wrong: int) -> tuple[list[int], np.ndarray, np.ndarray]:
    """450 labels, a student right on 418 (0.9289) and a 4-bit model right on 421 (0.9356), wrong together on some."""
    labels = np.arange(450) % 2
    student_right, compressed_right = np.ones(450, dtype=bool), np.ones(450, dtype=bool)
    student_right[:32] = False
    compressed_right[32 - both_wrong : 61 - both_wrong] = False
    said = [np.where(right == labels, 0.9, 0.1) for right in (student_right, compressed_right)]
    return labels.tolist(), *said


@pytest.mark.parametrize("both_wrong", [0, 10, 20, 25, 29])
def test_the_articles_result_is_within_noise_however_far_its_models_agree(both_wrong: int) -> None:
    labels, student, compressed = articles_predictions(both_wrong)
    found = paired(labels, student, compressed)
    assert round(float(np.mean((student >= 0.5) == labels)), 4) == 0.9289
    assert round(float(np.mean((compressed >= 0.5) == labels)), 4) == 0.9356
    assert (found.only_teacher_right, found.only_model_right) == (29 - both_wrong, 32 - both_wrong)
    assert within_noise(found)
    assert found.low < 0 < found.high
    words = in_words(found, "the compressed model", "the student")
    assert words.startswith("the compressed model is right on 3 more of 450 URLs than the student: within noise (p = ")


def test_a_comparison_is_a_plain_clause() -> None:
    def words(*counts: int) -> str:
        return in_words(compare(*counts), "the compressed model", "the student")

    more = "the compressed model is right on 3 more of 450 URLs than the student: within noise (p = 0.66)"
    assert words(450, 9, 12) == more
    assert words(450, 12, 9) == more.replace("more", "fewer")
    assert words(2000, 25, 5).endswith("20 fewer of 2,000 URLs than the student: beyond noise (p < 0.001)")
    assert words(450, 1, 9).endswith("8 more of 450 URLs than the student: beyond noise (p = 0.021)")
    assert words(450, 60, 40).endswith("within noise (p = 0.057)")
    assert words(450, 4, 4) == (
        "the compressed model is right on as many of 450 URLs as the student, though not on the same: "
        "within noise (p = 1.00)"
    )
    assert words(450, 0, 0) == "the compressed model and the student are right on the same of 450 URLs"

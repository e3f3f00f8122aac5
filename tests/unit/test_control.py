import numpy as np
import pytest
import tiny

from compression.data.sources import Split
from compression.errors import ConfigError
from compression.measure.control import ENCODING, Control, control_at


def split(count: int, offset: int) -> Split:
    texts, labels = zip(*tiny.urls(count, offset), strict=True)
    return Split(texts, labels)


TRAIN, TEST = split(64, 0), split(32, 2000)


@pytest.mark.parametrize("limit", [30, 500, 2_000])
def test_it_uses_the_bytes_it_is_given_and_no_more(limit: int) -> None:
    control = control_at(limit, TRAIN)
    assert limit - (5 + 3) < control.size_bytes <= limit  # not even the shortest n-gram more, or the longest
    assert 4 + control.features * (2 + 3) <= control.size_bytes <= 4 + control.features * (5 + 3)
    assert control.encoding == ENCODING


def accuracy(control: Control, split: Split) -> float:
    return float(np.mean((control.answer(split.texts) >= 0.5) == np.array(split.labels, dtype=bool)))


def test_it_learns_from_the_labels_alone() -> None:
    control = control_at(2_000, TRAIN)
    assert (accuracy(control, TRAIN), accuracy(control, TEST)) == (1.0, 1.0)
    flipped = Split(TRAIN.texts, tuple(1 - label for label in TRAIN.labels))
    assert accuracy(control_at(2_000, flipped), TEST) == 0.0


def test_probabilities_are_those_of_not_safe_row_by_row() -> None:
    found = control_at(500, TRAIN).answer(TEST.texts)
    assert found.shape == (32,)
    assert np.array_equal(found >= 0.5, np.array(TEST.labels, dtype=bool))


def test_how_an_address_is_typed_does_not_matter() -> None:
    typed = [text.partition("://")[2].removeprefix("www.").upper() + "/" for text in TEST.texts]
    control = control_at(500, TRAIN)
    assert np.array_equal(control.answer(TEST.texts), control.answer(typed))


def test_too_few_bytes_are_refused() -> None:
    with pytest.raises(ConfigError, match="8 bytes hold no n-gram"):
        control_at(8, TRAIN)

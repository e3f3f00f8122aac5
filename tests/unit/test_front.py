"""Points that no other beats in both cost and gain, told by hand."""

import random

from compression.measure.front import front


def test_what_is_cheaper_or_better_than_all_others_is_best() -> None:
    points = [(5.0, 0.90), (1.0, 0.80), (3.0, 0.95), (2.0, 0.80), (9.0, 0.95), (4.0, 0.70)]
    assert front(points) == [1, 2]


def test_equal_points_stand_or_fall_together() -> None:
    assert front([(1.0, 0.9), (1.0, 0.9), (1.0, 0.8), (0.5, 0.9)]) == [3]
    assert front([(2.0, 0.9), (1.0, 0.8), (2.0, 0.9)]) == [1, 0, 2]


def test_none_and_one() -> None:
    assert front([]) == []
    assert front([(1.0, 0.5)]) == [0]


def test_it_is_what_its_definition_says() -> None:
    draw = random.Random(0)
    for _ in range(200):
        points = [(float(draw.randrange(6)), draw.randrange(6) / 5) for _ in range(draw.randrange(9))]
        beaten = {
            index
            for index, (cost, gain) in enumerate(points)
            for other_cost, other_gain in points
            if other_cost <= cost and other_gain >= gain and (other_cost, other_gain) != (cost, gain)
        }
        assert set(front(points)) == set(range(len(points))) - beaten

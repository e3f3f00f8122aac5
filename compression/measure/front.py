"""Which of several models are worth having: those that no other one beats in both of two respects."""

from collections.abc import Sequence


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """The indices of the Pareto-optimal points among (cost, gain), the cheapest first.

    A point is among them unless another one costs no more and gains no less, and is better in one of the two.
    """
    order = sorted(range(len(points)), key=lambda index: (points[index][0], -points[index][1]))
    found: list[int] = []
    for index in order:
        if not found or points[index][1] > points[found[-1]][1] or points[index] == points[found[-1]]:
            found.append(index)
    return found

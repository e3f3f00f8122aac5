"""What changed between two models, how loyal one is to the other, and on which sorts of URLs a model is right."""

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

from compression.data.splits import top_level_domain
from compression.measure.behaviour import flips, loyalty
from compression.measure.groups import SMALLEST, Group, breakdown
from compression.measure.intervals import wilson
from compression.measure.paired import paired


def test_a_changed_verdict_is_repaired_or_broken() -> None:
    labels = [1, 1, 0, 0, 1, 0]
    before = np.array([0.9, 0.1, 0.2, 0.7, 0.5, 0.4])
    after = np.array([0.4, 0.6, 0.3, 0.1, 0.9, 0.5])
    found = flips(labels, before, after)
    assert (found.repaired, found.broken) == ((1, 3), (0, 5))
    counted = paired(labels, before, after)
    assert (counted.only_model_right, counted.only_teacher_right) == (len(found.repaired), len(found.broken))
    again = flips(labels, before, before)
    assert again.repaired == again.broken == ()


def test_a_model_is_fully_loyal_to_itself() -> None:
    said = np.array([0.0, 1.0, 0.3, 0.5, 1e-300])
    found = loyalty(said, said)
    assert (found.label, found.probability) == (1, 1)
    assert found.label_interval == wilson(5, 5)


def test_probability_loyalty_is_one_less_the_mean_of_scipys_distance() -> None:
    random = np.random.default_rng(0)
    teacher, model = random.random(50), random.random(50)
    distances = [jensenshannon([p, 1 - p], [q, 1 - q]) for p, q in zip(teacher, model, strict=True)]
    found = loyalty(teacher, model)
    assert found.probability == pytest.approx(1 - np.mean(distances), abs=1e-12)
    assert found.label == np.mean((teacher >= 0.5) == (model >= 0.5))
    assert loyalty(model, teacher) == found  # neither is the reference


def test_the_opposite_of_the_teacher_is_not_loyal() -> None:
    teacher = np.array([0.0, 1.0])
    found = loyalty(teacher, 1 - teacher)
    assert found.label == 0
    assert found.probability == pytest.approx(1 - np.sqrt(np.log(2)))


def test_probabilities_that_hardly_differ_are_numbers_still() -> None:
    teacher = np.linspace(0, 1, 1001)
    assert 0.999 < loyalty(teacher, np.clip(teacher + 1e-12, 0, 1)).probability <= 1


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("https://shop.example.co.uk/a", "uk"),
        ("http://someone.github.io", "io"),
        ("EXAMPLE.COM", "com"),
        ("http://10.0.0.1/login", ""),
        ("http://[::1]/", ""),
        ("http://a.nosuchsuffix", ""),
        ("", ""),
    ],
)
def test_the_top_level_domain(url: str, known: str) -> None:
    assert top_level_domain(url) == known


def by_name(groups: tuple[Group, ...], facet: str) -> dict[str, Group]:
    return {group.name: group for group in groups if group.facet == facet}


def test_every_url_is_in_one_group_of_each_facet_and_small_groups_say_nothing() -> None:
    com = [f"https://site{n}.com/" for n in range(SMALLEST)]
    ip = [f"http://10.0.0.{n}/{'x' * 100}" for n in range(SMALLEST - 1)]
    odd = ["ftp://files.example.net", "no-scheme.org/a"]
    texts: list[str | None] = [*com, *ip, *odd, None]
    labels = [0] * len(com) + [1] * (len(texts) - len(com))
    said = np.where(np.arange(len(texts)) < 10, 0.9, 0.1)  # wrong on ten of .com and on all the others
    groups = breakdown(texts, labels, {"student": said, "compressed": 1 - said})

    tlds = by_name(groups, "tld")
    assert list(tlds) == ["com", "", "net", "org"]  # the largest first
    assert tlds["com"].shares is not None
    assert tlds["com"].shares["student"].accuracy == 20 / 30
    assert tlds["com"].shares["student"].interval == wilson(20, 30)
    assert tlds["com"].shares["compressed"].accuracy == 10 / 30
    assert (tlds[""].examples, tlds[""].shares) == (29, None)

    assert {name: group.examples for name, group in by_name(groups, "scheme").items()} == {
        "https": 30,
        "http": 29,
        "": 1,
        "ftp": 1,
    }
    assert {name: group.examples for name, group in by_name(groups, "host").items()} == {"name": 32, "IP address": 29}
    assert list(by_name(groups, "length")) == ["1 to 25", "over 100"]
    for facet in ("tld", "length", "scheme", "host"):
        assert sum(group.examples for group in by_name(groups, facet).values()) == 61


def test_lengths_rise_and_their_bands_meet() -> None:
    texts = ["a" * length for length in (101, 100, 76, 75, 51, 50, 26, 25, 1)]
    groups = by_name(breakdown(texts, [0] * 9, {}), "length")
    assert {name: group.examples for name, group in groups.items()} == {
        "1 to 25": 2,
        "26 to 50": 2,
        "51 to 75": 2,
        "76 to 100": 2,
        "over 100": 1,
    }
    assert list(groups) == ["1 to 25", "26 to 50", "51 to 75", "76 to 100", "over 100"]


def test_without_texts_there_are_no_groups() -> None:
    assert breakdown([None, None], [0, 1], {"student": np.array([0.1, 0.2])}) == ()

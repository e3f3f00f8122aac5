"""Where a model is right and where not: its accuracy by what sort of URL it reads."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from compression.data.splits import top_level_domain
from compression.measure.intervals import Interval, wilson
from compression.predict.anatomy import anatomy
from compression.predict.predictor import THRESHOLD

if TYPE_CHECKING:
    import numpy as np

Facet = Literal["tld", "length", "scheme", "host"]
SMALLEST = 30  # examples: with fewer, the interval of an accuracy of 0.9 is wider than 20 points
_BANDS = (25, 50, 75, 100)  # characters at most


@dataclass(frozen=True)
class Share:
    """How many of a group's URLs a model is right on, as a fraction and with its 95 % interval."""

    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class Group:
    """URLs that are alike in one way: top-level domain, length in characters, scheme, or an IP address for a host.

    `shares` are by model; None where the group has fewer than `SMALLEST` URLs, which is too few to say.
    """

    facet: Facet
    name: str
    examples: int
    shares: dict[str, Share] | None


def breakdown(
    texts: Sequence[str | None], labels: Sequence[int], probabilities: "Mapping[str, np.ndarray]"
) -> tuple[Group, ...]:
    """Each model's accuracy, at one half, by group: facet by facet, lengths rising, others the largest group first.

    Labels and probabilities of class 1 are (rows,); a row whose text is None is left out. A name is empty for URLs
    without a scheme or without a top-level domain that the public suffix list knows.
    """
    import numpy as np

    truth = np.asarray(labels, dtype=bool)
    right = {model: (own >= THRESHOLD) == truth for model, own in probabilities.items()}
    members: dict[tuple[Facet, str], list[int]] = defaultdict(list)
    for row, text in enumerate(texts):
        if text is not None:
            for facet, name in _sorts(text).items():
                members[facet, name].append(row)

    def place(key: tuple[Facet, str]) -> tuple[int, int, str]:
        facet, name = key
        first = _length_names().index(name) if facet == "length" else -len(members[key])
        return get_args(Facet).index(facet), first, name

    return tuple(_group(*key, members[key], right) for key in sorted(members, key=place))


def _group(facet: Facet, name: str, rows: list[int], right: "Mapping[str, np.ndarray]") -> Group:
    if len(rows) < SMALLEST:
        return Group(facet, name, len(rows), None)
    counts = {model: int(own[rows].sum()) for model, own in right.items()}
    shares = {model: Share(count / len(rows), wilson(count, len(rows))) for model, count in counts.items()}
    return Group(facet, name, len(rows), shares)


def _sorts(url: str) -> dict[Facet, str]:
    """The name of the URL's group in every facet."""
    parts = anatomy(url)
    return {
        "tld": top_level_domain(url),
        "length": _length_names()[sum(len(url) > most for most in _BANDS)],
        "scheme": parts.text("scheme").lower(),
        "host": "IP address" if parts.kinds() & {"ip", "ip-disguised"} else "name",
    }


def _length_names() -> list[str]:
    """'1 to 25', '26 to 50', … 'over 100'."""
    firsts = (1, *(most + 1 for most in _BANDS[:-1]))
    return [*(f"{first} to {most}" for first, most in zip(firsts, _BANDS, strict=True)), f"over {_BANDS[-1]}"]

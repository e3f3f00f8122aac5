"""Labelled URLs out of a grammar: as many as wanted, the same ones for the same seed, and no real row among them.

`safe` and `phishing` hold the makers (who makes an address), `parts` what they build with, `words` and `addresses` the
plain tables. The classes overlap on purpose: broken-into sites carry honest names, honest sites ask people to sign in,
and some deceiving pages cannot be told from their address at all, as in life.

    MAKERS of a class ──draw one──▶ address without scheme ──_dress──▶ URL ──▶ LabelledUrl(text, label)
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import NamedTuple

from compression.data.corpus import phishing, safe
from compression.data.corpus.addresses import FREE_HOSTS_PHISHING, FREE_HOSTS_SAFE, SECOND_LEVEL

__all__ = ["BUNDLED_SEED", "BUNDLED_SIZES", "LabelledUrl", "bundled", "generate", "registered_domain", "stream"]

BUNDLED_SEED = 20_260_101
BUNDLED_SIZES = {"train": 2_100, "validation": 450, "test": 450}


class LabelledUrl(NamedTuple):
    """A URL and its class: 0 Safe, 1 Not Safe."""

    text: str
    label: int


class _Habits(NamedTuple):
    """How often the people of a class write `https`, `www.` before a bare domain, and leave out the scheme."""

    https: float
    www: float


_HABITS = (_Habits(https=0.43, www=0.72), _Habits(https=0.33, www=0.25))
_MAKERS = (safe.MAKERS, phishing.MAKERS)


def generate(count: int, seed: int) -> list[LabelledUrl]:
    """`count` different labelled URLs, half of each class (one more Safe if odd), shuffled; the same for the same seed.

    Raises: ValueError if count is negative.
    """
    if count < 0:
        raise ValueError(f"count must be 0 or more, not {count}; ask for the number of URLs wanted.")
    left = [count - count // 2, count // 2]
    urls = []
    for _, url in stream(seed):
        if not any(left):
            break
        if left[url.label]:
            left[url.label] -= 1
            urls.append(url)
    Random(seed).shuffle(urls)
    return urls


def bundled() -> dict[str, list[LabelledUrl]]:
    """The frozen splits `train`, `validation`, `test` of 2,100, 450 and 450, half and half; no domain stands in two.

    A registered domain belongs to the split that drew it first; a name on a free host counts as a domain of its own.
    """
    left = {(split, label): size // 2 for split, size in BUNDLED_SIZES.items() for label in (0, 1)}
    urls: dict[str, list[LabelledUrl]] = {split: [] for split in BUNDLED_SIZES}
    owner: dict[str, str] = {}
    rng = Random(BUNDLED_SEED)
    for _, url in stream(BUNDLED_SEED):
        if not any(left.values()):
            break
        drawn = rng.choices(tuple(BUNDLED_SIZES), tuple(BUNDLED_SIZES.values()))[0]
        split = owner.setdefault(registered_domain(url.text), drawn)
        if left[split, url.label]:
            left[split, url.label] -= 1
            urls[split].append(url)
    for rows in urls.values():
        rng.shuffle(rows)
    return urls


def stream(seed: int) -> Iterator[tuple[str, LabelledUrl]]:
    """Yields without end (maker's name, labelled URL), the classes in turn, no URL twice."""
    rng = Random(seed)
    seen: set[str] = set()
    tables = [(list(makers), list(makers.values())) for makers in _MAKERS]
    while True:
        for label, (makers, weights) in enumerate(tables):
            maker: Callable[[Random], str] = rng.choices(makers, weights)[0]
            text = _dress(rng, maker(rng), _HABITS[label])
            if text not in seen:
                seen.add(text)
                yield maker.__name__, LabelledUrl(text, label)


def registered_domain(url: str) -> str:
    """The part of a generated URL's host that somebody registered, free hosts' names included: `smith.blogspot.com`."""
    host = url.partition("://")[2].partition("/")[0].rpartition("@")[2].partition(":")[0]
    labels = host.split(".")
    if labels[-1].isdigit():
        return host
    for depth in range(len(labels) - 1, 0, -1):
        ending = ".".join(labels[-depth:])
        if ending in FREE_HOSTS_PHISHING or ending in FREE_HOSTS_SAFE or ending in SECOND_LEVEL or depth == 1:
            return ".".join(labels[-depth - 1 :])
    return host


def _dress(rng: Random, address: str, habits: _Habits) -> str:
    """The address with a scheme, and `www.` before a bare domain, as often as the class writes them."""
    host = address.partition("/")[0]
    bare = registered_domain(f"x://{host}") == host and not host[-1].isdigit() and host.count(".") < 3
    www = "www." if bare and "@" not in host and rng.random() < habits.www else ""
    return f"{'https' if rng.random() < habits.https else 'http'}://{www}{address}"

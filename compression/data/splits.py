"""How one file becomes train, validation and test: by registered domain, by a rule that depends on the rows alone."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from threading import Lock
from typing import Any

SPLITS = ("train", "validation", "test")
SHARES = {"train": 0.70, "validation": 0.15, "test": 0.15}
_READING = Lock()
_TOLERANCE = 0.25  # a split may miss its wanted number of rows of a class by this share


def registered_domain(url: str) -> str:
    """The domain someone registered ('shop.example.co.uk' → 'example.co.uk'), the host of an IP URL, or '' for no URL.

    Uses the public suffix list, private part included, as shipped with tldextract; nothing is fetched.
    """
    found = _extractor()(url)
    if known := found.top_domain_under_public_suffix or found.ipv4 or found.ipv6:
        return str(known).lower()
    host = f"{found.subdomain}.{found.domain}.{found.suffix}".strip(".")
    return ".".join(host.lower().split(".")[-2:])  # a suffix no list knows counts as one label


def top_level_domain(url: str) -> str:
    """The last label of a public suffix ('shop.example.co.uk' → 'uk'), '' for an IP address or a suffix no list knows.

    By the same list as `registered_domain`.
    """
    return str(_extractor()(url).suffix).rpartition(".")[2].lower()


def split_rows(texts: Sequence[str], labels: Sequence[int]) -> tuple[dict[str, list[int]], bool]:
    """Row numbers of each split (70/15/15, stratified), and whether domains were kept apart.

    Neither order of the rows nor any seed matters, so whoever reads the file later finds the same split. Where a few
    domains hold so many rows that the shares cannot be met, rows are split by their text instead.
    """
    domains = [registered_domain(text) or text for text in texts]
    by_domain = _assign(domains, labels)
    if _balanced(by_domain, labels):
        return by_domain, True
    return _assign(texts, labels), False


def _assign(groups: Sequence[str], labels: Sequence[int]) -> dict[str, list[int]]:
    """Whole groups, largest first, each to the split that lacks most of what the group holds."""
    members: dict[str, list[int]] = defaultdict(list)
    for row, group in enumerate(groups):
        members[group].append(row)
    totals = Counter(labels)
    wanted = {(split, c): SHARES[split] * totals[c] for split in SPLITS for c in totals}
    missing = dict(wanted)
    assigned: dict[str, list[int]] = {split: [] for split in SPLITS}
    for group in sorted(members, key=lambda name: (-len(members[name]), _digest(name))):
        counts = Counter(labels[row] for row in members[group])
        split = max(SPLITS, key=lambda s: sum(n * missing[s, c] / wanted[s, c] for c, n in counts.items()))
        for c, n in counts.items():
            missing[split, c] -= n
        assigned[split] += members[group]
    return {
        split: sorted(rows, key=lambda row: (_digest(groups[row]), groups[row], row))
        for split, rows in assigned.items()
    }


def _balanced(assigned: dict[str, list[int]], labels: Sequence[int]) -> bool:
    totals = Counter(labels)
    for split, rows in assigned.items():
        found = Counter(labels[row] for row in rows)
        for c, total in totals.items():
            wanted = SHARES[split] * total
            if abs(found[c] - wanted) > max(1.0, _TOLERANCE * wanted):
                return False
    return True


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _extractor() -> Any:
    with _READING:
        return _list()


@cache
def _list() -> Any:
    import tldextract

    extractor = tldextract.TLDExtract(suffix_list_urls=(), include_psl_private_domains=True, cache_dir=None)
    extractor("")  # reads the list, which would otherwise be done by each thread that asks meanwhile
    return extractor

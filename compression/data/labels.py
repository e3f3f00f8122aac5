"""What the words in a data set or a model's config mean: which label says Safe, which says Not Safe."""

from collections.abc import Iterable

from compression.errors import DataError

SAFE = frozenset({"0", "0.0", "good", "benign", "legit", "legitimate", "safe", "ham", "false", "label_0", "negative"})
NOT_SAFE = frozenset(
    {"1", "1.0", "bad", "phishing", "malicious", "phish", "unsafe", "not safe", "spam", "true", "label_1", "positive"}
)


def meaning(word: str) -> int | None:
    """0 for a word that says safe, 1 for one that says not safe, None for any other; case does not count."""
    word = word.strip().casefold().replace("_", " ").replace("label ", "label_")
    return 0 if word in SAFE else 1 if word in NOT_SAFE else None


def label_ids(words: Iterable[str], positive: str | None = None) -> dict[str, int]:
    """Each distinct word with its class id (1 is Not Safe). Raises DataError if a word's meaning is unknown.

    With `positive`, that word (any case) is 1 and every other word 0.
    """
    distinct = sorted(set(words))
    if positive is not None:
        wanted = positive.strip().casefold()
        if all(word.strip().casefold() != wanted for word in distinct):
            raise DataError(
                f"No row has the label {positive!r}; the labels found are {_listed(distinct)}. Name one of these."
            )
        return {word: int(word.strip().casefold() == wanted) for word in distinct}
    ids = {word: meaning(word) for word in distinct}
    unknown = [word for word, known in ids.items() if known is None]
    if unknown:
        raise DataError(
            f"The label {_listed(unknown)} is not one this program knows. Say which value means phishing "
            "(--positive VALUE, or columns.positive in the recipe)."
        )
    return {word: known for word, known in ids.items() if known is not None}


def _listed(words: list[str]) -> str:
    shown = ", ".join(repr(word[:40]) for word in words[:5])
    return shown + (f" and {len(words) - 5} more" if len(words) > 5 else "")

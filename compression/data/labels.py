"""What the words in a data set or a model's config mean: which label says Safe, which says Not Safe."""

from collections.abc import Collection, Iterable

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

    With `positive`, that word (any case), or each of several with commas between, is 1 and every other word 0.
    """
    distinct = sorted(set(words))
    if positive is not None:
        folded = {word: fold(word) for word in distinct}
        wanted = names_in(positive, folded.values())
        unknown = [name for name in wanted if fold(name) not in folded.values()]
        if unknown or not wanted:
            raise DataError(
                f"No row has the label {listed(unknown) or repr(positive[:40])}; the labels found are "
                f"{listed(distinct)}. Name one of these, or several with commas between."
            )
        phishing = {fold(name) for name in wanted}
        return {word: int(folded[word] in phishing) for word in distinct}
    ids = {word: meaning(word) for word in distinct}
    unknown = [word for word, known in ids.items() if known is None]
    if unknown:
        raise DataError(
            f"The label {listed(unknown)} is not one this program knows. Say which value means phishing, "
            "or which ones with commas between (--positive VALUE, or columns.positive in the recipe)."
        )
    return {word: known for word, known in ids.items() if known is not None}


def fold(word: str) -> str:
    """The word as it is compared: case and outer spaces do not count."""
    return word.strip().casefold()


def names_in(given: str, known: Collection[str]) -> list[str]:
    """The names in a list with commas between; all of it is one name where that is a `known` one (known are folded)."""
    if fold(given) in known:
        return [given.strip()]
    return [name.strip() for name in given.split(",") if name.strip()]


def listed(words: list[str]) -> str:
    """The first few words, quoted, for a sentence."""
    shown = ", ".join(repr(word[:40]) for word in words[:5])
    return shown + (f" and {len(words) - 5} more" if len(words) > 5 else "")

"""What every maker builds with: names, slugs, numbers and tokens, each drawn from the one generator it is handed."""

from functools import cache
from random import Random

from compression.data.corpus import addresses, words

HEX = "0123456789abcdef"
PAGE_ENDINGS = ("html", "html", "html", "htm", "php", "aspx", "asp", "shtml", "cfm", "jsp")
BASE36 = "abcdefghijklmnopqrstuvwxyz0123456789"
BASE62 = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@cache
def _deck(table: str) -> tuple[str, ...]:
    """The weighted table of `addresses` as a deck of cards: a name stands in it as often as its weight says."""
    weights: dict[str, int] = getattr(addresses, table)
    return tuple(name for name, weight in weights.items() for _ in range(weight))


def draw(rng: Random, table: str) -> str:
    """One name from a weighted table of `addresses`, as often as its weight says."""
    return rng.choice(_deck(table))


def run(rng: Random, alphabet: str, shortest: int, longest: int | None = None) -> str:
    """Random characters of the alphabet, `shortest` to `longest` of them (exactly `shortest` if that is all)."""
    return "".join(rng.choices(alphabet, k=rng.randint(shortest, longest or shortest)))


def number(rng: Random, shortest: int = 1, longest: int = 6) -> str:
    """A number of so many digits that does not start with 0."""
    digits = rng.randint(shortest, longest)
    return str(rng.randrange(10 ** (digits - 1), 10**digits))


def word(rng: Random) -> str:
    """A word of a page: a thing, now and then a quality, a place or a verb."""
    return rng.choice(rng.choices((words.THINGS, words.QUALITIES, words.PLACES, words.VERBS), (76, 11, 5, 8))[0])


def phrase(rng: Random, shortest: int = 2, longest: int = 6) -> list[str]:
    """The words of a heading, with a little word between some of them."""
    parts = [word(rng)]
    for _ in range(rng.randint(shortest, longest) - 1):
        if rng.random() < 0.22:
            parts.append(rng.choice(words.LITTLE))
        parts.append(word(rng))
    if rng.random() < 0.12:
        parts[rng.randrange(len(parts))] = number(rng, 1, 4)
    return parts


def slug(rng: Random, shortest: int = 2, longest: int = 6) -> str:
    """A heading as it stands in a path: `how-to-clean-a-copper-roof`."""
    return ("-" if rng.random() < 0.92 else "_").join(phrase(rng, shortest, longest))


def title(rng: Random) -> str:
    """A heading as an encyclopedia writes it: `Copper_roof_(music)`."""
    parts = phrase(rng, 1, 3)
    text = (
        "_".join([parts[0].capitalize(), *parts[1:]]) if rng.random() < 0.6 else "_".join(p.capitalize() for p in parts)
    )
    return text + (f"_({rng.choice(words.THINGS)})" if rng.random() < 0.08 else "")


def coinage(rng: Random) -> str:
    """A made-up name that can be spoken: `mizaro`."""
    return "".join(rng.choices(words.SYLLABLES, k=rng.choice((2, 3, 3, 4))))


def name(rng: Random) -> str:
    """A registered name without its ending, as people pick them: `bluegardenstudio`, `smith-plumbing`, `mizaro`."""
    thing, things = rng.choice, words.THINGS
    parts: tuple[str, ...]
    match rng.choices(range(12), (15, 10, 9, 8, 9, 7, 12, 9, 7, 5, 4, 5))[0]:
        case 0:
            parts = (thing(things), thing(things))
        case 1:
            parts = (thing(words.QUALITIES), thing(things))
        case 2:
            parts = (thing(words.NAMES), thing(words.TRADES))
        case 3:
            parts = (thing(words.PLACES), thing(words.TRADES if rng.random() < 0.6 else things))
        case 4:
            parts = (thing(words.FOREIGN), thing(words.FOREIGN))
        case 5:
            parts = (thing(things), thing(words.TRADES))
        case 6:
            parts = (coinage(rng),)
        case 7:
            parts = (coinage(rng), thing(words.TRADES if rng.random() < 0.5 else words.FOREIGN))
        case 8:
            parts = (thing(words.FOREIGN), thing(words.NAMES if rng.random() < 0.5 else things))
        case 9:
            parts = (run(rng, BASE36[:26], 2, 5),)
        case 10:
            parts = (thing(words.NAMES), thing(words.NAMES))
        case _:
            parts = ("the" if rng.random() < 0.3 else thing(words.QUALITIES), thing(things), thing(things))
    text = ("-" if rng.random() < 0.08 else "").join(parts)
    return text + (number(rng, 1, 3) if rng.random() < 0.035 else "")


def random_name(rng: Random) -> str:
    """A name no person would pick, from a program: `x7kq2vbn`."""
    return run(rng, BASE36 if rng.random() < 0.6 else BASE36[:26], 5, 14)


def honest_site(rng: Random) -> str:
    """A registered domain of an honest site."""
    return f"{name(rng)}.{draw(rng, 'ENDINGS_SAFE')}"


def hijacked_site(rng: Random) -> str:
    """A registered domain that was broken into or bought to deceive: honest names, other endings."""
    return f"{name(rng)}.{draw(rng, 'ENDINGS_PHISHING')}"


def extension(rng: Random, endings: tuple[str, ...] = PAGE_ENDINGS) -> str:
    """A file ending with its dot."""
    return "." + rng.choice(endings)


def e_mail(rng: Random) -> str:
    """An e-mail address that belongs to nobody."""
    who = (
        rng.choice(words.NAMES)
        + rng.choice(("", ".", "_"))
        + rng.choice((*words.NAMES[:40], "info", "office", "sales"))
    )
    return f"{who}@{name(rng)}.{draw(rng, 'ENDINGS_SAFE')}"

"""Addresses to drill a teacher on, with a class that is certain: well-known sites' pages, and misspelt imitations.

They are in no maker's table, so `generate` and the bundled data never hold them: only the lesson draws them.
"""

from functools import cache
from random import Random

from compression.data.corpus import registered_domain, words
from compression.data.corpus.addresses import KNOWN_PAGES, REDIRECTORS, SHORTENERS, TARGETS, WELL_KNOWN
from compression.data.corpus.exam import BEST_KNOWN_SITES
from compression.data.corpus.kits import kit_path, lure, page
from compression.data.corpus.parts import coinage, draw, slug, word
from compression.data.corpus.phishing import LOOKALIKES

SUBDOMAINS = (
    "m", "support", "help", "about", "blog", "news", "shop", "developer", "docs", "my", "mail", "web", "maps", "drive",
)  # fmt: skip
DOORS = ("login.", "accounts.", "account.", "secure.", "signin.", "my.", "auth.")
SIGN_IN = (
    "login", "signin", "login", "signin", "sign-in", "login.php", "signin.php", "account/login", "account", "verify",
    "secure", "webscr", "login/", "signin/", "login.html", "user/login", "account/verify",
)  # fmt: skip
HONEST_SIGN_IN = (
    "login", "signin", "login", "signin", "sign-in", "account/login", "account", "users/login", "en/login", "login/",
    "signin/", "auth/login", "ap/signin", "login/sign-in", "accounts/login", "user/login", "login.html",
)  # fmt: skip


def well_known_page(rng: Random) -> str:
    """A page, a subdomain or the sign-in page of a site everybody knows; now and then an invented firm's front page."""
    site = rng.choice(_sites())
    section = rng.choice((rng.choice(words.SECTIONS), rng.choice(words.LANGUAGES), word(rng), "help", "home"))
    match rng.choices(range(6), (28, 25, 20, 8, 15, 4))[0]:
        case 0:
            return site
        case 1:
            return f"{site}/{section}"
        case 2:
            return f"{rng.choice(SUBDOMAINS)}.{site}/{rng.choice(('', section))}"
        case 3:
            return f"{site}/{section}/{slug(rng, 1, 3)}"
        case 4:
            door = rng.random() < 0.3
            page_there = rng.choice(("", "", "login", "signin") if door else HONEST_SIGN_IN)
            return f"{rng.choice(DOORS) if door else ''}{site}/{page_there}"
        case _:
            first = rng.choice((coinage(rng), rng.choice(words.THINGS), rng.choice(words.QUALITIES)))
            second, ending = rng.choice(("", rng.choice(words.THINGS))), rng.choice(("com", "com", "com", "org", "io"))
            return f"{first}{second}.{ending}"


def imitation(rng: Random) -> str:
    """A well-known name misspelt, mostly under `.com`, mostly asking to sign in: `g0ogle.com/login`."""
    ending = "com" if rng.random() < 0.6 else draw(rng, "ENDINGS_PHISHING")
    host = rng.choices(("", f"{lure(rng)}.", "www."), (85, 10, 5))[0] + misspelt(rng, rng.choice(_names()))
    tail = rng.choices((rng.choice(SIGN_IN), "", page(rng), lure(rng), kit_path(rng, 1)), (65, 5, 10, 10, 10))[0]
    return f"{host}.{ending}/{tail}"


def misspelt(rng: Random, name: str) -> str:
    """The name with a letter that looks like another, missing, doubled or swapped; never a name or a word as it is."""
    while True:
        letters = list(name)
        at = rng.randrange(1, len(letters))
        match rng.choices(range(4), (70, 10, 10, 10))[0]:
            case 0:
                alike = [place for place, letter in enumerate(letters) if letter in LOOKALIKES]
                for place in alike if rng.random() < 0.25 else rng.sample(alike, min(1, len(alike))):
                    letters[place] = LOOKALIKES[letters[place]]
            case 1:
                letters[at : at + 1] = []
            case 2:
                letters.insert(at, letters[at])
            case _:
                letters[at - 1 : at + 1] = letters[at - 1 : at + 1][::-1]
        if (typo := "".join(letters)) not in _names() and typo not in _words():
            return typo


def well_known_domains() -> frozenset[str]:
    """Registered domains of well-known sites, and the hosts that lead elsewhere: their names are nobody's secret."""
    hosts = {*_sites(), *SHORTENERS, *(shape.partition("/")[0] for shape in REDIRECTORS)}
    return frozenset(registered_domain(f"http://{host}/") for host in hosts)


@cache
def _sites() -> tuple[str, ...]:
    """Registered sites and hosts, the best known and the most imitated three times: their names stay theirs."""
    most = {*BEST_KNOWN_SITES, *TARGETS.values()}
    known = [host.removeprefix("www.") for host in KNOWN_PAGES]
    return tuple(sorted({*known, *WELL_KNOWN, *most}) + sorted(most) * 2)


@cache
def _names() -> tuple[str, ...]:
    """Names long enough to be known when misspelt, and no words of their own; those that are imitated most twice."""
    owned = {site.split(".")[-3 if site.endswith(("co.uk", "com.au", "com.br")) else -2] for site in _sites()}
    names = sorted(name for name in owned | {*TARGETS} if len(name) >= 5 and (name in TARGETS or name not in _words()))
    return tuple(names) + tuple(name for name in names if name in TARGETS)


@cache
def _words() -> frozenset[str]:
    return frozenset((*words.THINGS, *words.QUALITIES, *words.VERBS, *words.NAMES, *words.FOREIGN, *words.SECTIONS))

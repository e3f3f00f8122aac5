"""Who makes an address that deceives. Each maker returns one without its scheme; the table says how common each is.

Everything here is inert text: the names are drawn at random, nothing is ever fetched.
"""

from collections.abc import Callable
from random import Random
from urllib.parse import quote

from compression.data.corpus import words
from compression.data.corpus.addresses import REDIRECTORS, SHORTENERS, TARGETS, THROWAWAY_ENDINGS
from compression.data.corpus.kits import brand, kit, kit_path, lure, page, session
from compression.data.corpus.parts import (
    BASE36,
    BASE62,
    HEX,
    coinage,
    draw,
    e_mail,
    hijacked_site,
    name,
    number,
    random_name,
    run,
    slug,
    word,
)
from compression.data.corpus.safe import business, download

DOCUMENT_FOLDERS = (
    "dropbox", "Dropbox", "gdoc", "googledocs", "office365", "onedrive", "adobe", "docusign", "pdf", "excel", "doc",
    "wetransfer", "sharepoint", "DHL", "drive", "file", "shared", "owa", "webmail",
)  # fmt: skip
LOOKALIKES = {
    "o": "0", "l": "1", "i": "l", "m": "rn", "e": "3", "a": "4", "s": "5", "g": "q", "w": "vv", "n": "m", "u": "v",
}  # fmt: skip
ACCENTS = {"a": "á", "e": "é", "i": "í", "o": "ö", "u": "ú", "c": "ç", "n": "ñ", "l": "ł", "p": "р", "y": "у"}


def hijacked_home(rng: Random) -> str:
    """A site like any other at its front door; what makes it bad cannot be read from it."""
    return hijacked_site(rng) + rng.choice(("/", "/", ""))


def quiet_page(rng: Random) -> str:
    """A page put on a broken-into site under a name that looks like the others there."""
    honest = rng.choice((business, business, download))(rng).partition("/")[2]
    return f"{hijacked_site(rng)}/{honest}"


def hijacked_wordpress(rng: Random) -> str:
    """A kit deep inside a site's WordPress."""
    return (
        f"{hijacked_site(rng)}/{rng.choice(('', '', '', 'blog/', 'wp/'))}{rng.choice(words.WORDPRESS)}/{kit_path(rng)}"
    )


def hijacked_cms(rng: Random) -> str:
    """A kit deep inside another site builder's folders."""
    return f"{hijacked_site(rng)}/{rng.choice(words.OTHER_SYSTEMS)}/{kit_path(rng, 2)}"


def hijacked_folder(rng: Random) -> str:
    """A kit in a folder of its own on somebody's site."""
    host = rng.choices(("", "mail.", "m.", f"{word(rng)}."), (84, 6, 3, 7))[0] + hijacked_site(rng)
    return f"{host}/{kit_path(rng, 4)}"


def hijacked_page(rng: Random) -> str:
    """A single page dropped at the top of somebody's site."""
    dropped = rng.choice((page(rng), page(rng), lure(rng), run(rng, BASE62, 3, 12), f"{brand(rng)}/", f"{kit(rng)}/"))
    return f"{hijacked_site(rng)}/{dropped}"


def session_link(rng: Random) -> str:
    """A kit's page behind a long, official-looking query."""
    host = rng.choice((hijacked_site, hijacked_site, lure_name))(rng).partition("/")[0]
    return f"{host}/{kit_path(rng, 2).rpartition('/')[0]}/{page(rng)}?{session(rng)}"


def brand_subdomain(rng: Random) -> str:
    """The imitated address in front of the real owner's: `www.paypal.com.session-7.example`."""
    target = brand(rng)
    front = rng.choice(
        (
            TARGETS[target],
            TARGETS[target],
            target,
            f"{target}.{lure(rng)}",
            f"{lure(rng)}.{target}",
            f"{target}-{lure(rng)}",
        )
    )
    middle = rng.choice(
        (
            "",
            "",
            f".{lure(rng)}",
            f".{run(rng, BASE36, 4, 12)}",
            f"-{lure(rng)}",
            f".{lure(rng)}-{number(rng, 1, 5)}",
        )
    )
    owner = rng.choice((hijacked_site(rng), f"{lure(rng)}-{lure(rng)}.{draw(rng, 'ENDINGS_PHISHING')}",
                        f"{random_name(rng)}.{draw(rng, 'ENDINGS_PHISHING')}"))  # fmt: skip
    tail = rng.choice(("/", "/", kit_path(rng, 2), page(rng), f"{lure(rng)}/", f"{page(rng)}?{session(rng)}"))
    return f"{front}{middle}.{owner}/{tail.lstrip('/')}"


def lure_name(rng: Random) -> str:
    """A domain registered for the lure: the brand and what it asks for, joined by hyphens."""
    parts = [brand(rng), lure(rng)] if rng.random() < 0.7 else [lure(rng), lure(rng)]
    if rng.random() < 0.45:
        parts.append(rng.choice((lure(rng), number(rng, 1, 4), rng.choice(words.PLACES), "online", "inc")))
    rng.shuffle(parts)
    host = rng.choice(("-", "-", "")).join(parts) + "." + draw(rng, "ENDINGS_PHISHING")
    return f"{host}/{rng.choices(('', page(rng), f'{lure(rng)}/', kit_path(rng, 2)), (45, 25, 15, 15))[0]}"


def typosquat(rng: Random) -> str:
    """A brand with a letter missing, doubled, swapped or replaced by one that looks like it."""
    target = brand(rng)
    letters = list(target)
    at = rng.randrange(1, len(letters))
    match rng.randrange(5):
        case 0:
            letters[at : at + 1] = []
        case 1:
            letters.insert(at, letters[at])
        case 2:
            letters[at - 1 : at + 1] = letters[at - 1 : at + 1][::-1]
        case _:
            letters = [LOOKALIKES[c] if c in LOOKALIKES and rng.random() < 0.55 else c for c in letters]
    typo = "".join(letters)
    if typo == target:
        typo += target[-1]
    host = rng.choice((typo, typo, f"{typo}-{lure(rng)}", f"{lure(rng)}{typo}", f"{typo}{lure(rng)}"))
    host = rng.choice(("", "", "", f"{lure(rng)}.")) + host
    return f"{host}.{draw(rng, 'ENDINGS_PHISHING')}/{rng.choice(('', '', page(rng), lure(rng), kit_path(rng, 1)))}"


def punycode(rng: Random) -> str:
    """A brand in letters of another alphabet, as a browser sends it: `xn--pypal-4ve.example`."""
    letters = list(rng.choice(tuple(b for b in TARGETS if any(c in ACCENTS for c in b))))
    at = rng.choice([i for i, c in enumerate(letters) if c in ACCENTS])
    letters[at] = ACCENTS[letters[at]]
    label = "".join(letters) + rng.choice(("", "", f"-{lure(rng)}"))
    host = f"xn--{label.encode('punycode').decode()}.{draw(rng, 'ENDINGS_PHISHING')}"
    return f"{rng.choice(('', '', f'{lure(rng)}.'))}{host}/{rng.choice(('', '', lure(rng), page(rng)))}"


def free_host(rng: Random) -> str:
    """A page on a host that gives names away."""
    ending = draw(rng, "FREE_HOSTS_PHISHING")
    label = rng.choice(
        (
            lambda r: f"{brand(r)}-{lure(r)}",
            lambda r: f"{brand(r)}{lure(r)}{number(r, 1, 4)}",
            lambda r: f"{lure(r)}{lure(r)}".replace("_", ""),
            random_name,
            random_name,
            lambda r: name(r) + number(r, 1, 3),
            lambda r: "".join(r.choices(words.FOREIGN, k=3)) + r.choice(("", number(r, 1, 2))),
            lambda r: f"{r.choice(words.QUALITIES)}-{r.choice(words.THINGS)}-{number(r, 6)}",
            lambda r: f"{r.choice(words.FOREIGN)}-{run(r, HEX, 5)}",
            lambda r: f"user{number(r, 6, 14)}",
            lambda r: f"{run(r, '0123456789', 6, 20)}-dot-{random_name(r)}",
            coinage,
        )
    )(rng)
    if rng.random() < 0.06:
        label = f"{number(rng, 1, 3)}.{label}"
    # A blog of a free host shows its front page; the others often hold a kit.
    share = 0.12 if ending.startswith("blogspot") else 0.45
    tail = rng.choice((page, kit_path, lure))(rng) if rng.random() < share else ""
    return f"{label.replace('_', '-')}.{ending}/{tail}"


def shortener(rng: Random) -> str:
    """A short link that hides where it leads."""
    code = rng.choice((run(rng, BASE62, 4, 8), run(rng, BASE62, 4, 8), f"{brand(rng)}-{lure(rng)}", number(rng, 4, 8)))
    return f"{rng.choice(SHORTENERS)}/{rng.choice(('', '', '', 'r/', 'u/'))}{code}"


def ip_host(rng: Random) -> str:
    """A bare IPv4 address, with a port now and then."""
    host = ".".join(str(rng.randint(1, 254)) for _ in range(4)) + rng.choice(
        ("", "", "", ":8080", ":81", f":{number(rng, 4, 4)}")
    )
    return f"{host}/{rng.choice(('', kit_path(rng), page(rng), f'~{run(rng, BASE36[:26], 5, 8)}/{kit_path(rng, 2)}'))}"


def redirect(rng: Random) -> str:
    """Somebody's open redirect, with the true goal encoded behind it."""
    goal = f"http://{hijacked_site(rng)}/{kit_path(rng, 2)}"
    goal = rng.choice((quote(goal, safe=""), goal, quote(goal)))
    if rng.random() < 0.45:
        return rng.choice(REDIRECTORS).format(goal) + rng.choice(
            ("", f"&post={number(rng, 6, 9)}_{number(rng, 1, 3)}&cc_key=")
        )
    script = rng.choice(("redirect", "out", "go", "track", "r", "click")) + rng.choice((".php", "", ".aspx"))
    return f"{hijacked_site(rng)}/{script}?url={goal}"


def throwaway(rng: Random) -> str:
    """A domain made by a program for a day."""
    ending = rng.choice(THROWAWAY_ENDINGS)
    host = rng.choice(("", "", f"{run(rng, BASE36, 2, 8)}.", f"{lure(rng)}.")) + f"{random_name(rng)}.{ending}"
    return f"{host}/{rng.choice(('', '', page(rng), run(rng, BASE62, 5, 12), kit_path(rng, 2)))}"


def user_info(rng: Random) -> str:
    """The imitated address as a user name before the true host: `www.paypal.com@203.0.113.7`."""
    host = rng.choice((hijacked_site(rng), ".".join(str(rng.randint(1, 254)) for _ in range(4))))
    return f"www.{TARGETS[brand(rng)]}@{host}/{kit_path(rng, 2)}"


def shared_document(rng: Random) -> str:
    """A pretended shared file that asks for the mail password."""
    folder = rng.choice(DOCUMENT_FOLDERS)
    landing = rng.choice(
        (page(rng), "", f"{run(rng, HEX, 32)}/", f"{slug(rng, 1, 2)}.html", f"{page(rng)}?email={e_mail(rng)}")
    )
    return (
        f"{hijacked_site(rng)}/{rng.choice(('', kit(rng) + '/'))}{folder}/{rng.choice(('', kit(rng) + '/'))}{landing}"
    )


MAKERS: dict[Callable[[Random], str], float] = {
    hijacked_home: 9, quiet_page: 5, hijacked_wordpress: 12, hijacked_cms: 6, hijacked_folder: 15, hijacked_page: 6,
    session_link: 8, brand_subdomain: 6, lure_name: 5, typosquat: 3, punycode: 1, free_host: 14, shortener: 3,
    ip_host: 2, redirect: 2, throwaway: 4, user_info: 0.5, shared_document: 4,
}  # fmt: skip

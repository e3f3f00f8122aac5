"""What a phishing kit is made of: brand, bait, the folders it lies in, its pages and the queries behind them."""

from random import Random

from compression.data.corpus import words
from compression.data.corpus.addresses import TARGETS
from compression.data.corpus.parts import BASE36, BASE62, HEX, coinage, e_mail, extension, number, run, word


def brand(rng: Random) -> str:
    """A brand to imitate: the table's first ones stand for most of what is seen."""
    return tuple(TARGETS)[int(len(TARGETS) * rng.random() ** 1.8)]


def lure(rng: Random) -> str:
    """A word that makes people act: `verify`, `locked`, `refund`."""
    return rng.choice(words.LURES)


def kit(rng: Random) -> str:
    """The folder a kit was unpacked to: terse, careless, or named after its victim."""
    match rng.choices(range(6), (40, 14, 15, 12, 12, 7))[0]:
        case 0:
            return rng.choice(words.KIT_FOLDERS)
        case 1:
            victim = brand(rng)
            return rng.choice(
                (victim, victim.capitalize(), victim.upper(), victim + number(rng, 1, 4), f"www.{TARGETS[victim]}")
            )
        case 2:
            return lure(rng)
        case 3:
            return run(rng, BASE36[:26], 2, 6)
        case 4:
            return run(rng, HEX, 8, 32) if rng.random() < 0.6 else run(rng, BASE62, 6, 20)
        case _:
            return word(rng)


def page(rng: Random) -> str:
    """The page of a kit the victim lands on."""
    stem = rng.choices(words.KIT_PAGES, range(len(words.KIT_PAGES), 0, -1))[0]
    if rng.random() < 0.25:
        stem = rng.choice(
            (run(rng, BASE36, 2, 6), f"{lure(rng)}{number(rng, 1, 2)}", brand(rng), f"{stem}_{lure(rng)}")
        )
    return stem + extension(rng, ("php", "php", "php", "php", "php", "html", "html", "htm"))


def kit_path(rng: Random, deepest: int = 3) -> str:
    """Up to `deepest` folders of a kit and, mostly, a page in the last one."""
    folders = "/".join(kit(rng) for _ in range(rng.randint(1, deepest)))
    return f"{folders}/{rng.choices((page(rng), '', run(rng, HEX, 32) + '/', lure(rng)), (50, 38, 5, 7))[0]}"


def session(rng: Random) -> str:
    """The query a kit pretends a session with."""
    token = run(rng, HEX, 32)
    return rng.choice(
        (
            f"cmd=login_submit&id={token}{token}&session={token}{token}",
            f"cmd=_{lure(rng)}&dispatch={token}&locale=_{rng.choice(('US', 'GB', 'DE', 'FR'))}",
            f"rand=13InboxLight&fid={number(rng, 9, 10)}&email={rng.choice(('', e_mail(rng)))}",
            f"email={e_mail(rng)}",
            f"email={e_mail(rng)}&error=1",
            f"{rng.choice(('userid', 'login', 'l', 'e', 'u'))}={e_mail(rng)}",
            f"sec={coinage(rng).capitalize()}&token={token}",
            f"country.x={rng.choice(('US', 'FR', 'IT'))}-&locale.x=en_{rng.choice(('US', 'FR'))}",
            f"{lure(rng)}={run(rng, BASE62, 10, 40)}",
            f"id={number(rng, 6, 12)}&amp;session={token}",
            run(rng, BASE62, 12, 60),
        )
    )

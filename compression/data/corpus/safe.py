"""Who makes a harmless address. Each maker returns one without its scheme; the table says how common each is."""

from collections.abc import Callable
from random import Random

from compression.data.corpus import words
from compression.data.corpus.addresses import KNOWN_PAGES, TARGETS
from compression.data.corpus.parts import (
    BASE36,
    BASE62,
    coinage,
    draw,
    extension,
    honest_site,
    name,
    number,
    phrase,
    run,
    slug,
    title,
    word,
)

SCRIPT_ENDINGS = ("php", "php", "aspx", "asp", "cfm")


def _section(rng: Random) -> str:
    return rng.choice(words.SECTIONS)


def _folder(rng: Random) -> str:
    return rng.choice((_section, _section, word, lambda r: rng.choice(words.LANGUAGES), lambda r: slug(r, 2, 3)))(rng)


def home_page(rng: Random) -> str:
    """A site's front door, sometimes with its language or its index file."""
    tail = rng.choices(("/", "", "/en/", "/index.html", "/home", f"/{_section(rng)}/"), (78, 12, 3, 2, 1, 4))[0]
    return honest_site(rng) + tail


def subsite(rng: Random) -> str:
    """A department or a project on its own subdomain."""
    sub = rng.choice(
        ("blog", "shop", "support", "docs", "forum", "wiki", "news", "store", "en", "m", "community", word(rng))
    )
    path = rng.choice(("", "", f"{_section(rng)}/", slug(rng), f"{_section(rng)}/{slug(rng)}"))
    return f"{sub}.{honest_site(rng)}/{path}"


def free_blog(rng: Random) -> str:
    """A hobby blog on a free host: its front page or a dated post."""
    who = rng.choice((name, lambda r: "".join(phrase(r, 2, 4)), lambda r: slug(r, 2, 3).replace("_", "-")))(rng)
    host = f"{who}.{draw(rng, 'FREE_HOSTS_SAFE')}"
    if rng.random() < 0.5:
        return host + "/"
    post = f"{rng.randint(2008, 2020)}/{rng.randint(1, 12):02}/{slug(rng, 2, 7)}"
    return f"{host}/{rng.choice((post + '.html', post + '/', f'post/{number(rng, 8, 12)}', _section(rng)))}"


def news_article(rng: Random) -> str:
    """A story in a newspaper's or a magazine's archive."""
    date = rng.choice(
        (f"{rng.randint(2005, 2020)}/{rng.randint(1, 12):02}/{rng.randint(1, 28):02}/", "", f"{number(rng, 4, 8)}/")
    )
    story = slug(rng, 3, 9) + rng.choice(("", "", "/", ".html", f"-{number(rng, 4, 8)}", f"/{number(rng, 5, 8)}.html"))
    return f"{honest_site(rng)}/{_section(rng)}/{date}{story}"


def shop(rng: Random) -> str:
    """A product or a shelf of a web shop."""
    shelf = rng.choice(("shop", "product", "products", "category", "p", "collections", "store", "catalog", word(rng)))
    item = slug(rng, 2, 5)
    return f"{honest_site(rng)}/" + rng.choice(
        (
            f"{shelf}/{item}/",
            f"{shelf}/{item}",
            f"{shelf}/{number(rng, 3, 7)}-{item}{extension(rng)}",
            f"{item}.html",
            f"{item}/",
        )
    )


def encyclopedia(rng: Random) -> str:
    """An entry of a wiki, a dictionary or a glossary."""
    host = rng.choice((f"{rng.choice(('en', 'en', 'de', 'fr', 'ru'))}.{coinage(rng)}", name(rng)))
    host += rng.choice((".org", ".org", ".com", ".com", ".net"))
    return f"{host}/" + rng.choice(
        (
            f"wiki/{title(rng)}",
            f"wiki/{title(rng)}",
            f"definition/{slug(rng, 1, 3)}{rng.choice(('', '.html'))}",
            f"dictionary/{slug(rng, 1, 2)}",
            f"index.php/{title(rng)}",
            f"{word(rng)}/{'%20'.join(phrase(rng, 1, 4))}/en-en/",
            f"{word(rng)[0].upper()}/{word(rng)}.htm",
        )
    )


def documentation(rng: Random) -> str:
    """A page of a manual or a tutorial."""
    host = rng.choice(("", "docs.", "support.", "help.", "developer.", "learn.")) + honest_site(rng)
    chapter = rng.choice(
        (slug(rng, 1, 4), "-".join(w.capitalize() for w in phrase(rng, 2, 3)), "_".join(phrase(rng, 2, 3)))
    )
    kind = rng.choice(
        ("docs", "tutorial", "manual", "guide", "doc", "reference", "help", "articles", "kb", "library", word(rng))
    )
    folder = rng.choice(("", f"{word(rng)}/", f"{number(rng, 1, 2)}.{number(rng, 1, 1)}/", f"{slug(rng, 2, 3)}/"))
    return f"{host}/{kind}/{folder}{chapter}{rng.choice(('', '/', extension(rng), extension(rng)))}"


def university(rng: Random) -> str:
    """A university's or an authority's page: departments, people, papers as PDF."""
    host = rng.choice(("", "www1.", "math.", "cs.", "library.", "law.", f"{word(rng)}."))
    host += rng.choice((coinage(rng), run(rng, BASE36[:26], 2, 5), rng.choice(words.PLACES), name(rng)))
    host += "." + rng.choice(("edu", "edu", "edu", "gov", "ac.uk", "gov.uk", "org", "org", "ch", "de", "nl", "edu.au"))
    paper = rng.choice((slug(rng, 2, 4), run(rng, BASE62, 4, 9), "_".join(w.capitalize() for w in phrase(rng, 2, 4))))
    return f"{host}/" + rng.choice(
        (
            f"~{rng.choice(words.NAMES)}/{word(rng)}/{word(rng)}.html",
            f"{_section(rng)}/{word(rng)}/{paper}.pdf",
            f"{_section(rng)}/{paper}.pdf",
            f"{_section(rng)}/{slug(rng, 1, 3)}{rng.choice(('/', '.html', '.htm', '', '.aspx'))}",
            f"{word(rng)}/{_section(rng)}/",
        )
    )


def forum(rng: Random) -> str:
    """A question, a thread or a member of a forum."""
    host = rng.choice(("", "", "forum.", "community.", "answers.")) + honest_site(rng)
    return f"{host}/" + rng.choice(
        (
            f"questions/{number(rng, 4, 8)}/{slug(rng, 4, 9)}",
            f"topic/{number(rng, 3, 6)}-{slug(rng, 3, 8)}/",
            f"forums/showthread.php?t={number(rng, 4, 7)}",
            f"{slug(rng, 2, 3)}/{slug(rng, 3, 7)}-t{number(rng, 3, 6)}.html",
            f"viewtopic.php?f={number(rng, 1, 2)}&t={number(rng, 3, 6)}",
            f"t5/{slug(rng, 2, 3).title()}/{slug(rng, 3, 6).title()}/td-p/{number(rng, 5, 7)}",
            f"index.php?topic={number(rng, 3, 6)}.0",
        )
    )


def business(rng: Random) -> str:
    """An inner page of a firm's or a club's site."""
    page = rng.choice(
        ("about-us", "contact", "services", "products", "team", "careers", "faq", "news", slug(rng, 2, 4), word(rng))
    )
    lead = rng.choice(("", "", f"{_folder(rng)}/", f"{_folder(rng)}/{_folder(rng)}/"))
    return f"{honest_site(rng)}/{lead}{page}{rng.choice(('/', '/', '', extension(rng)))}"


def dynamic_page(rng: Random) -> str:
    """A page a script builds from a query."""
    script = rng.choice(
        ("index", "article", "view", "search", "default", "product", "detail", "list", "page", "item", word(rng))
    )
    key = rng.choice(("id", "id", "q", "lang", "p", "article", "cat", "page", "ID", "type", "s", "v"))
    value = rng.choice((number(rng, 1, 6), number(rng, 1, 6), word(rng), "+".join(phrase(rng, 2, 3)), "en"))
    more = rng.choice(
        ("", "", f"&lang={rng.choice(words.LANGUAGES)}", f"&page={number(rng, 1, 2)}", "&utm_source=newsletter")
    )
    folder = rng.choice(("", _folder(rng) + "/"))
    return f"{honest_site(rng)}/{folder}{script}{extension(rng, SCRIPT_ENDINGS)}?{key}={value}{more}"


def download(rng: Random) -> str:
    """A file to fetch: a brochure, a price list, a recording."""
    file = rng.choice(
        (slug(rng, 2, 5), "%20".join(w.capitalize() for w in phrase(rng, 2, 5)), "_".join(phrase(rng, 2, 4)))
    )
    dated = f"wp-content/uploads/20{rng.randint(10, 20)}/{rng.randint(1, 12):02}"
    plain = ("documents", "pdf", "downloads", "sites/default/files")
    folder = rng.choice((*plain, dated, f"files/{number(rng, 2, 5)}", f"images/{word(rng)}", _folder(rng)))
    return f"{honest_site(rng)}/{folder}/{file}.{rng.choice(('pdf', 'pdf', 'pdf', 'doc', 'jpg', 'zip', 'ppt', 'mp3'))}"


def known_site(rng: Random) -> str:
    """A page of a site everybody knows, in the shape its pages have."""
    host = rng.choice(tuple(KNOWN_PAGES))
    shape = rng.choice(KNOWN_PAGES[host])
    fill: dict[str, Callable[[Random], str]] = {
        "t": title,
        "s": slug,
        "n": lambda r: number(r, 4, 9),
        "w": word,
        "k": lambda r: run(r, BASE62, 11),
    }
    return f"{host}/" + "".join(
        fill[piece[0]](rng) + piece[2:] if i else piece for i, piece in enumerate(shape.split("{"))
    )


def login_page(rng: Random) -> str:
    """An honest place to sign in, also of the brands that are imitated most: what keeps `login` from deciding alone."""
    site = rng.choice(tuple(TARGETS.values())) if rng.random() < 0.6 else honest_site(rng)
    host = rng.choice(("", "", "www.", "login.", "account.", "secure.", "my.", "accounts.")) + site
    page = rng.choice(
        (
            "login",
            "signin",
            "account",
            "account/login",
            "sign-in",
            "user/login",
            "help",
            "contact",
            "register",
            "en/home",
        )
    )
    return f"{host}/{page}{rng.choice(('', '', '/', '.html', '?lang=en', '?next=%2Fhome'))}"


def tracker(rng: Random) -> str:
    """What a page or a newsletter loads or counts with: a content network's file, a campaign link."""
    site = honest_site(rng)
    return rng.choice(
        (
            f"cdn.{site}/assets/{word(rng)}-{run(rng, BASE36, 8, 12)}.js",
            f"static.{site}/{_folder(rng)}/{word(rng)}.min.css?v={number(rng, 1, 3)}",
            f"click.{site}/?qs={run(rng, '0123456789abcdef', 32, 64)}",
            f"{site}/{slug(rng)}?utm_source={word(rng)}&utm_medium=email&utm_campaign={slug(rng, 1, 2)}",
            f"link.{site}/{run(rng, BASE62, 6, 12)}",
        )
    )


MAKERS: dict[Callable[[Random], str], float] = {
    home_page: 37, subsite: 4, free_blog: 5, news_article: 6, shop: 5, encyclopedia: 6, documentation: 8, university: 6,
    forum: 4, business: 6, dynamic_page: 3, download: 3, known_site: 10, login_page: 2, tracker: 1,
}  # fmt: skip

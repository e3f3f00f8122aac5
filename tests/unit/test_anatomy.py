"""The parts of a URL, and what is worth knowing about them; any text at all has some."""

import random
import socket
import time
from typing import Any

import pytest

from compression.predict.anatomy import LIMIT, Anatomy, anatomy, in_clear
from compression.predict.letters import decoded, digits_as_letters, look_alike, scripts

PARTS = [
    ("https://shop.example.co.uk/a/b?c=d#e", ("https", "", "shop", "example.co.uk", "", "/a/b", "c=d", "e")),
    ("http://me:pw@a.b.c.example.com:8080", ("http", "me:pw", "a.b.c", "example.com", "8080", "", "", "")),
    ("example.com:8080/x", ("", "", "", "example.com", "8080", "/x", "", "")),
    ("someone.github.io", ("", "", "", "someone.github.io", "", "", "", "")),  # the list's private part
    ("http://192.0.2.7/x", ("http", "", "", "192.0.2.7", "", "/x", "", "")),
    ("http://[2001:db8::1]:81/", ("http", "", "", "[2001:db8::1]", "81", "/", "", "")),
    (r"http:\\good.test\@evil.test", ("http", "", "", "good.test", "", r"\@evil.test", "", "")),
    ("//cdn.example.com?x", ("", "", "cdn", "example.com", "", "", "x", "")),
    ("javascript:alert(1)//x", ("javascript", "", "", "", "", "alert(1)//x", "", "")),
    ("http://evil。example．com", ("http", "", "evil", "example.com", "", "", "", "")),
    ("localhost", ("", "", "", "localhost", "", "", "", "")),
    ("", ("", "", "", "", "", "", "", "")),
]
NAMES = ("scheme", "user", "subdomain", "domain", "port", "path", "query", "fragment")


@pytest.mark.parametrize(("url", "parts"), PARTS, ids=[url for url, _ in PARTS])
def test_parts(url: str, parts: tuple[str, ...]) -> None:
    found = anatomy(url)
    assert tuple(found.text(name) for name in NAMES) == parts


REMARKS = [
    ("https://www.example.com/", set()),
    ("https://example.com:443/", set()),
    ("http://example.com/", {"plain-http"}),
    ("https://paypal.com@evil.test/", {"user-hides-host"}),
    ("https://a.b.c.example.com/", {"many-subdomains"}),
    ("https://192.0.2.7/", {"ip"}),
    ("https://[2001:db8::1]/", {"ip"}),
    ("https://3221225991/", {"ip-disguised"}),
    ("https://0xC0.0.0x2.7/", {"ip-disguised"}),
    ("https://xn--mnchen-3ya.example/", {"punycode"}),
    ("https://xn--pple-43d.com/", {"punycode", "mixed-scripts", "look-alike"}),
    ("https://аррӏе.com/", {"look-alike"}),
    ("https://яндекс.example/", set()),
    ("https://ραypal.com/", {"mixed-scripts", "look-alike"}),
    ("https://ｐaypal.com/", {"rewritten"}),
    ("https://ex%61mple.com/", {"rewritten"}),
    ("https://paypa1.com/", {"digits"}),
    ("https://g00gle.example.com/", {"digits"}),
    ("https://web2.mp3-24.com/", set()),
    ("https://example.com/a%2Fb?c=100%25", {"percent"}),
    ("https://example.com:8443/", {"port"}),
    (r"https://example.com\@evil.test", {"backslash"}),
    ("javascript:alert(1)", {"no-address"}),
]


@pytest.mark.parametrize(("url", "kinds"), REMARKS, ids=[url for url, _ in REMARKS])
def test_what_is_worth_knowing(url: str, kinds: set[str]) -> None:
    assert anatomy(url).kinds() == kinds


def meaning(found: Anatomy, kind: str) -> str:
    return next(remark.meaning for part in found.parts for remark in part.remarks if remark.kind == kind)


def test_what_a_trick_means() -> None:
    assert meaning(anatomy("http://paypal.com@evil.test/"), "user-hides-host") == "evil.test"
    assert meaning(anatomy("http://0300.0.2.7/"), "ip-disguised") == "192.0.2.7"
    assert meaning(anatomy("http://xn--mnchen-3ya.example/"), "punycode") == "münchen"
    assert meaning(anatomy("http://xn--pple-43d.com/"), "look-alike") == "apple"
    assert meaning(anatomy("http://xn--pple-43d.com/"), "mixed-scripts") == "Cyrillic, Latin"
    assert meaning(anatomy("http://paypa1.com/"), "digits") == "paypal"
    assert meaning(anatomy("http://a.test/%6Cogin"), "percent") == "/login"


def test_letters() -> None:
    assert in_clear("XN--MNCHEN-3YA。example") == "münchen.example"
    assert [decoded(label) for label in ("xn--", "xn--\x80", "xn--99999999", "plain")] == [
        "xn--", "xn--\x80", "xn--99999999", "plain",
    ]  # fmt: skip
    assert scripts("aя1-") == {"Latin", "Cyrillic"}
    assert scripts("東京タワー") == set()  # scripts that Latin is not confused with
    assert look_alike("сοре") == "cope"
    assert [digits_as_letters(text) for text in ("micr0s0ft", "1ogin", "2024", "mp3")] == [
        "microsoft", "login", "2024", "mp3",
    ]  # fmt: skip


def plain(text: str) -> str:
    return text.translate(str.maketrans("。．｡", "..."))


def test_any_text_has_an_anatomy(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*given: Any) -> Any:
        raise AssertionError("nothing is asked of the network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    rng = random.Random(1)
    pieces = [
        "http", "://", ":", "/", "\\", "@", "[", "]", "%", "%00", "%2e", ".", "。", "..", "?", "#", "xn--", "xn--a",
        "-", "0x", "7f", "1", "🙂", "\0", "\u202e", "\ud800", "é", "e\u0301", "ß", "İ", "а", " ", "\n", "co.uk", "com",
        "<script>", "9" * 30, "²", "٣",
    ]  # fmt: skip
    for _ in range(3000):
        url = "".join(rng.choices(pieces, k=rng.randrange(14)))
        found = anatomy(url)
        assert all(plain(part.text) in plain(url) for part in found.parts)


def test_two_megabytes_take_no_time() -> None:
    started = time.perf_counter()
    for text in ("a" * 2_000_000, "http://" + "a." * 1_000_000, "xn--" * 500_000, "http://" + "%" * 2_000_000):
        assert sum(len(part.text) for part in anatomy(text).parts) <= LIMIT
    assert time.perf_counter() - started < 2

"""Bad URLs to classify."""

from collections.abc import Callable

from bad_input import Bad, Bench, Given, Url


def _url(text: str) -> Callable[[Bench], Given]:
    return lambda bench: Url(text)


TABLE = [
    Bad("no URL", "URL", _url("")),
    Bad("a URL of spaces", "URL", _url(" \t\u00a0\u2003 ")),
    Bad("a URL nobody can see", "URL", _url("\u200b\u202e\ufeff\0\x07")),
    Bad("a URL of 2 MB", "2000015 characters|2048", _url("http://a.test/?" + "a" * 2_000_000)),
    Bad("a URL one character too long", "2049", _url("http://a.test/" + "é" * 2035)),
]

"""The parts of a URL as a browser would tell them apart, and what is worth knowing about each. Text alone is read.

https://user@login.example.co.uk:8080/path?query#fragment
scheme  user │     domain        port path query fragment
             subdomain
"""

import ipaddress
import re
import socket
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from compression.data.splits import registered_domain
from compression.predict.letters import decoded, digits_as_letters, look_alike, scripts

Name = Literal["scheme", "user", "subdomain", "domain", "port", "path", "query", "fragment"]
Kind = Literal[
    "plain-http", "no-address", "user-hides-host", "many-subdomains", "ip", "ip-disguised", "punycode", "rewritten",
    "mixed-scripts", "look-alike", "digits", "percent", "port", "backslash",
]  # fmt: skip
LIMIT = 2048  # characters that are read; the rest is cut off
MANY_SUBDOMAINS = 3
_LONGEST_LABEL = 63  # of a host name (RFC 1035, section 2.3.4)
_PORTS = {"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}
# Browsers forgive missing and backward slashes after these schemes, and no others (WHATWG URL, "special scheme").
_SCHEME = re.compile(r"(?i)(?:(https?|wss?|ftp):[/\\]*|([a-z][a-z0-9+.-]*)://|//)")
_OPAQUE = re.compile(r"(?i)(data|javascript|mailto|tel|blob|about|file|view-source):")
_DOTS = str.maketrans("。．｡", "...")  # a browser takes these for full stops
_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}\.?")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")


@dataclass(frozen=True)
class Remark:
    """Something worth knowing: what sort of thing, the text it is about, and what that means (may be empty)."""

    kind: Kind
    found: str = ""
    meaning: str = ""


@dataclass(frozen=True)
class Part:
    """A part of a URL as it is written, and what is worth knowing about it."""

    name: Name
    text: str
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class Anatomy:
    """The parts of a URL that are there, in order, each as written.

    `host` is as written, too; `host_in_clear` is what a browser would make of it, punycode decoded.
    """

    parts: tuple[Part, ...]
    host: str
    host_in_clear: str

    def text(self, name: Name) -> str:
        """A part as written; empty if there is none."""
        return next((part.text for part in self.parts if part.name == name), "")

    def kinds(self) -> set[Kind]:
        """What sorts of things are worth knowing."""
        return {remark.kind for part in self.parts for remark in part.remarks}


def anatomy(url: str) -> Anatomy:
    """The parts of any text taken as a URL; never raises, and asks no network. Without a scheme it starts at the host.

    The registered domain is by the public suffix list that is shipped (`registered_domain`). Source of the parts:
    RFC 3986, appendix B, with the leniency of browsers (WHATWG URL, section 4.4): a backslash is a slash.
    """
    text = url.strip()[:LIMIT]
    scheme, authority, rest = _front(text)
    user, _, place = authority.rpartition("@")
    host, port = _port(place)
    shown = in_clear(host)
    subdomain, domain = _domain(host, shown)
    path, query, fragment = _back(rest)
    found: list[tuple[Name, str, Iterator[Remark]]] = [
        ("scheme", scheme, _of_scheme(scheme, authority)),
        ("user", user, iter([Remark("user-hides-host", user, shown)])),
        ("subdomain", subdomain, _of_subdomain(subdomain)),
        ("domain", domain, _of_domain(domain, host, shown)),
        ("port", port, _of_port(port, scheme)),
        ("path", path, _of_path(path)),
        ("query", query, _encoded(query)),
        ("fragment", fragment, _encoded(fragment)),
    ]
    return Anatomy(tuple(Part(name, text, tuple(remarks)) for name, text, remarks in found if text), host, shown)


def in_clear(host: str) -> str:
    """A host as a browser reads it, in small letters: percent-encoding, compatibility forms and punycode undone."""
    plain = unicodedata.normalize("NFKC", unquote(host).translate(_DOTS)).translate(_DOTS).lower()
    return ".".join(decoded(label) if len(label) <= _LONGEST_LABEL else label for label in plain.split("."))


def _front(text: str) -> tuple[str, str, str]:
    """Scheme, authority, and all that follows."""
    if opaque := _OPAQUE.match(text):
        scheme = opaque[1]
        return scheme, "", text[opaque.end() :]
    found = _SCHEME.match(text)
    start = found.end() if found else 0
    scheme = (found[1] or found[2] or "") if found else ""
    end = next((at for at, character in enumerate(text) if at >= start and character in "/\\?#"), len(text))
    return scheme, text[start:end], text[end:]


def _port(place: str) -> tuple[str, str]:
    """Host and port; an IPv6 address keeps the colons inside its brackets."""
    host, colon, port = place.rpartition(":")
    return (host, port) if colon and port.isdecimal() else (place.removesuffix(":"), "")


def _back(rest: str) -> tuple[str, str, str]:
    before, _, fragment = rest.partition("#")
    path, _, query = before.partition("?")
    return path, query, fragment


def _domain(host: str, shown: str) -> tuple[str, str]:
    """What stands before the registered domain, and that domain; both as written, where what is written says so."""
    if _address(shown):
        return "", host
    plain = host.translate(_DOTS).rstrip(".")
    own = registered_domain(plain)
    labels = plain.split(".")
    count = min(own.count(".") + 1 if own else 2, len(labels))
    return ".".join(labels[:-count]), ".".join(labels[-count:])


def _address(shown: str) -> str:
    """The IP address that a host is, in its usual form; empty for a name. Browsers take numbers in any base."""
    try:
        return str(ipaddress.ip_address(shown.strip("[]")))
    except ValueError:
        pass
    if not _NUMBERS.fullmatch(shown):
        return ""
    try:
        return socket.inet_ntoa(socket.inet_aton(shown.removesuffix(".")))
    except (OSError, ValueError):
        return ""


def _of_scheme(scheme: str, authority: str) -> Iterator[Remark]:
    if scheme.lower() in ("http", "ws", "ftp"):
        yield Remark("plain-http", scheme)
    if not authority:
        yield Remark("no-address", scheme)


def _of_subdomain(subdomain: str) -> Iterator[Remark]:
    labels = subdomain.split(".")
    if len(labels) >= MANY_SUBDOMAINS:
        yield Remark("many-subdomains", str(len(labels)))
    yield from _of_labels(subdomain)


def _of_domain(domain: str, host: str, shown: str) -> Iterator[Remark]:
    if address := _address(shown):
        usual = address == host.strip("[]").lower()
        yield Remark("ip", host) if usual else Remark("ip-disguised", host, address)
        return
    yield from _of_labels(domain)


def _of_labels(written: str) -> Iterator[Remark]:
    """What is unusual about the letters of each label of a host."""
    for label in filter(None, written.split(".")):
        shown = in_clear(label)
        plain = unicodedata.normalize("NFKC", unquote(label)).lower()
        if plain != label.lower():
            yield Remark("rewritten", label, plain)
        if shown != plain:
            yield Remark("punycode", label, shown)
        if len(mixed := scripts(shown)) > 1:
            yield Remark("mixed-scripts", shown, ", ".join(sorted(mixed)))
        if (latin := look_alike(shown)) != shown and scripts(latin) == {"Latin"}:
            yield Remark("look-alike", shown, latin)
        if (read := digits_as_letters(shown)) != shown:
            yield Remark("digits", shown, read)


def _of_port(port: str, scheme: str) -> Iterator[Remark]:
    if port != _PORTS.get(scheme.lower(), ""):
        yield Remark("port", port)


def _of_path(path: str) -> Iterator[Remark]:
    if "\\" in path:
        yield Remark("backslash")
    yield from _encoded(path)


def _encoded(text: str) -> Iterator[Remark]:
    """What percent-encoding hides."""
    if _PERCENT.search(text):
        yield Remark("percent", text, unquote(text))

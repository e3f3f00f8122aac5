"""A URL taken apart on the page: whatever was typed, it stays text, and no program takes it for a link."""

import math
import re

import pytest

from compression.predict.anatomy import anatomy
from compression.predict.attribution import Attribution, Reasons, Token
from compression.ui import urls
from compression.ui.views.xray import address_table, reasons_view

HOSTILE = [
    "http://evil.example/<script>alert(1)</script>?a=<img src=x>#\"'>",
    "https://paypal.com\u202emoc.evil@a.b.c.xn--pple-43d.com:99/\u2066x\u2069%3Cscript%3E%E2%80%AE",
    "http://a\0.example/\0?b=\x1b[2J",
    "https://🙂.example/🙂?q=http://b.example/",
    "xn--\u202e",
    "javascript:alert(document.domain)",
    "{found}.{0.__class__}/%s{",
]


def split(url: str, *weights: float) -> Reasons:
    """Reasons whose tokens are the URL in as many pieces as there are weights."""
    size = math.ceil(len(url) / len(weights))
    tokens = tuple(
        Token(f"##{url[at : at + size]}", weight, (at, min(at + size, len(url))))
        for at, weight in zip(range(0, len(url), size), weights, strict=False)
    )
    return Reasons(Attribution(1.0, 0.0, tokens, "mask"), Attribution(1.0, 0.0, tokens, "mask"))


def text_of(html: str) -> str:
    return re.sub("<[^>]*>", "", html)


@pytest.mark.parametrize("typed", HOSTILE)
def test_whatever_was_typed_stays_text(typed: str) -> None:
    url = urls.clean(typed)
    for written in (typed, url):  # the views do not rely on having been given a clean one
        for html in (address_table(anatomy(written)), reasons_view(written, {"<b>": split(written, 1, -2, 0)}, {})):
            assert set(re.findall(r"</?(\w+)", html)) <= {
                "div", "table", "thead", "tbody", "caption", "tr", "th", "td", "code", "p", "h4", "section", "span",
                "small", "details", "summary",
            }  # fmt: skip
            shown = text_of(html)
            assert not [c for c in shown if urls.visible(c) != c and c not in "\n"]
            assert "http://" not in shown
            assert "example" not in shown or "[.]example" in shown


def test_two_megabytes_are_shortened() -> None:
    url = "http://a.example/" + "b" * 2_000_000
    assert len(address_table(anatomy(url))) < 4_000
    assert len(reasons_view(url, {"teacher": Reasons(Attribution(0, 0, (), "mask"), None)}, {})) < 4_000


def test_parts_and_what_is_worth_knowing_are_said() -> None:
    table = text_of(address_table(anatomy("http://paypal.com@login.paypa1.co.uk/a?b")))
    assert (
        "User namepaypal[.]comAll that stands before @ is a user name: the host is login[.]paypa1[.]co[.]uk." in table
    )
    assert "Registered domainpaypa1[.]co[.]ukDigits among letters: paypa1 can be read as paypal." in table
    assert "Fragment" not in table


def test_pieces_are_shaded_by_weight_with_a_sign_and_told_in_a_table() -> None:
    url = "http://aa.bb"
    tokens = (Token("aa", 2.0, (7, 9)), Token(".", 0.01, (9, 10)), Token("bb", -0.5, (10, 12)))
    html = reasons_view(url, {"teacher": Reasons(Attribution(1.5, 0, tokens, "mask"), None)}, {"teacher": 7_200_000})
    assert re.findall(r'class="token([^"]*)" style="--share:([\d.]+)">([^<]*)<small>([^<]*)', html) == [
        (" for", "1.00", "aa", "+2.0"),
        ("", "0.01", "[.]", ""),
        (" against", "0.25", "bb", "−0.50"),
    ]
    assert '<span class="unread">hxxp://</span>' in html
    assert "7.2 MB" in html
    assert "Without “aa”, the probability of phishing would be 37.8 % instead of 81.8 %." in html
    assert '<th scope="row">bb</th><td>bb</td><td>−0.50</td>' in html
    assert "By gradients" not in html


def test_tokens_without_a_place_and_letters_of_several_tokens_are_shown_once() -> None:
    tokens = (Token("Ã", 1.0, (0, 1)), Token("¼", -1.0, (0, 1)), Token("b", 0.5, None))
    html = reasons_view("üc", {"teacher": Reasons(Attribution(0, 0, tokens, "unknown"), None)}, {})
    assert re.findall(r'"token[^>]*>([^<]*)<', html) == ["ü", "¼", "b"]
    assert '<span class="unread">c</span>' in html


def test_a_model_that_is_not_here_and_a_url_nobody_reads() -> None:
    html = reasons_view(
        "http://", {"teacher": Reasons(Attribution(0, 0, (), "mask"), None)}, {"teacher": 1, "student": 1}
    )
    assert "there is nothing to hide" in html
    assert "Student" in html


def test_trifles_stay_pale_and_are_not_called_reasons() -> None:
    html = reasons_view(
        "ab", {"teacher": Reasons(Attribution(5.0, 0, (Token("ab", 0.001, (0, 2)),), "mask"), None)}, {}
    )
    assert "No single piece decides: whichever is hidden, the probability of phishing stays at about 99.3 %." in html
    assert '"token" style="--share:0.00"' in html

"""What is in an address, and what moved the verdict on it: the bundled teacher itself answers here."""

import pytest
from conftest import Site, Visit, screenshots
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio.queueing")  # Gradio's own use of pandas 3

URL = "http://paypal.com@secure-login.paypa1.example:8080/%76erify?id=8231"
HOSTILE = "http://evil.example/<script>window.hit=1</script><img src=x onerror=window.hit=1>\u202egpj.exe"


def classify(page: Page, url: str) -> None:
    page.locator("#url input, #url textarea").fill(url)
    page.locator("#classify").click()


def unfold(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


@pytest.mark.parametrize(("width", "theme"), [(1280, "light"), (390, "dark")])
def test_parts_and_reasons(site: Site, visit: Visit, width: int, theme: str) -> None:
    page = visit(site.url, width, theme)
    classify(page, URL)
    unfold(page, "What is in this address?")
    parts = page.locator("#anatomy table")
    expect(parts).to_contain_text("All that stands before @ is a user name")
    expect(parts).to_contain_text("paypa1 can be read as paypal")
    unfold(page, "What moved the verdict?")
    expect(page.locator("#reasons")).to_contain_text("appears here")  # nothing is computed unasked
    page.get_by_role("button", name="Show the reasons").click()
    tokens = page.locator("#reasons .strip .token")
    expect(tokens.first).to_be_visible()
    assert "".join(page.locator("#reasons .strip .token").evaluate_all(OWN_TEXT)) == (
        "paypal[.]com@secure-login[.]paypa1[.]example:8080/%76erify?id=8231"
    )
    assert tokens.locator("small").filter(has_text="+").count()
    page.locator("#reasons summary").click()
    expect(page.locator("#reasons table tbody tr")).to_have_count(tokens.count())
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if folder := screenshots():
        page.locator("#section-classify").screenshot(path=folder / f"xray-{width}-{theme}.png")
    classify(page, "https://docs.python.org/3/")
    expect(page.locator("#reasons")).to_contain_text("appears here")  # those were of another URL
    expect(parts).to_contain_text("docs")


OWN_TEXT = "boxes => boxes.map(box => box.firstChild.textContent)"


def test_what_is_typed_stays_text(site: Site, visit: Visit) -> None:
    page = visit(site.url)
    unfold(page, "What is in this address?")
    unfold(page, "What moved the verdict?")
    page.get_by_role("button", name="Show the reasons").click()
    expect(page.locator("#reasons [role=alert]")).to_contain_text("Type or paste a URL first")
    classify(page, HOSTILE)
    expect(page.locator("#anatomy table")).to_contain_text("<script>window.hit=1</script>")
    page.get_by_role("button", name="Show the reasons").click()
    expect(page.locator("#reasons .strip")).to_be_visible()
    assert page.locator("#section-classify :is(script, img, a)").count() == 0
    assert page.evaluate("window.hit") is None
    assert "\u202e" not in page.locator("#section-classify .fold").all_inner_texts()[0]
    page.locator("#url input, #url textarea").fill("http://a.example/" + "b" * 2_000_000)
    page.get_by_role("button", name="Show the reasons").click()
    expect(page.locator("#reasons [role=alert]")).to_contain_text("2000017 characters long")

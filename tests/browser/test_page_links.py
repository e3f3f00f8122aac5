"""A link fills the form and hides a section; what the page gives as a link does the same in another tab."""

import pytest
from conftest import Site, Visit
from playwright.sync_api import expect

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio.queueing")


def test_a_link_is_read_and_given_again(site: Site, visit: Visit) -> None:
    page = visit(f"{site.url}?temperature=4&student.layers=2&seed=5&hide=pruning,quantization")
    expect(page.locator("#student-layers").locator("input, textarea")).to_have_value("2")
    expect(page.locator("#section-pruning")).to_be_hidden()
    expect(page.locator("#section-quantization")).to_be_hidden()
    expect(page.locator("#section-student")).to_be_visible()
    page.locator("#fold-share button").first.click()
    shown = page.locator("#share code").first
    expect(shown).to_contain_text("distillation.temperature=4.0")
    expect(shown).to_contain_text("seed=5")
    page.locator("#share button[data-copy=command]").click()
    expect(page.locator("#share button[data-copy=command]")).not_to_have_text("Copy as command")
    again = visit(site.url + shown.inner_text())
    again.locator("#fold-share button").first.click()
    expect(again.locator("#share code").first).to_have_text(shown.inner_text())


def test_a_link_that_means_nothing_says_so(site: Site, visit: Visit) -> None:
    page = visit(f"{site.url}?nonsense=1")
    expect(page.locator("#message [role=alert]")).to_contain_text("nonsense is not a recipe key")

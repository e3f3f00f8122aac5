"""Deleting a run takes two presses, and the first is easily taken back."""

import pytest
from conftest import Site, Visit
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio.queueing")  # Gradio's own use of pandas 3


@pytest.fixture
def page(site: Site, visit: Visit) -> Page:
    """A visitor with two finished runs."""
    site.pipeline.gate.set()
    page = visit(site.url)
    for count in (1, 2):
        expect(page.locator("#run")).to_be_enabled()
        page.locator("#run").click()
        expect(page.locator("#runs li .status.succeeded")).to_have_count(count)
    return page


def test_escape_leaving_and_another_button_take_the_first_press_back(page: Page) -> None:
    delete, other = (page.locator("#runs li").nth(row).locator("[data-action=delete]") for row in (0, 1))
    label = delete.get_attribute("aria-label") or ""
    for take_back in (
        lambda: page.keyboard.press("Escape"),
        lambda: page.keyboard.press("Shift+Tab"),
        lambda: page.locator("#url input, #url textarea").click(),
        lambda: other.click(),
    ):
        delete.press("Enter")
        expect(delete).to_have_text("Really delete?")
        take_back()
        expect(delete).to_have_text("Delete")
        expect(delete).to_have_attribute("aria-label", label)
    expect(other).to_have_text("Really delete?")
    expect(page.locator("#runs li")).to_have_count(2)


def test_the_keyboard_alone_deletes(page: Page) -> None:
    delete = page.locator("#runs li").first.locator("[data-action=delete]")
    delete.focus()
    page.keyboard.press("Space")
    expect(delete).to_have_text("Really delete?")
    expect(delete).to_be_focused()
    page.keyboard.press("Space")
    expect(page.locator("#runs li")).to_have_count(1)

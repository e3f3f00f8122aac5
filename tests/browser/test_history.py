"""A visitor's runs: found, named, noted, pinned, taken along, compared, deleted and had back, by mouse and keyboard."""

import re
from pathlib import Path

import pytest
from conftest import Site, Visit
from playwright.sync_api import Locator, Page, expect

# Gradio's own use of pandas 3, in a thread of its server.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio.queueing")


@pytest.fixture
def page(site: Site, visit: Visit) -> Page:
    """A visitor with three finished runs, of 2, 3 and 4 epochs; the last one is on show."""
    site.pipeline.gate.set()
    page = visit(site.url)
    for count, epochs in enumerate(("2", "3", "4"), start=1):
        page.locator("#distillation-epochs input").fill(epochs)
        expect(page.locator("#run")).to_be_enabled()
        page.locator("#run").click()
        expect(page.locator("#runs .status.succeeded")).to_have_count(count)
    return page


def row(page: Page, epochs: int) -> Locator:
    return page.locator("#runs li").filter(has_text=f"{epochs} epochs")


def button(place: Locator, words: str) -> Locator:
    return place.get_by_role("button", name=re.compile(rf"^{words}: "))


def test_a_run_is_opened_again(page: Page) -> None:
    button(row(page, 2), "Open").click()
    expect(row(page, 2)).to_have_attribute("aria-current", "true")
    expect(page.locator("#distillation-epochs input")).to_have_value("2")
    expect(page.locator("#front-size-numbers")).to_contain_text("2 epochs (the run on show)", use_inner_text=False)


def test_the_keyboard_alone_deletes_and_has_back(page: Page) -> None:
    button(row(page, 4), "Delete").press("Enter")
    undo = button(row(page, 4), "Undo")
    expect(undo).to_be_focused()
    expect(page.locator("#runs .status")).to_have_count(2)
    expect(page.locator("#summary")).to_contain_text("When a run is done")
    page.reload()
    expect(undo).to_be_visible()
    undo.press("Enter")
    expect(button(row(page, 4), "Open")).to_be_focused()
    expect(page.locator("#runs .status")).to_have_count(3)


def test_a_name_and_a_note_are_typed_kept_and_found(page: Page) -> None:
    row(page, 3).locator("summary").press("Enter")
    name, note = row(page, 3).get_by_label("Name", exact=True), row(page, 3).get_by_label("Note", exact=True)
    note.fill("Cut <b>hard</b>.\nNo worse.")
    button(row(page, 2), "Pin").click()
    expect(row(page, 2)).to_contain_text("Pinned")
    expect(note).to_have_value("Cut <b>hard</b>.\nNo worse.")  # the list was drawn anew around it
    name.fill(" ")
    button(row(page, 3), "Save").click()
    expect(page.locator("#runs-message [role=alert]")).to_contain_text("from 1 to 80 characters")
    name.fill("The small one")
    name.press("Enter")
    saved = page.locator("#runs li").filter(has_text="The small one")
    expect(saved.locator(".note")).to_have_text("Cut <b>hard</b>.\nNo worse.")
    expect(saved.locator("summary")).to_be_focused()
    expect(page.locator("#runs-message [role=alert]")).to_have_count(0)

    search = page.get_by_label("Search")
    search.fill("worse small")
    expect(page.locator("#runs li")).to_have_count(1)
    search.fill("nothing like it")
    expect(page.locator("#runs")).to_contain_text("No run has “nothing like it” in its name or note.")
    search.fill("")
    expect(page.locator("#runs li")).to_have_count(3)
    expect(page.locator("#runs b")).to_have_count(0)


def test_a_run_is_taken_along_and_brought_back(page: Page, tmp_path: Path) -> None:
    with page.expect_download() as download:
        button(row(page, 3), "Export").press("Enter")
    expect(page.locator("#runs-message [role=status]")).to_contain_text("is being downloaded")
    file, broken = tmp_path / "taken.zip", tmp_path / "broken.zip"
    download.value.save_as(file)
    page.locator("#section-runs input[type=file]").set_input_files(file)
    expect(page.locator("#runs-message [role=status]")).to_contain_text("The run is imported")
    expect(row(page, 3)).to_have_count(2)
    expect(row(page, 3).first).to_have_attribute("aria-current", "true")

    broken.write_bytes(b"PK, but no more")
    page.locator("#section-runs input[type=file]").set_input_files(broken)
    expect(page.locator("#runs-message [role=alert]")).to_contain_text("This file is no exported run")


def test_chosen_runs_are_compared(page: Page) -> None:
    compare = page.get_by_role("button", name="Compare the chosen runs")
    row(page, 2).get_by_role("checkbox").check()
    expect(compare).to_be_disabled()
    row(page, 4).get_by_role("checkbox").press("Space")
    button(row(page, 3), "Pin").click()
    expect(row(page, 3)).to_contain_text("Pinned")
    expect(row(page, 4).get_by_role("checkbox")).to_be_checked()
    compare.press("Enter")
    compared = page.locator("#compared")
    expect(compared).to_be_focused()
    tables = compared.locator("table")
    expect(tables).to_have_count(3)
    expect(tables.nth(0).locator("tr", has_text="Accuracy")).to_contain_text("96.8 % (94.5 … 98.1)")
    expect(tables.nth(1).locator("tbody tr")).to_have_text([re.compile(r"^Epochs\s*2\s*4$")])
    expect(tables.nth(2)).to_contain_text("6.5 MB, 96.8 %")
    for chart in ("#front-size", "#front-time"):
        expect(page.locator(f"{chart} .js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.locator("#front-size-numbers table tbody tr")).to_have_count(3)


def test_a_result_that_is_there_already_is_offered(site: Site, page: Page) -> None:
    page.locator("#run").press("Enter")
    offer = page.locator("#message [role=status]")
    expect(offer).to_contain_text("You have this result already, from ")
    assert len(site.pipeline.configs) == 3
    page.keyboard.press("Tab")  # Cancel, which is next to Run, can do nothing now
    expect(offer.get_by_role("button", name="Open it")).to_be_focused()
    page.keyboard.press("Enter")
    expect(offer).to_have_count(0)
    expect(page.locator("#summary .headline")).to_be_visible()

    page.locator("#run").click()
    offer.get_by_role("button", name="Run it again").click()
    expect(page.locator("#runs .status.succeeded")).to_have_count(4)
    assert len(site.pipeline.configs) == 4


@pytest.mark.parametrize("theme", ["dark"])
def test_on_a_phone(site: Site, visit: Visit, theme: str) -> None:
    site.pipeline.gate.set()
    page = visit(f"{site.url}?__theme={theme}", width=390, theme=theme)
    for count, epochs in enumerate(("2", "3"), start=1):
        page.locator("#distillation-epochs input").fill(epochs)
        expect(page.locator("#run")).to_be_enabled()
        page.locator("#run").click()
        expect(page.locator("#runs .status.succeeded")).to_have_count(count)
    for epochs in (2, 3):
        row(page, epochs).get_by_role("checkbox").check()
    page.get_by_role("button", name="Compare the chosen runs").click()
    expect(page.locator("#compared table")).to_have_count(3)
    row(page, 2).locator("summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

"""The page as it opens: results are there before anything ran, and say where they come from."""

from pathlib import Path

import pytest
from conftest import Site, Visit, screenshots
from playwright.sync_api import Page, expect

from compression.catalog import EXAMPLES

# Gradio's own use of pandas 3, in a thread of its server.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio.queueing")

CHARTS = ("#size-accuracy", "#staircase", "#metrics", "#latency", "#confusion", "#loss")


@pytest.fixture
def precomputed() -> Path:
    return EXAMPLES


def charts_are_drawn(page: Page) -> None:
    for chart in CHARTS:
        expect(page.locator(f"{chart} .js-plotly-plot .main-svg").first).to_be_visible()


def classify(page: Page) -> None:
    page.locator("#url input, #url textarea").fill("http://evil.example/login")
    page.locator("#classify").click()


def test_a_newcomer_finds_results_and_can_look_at_others(site: Site, visit: Visit) -> None:
    page = visit(site.url)
    charts_are_drawn(page)
    expect(page.get_by_label("Quick, on the bundled URLs")).to_be_checked()
    mark = page.locator("#precomputed")
    expect(mark).to_contain_text("Precomputed on 20")
    expect(mark).to_contain_text("python -m compression precompute --set controls.without_teacher=true --data bundled")
    expect(page.locator("#progress .status")).to_have_text("Precomputed")
    expect(page.locator("#summary")).to_contain_text("that CPU")
    expect(page.locator("#epochs")).to_contain_text("Student, 2 / 2")
    expect(page.locator("#push")).to_be_hidden()
    expect(page.locator("#run")).to_be_enabled()
    expect(page.locator("#runs")).to_contain_text("No runs yet")
    classify(page)
    expect(page.locator("#verdicts .verdict h3")).to_have_text(["Teacher", "Compressed"])
    expect(page.locator("#verdicts")).to_contain_text("The lab comes without the files of: Student.")

    page.get_by_label("Quick, on real URLs").check()
    expect(mark).to_contain_text("--data web_page_phishing")
    expect(page.locator("#summary")).to_contain_text("on 1978 test URLs")
    charts_are_drawn(page)
    expect(page.locator("#data input")).to_have_value("Bundled phishing URLs")  # the form stays the visitor's
    classify(page)
    expect(page.locator("#verdicts .verdict h3")).to_have_text(["Teacher"])
    page.reload()
    expect(page.get_by_label("Quick, on real URLs")).to_be_checked()
    expect(mark).to_contain_text("--data web_page_phishing")


def test_a_run_of_ones_own_takes_over_and_the_examples_stay_in_reach(site: Site, visit: Visit) -> None:
    site.pipeline.gate.set()
    page = visit(site.url)
    expect(page.locator("#precomputed")).to_contain_text("Precomputed on")
    page.locator("#run").click()
    expect(page.locator("#summary .headline")).to_contain_text("2.1× faster on this CPU")
    expect(page.locator("#precomputed")).to_be_hidden()
    expect(page.get_by_label("Quick, on the bundled URLs")).not_to_be_checked()
    page.reload()
    expect(page.locator("#summary .headline")).to_contain_text("2.1× faster on this CPU")

    page.get_by_label("Quick, on the bundled URLs").check()
    expect(page.locator("#precomputed")).to_contain_text("Precomputed on")
    expect(page.locator("#runs li")).to_have_count(1)
    page.locator("#runs").get_by_role("button", name="Delete").click()
    expect(page.locator("#runs")).to_contain_text("Deleted:")
    expect(page.locator("#precomputed")).to_contain_text("Precomputed on")


def test_an_example_can_be_linked_to(site: Site, visit: Visit) -> None:
    page = visit(site.url + "?run=example-real")
    expect(page.locator("#precomputed")).to_contain_text("--data web_page_phishing")
    expect(page.locator("#preset").get_by_label("Quick")).to_be_checked()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_mark_and_the_choice_fit(site: Site, visit: Visit, theme: str, width: int) -> None:
    page = visit(f"{site.url}?__theme={theme}", width=width, theme=theme)
    charts_are_drawn(page)
    classify(page)
    expect(page.locator("#verdicts .verdict")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if folder := screenshots():
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"first-sight-{width}-{theme}.png", full_page=True)

"""Whatever happens to a tab, its network or its machine, the run goes on and the page catches up by itself."""

from pathlib import Path

import fakes
import pytest
from conftest import Site, Visit, free_port, served
from playwright.sync_api import Page, expect

# Gradio's own use of pandas 3, in a thread of its server.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio.queueing")

AWAY = "#connection .away"


def start(page: Page) -> None:
    page.locator("#run").click()
    expect(page.locator("#progress")).to_contain_text("Waiting at the gate")
    expect(page.locator("#loss .js-plotly-plot .main-svg").first).to_be_visible()  # no part of the page is on its way


def type_epochs(page: Page, epochs: str) -> None:
    page.evaluate("window.loadedOnce = true")
    page.locator("#distillation-epochs input").fill(epochs)


def assert_not_reloaded(page: Page, epochs: str) -> None:
    assert page.evaluate("window.loadedOnce"), "the page was loaded anew"
    expect(page.locator("#distillation-epochs input")).to_have_value(epochs)


def assert_done(page: Page) -> None:
    expect(page.locator("#progress .status")).to_have_text("Done")
    expect(page.locator("#summary .headline")).to_be_visible()
    expect(page.locator("#runs .status.succeeded")).to_be_visible()
    expect(page.locator("#run")).to_be_enabled()


def test_the_network_is_cut_in_the_middle_of_a_run(site: Site, visit: Visit) -> None:
    page = visit(site.url, cut_off=True)
    start(page)
    type_epochs(page, "7")
    page.context.set_offline(True)
    expect(page.locator(AWAY)).to_be_visible()
    site.pipeline.gate.set()
    page.wait_for_timeout(20_000)
    expect(page.locator("#progress .status")).to_have_text("Running")
    page.context.set_offline(False)
    assert_done(page)
    expect(page.locator(AWAY)).to_be_hidden()
    assert_not_reloaded(page, "7")


def test_run_pressed_without_a_network_is_run_when_it_is_back(site: Site, visit: Visit) -> None:
    page = visit(site.url, cut_off=True)
    type_epochs(page, "6")
    page.context.set_offline(True)
    page.locator("#run").click()
    expect(page.locator(AWAY)).to_be_visible()
    assert site.pipeline.configs == []
    page.context.set_offline(False)
    expect(page.locator("#progress")).to_contain_text("Waiting at the gate")
    assert [config.distillation.epochs for config in site.pipeline.configs] == [6]
    assert_not_reloaded(page, "6")


def test_a_laptop_sleeps_in_the_middle_of_a_run(site: Site, visit: Visit) -> None:
    page = visit(site.url)
    start(page)
    type_epochs(page, "8")
    session = page.context.new_cdp_session(page)
    session.send("Page.setWebLifecycleState", {"state": "frozen"})
    site.pipeline.gate.set()
    session.send("Page.setWebLifecycleState", {"state": "active"})
    assert_done(page)
    assert_not_reloaded(page, "8")


def test_a_closed_tab_and_a_second_one(site: Site, visit: Visit) -> None:
    first = visit(site.url)
    second = first.context.new_page()
    second.goto(site.url)
    expect(second.locator("#estimate .figures")).to_be_visible()
    expect(second.locator("#runs")).to_contain_text("No runs yet")
    start(first)
    expect(second.locator("#runs .status.running")).to_be_visible()  # which nobody has told it of
    first.close()
    site.pipeline.gate.set()
    expect(second.locator("#runs .status.succeeded")).to_be_visible()

    third = second.context.new_page()
    third.goto(site.url)
    assert_done(third)


def test_the_server_is_started_anew_under_an_open_page(tmp_path: Path, site: Site, visit: Visit) -> None:
    """The run it cut off shows what it had reached, and goes on when that is wanted."""
    home, port, pipeline = tmp_path / "home", free_port(), fakes.Pipeline()
    with served(home, pipeline, port=port) as url:
        page = visit(url, cut_off=True)
        start(page)
    expect(page.locator(AWAY)).to_be_visible()
    with served(home, pipeline, port=port):
        progress = page.locator("#progress")
        expect(progress.locator(".status")).to_have_text("Interrupted")
        expect(progress).to_contain_text("Waiting at the gate: it had reached step 30 of 60")
        expect(page.locator("#epochs")).to_contain_text("Student, 1 /")
        expect(page.locator("#loss .js-plotly-plot .main-svg").first).to_be_visible()

        watcher = visit(f"{url}{progress.locator('a').get_attribute('href')}", cut_off=True)
        expect(watcher.locator("#progress")).to_contain_text("Whoever started it can resume it.")
        expect(watcher.locator("#resume")).to_have_count(0)

        pipeline.gate.set()
        page.locator("#resume").press("Enter")
        assert_done(page)
        expect(page.locator("#resume")).to_have_count(0)

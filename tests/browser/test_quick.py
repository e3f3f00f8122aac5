"""The page as a newcomer gets it: `python app.py`, Quick pressed, the real pipeline."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Visit, free_port, screenshots
from playwright.sync_api import Page, expect

ROOT = Path(__file__).parents[2]
RUN_MS = 240_000  # a slow, shared machine; the page itself aims at under a minute


@pytest.fixture
def app(tmp_path: Path) -> Iterator[str]:
    """`python app.py` in a process of its own, with a home of its own."""
    port = free_port()
    environment = os.environ | {"COMPRESSION_HOME": str(tmp_path), "GRADIO_SERVER_PORT": str(port), "SPACE_ID": ""}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}/"
            _wait_until_served(url, process, tmp_path / "log")
            yield url
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.timeout(600)
def test_quick_runs_from_start_to_verdict(app: str, visit: Visit) -> None:
    page = visit(app)
    expect(page.locator("#preset").get_by_label("Quick")).to_be_checked()
    expect(page.locator("#precomputed")).to_contain_text("Precomputed on")
    page.locator("#run").click()
    expect(page.locator("#precomputed")).to_be_hidden(timeout=RUN_MS)
    expect(page.locator("#loss .js-plotly-plot")).to_be_visible(timeout=RUN_MS)
    expect(page.locator("#summary .headline")).to_contain_text("smaller", timeout=RUN_MS)
    for chart in ("#size-accuracy", "#staircase", "#metrics", "#latency", "#confusion"):
        expect(page.locator(f"{chart} .js-plotly-plot .main-svg").first).to_be_visible()
    page.locator("#examples button").nth(2).click()
    expect(page.locator("#verdicts .verdict")).to_have_count(3, timeout=60_000)
    page.locator("#preview").click()
    expect(page.locator("#data-preview table")).to_have_count(3, timeout=60_000)
    _photograph(page)


def _photograph(page: Page) -> None:
    """Pictures for the README, where they are asked for."""
    folder = screenshots()
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    page.evaluate("window.scrollTo(0, 0)")
    page.screenshot(path=folder / "page.png")
    for section in ("compare", "classify"):
        page.locator(f"#section-{section}").evaluate("section => section.scrollIntoView()")
        page.screenshot(path=folder / f"{section}.png")


def _wait_until_served(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    while process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            continue
        return
    pytest.fail(f"app.py ended: {log.read_text()}")

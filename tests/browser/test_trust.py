"""Results one can trust, in the browser: folds that fill when opened, charts and files to keep, one click onward."""

import csv
import json
import struct
from pathlib import Path

import pytest
from conftest import Site, Visit, screenshots
from playwright.sync_api import Locator, Page, expect

from compression.catalog import EXAMPLES

# Gradio's own use of pandas 3, in a thread of its server.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio.queueing")


@pytest.fixture
def precomputed() -> Path:
    return EXAMPLES


def saved(page: Page, button: Locator, folder: Path) -> Path:
    """The file that a press of the button downloads."""
    with page.expect_download() as download:
        button.click()
    target = folder / download.value.suggested_filename
    download.value.save_as(target)
    return target


def test_how_sure_a_result_is_stands_beside_it(site: Site, visit: Visit) -> None:
    page = visit(site.url)
    expect(page.locator("#certainty")).to_contain_text("The compressed model is right on")
    expect(page.locator("#certainty")).to_contain_text("within noise")
    expect(page.locator("#metrics-numbers")).to_contain_text("95 % intervals")
    expect(page.locator("#bytes .js-plotly-plot .main-svg").first).to_be_visible()
    page.get_by_text("Why are a few URLs noise?").click()
    expect(page.locator("#certainty")).to_contain_text("the toss of a coin")


def test_the_fold_fills_when_it_is_opened_and_empties_for_another_run(site: Site, visit: Visit) -> None:
    page = visit(site.url)
    expect(page.locator("#certainty")).to_contain_text("right on")
    assert page.locator("#flips .js-plotly-plot, #roc .js-plotly-plot").count() == 0
    page.locator("#fold-behaviour > button").click()
    expect(page.locator("#flips")).to_contain_text("Teacher → Student")
    expect(page.locator("#roc .js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.locator("#breakdown .js-plotly-plot .main-svg").first).to_be_visible()
    listed = page.locator("#flips details").first
    listed.locator("summary").click()
    expect(listed.locator("table.urls")).to_contain_text("hxxp")
    _photograph(page, "behaviour")
    page.get_by_label("Quick, on real URLs").check()
    expect(page.locator("#flips")).to_be_hidden()
    page.locator("#fold-behaviour > button").click()
    expect(page.locator("#flips")).to_contain_text("they are counted, not listed")


def test_a_chart_is_saved_as_a_picture_and_as_data(site: Site, visit: Visit, tmp_path: Path) -> None:
    page = visit(site.url)
    expect(page.locator("#metrics .js-plotly-plot .main-svg").first).to_be_visible()
    picture = saved(page, page.locator("#metrics button[data-save=png]"), tmp_path)
    content = picture.read_bytes()
    assert picture.name == "metrics.png"
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert width > 1000
    assert height > 600
    data = saved(page, page.locator("#metrics button[data-save=csv]"), tmp_path)
    with data.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    (accuracy,) = [row for row in rows if (row["series"], row["y"]) == ("Compressed", "Accuracy")]
    assert float(accuracy["low"]) < float(accuracy["x"]) < float(accuracy["high"])
    cells = saved(page, page.locator("#confusion button[data-chart=confusion-teacher][data-save=csv]"), tmp_path)
    assert len(cells.read_text(encoding="utf-8-sig").splitlines()) == 5
    folder = screenshots()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "saved-metrics.png").write_bytes(content)


def test_the_comparison_is_taken_along(site: Site, visit: Visit, tmp_path: Path) -> None:
    page = visit(site.url)
    expect(page.locator("#taking")).to_be_visible()
    expect(page.locator("#take-file")).to_be_hidden()
    page.locator("#take").click()
    expect(page.locator("#take-file")).to_contain_text("Download report.html (")
    report = saved(page, page.locator("#take-file"), tmp_path)
    page.locator("#take-what").get_by_label("All figures (JSON)").check()
    expect(page.locator("#take-file")).to_be_hidden()
    page.locator("#take").click()
    expect(page.locator("#take-file")).to_contain_text("Download comparison.json (")
    figures = saved(page, page.locator("#take-file"), tmp_path)
    assert json.loads(figures.read_text(encoding="utf-8"))["evidence"]["pairs"]

    asked: list[str] = []
    alone = page.context.new_page()
    alone.on("request", lambda request: asked.append(request.url))
    alone.on("pageerror", lambda error: asked.append(str(error)))
    alone.goto(report.as_uri())
    expect(alone.locator(".js-plotly-plot .main-svg").first).to_be_visible()
    expect(alone.locator("body")).to_contain_text("How much of that is luck?")
    assert asked == [report.as_uri()], "it needs no network"
    _photograph(alone, "report")
    alone.close()


def test_one_click_takes_the_next_step_and_another_takes_it_back(site: Site, visit: Visit) -> None:
    page = visit(site.url)
    expect(page.locator("#next-step")).to_contain_text("of what is left")
    expect(page.locator("#quantization-embeddings input")).not_to_be_checked()
    page.locator("#next-step button").click()
    expect(page.locator("#next-step")).to_contain_text("The recipe now does this: Quantize the embeddings too.")
    expect(page.locator("#quantization-embeddings input")).to_be_checked()
    expect(page.locator("#preset").get_by_label("Custom")).to_be_checked()
    page.get_by_role("button", name="Undo: bring back my own settings").click()
    expect(page.locator("#quantization-embeddings input")).not_to_be_checked()


def test_a_price_is_typed_and_a_wrong_one_refused(site: Site, visit: Visit) -> None:
    page = visit(site.url)
    expect(page.locator("#receipt")).to_contain_text("What it cost")
    page.locator("#price input").fill("-5")
    expect(page.locator("#million .alert")).to_contain_text("That is no price")
    page.locator("#price input").fill("2")
    expect(page.locator("#million table")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_on_a_phone_nothing_is_wider_than_the_page(site: Site, visit: Visit, theme: str) -> None:
    page = visit(site.url, width=390, theme=theme)
    expect(page.locator("#bytes .js-plotly-plot .main-svg").first).to_be_visible()
    page.locator("#fold-behaviour > button").click()
    expect(page.locator("#roc .js-plotly-plot .main-svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    _photograph(page, f"phone-{theme}")


def _photograph(page: Page, name: str) -> None:
    """A picture of the compare section, or of a report, where pictures are asked for."""
    folder = screenshots()
    if folder is None:
        return
    folder.mkdir(parents=True, exist_ok=True)
    section = page.locator("#section-compare")
    (section if section.count() else page.locator("body")).screenshot(path=folder / f"trust-{name}.png")

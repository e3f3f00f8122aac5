"""The page in a real browser, over a fake pipeline that waits at a gate."""

import pytest
from conftest import Site, Visit
from playwright.sync_api import Page, expect

from compression.catalog import PRESETS
from compression.recipe import parse

# Gradio's own use of pandas 3, in a thread of its server.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio.queueing")

HOSTILE = "http://evil.example/${7*7}{{7*7}}<img src=x onerror=\"document.title='owned'\">\u202egpj"
QUICK_EPOCHS = parse(PRESETS["quick"].settings).distillation.epochs
CHARTS = ("#size-accuracy", "#staircase", "#metrics", "#latency", "#confusion")


def start(page: Page) -> None:
    page.locator("#run").click()
    expect(page.locator("#progress")).to_contain_text("Waiting at the gate")


def classify(page: Page, url: str) -> None:
    page.locator("#url input, #url textarea").fill(url)
    page.locator("#classify").click()


def test_a_run_survives_a_refresh_and_ends_in_charts_and_verdicts(site: Site, visit: Visit) -> None:
    page = visit(site.url)
    expect(page.locator("#size-accuracy")).to_contain_text("A chart of size against accuracy")
    page.locator("#run").press("Enter")
    progress = page.locator("#progress")
    expect(progress).to_contain_text("Waiting at the gate, step 30 of 60")
    expect(progress.locator("[aria-current=step]")).to_have_text("Distill")
    expect(page.locator("#loss .js-plotly-plot .scatterlayer .trace")).to_have_count(3)
    expect(page.locator("#epochs")).to_contain_text(f"Student, 1 / {QUICK_EPOCHS}")
    expect(page.locator("#run")).to_be_disabled()
    link = progress.locator("a").get_attribute("href")

    page.reload()
    expect(progress).to_contain_text("Waiting at the gate, step 30 of 60")
    assert progress.locator("a").get_attribute("href") == link, "another run than before the refresh"

    site.pipeline.gate.set()
    expect(page.locator("#summary")).to_contain_text(
        "14.0× smaller, 0.5 points less accurate than the teacher, 2.1× faster on this CPU."
    )
    expect(page.locator("#run")).to_be_enabled()
    for chart in CHARTS:
        expect(page.locator(f"{chart} .js-plotly-plot .main-svg").first).to_be_visible()
    expect(page.locator("#confusion .js-plotly-plot")).to_have_count(3)
    expect(page.locator("#metrics table.everything tbody tr")).to_have_count(9)

    points = page.locator("#size-accuracy .scatterlayer .trace")
    expect(points).to_have_count(2)
    page.get_by_label("Show the article's three points").uncheck()
    expect(points).to_have_count(1)

    classify(page, "http://evil.example/login")
    expect(page.locator("#verdicts .verdict")).to_have_count(3)
    expect(page.locator("#verdicts .verdict").last).to_contain_text("Not Safe")
    expect(page.locator("#verdicts .verdict").last).to_contain_text("6.5 MB")


def test_before_any_run_the_bundled_teacher_answers(site: Site, visit: Visit) -> None:
    page = visit(site.url)
    page.locator("#examples button").first.click()
    expect(page.locator("#verdicts .verdict")).to_have_count(1)
    expect(page.locator("#verdicts")).to_contain_text("Teacher")
    expect(page.locator("#verdicts")).to_contain_text("31.4 MB")


def test_cancel_shows_within_two_seconds(site: Site, visit: Visit) -> None:
    page = visit(site.url)
    start(page)
    expect(page.locator("#loss .js-plotly-plot .main-svg").first).to_be_visible()  # Plotly itself takes a while to load
    page.locator("#cancel").click()
    expect(page.locator("#progress .status")).to_have_text("Cancelled", timeout=2_000)
    expect(page.locator("#run")).to_be_enabled()
    expect(page.locator("#cancel")).to_be_disabled()


def test_a_second_visitor_sees_a_run_only_by_its_link_and_waits_in_line(site: Site, visit: Visit) -> None:
    first = visit(site.url)
    start(first)
    link = first.locator("#progress a").get_attribute("href") or ""

    second = visit(site.url)
    expect(second.locator("#progress")).to_contain_text("Nothing has run yet")
    expect(second.locator("#runs")).to_contain_text("No runs yet")
    second.locator("#preset").get_by_label("Tiny").check()  # the same recipe would be computed together
    expect(second.locator("#preset").get_by_label("Tiny")).to_be_checked()
    second.locator("#run").click()
    expect(second.locator("#progress")).to_contain_text("1 run ahead of yours.")
    second.locator("#cancel").click()
    expect(second.locator("#progress .status")).to_have_text("Cancelled", timeout=2_000)

    watcher = visit(site.url + link)
    expect(watcher.locator("#progress")).to_contain_text("Waiting at the gate")
    expect(watcher.locator("#progress")).to_contain_text("You are watching a shared run")
    expect(watcher.locator("#cancel")).to_be_disabled()
    expect(watcher.locator("#runs")).to_contain_text("No runs yet")


def test_an_old_link_says_so(site: Site, visit: Visit) -> None:
    page = visit(site.url + "?run=0123456789abcdef01234567")
    expect(page.locator("#progress [role=alert]")).to_contain_text("no run with this link")


def test_what_cannot_run_is_refused_with_the_reason(site: Site, visit: Visit) -> None:
    page = visit(site.url)
    layers = page.locator("#student-layers input, #student-layers textarea")
    layers.fill("5")
    expect(page.locator("#estimate [role=alert]")).to_have_text(
        "Five layers cannot be built here. Choose another number of layers."
    )
    page.locator("#run").click()
    expect(page.locator("#message [role=alert]")).to_contain_text("Five layers cannot be built here")
    layers.fill("3")
    expect(page.locator("#estimate")).to_contain_text("3 layers, 12 heads")

    epochs = page.locator("#distillation-epochs input")
    epochs.fill("0")
    page.locator("#run").click()
    expect(page.locator("#message [role=alert]")).to_have_text("Epochs: please give a whole number from 1 to 100.")
    epochs.fill("2")

    page.locator("#quantization-scheme").get_by_label("LLM.int8 (8 bits)").check()
    expect(page.locator("#unsupported")).to_contain_text("It has no 8-bit")
    expect(page.locator("#quantization-double")).to_have_count(0)
    page.locator("#run").click()
    expect(page.locator("#message [role=alert]")).to_contain_text("It has no 8-bit")
    expect(page.locator("#runs")).to_contain_text("No runs yet")


@pytest.mark.parametrize(
    ("url", "sentence"),
    [("   ", "Type or paste a URL first"), ("\u202e\u200b", "Type or paste a URL first"), ("a" * 3000, "This is 3000")],
    ids=["empty", "invisible", "long"],
)
def test_a_url_that_is_none_gets_a_sentence(site: Site, visit: Visit, url: str, sentence: str) -> None:
    page = visit(site.url)
    classify(page, url)
    expect(page.locator("#verdicts [role=alert]")).to_contain_text(sentence)


def test_a_bug_of_ours_is_said_and_the_next_verdict_comes(site: Site, visit: Visit) -> None:
    page = visit(site.url, cut_off=True)
    classify(page, "http://bug.example/")
    expect(page.locator("#verdicts [role=alert]")).to_contain_text("Something went wrong that should not have.")
    classify(page, "http://evil.example/")
    expect(page.locator("#verdicts .verdict h3")).to_have_text(["Teacher"])
    expect(page.locator("#verdicts [role=alert]")).to_have_count(0)


def test_hostile_text_stays_text(site: Site, visit: Visit) -> None:
    page = visit(site.url)
    classify(page, HOSTILE)
    shown = page.locator("#verdicts code")
    expect(shown).to_have_text("hxxp://evil[.]example/${7*7}{{7*7}}<img src=x onerror=\"document.title='owned'\">gpj")
    page.locator("#preview").click()
    expect(page.locator("#data-preview")).to_contain_text("hxxp://evil[.]example/<img src=x onerror=alert(1)>")
    start(page)
    expect(page.locator("#progress")).to_contain_text("<b>all</b> generated")
    assert page.locator("#verdicts img, #data-preview img, #progress b").count() == 0
    expect(page).to_have_title("Compression Lab")


def test_presets_fill_the_form_and_edits_can_be_brought_back(site: Site, visit: Visit) -> None:
    page = visit(site.url)
    epochs, preset = page.locator("#distillation-epochs input"), page.locator("#preset")
    epochs.fill("7")
    expect(preset.get_by_label("Custom")).to_be_checked()
    preset.get_by_label("Article", exact=True).check()
    expect(epochs).to_have_value("5")
    expect(page.locator("#student-base")).to_be_visible()
    page.locator("#undo-preset").click()
    expect(epochs).to_have_value("7")
    expect(preset.get_by_label("Custom")).to_be_checked()
    epochs.fill(str(QUICK_EPOCHS))
    expect(preset.get_by_label("Quick")).to_be_checked()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(site: Site, visit: Visit, theme: str) -> None:
    site.pipeline.gate.set()
    page = visit(f"{site.url}?__theme={theme}", width=390, theme=theme)
    page.locator("#run").click()
    expect(page.locator("#summary .headline")).to_be_visible()
    classify(page, HOSTILE)
    page.locator("#preview").click()
    expect(page.locator("#data-preview table")).to_have_count(2)
    expect(page.locator("#verdicts .verdict")).to_have_count(3)
    expect(page.locator("#latency .js-plotly-plot .main-svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390

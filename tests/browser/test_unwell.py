"""The Hub cannot be reached: the page says so, and one click puts what is bundled in the place of what is not here."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Visit, served
from playwright.sync_api import expect

from compression.config import RunConfig
from compression.events import Report
from compression.hub import connection
from compression.models.classifier import locate
from compression.result import Result

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio.queueing")  # Gradio's own use of pandas 3

REMEDY = "Use the bundled teacher, the bundled data and layers of the teacher"


def load_and_go_no_further(config: RunConfig, report: Report, output: Path) -> Result:
    """What a run meets first when its teacher cannot be fetched."""
    locate(config.teacher)
    raise AssertionError("the Hub was there")


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The page with its real engine, and a Hub at an address where nobody listens."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("COMPRESSION_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(connection, "_probed", {})
    with served(tmp_path / "home", load_and_go_no_further) as url:
        yield url


def test_the_article_chosen_offline_is_one_click_from_a_recipe_that_runs(offline: str, visit: Visit) -> None:
    page = visit(offline)
    expect(page.locator("#hub")).to_contain_text("The Hugging Face Hub cannot be reached from here.")
    chosen = time.monotonic()
    page.locator("#preset").get_by_label("Article", exact=True).check()
    estimate = page.locator("#estimate")
    expect(estimate.locator("[role=alert]")).to_contain_text("The Hugging Face Hub cannot be reached")
    remedy = estimate.get_by_role("button", name=REMEDY)
    expect(remedy).to_be_visible()
    assert time.monotonic() - chosen < 5

    remedy.press("Enter")
    expect(estimate.locator(".figures")).to_be_visible()
    expect(estimate.locator("[role=alert]")).to_have_count(0)
    expect(page.locator("#teacher input")).to_have_value("Bundled phishing teacher")
    expect(page.locator("#data input")).to_have_value("Bundled phishing URLs")
    expect(page.locator("#student-init").get_by_label("Layers of the teacher")).to_be_checked()
    expect(page.locator("#student-heads input, #student-heads textarea")).to_have_value("8")
    expect(page.locator("#distillation-epochs input")).to_have_value("5")
    expect(page.locator("#message [role=status]")).to_contain_text("inputs of 128 tokens at most")


def test_data_that_cannot_be_had_is_replaced_and_brought_back(offline: str, visit: Visit) -> None:
    page = visit(offline)
    page.locator("#distillation-epochs input").fill("7")
    data = page.locator("#data input")
    data.fill("someone/urls")
    data.press("Enter")
    page.locator("#preview").click()
    page.locator("#data-preview").get_by_role("button", name="Use the bundled data").click()
    expect(data).to_have_value("Bundled phishing URLs")
    expect(page.locator("#distillation-epochs input")).to_have_value("7")
    expect(page.locator("#data-preview")).to_contain_text("Press “Look at the data”")
    page.locator("#undo-preset").click()
    expect(data).to_have_value("someone/urls")


def test_a_run_refused_for_its_teacher_offers_the_bundled_one(offline: str, visit: Visit) -> None:
    page = visit(offline)
    page.locator("#teacher input").fill("someone/teacher")
    page.locator("#teacher input").press("Enter")
    expect(page.locator("#estimate .remedy")).to_be_visible()
    page.locator("#run").click()
    page.locator("#message").get_by_role("button", name="Use the bundled teacher").click()
    expect(page.locator("#teacher input")).to_have_value("Bundled phishing teacher")
    expect(page.locator("#message [role=status]")).to_contain_text("The recipe now uses the bundled teacher;")
    expect(page.locator("#message .remedy")).to_have_count(0)


def test_a_failed_run_still_offers_it_after_a_refresh(
    offline: str, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    from compression.measure import limits

    monkeypatch.setattr(limits, "check", lambda config: None)  # as if the Hub had gone away just after it
    page = visit(offline)
    page.locator("#teacher input").fill("someone/teacher")
    page.locator("#teacher input").press("Enter")
    expect(page.locator("#estimate .remedy")).to_be_visible()
    page.locator("#run").click()
    remedy = page.locator("#progress").get_by_role("button", name="Use the bundled teacher")
    expect(remedy).to_be_visible()
    page.reload()
    expect(page.locator("#estimate .alert")).to_be_visible()
    expect(page.locator("#progress")).to_contain_text("This run stopped: The Hugging Face Hub cannot be reached")
    remedy.click()
    expect(page.locator("#teacher input")).to_have_value("Bundled phishing teacher")
    expect(page.locator("#estimate .figures")).to_be_visible()


def test_what_the_host_cannot_do_is_said_before_run_is_pressed(offline: str, visit: Visit) -> None:
    page = visit(offline)
    page.get_by_text("Finer settings").click()
    page.locator("#distillation-max_length input").fill("200")
    expect(page.locator("#estimate [role=alert]")).to_contain_text(
        "“Longest input, in tokens: 200”, but the student has positions for 128 tokens."
    )
    expect(page.locator("#estimate .figures")).to_be_visible()
    page.locator("#distillation-max_length input").fill("100")
    expect(page.locator("#estimate [role=alert]")).to_have_count(0)

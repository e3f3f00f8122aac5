"""Pushing from the page, to a stand-in of the Hub on this machine."""

from pathlib import Path

import pytest
from conftest import Site, Visit
from hub_stand_in import HubStandIn
from playwright.sync_api import Page, expect

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio.queueing"),  # Gradio's own use of pandas 3
    pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning"),  # huggingface_hub's own upload
]


@pytest.fixture
def finished(site: Site, visit: Visit, hub: HubStandIn, tmp_path: Path) -> Page:
    """A page with a finished run, whose models have files."""
    page = visit(site.url)
    expect(page.locator("#push")).to_have_count(0)
    site.pipeline.gate.set()
    page.locator("#run").click()
    expect(page.locator("#summary .headline")).to_be_visible()
    for run in (tmp_path / "runs").iterdir():
        for name in ("student", "compressed"):
            (run / "models" / name).mkdir(parents=True, exist_ok=True)
            (run / "models" / name / "config.json").write_text(f'{{"which": "{name}"}}')
    return page


def push(page: Page, to: str, token: str) -> None:
    page.locator("#push-to input, #push-to textarea").fill(to)
    page.locator("#push-token input").fill(token)
    page.locator("#push-button").click()


def test_a_model_is_pushed_and_replaced_only_after_a_yes(finished: Page, hub: HubStandIn) -> None:
    page, message = finished, finished.locator("#push-message")
    token = page.locator("#push-token input")
    expect(token).to_have_attribute("type", "password")
    expect(page.get_by_label("Private")).to_be_checked()

    push(page, "me/small", "hf_me")
    expect(message).to_contain_text(f"Pushed to me/small. It is here:{hub.endpoint}/me/small")
    expect(token).to_have_value("")
    repo = hub.repos["models", "me/small"]
    assert repo.private
    assert b"compressed" in repo.files["config.json"].content

    page.locator("#push-model").get_by_label("Student").check()
    push(page, "me/small", "hf_me")
    expect(message.locator("[role=alert]")).to_contain_text("me/small exists already and was left as it is")
    assert b"compressed" in repo.files["config.json"].content
    page.locator("#push-to input, #push-to textarea").fill("me/other")
    expect(page.locator("#push-replace")).to_be_hidden()  # the yes was about another repository

    push(page, "me/small", "hf_me")
    page.get_by_role("button", name="Yes, replace what me/small holds").click()
    expect(message).to_contain_text("Pushed to me/small")
    expect(page.locator("#push-replace")).to_be_hidden()
    assert b"student" in repo.files["config.json"].content
    assert set(hub.repos) == {("models", "me/small")}


@pytest.mark.parametrize(
    ("to", "token", "sentence"),
    [
        ("me/small", "", "Enter an access token"),
        ("me/small", "wrong", "does not accept this token"),
        ("someone/theirs", "hf_me", "may not write to someone/theirs"),
        ("<img src=x>", "hf_me", "Write it like owner/name"),
    ],
)
def test_what_cannot_be_pushed_gets_a_sentence(
    finished: Page, hub: HubStandIn, to: str, token: str, sentence: str
) -> None:
    push(finished, to, token)
    expect(finished.locator("#push-message [role=alert]")).to_contain_text(sentence)
    expect(finished.locator("#push-token input")).to_have_value("")
    assert finished.locator("#push-message img").count() == 0
    assert hub.repos == {}

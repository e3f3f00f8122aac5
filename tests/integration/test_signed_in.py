"""Whoever signs in to the Hub has their runs in every browser, and nobody else has them."""

from pathlib import Path

import pytest
import tiny
from bad_input.site import served
from bad_input.visitor import Visitor
from gated_runs import Gated, Serve, Server
from gradio import oauth

from compression.config import RunConfig
from compression.ui.handlers import Handlers

# Gradio keeps figures of its queue with what pandas is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:.*(no_silent_downcasting|copy keyword)")


@pytest.fixture
def server(serve: Serve, gated: Gated) -> Server:
    return serve(gated)


@pytest.fixture
def act(server: Server) -> Handlers:
    return Handlers(server.runs)


def visitor(act: Handlers, user: str | None, browser: dict[str, str] | None = None) -> str:
    """Who somebody is once their page has loaded."""
    found: str = act.attach(browser, (), user)["browser"]["visitor"]
    return found


def test_what_a_browser_ran_before_goes_to_the_user_and_is_there_in_another_browser(
    server: Server, act: Handlers, gated: Gated, tmp_path: Path
) -> None:
    before = act.attach(None)["browser"]
    anonymous = before["visitor"]
    done, going, waiting = (server.submit(anonymous, seed) for seed in range(3))
    gated.open()
    server.ended(done)
    address = server.runs.keep_upload(tiny.save_csv(tmp_path / "a.csv", tiny.urls(200)), "a.csv", anonymous).address
    ann = visitor(act, "ann", before)
    assert visitor(act, "ann") == ann, "in another browser"
    assert [seen.run_id for seen in server.runs.owned(ann)] == [waiting, going, done]
    assert server.runs.going(ann) == {going: "running", waiting: "queued"}
    assert not server.runs.owned(anonymous)
    assert not server.runs.going(anonymous)
    assert server.store.may_read(address, ann)
    assert not server.store.may_read(address, anonymous)
    server.runs.cancel(waiting, ann)
    server.runs.cancel(going, ann)
    gated.open()
    assert server.ended(going).status == "cancelled"
    server.runs.delete(done, ann)


def test_another_user_in_the_same_browser_gets_nothing_of_it(server: Server, act: Handlers, gated: Gated) -> None:
    browser = act.attach(None, (), "ann")["browser"]
    run_id = server.submit(browser["visitor"])
    bob = visitor(act, "bob", browser)
    assert not server.runs.owns(run_id, bob)
    signed_out = visitor(act, None, browser)
    assert signed_out not in (bob, browser["visitor"])
    assert not server.runs.owns(run_id, signed_out)
    assert server.runs.owns(run_id, visitor(act, "ann", {"visitor": signed_out, "run": ""}))
    gated.open()


def test_an_id_cannot_be_made_up_and_outlives_a_restart(serve: Serve, server: Server, act: Handlers) -> None:
    ann = visitor(act, "ann")
    assert "ann" not in ann
    assert act.attach({"visitor": ann, "run": ""}, (), "ann")["browser"]["visitor"] == ann
    secret = server.store.home / "secret"
    assert (secret.stat().st_mode & 0o077, secret.stat().st_size) == (0, 32)
    server.stop()
    restarted = serve(Gated())
    assert visitor(Handlers(restarted.runs), "ann") == ann
    restarted.stop()
    secret.unlink()
    assert visitor(Handlers(serve(Gated()).runs), "ann") != ann


def test_the_page_knows_who_has_signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gated: Gated) -> None:
    with served(tmp_path / "home", gated) as site, Visitor(site) as someone:
        (browser,) = [update for update in someone.press("page", event="load").updates if isinstance(update, dict)][:1]
        assert not browser["visitor"].startswith("hub-")
        profile = {"preferred_username": "ann", "name": "Ann", "profile": "", "picture": ""}
        monkeypatch.setattr(oauth, "_get_valid_oauth_info_from_session", lambda session: {"userinfo": profile})
        (browser,) = [update for update in someone.press("page", event="load").updates if isinstance(update, dict)][:1]
        assert browser["visitor"].startswith("hub-")
        assert site.runs.submit(RunConfig(), browser["visitor"])
        gated.open()

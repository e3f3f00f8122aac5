"""The push form where it may and may not ask for a token; nothing is served here."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from compression.runs.store import RunStore
from compression.runs.worker import Runs
from compression.ui import pushing
from compression.ui.page import build


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    store = RunStore(tmp_path)
    yield Runs(store, lambda *given: pytest.fail("nothing runs here"))
    store.close()


def built(runs: Runs) -> gr.Blocks:
    """The page, built where a loop is running: without one Gradio opens its own and leaves them open.

    In a thread, for the browser tests leave a loop running in this one.
    """

    async def make() -> gr.Blocks:
        return build(runs)

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(make())).result()


def blocks(page: gr.Blocks) -> dict[str, Any]:
    return {block.elem_id: block for block in page.blocks.values() if getattr(block, "elem_id", None)}


def test_at_home_a_token_is_asked_for_and_no_one_signs_in(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACE_ID", raising=False)
    monkeypatch.setenv("OAUTH_CLIENT_ID", "left over")
    page = built(runs)
    assert blocks(page)["push-token"].type == "password"
    assert not page.expects_oauth


def test_a_space_without_sign_in_cannot_push(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPACE_ID", "someone/lab")
    monkeypatch.delenv("OAUTH_CLIENT_ID", raising=False)
    page = built(runs)
    assert not page.expects_oauth
    assert not {"push-token", "push-button"} & set(blocks(page))


def test_a_space_takes_the_token_of_who_has_signed_in(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYSTEM", "spaces")
    monkeypatch.setenv("SPACE_ID", "someone/lab")
    monkeypatch.setenv("OAUTH_CLIENT_ID", "an id")
    monkeypatch.setattr("gradio.routes.attach_oauth", lambda app: None)  # it needs the rest of a Space's environment
    seen: list[tuple[Any, ...]] = []
    monkeypatch.setattr(pushing, "push", lambda *given: seen.append(given[1:]) or {})
    page = built(runs)
    assert page.expects_oauth
    assert "push-token" not in blocks(page)
    for name, given, asked in (("push-button", [], ""), ("push-replace", ["me/small"], "me/small")):
        target = (blocks(page)[name]._id, "click")
        (function,) = (fn.fn for fn in page.fns.values() if target in fn.targets)
        for token in (gr.OAuthToken("hf_me", "contribute-repos", 0), None):
            inputs, *_ = gr.helpers.special_args(function, ["a run", "student", "me/small", True, *given])
            assert inputs[4] is None, "nobody has signed in in this test"
            function(*inputs[:4], token, *inputs[5:])
            assert seen.pop() == ("a run", "student", "me/small", True, asked, "hf_me" if token else "")


def test_nothing_is_pushed_before_a_run_is_done(runs: Runs) -> None:
    for viewing in ("", "0123456789abcdef"):
        updates = pushing.push(runs, viewing, "student", "me/small", True, "", "hf_me")
        assert "no finished run" in updates["push-message"]

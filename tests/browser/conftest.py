"""A page on a free port, and visitors: a browser's profile each, watched for errors and for requests that leave."""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parent))
import fakes

from compression.runs.worker import Pipeline

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 60_000  # a busy machine takes long to import torch; only a failure waits this long

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Site:
    """A page being served; `gate` lets the fake pipeline go on."""

    url: str
    pipeline: fakes.Pipeline
    home: Path


Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.fail(f"The browser tests need one of {', '.join(BROWSERS)}: apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Opens a page as a new visitor; afterwards no console may hold an error and no request may have left.

    A page that is to be `cut_off` may complain that requests could not be sent, or were not answered well.
    """
    contexts, troubles = [], []

    def open_page(url: str, width: int = 1280, theme: str = "light", cut_off: bool = False) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("console", lambda message: None if _is_fine(message, cut_off) else troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("request", lambda request: None if _is_local(request.url) else troubles.append(request.url))
        page.goto(url)
        expect(page.locator("#run")).to_be_visible()
        expect(page.locator("#estimate .figures, #estimate .alert")).to_be_visible()  # the page has been wired
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


@pytest.fixture
def precomputed() -> Path | None:
    """Where the page finds results to open with; nowhere, unless a module of tests says otherwise."""
    return None


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precomputed: Path | None) -> Iterator[Site]:
    """The page over a fake pipeline and a fake engine."""
    from compression.artefacts import weight
    from compression.measure import limits, preview, size
    from compression.predict import predictor

    monkeypatch.setattr(limits, "plan", fakes.plan)
    monkeypatch.setattr(limits, "unsupported", fakes.unsupported)
    monkeypatch.setattr(size, "estimate", fakes.estimate)
    monkeypatch.setattr(preview, "preview", fakes.preview)
    monkeypatch.setattr(predictor, "classify", fakes.classify)
    monkeypatch.setattr(weight, "size_bytes", lambda folder: 31_400_000)
    monkeypatch.setenv("COMPRESSION_HOME", str(tmp_path))
    pipeline = fakes.Pipeline()
    with served(tmp_path, pipeline, precomputed) as url:
        yield Site(url, pipeline, tmp_path)
        pipeline.gate.set()


@contextmanager
def served(home: Path, pipeline: Pipeline, precomputed: Path | None = None, port: int = 0) -> Iterator[str]:
    """The address of a page over a pipeline, while it is served; a port of 0 is any."""
    from compression.runs.store import RunStore
    from compression.runs.worker import Runs
    from compression.ui.page import build
    from compression.ui.server import serve

    store = RunStore(home)
    runs = Runs(store, pipeline, precomputed=precomputed)
    runs.start()
    page = build(runs)
    port = port or free_port()
    serve(page, "127.0.0.1", port, prevent_thread_lock=True, quiet=True)
    yield f"http://127.0.0.1:{port}/"
    page.close(verbose=False)
    runs.stop(10)
    store.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def screenshots() -> Path | None:
    """Where to leave pictures of the page (COMPRESSION_SCREENSHOTS), if anywhere."""
    folder = os.environ.get("COMPRESSION_SCREENSHOTS")
    return Path(folder) if folder else None


def _is_fine(message: ConsoleMessage, cut_off: bool) -> bool:
    return message.type != "error" or (cut_off and ("net::ERR_" in message.text or "status of 500" in message.text))


def _is_local(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "ws://127.0.0.1:", "data:", "blob:"))

"""The page as it is, with the real pipeline, on a free port."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx2

from compression.runs import Runs, RunStore


@dataclass(frozen=True)
class Site:
    """A page being served, the runs behind it, what it tells every browser about itself, and the page itself."""

    url: str
    runs: Runs
    config: dict[str, Any]
    page: Any


@contextmanager
def served(home: Path, pipeline: Callable[..., Any]) -> Iterator[Site]:
    """The page on a free port, at home in `home`."""
    from compression.ui.page import build
    from compression.ui.server import serve

    with patch.dict(os.environ, COMPRESSION_HOME=str(home)):
        store = RunStore(home)
        runs = Runs(store, pipeline)
        runs.start()

        with socket.socket() as probe:  # Gradio's own search leaves a socket open for every port that is taken
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]

        async def launch() -> tuple[Any, str]:
            page = build(runs)
            return page, serve(page, "127.0.0.1", port, prevent_thread_lock=True, quiet=True)[1]

        with ThreadPoolExecutor(1) as thread:  # where a loop is running: without one Gradio opens its own, for ever
            page, url = thread.submit(lambda: asyncio.run(launch())).result()
        yield Site(url, runs, httpx2.get(f"{url}config", trust_env=False).json(), page)
        page.close(verbose=False)
        runs.stop(30)
        store.close()

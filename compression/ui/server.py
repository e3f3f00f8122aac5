"""The page served: where it listens, what it keeps, and Gradio's settings in one place."""

import gc
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from typing import Any

import gradio as gr

from compression.catalog import ASSETS, EXAMPLES
from compression.errors import ResourceError
from compression.places import home, hosted
from compression.runs.apart import Apart
from compression.runs.store import RunStore
from compression.runs.worker import Pipeline, Runs
from compression.settings import limits
from compression.ui.handlers import warm_up
from compression.ui.page import build
from compression.ui.theme import theme
from compression.ui.words import say

STYLE = ASSETS / "style.css"
_STOP_SECONDS = 8.0  # a Space gives ten, and the page takes some of them


def launch(host: str | None = None, port: int | None = None) -> None:
    """Serves the page until interrupted; host and port default to the environment, then to this machine alone.

    Raises: StorageError if runs cannot be kept, ConfigError for a variable that sets no possible limit, ResourceError
    if the address cannot be had.
    """
    # Before there are visitors: it changes places with another module at the end of its import, and a second thread
    # that imports from it meanwhile fails. It does not load torch.
    import transformers  # noqa: F401

    from compression import pipeline
    from compression.models import lent

    lent.prepare()  # must come before the page is launched; on hosts that lend GPUs it loads torch
    if find_spec("matplotlib") is None:
        sys.modules["matplotlib"] = None  # type: ignore[assignment]  # Gradio looks for it on disk twice an event
    allowed = limits()
    apart = [] if lent.lends() else by_gpu(pipeline.run)  # with a lent GPU, each stage has a process of its own
    pipelines: Sequence[Pipeline] = apart or [pipeline.run]
    runs = Runs(RunStore(home()), *pipelines, precomputed=EXAMPLES, limits=allowed)
    runs.start()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what ends a Space ends the page as Ctrl-C does
    try:
        page = build(runs)
        try:
            _, url, _ = serve(page, host, port, quiet=True, prevent_thread_lock=True)
        except OSError:
            raise ResourceError(say("message.address")) from None
        print(say("served", url=url), flush=True)
        with suppress(KeyboardInterrupt):  # also of a signal that comes before the page waits for one
            warm_up()
            gc.freeze()  # what is loaded by now stays: to look through it for garbage takes 0.2 s, in which all wait
            page.block_thread()
    finally:
        runs.stop(_STOP_SECONDS)
        for each in apart:
            each.close()


def by_gpu(pipeline: Pipeline) -> list[Apart]:
    """The pipeline in a process for each of this host's GPUs; in one process where there are not several."""
    from compression.models.device import gpus

    ids = gpus()
    return [Apart(pipeline, gpu) for gpu in ids] if len(ids) > 1 else [Apart(pipeline)]


def serve(
    page: gr.Blocks,
    host: str | None = None,
    port: int | None = None,
    **settings: Any,
) -> tuple[Any, str, str]:
    """Launches a built page with this project's settings; returns what `gr.Blocks.launch` does."""
    (name, number), allowed = address(host, port), limits()
    page.queue(default_concurrency_limit=8, max_size=200, api_open=False)
    served: tuple[Any, str, str] = page.launch(
        server_name=name,
        server_port=number,
        theme=theme(),
        css_paths=STYLE,
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        share=False,
        mcp_server=False,
        pwa=False,
        max_threads=64,
        max_file_size=max(allowed.upload_bytes, allowed.import_bytes, allowed.file_bytes),
        state_session_capacity=500,
        footer_links=["settings"],
        **settings,
    )
    return served


def address(host: str | None = None, port: int | None = None) -> tuple[str, int | None]:
    """Where to listen: what is given, then GRADIO_SERVER_NAME and _PORT, then 0.0.0.0:7860 on a Space, else 127.0.0.1.

    A port of None lets Gradio take the first free one from 7860.
    """
    env_port = os.environ.get("GRADIO_SERVER_PORT", "")
    name = host or os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if hosted() else "127.0.0.1")
    return name, port or (int(env_port) if env_port.isdigit() else 7860 if hosted() else None)

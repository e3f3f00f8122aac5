"""The page as it is, with the real pipeline, on a free port."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from compression.runs import Runs, RunStore


@contextmanager
def served(home: Path) -> Iterator[str]:
    """The page's address; runs are kept under `home`."""
    from compression import pipeline
    from compression.ui.page import build
    from compression.ui.server import serve

    store = RunStore(home)
    runs = Runs(store, pipeline.run)
    runs.start()
    page = build(runs)
    _, url, _ = serve(page, "127.0.0.1", None, prevent_thread_lock=True, quiet=True)
    yield url
    page.close(verbose=False)
    runs.stop(30)
    store.close()

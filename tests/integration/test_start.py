"""The page's first seconds: what is there when the first visitor may come."""

from collections.abc import Callable
from typing import Any

import pytest

STARTED = """
import json, sys
from compression.ui import server

def serve(page, *given, **settings):
    print(json.dumps([name in sys.modules for name in ("transformers", "torch")]))
    raise SystemExit

server.serve = serve
server.launch()
"""
WORKERS = """
import json, pynvml
from compression.ui import server

pynvml.nvmlInit = pynvml.nvmlShutdown = lambda: None
pynvml.nvmlDeviceGetCount = lambda: 3

def runs(store, *pipelines, **options):
    print(json.dumps([pipeline.gpu for pipeline in pipelines]))
    raise SystemExit

server.Runs = runs
server.launch()
"""


def test_visitors_meet_transformers_whole_and_wait_for_no_torch(fresh_process: Callable[..., Any]) -> None:
    """Threads that import transformers at once may fail; torch takes seconds, which the first page is not kept for."""
    assert fresh_process(STARTED) == [True, False]


@pytest.mark.parametrize(("visible", "gpus"), [("0,2", ["0", "2"]), ("2", [None])])
def test_each_of_several_gpus_has_a_worker(
    fresh_process: Callable[..., Any], visible: str, gpus: list[str | None]
) -> None:
    """One GPU needs no telling, as none does."""
    assert fresh_process(WORKERS, CUDA_VISIBLE_DEVICES=visible) == gpus

"""The page's first seconds: what is there when the first visitor may come."""

from collections.abc import Callable
from typing import Any

STARTED = """
import json, sys
from compression.ui import server

def serve(page, *given, **settings):
    print(json.dumps([name in sys.modules for name in ("transformers", "torch")]))
    raise SystemExit

server.serve = serve
server.launch()
"""


def test_visitors_meet_transformers_whole_and_wait_for_no_torch(fresh_process: Callable[..., Any]) -> None:
    """Threads that import transformers at once may fail; torch takes seconds, which the first page is not kept for."""
    assert fresh_process(STARTED) == [True, False]

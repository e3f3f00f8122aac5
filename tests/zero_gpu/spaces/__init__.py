"""A stand-in for the package `spaces` on ZeroGPU: put this folder's parent on PYTHONPATH, and set SPACES_ZERO_GPU.

As in the real one, the generator runs in a fork of this process; arguments, yields and errors pass through queues as
pickles; of an exception only the name of its class comes back; and closing the generator sets an event that the child
looks at between two yields. `asked` records what was asked for and by whom; `refusal` (title, message) says no.
"""

import multiprocessing
import warnings
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import wraps
from typing import Any

import gradio as gr
from gradio.context import LocalContext

from spaces.config import Config

asked: list[tuple[float, str | None, int]] = []  # seconds, the visitor's token, the process that was forked
refusal: tuple[str, str] | None = None
_FORK = multiprocessing.get_context("fork")


def GPU(duration: Callable[..., float]) -> Callable[..., Any]:
    """The decorator: nothing at all where this is not ZeroGPU."""
    return lambda task: _lent(task, duration) if Config.zero_gpu else task


def _lent(task: Callable[..., Generator[Any, None, None]], duration: Callable[..., float]) -> Callable[..., Any]:
    @wraps(task)
    def lent(*args: Any) -> Generator[Any, None, None]:
        request = LocalContext.request.get(None)
        if refusal:
            raise gr.Error(refusal[1], title=refusal[0], print_exception=False)
        given, yielded, stop = _FORK.SimpleQueue(), _FORK.SimpleQueue(), _FORK.Event()
        process = _FORK.Process(target=_child, args=(task, given, yielded, stop), daemon=True)
        with warnings.catch_warnings(action="ignore"):  # Python 3.12 warns of any fork with threads about
            process.start()
        asked.append((duration(*args), request and request.headers.get("x-ip-token"), process.pid))
        given.put(args)
        yielded._writer.close()  # so that the queue ends with the child
        try:
            yield from _answers(yielded)
        except GeneratorExit:
            stop.set()
            with suppress(EOFError):
                while yielded.get()[0] != "end":
                    pass
            raise
        finally:
            process.join()

    return lent


def _answers(yielded: Any) -> Generator[Any, None, None]:
    while True:
        try:
            kind, content = yielded.get()
        except EOFError:
            raise gr.Error("GPU task aborted", title="ZeroGPU worker error", print_exception=False) from None
        if kind == "end":
            return
        if kind == "failed":
            raise gr.Error(content, title="ZeroGPU worker error", print_exception=False)
        yield content


def _child(task: Callable[..., Generator[Any, None, None]], given: Any, yielded: Any, stop: Any) -> None:
    args = given.get()

    def iterate() -> None:
        generator = task(*args)
        try:
            for value in generator:
                if stop.is_set():
                    generator.close()
                    break
                yielded.put(("value", value))
        except Exception as error:
            yielded.put(("failed", type(error).__name__))

    with ThreadPoolExecutor() as pool:
        pool.submit(iterate)
    yielded.put(("end", None))

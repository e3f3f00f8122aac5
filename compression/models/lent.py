"""A GPU that a host lends for one stage at a time: ZeroGPU, through the optional package `spaces`.

    prepare        once at start: before anything has touched CUDA, and before the page is launched
    run(stage …)   ─ quota ─▶ fork ─▶ the stage in a thread of the child ─▶ event, event, … result ─▶ report, return

`spaces` forks this process and hands arguments and yields through queues. So a stage's models come from folders and
go to folders, its events come back as plain dicts, and what it raises comes back as a value (`spaces` itself would
keep no more than the name of its class). A generator that is closed is what stops the child: its stage then meets
RunCancelled at its next report.
"""

import logging
import os
import queue
import threading
import traceback
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any, TypeVar

from compression.errors import ResourceError, RunCancelled, actionable
from compression.events import EVENT, Event, Report
from compression.models.classifier import LOADING

Made = TypeVar("Made")
Message = dict[str, Any]  # one of event, result, error (something the user can act on), bug (a traceback)
Lend = Callable[..., Generator[Message, None, None]]

# What to ask for at a time. A "large" GPU is counted 1.5-fold, and a free account has 300 seconds a day.
SHORTEST_SECONDS, LONGEST_SECONDS = 15, 160

_LOG = logging.getLogger(__name__)
_READY: list[Lend] = []  # `_forked` as `spaces` wraps it, once `prepare` has found such a host

# What is found in the words of `spaces`, and what to say: the first that fits.
_REFUSALS = (
    (
        "Expired ZeroGPU proxy token",
        "Your leave to use this Space's GPU ran out while the run waited. Reload the page and press Run again.",
    ),
    (
        "illegal duration",
        "This run asks for more GPU time at once than you may have ({seconds} seconds). "
        "Use fewer epochs or less data, or device = cpu.",
    ),
    (
        "quota exceeded",
        "Your GPU time on this Space is used up for now. Sign in to Hugging Face for more, try again later, "
        "or use device = cpu.",
    ),
    (
        "credits exceeded",
        "Your GPU time is all set aside for runs that are going on. Try again once one has ended, or use device = cpu.",
    ),
    ("No GPU was available", "No GPU was free just now. Try again in a few minutes, or use device = cpu."),
    (
        "GPU task aborted",
        "The GPU was taken back before this step was done; {seconds} seconds had been asked for. "
        "Use fewer epochs or less data, or device = cpu.",
    ),
)
_OTHERWISE = "This Space's GPU cannot be had just now. Try again in a few minutes, or use device = cpu."


def prepare() -> bool:
    """Makes ready to lend GPUs, if this is a ZeroGPU Space; returns whether it is.

    Call it before anything initialises CUDA (`spaces` then replaces it in this process) and before the page is
    launched (`spaces` then tells the host that there is something to lend to).
    """
    try:
        import spaces
        from spaces.config import Config
    except ImportError:
        return False
    if Config.zero_gpu and not _READY:
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # its threads do not survive a fork
        # A fork while another thread loads a model would hand the child a lock that nobody ever opens.
        os.register_at_fork(before=LOADING.acquire, after_in_parent=LOADING.release, after_in_child=LOADING.release)
        _READY.append(spaces.GPU(duration=_duration)(_forked))
    return bool(_READY)


def lends() -> bool:
    """Whether this process may ask for a GPU, one stage at a time."""
    return bool(_READY)


def run(stage: Callable[..., Made], arguments: tuple[object, ...], report: Report, seconds: float) -> Made:
    """What `stage(*arguments, report=report)` returns, from a forked process that has a GPU for about `seconds`.

    Whose share of GPU time is used stands in the context variables of the caller (a visitor's request).
    Raises what the stage raises if a user can act on it, what `report` raises, and ResourceError without a GPU.
    """
    asked = round(min(max(seconds, SHORTEST_SECONDS), LONGEST_SECONDS))
    made: Made | None = None
    with closing(_READY[0](stage, arguments, asked)) as messages:
        while (message := _next(messages, asked)) is not None:
            if "event" in message:
                report(EVENT.validate_python(message["event"]))
            elif "error" in message:
                raise message["error"]
            elif "bug" in message:
                raise RuntimeError(f"In a process with a lent GPU: {message['bug']}")
            else:
                made = message["result"]
    return made  # type: ignore[return-value]


def _duration(stage: Callable[..., Any], arguments: tuple[object, ...], seconds: int) -> int:
    """The seconds to ask for: `spaces` calls this with the arguments of `_forked`."""
    return seconds


def _forked(stage: Callable[..., Any], arguments: tuple[object, ...], seconds: int) -> Generator[Message, None, None]:
    """Runs in the child: the stage's events, then its result or what went wrong."""
    messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
    stopped = threading.Event()

    def report(event: Event) -> None:
        if stopped.is_set():
            raise RunCancelled
        messages.put({"event": event.model_dump()})

    def work() -> None:
        try:
            messages.put({"result": stage(*arguments, report=report)})
        except RunCancelled:
            messages.put({"bug": "a stage was stopped, and yet was waited for"})  # nobody listens any more
        except Exception as error:  # another process is waiting: whatever it was must reach it
            reason = actionable(error)
            messages.put({"bug": traceback.format_exc()} if reason is None else {"error": reason})

    thread = threading.Thread(target=work, name="stage")
    thread.start()
    try:
        while True:
            yield (message := messages.get())
            if "event" not in message:
                return
    finally:
        stopped.set()
        thread.join()


def _next(messages: Generator[Message, None, None], asked: int) -> Message | None:
    """The child's next message, None after the last. What is raised here comes from the lender, not from the stage."""
    try:
        return next(messages, None)
    except Exception as error:  # gradio's and many others: `spaces` has no class of its own
        _LOG.warning("No GPU was lent", exc_info=True)
        said = f"{getattr(error, 'title', '')}: {getattr(error, 'message', error)}"
        sentence = next((sentence for found, sentence in _REFUSALS if found in said), _OTHERWISE)
        raise ResourceError(sentence.format(seconds=asked)) from error

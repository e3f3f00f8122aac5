"""Asking the Hub: which repository, whether it answers at all, with whose token, and its failures as sentences."""

import os
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from compression.catalog import BUNDLED
from compression.errors import CompressionError, DataError, ModelError

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

Answer = TypeVar("Answer")

PROBE_SECONDS = 2.0
PROBE_AGAIN_SECONDS = 60.0
PATIENCE_SECONDS = 4.5  # for all questions before a download together, so that every failure is told within five

_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_ID = re.compile(rf"{_PART}(?:/{_PART})?")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,99}")
_FILE = re.compile(r"\.(csv|tsv|parquet|jsonl?|txt|zip|gz|xlsx?|safetensors|bin|pt|py|ipynb|git)$", re.IGNORECASE)

_probing = threading.Lock()
_probed: dict[str, tuple[float, bool]] = {}  # endpoint → when it was asked, whether it answered


class HubError(CompressionError):
    """The Hub, or what `about` is the id of, cannot be used; the bundled choice still can."""

    def __init__(self, message: str, about: str = "") -> None:
        super().__init__(message)
        self.about = about


class HubModelError(HubError, ModelError):
    """A model of the Hub that cannot be used, or not now."""


class HubDataError(HubError, DataError):
    """A data set of the Hub that cannot be used, or not now."""


@dataclass(frozen=True)
class Repo:
    """A repository of the Hub, at a branch, tag or commit."""

    kind: Literal["model", "dataset"]
    id: str
    revision: str = "main"

    @property
    def called(self) -> str:
        """How sentences call it: 'the model owner/name'."""
        return f"the {'model' if self.kind == 'model' else 'data set'} {self.id}"

    def refused(self, sentence: str) -> HubError:
        """The error to raise for this repository, with `sentence` to show."""
        return (HubModelError if self.kind == "model" else HubDataError)(sentence, self.id)


def is_hub_id(text: str) -> bool:
    """Whether `text` has the form of a Hub id (owner/name or a bare name, maybe @revision) and not of a path."""
    name, at, revision = text.partition("@")
    if name == BUNDLED or ".." in text or "--" in name or _FILE.search(name):
        return False
    return bool(_ID.fullmatch(name)) and (not at or bool(_REVISION.fullmatch(revision)))


def repository(kind: Literal["model", "dataset"], text: str, revision: str | None = None) -> Repo:
    """The repository an id names; `revision` wins over one in the id. Raises HubError if it is no id."""
    if not is_hub_id(text) or (revision is not None and not _REVISION.fullmatch(revision)):
        raise Repo(kind, text).refused(
            f"{text[:100]!r} is not the id of a Hugging Face repository. Write it like owner/name, or use '{BUNDLED}'."
        )
    name, _, written = text.partition("@")
    return Repo(kind, name, revision or written or "main")


def endpoint() -> str:
    """The address of the Hub, from HF_ENDPOINT at the time of the call."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def token_to_send(token: str | None) -> str | Literal[False]:
    """The token given, else HF_TOKEN where this is not a Space, else none.

    On a Space every visitor shares the server, so its token never opens anything for them; the token that
    `hf auth login` stores on a machine is never read either: only what was put in the environment on purpose counts.
    """
    if token is None and not os.environ.get("SPACE_ID"):
        token = os.environ.get("HF_TOKEN")
    return token or False


def api(token: str | None) -> "HfApi":
    """The library's way to ask the Hub at `endpoint()`; importing it takes a second: make it before a deadline."""
    from huggingface_hub import HfApi

    return HfApi(endpoint=endpoint(), token=token_to_send(token))


def online() -> bool:
    """Whether the Hub answers at all. Asked once with a two-second limit, and again after a minute at the earliest."""
    from huggingface_hub import constants

    if constants.is_offline_mode() or os.environ.get("HF_HUB_OFFLINE", "").upper() in constants.ENV_VARS_TRUE_VALUES:
        return False
    address = endpoint()
    with _probing:  # thirty visitors at once wait for one answer
        asked, answered = _probed.get(address, (float("-inf"), False))
        if time.monotonic() - asked > PROBE_AGAIN_SECONDS:
            answered = _answers(address)
            _probed[address] = (time.monotonic(), answered)
    return answered


def ask(repo: Repo, call: Callable[[], Answer], deadline: float) -> Answer:
    """What `call` returns, if it does before `deadline` (monotonic seconds). Raises HubError with what to do."""
    from huggingface_hub.errors import HFValidationError

    require_online(repo)
    try:
        return within(max(0.1, deadline - time.monotonic()), call)
    except HFValidationError as error:
        raise repo.refused(f"{repo.id!r} is not the id of a Hugging Face repository ({first_line(error)}).") from None
    except CompressionError:
        raise
    except (KeyError, TypeError, ValueError) as error:  # a sign-in page or a proxy's, where the Hub's JSON should be
        if isinstance(error, failures()):
            raise repo.refused(explain(repo, error)) from None
        raise repo.refused(
            f"What answered instead of the Hugging Face Hub is something else: a proxy or a sign-in page? "
            f"Open {endpoint()} in a browser, then try again, or use '{BUNDLED}'."
        ) from None
    except failures() as error:
        raise repo.refused(explain(repo, error)) from None


def require_online(repo: Repo) -> None:
    """Raises HubError if the Hub does not answer: called before it is asked for what the cache does not hold."""
    if not online():
        raise repo.refused(
            f"The Hugging Face Hub cannot be reached, and {repo.called} is not stored on this machine. "
            f"Check the network and try again, or use '{BUNDLED}'."
        )


def within(seconds: float, call: Callable[[], Answer]) -> Answer:
    """What `call` returns, or TimeoutError after `seconds`, whatever it hangs in (a look-up of names has no limit)."""
    answer: Future[Answer] = Future()

    def work() -> None:
        try:
            answer.set_result(call())
        except BaseException as error:
            answer.set_exception(error)

    threading.Thread(target=work, daemon=True).start()
    return answer.result(seconds)


def failures() -> tuple[type[Exception], ...]:
    """What speaking to the Hub can raise through no fault of ours."""
    import httpx2
    from huggingface_hub import errors

    return (errors.HfHubHTTPError, errors.EntryNotFoundError, httpx2.HTTPError, httpx2.InvalidURL, OSError)


def explain(repo: Repo, error: Exception) -> str:
    """A failure of the Hub as a sentence: what is wrong, what to do."""
    import httpx2
    from huggingface_hub import errors

    page = f"{endpoint()}/{'' if repo.kind == 'model' else 'datasets/'}{repo.id}"
    status = getattr(getattr(error, "response", None), "status_code", None)
    match error:
        case errors.GatedRepoError():
            return gated(repo)
        case errors.DisabledRepoError():
            return f"{_capital(repo.called)} has been disabled on the Hub. Choose another, or use '{BUNDLED}'."
        case errors.RevisionNotFoundError():
            return f"{_capital(repo.called)} has no revision {repo.revision!r}. Leave it out to use the newest one."
        case errors.EntryNotFoundError():
            return f"A file of {repo.called} is missing on the Hub. See {page}, or use '{BUNDLED}'."
        case errors.HfHubHTTPError() if status == 401 and "Invalid credentials" in str(error):
            return "The Hub does not accept the token it was sent. Renew it, or unset HF_TOKEN to go without."
        case errors.HfHubHTTPError() if status in (401, 403, 404):
            return (
                f"There is no {repo.called.removeprefix('the ')} on the Hugging Face Hub that may be read from here: "
                f"it is misspelt, gone or private. Check {page}, or use '{BUNDLED}'."
            )
        case errors.HfHubHTTPError() if status == 429:
            return f"The Hub has had too many requests from this address. Try again in {pause(error)}."
        case errors.HfHubHTTPError():
            return f"The Hub failed to answer (status {status}). Try again in a minute, or use '{BUNDLED}'."
        case TimeoutError() | httpx2.TimeoutException():
            return f"The Hub did not answer in time about {repo.called}. Try again in a minute, or use '{BUNDLED}'."
    return f"The Hub cannot be reached ({first_line(error)}). Check the network and try again, or use '{BUNDLED}'."


def gated(repo: Repo) -> str:
    """What to say of a repository whose owner lets in only whom they know."""
    return (
        f"{_capital(repo.called)} is gated: its owner lets in only people who asked. Ask on its page and give your "
        f"token (HF_TOKEN, on your own machine), or use '{BUNDLED}'."
    )


def first_line(error: Exception) -> str:
    """The first line of what an error says, or its kind where it says nothing."""
    return str(error).strip().partition("\n")[0][:150] or type(error).__name__


def _answers(address: str) -> bool:
    import httpx2
    from huggingface_hub import get_session

    def knock() -> Any:
        return get_session().head(address, timeout=PROBE_SECONDS, follow_redirects=False)

    try:
        within(PROBE_SECONDS, knock)
    except (OSError, ValueError, httpx2.HTTPError, httpx2.InvalidURL):
        return False
    return True


def pause(error: "HfHubHTTPError") -> str:
    """For how long a rate limit lasts, in words, from the headers of the refusal (five minutes is the Hub's window)."""
    headers = error.response.headers
    told = re.search(r"^(\d+)$", headers.get("Retry-After", "")) or re.search(
        r"\bt=(\d+)", headers.get("RateLimit", "")
    )
    seconds = int(told[1]) if told else 300
    return f"{seconds} seconds" if seconds < 120 else f"{round(seconds / 60)} minutes"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]

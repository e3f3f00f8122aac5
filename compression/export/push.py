"""Pushing a model with its card to someone's Hugging Face account: one commit, private unless asked otherwise.

The token is an argument from end to end: it is not stored, logged, put into the environment or into a message.
"""

import json
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compression.errors import CompressionError
from compression.events import Progress, Report, ignore
from compression.export.card import Which, card, is_plain
from compression.hub import is_hub_id, online
from compression.hub.connection import api, endpoint, failures, first_line, pause, within
from compression.result import Result

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi
    from huggingface_hub.errors import HfHubHTTPError

QUESTION_SECONDS = 15.0  # for creating a repository, and for looking at one that is there
UPLOAD_SECONDS = 60.0  # for the commit, and on top of it what the bytes take on a slow line
SLOW_BYTES_PER_SECOND = 250_000
_TOKEN = re.compile(r"[\x21-\x7e]{1,1000}")
_NEW = {".gitattributes"}  # what a repository holds before anything was pushed


class PushError(CompressionError):
    """A push that did not happen; the sentence says why and what to do."""


class RepositoryExists(PushError):
    """The repository is there already and holds something; pushing again with `replace` overwrites it."""


def push(
    folder: Path,
    result: Result,
    which: Which,
    repo_id: str,
    token: str,
    private: bool = True,
    replace: bool = False,
    report: Report = ignore,
) -> str:
    """The address of the repository, after the files of `folder` and a card about them became its newest commit.

    The repository is created; one that is there and holds something is overwritten, whole, only with `replace`, and a
    public one never takes a `private` push. Raises RepositoryExists, PushError.
    """
    _check(folder, repo_id, token)
    if not online():
        raise PushError(f"The Hugging Face Hub at {endpoint()} cannot be reached. Check the network and push again.")
    # the three after the Hub's own where its JSON should have been
    expected: tuple[type[Exception], ...] = (*failures(), ValueError, KeyError, TypeError)
    wrapping: tuple[type[Exception], ...] = (RuntimeError, *expected)
    try:
        _send(
            _client(token),
            folder,
            card(result, which, repo_id, plain=is_plain(folder)),
            repo_id,
            private,
            replace,
            report,
        )
    except PushError:
        raise
    except wrapping as error:
        wrapped = error.__cause__ if isinstance(error, RuntimeError) else error  # so the library's threads tell of it
        if not isinstance(wrapped, expected):
            raise
        sentence = _explain(wrapped, repo_id).replace(token, "…")
    else:
        return f"{endpoint()}/{repo_id}"
    raise PushError(sentence)  # not inside `except`: an error's context holds the request, and with it the token


def _send(hub: "HfApi", folder: Path, readme: str, repo_id: str, private: bool, replace: bool, report: Report) -> None:
    """Creates the repository, or makes sure that one which is there may be overwritten, and commits."""
    report(Progress(stage="push", doing=f"Creating {repo_id}", step=0, steps=2))
    held: set[str] = set()
    parent = None
    if not within(QUESTION_SECONDS, lambda: _create(hub, repo_id, private)):
        info = within(QUESTION_SECONDS, lambda: hub.model_info(repo_id, timeout=QUESTION_SECONDS))
        held = {sibling.rfilename for sibling in info.siblings or ()} - _NEW
        parent = info.sha  # what is committed by someone else meanwhile is not overwritten
        if held and not replace:
            raise RepositoryExists(
                f"{repo_id} exists already and was left as it is. Choose another name, or allow replacing (--replace)."
            )
        if private and not info.private:
            raise PushError(f"{repo_id} is a public repository. Choose another name, or ask for a public push.")
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    size = sum(path.stat().st_size for path in files.values())
    report(Progress(stage="push", doing=f"Uploading {size / 1e6:.1f} MB to {repo_id}", step=1, steps=2))
    operations = _operations(files, readme, held)
    message = f"{folder.name} with its card, from Compression Lab"
    within(
        UPLOAD_SECONDS + size / SLOW_BYTES_PER_SECOND,
        lambda: hub.create_commit(repo_id, operations, commit_message=message, parent_commit=parent),
    )
    report(Progress(stage="push", doing=f"Pushed to {repo_id}", step=2, steps=2))


def _check(folder: Path, repo_id: str, token: str) -> None:
    if not token:
        raise PushError(
            f"A push needs a token with write access from {endpoint()}/settings/tokens; a command reads HF_TOKEN."
        )
    if not _TOKEN.fullmatch(token):  # an illegal header would be quoted, token and all, in the library's error
        raise PushError(f"This is not a token. Copy it once more from {endpoint()}/settings/tokens.")
    if not is_hub_id(repo_id) or repo_id.count("/") != 1 or "@" in repo_id:
        raise PushError(f"{repo_id[:100]!r} is not a repository's name. Write it like owner/name.")
    if not (folder / "config.json").is_file():
        raise PushError("The files of this model are no longer there. Run its recipe again, then push.")


def _client(token: str) -> "HfApi":
    """The library, told to upload over plain HTTP and to leave the talking to us."""
    from huggingface_hub import constants
    from huggingface_hub.utils.tqdm import disable_progress_bars

    constants.HF_HUB_DISABLE_XET = True  # its uploads have retries of their own, which no limit of ours would end
    disable_progress_bars()
    logging.getLogger("huggingface_hub").setLevel(
        logging.ERROR
    )  # each retry would be a line on the command line's standard error
    return api(token)


def _create(hub: "HfApi", repo_id: str, private: bool) -> bool:
    """Whether the repository was created just now; False if it was there."""
    from huggingface_hub.errors import HfHubHTTPError

    try:
        hub.create_repo(repo_id, private=private, exist_ok=False)
    except HfHubHTTPError as error:
        if error.response.status_code == 409:
            return False
        raise
    return True


def _operations(
    files: dict[str, Path], readme: str, held: set[str]
) -> "list[CommitOperationAdd | CommitOperationDelete]":
    """One commit that makes the repository hold the files and the card, and nothing older."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    contents: dict[str, Any] = {**files, "README.md": readme.encode()}
    return [
        *(CommitOperationAdd(path_in_repo=name, path_or_fileobj=content) for name, content in contents.items()),
        *(CommitOperationDelete(path_in_repo=name) for name in sorted(held - set(contents))),
    ]


def _explain(error: Exception, repo_id: str) -> str:
    """A failure as a sentence: what is wrong, what to do."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    match error:
        case HFValidationError():
            return f"{repo_id!r} is not a repository's name. Use letters, digits, '-', '_' and '.', like owner/name."
        case HfHubHTTPError():
            return _refusal(error, repo_id)
        case TimeoutError() | httpx2.TimeoutException():
            return f"The Hub did not answer in time. Look at {endpoint()}/{repo_id}, then push again."
        case json.JSONDecodeError() | KeyError() | TypeError():
            return (
                f"What answered is not the Hugging Face Hub: a proxy or a sign-in page? Open {endpoint()} in a "
                "browser, then push again."
            )
    return f"The push to {repo_id} broke off ({first_line(error).rstrip('.')}). Check the network and push again."


def _refusal(error: "HfHubHTTPError", repo_id: str) -> str:
    status = error.response.status_code
    match status:
        case 401:
            return f"The Hub does not accept this token. Make one with write access at {endpoint()}/settings/tokens."
        case 402 | 413 | 507:
            return "The Hub has no room left for this account. Free some storage there, or push to another account."
        case 403 | 404:
            return f"This token may not write to {repo_id}. Use one with write access, or a name of your own account."
        case 409 | 412:
            return f"{repo_id} was changed by someone else just now. Look at it, then push again."
        case 429:
            return f"The Hub has had too many requests from this account or address. Push again in {pause(error)}."
    return f"The Hub failed to take the push (status {status}). Push again in a minute."

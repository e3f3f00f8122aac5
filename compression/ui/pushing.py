"""What happens when the page pushes a model to the visitor's account. The token passes through and stays nowhere."""

from typing import Any, cast

import gradio as gr

from compression.errors import CompressionError, ConfigError, sentence
from compression.export.card import Which
from compression.places import hosted
from compression.runs.worker import Runs
from compression.ui import markup
from compression.ui.sections.controls import Parts
from compression.ui.wiring import PUSH, drawn, io
from compression.ui.words import friendly, say

Updates = dict[str, Any]
MODELS = ("student", "compressed")
_LONGEST = 200  # characters of a repository's name that are looked at


def push(runs: Runs, viewing: str, which: Any, to: Any, private: Any, asked: Any, token: str) -> Updates:
    """Pushes a model of the run on show, and says where it is now, or why not.

    A repository that exists is replaced only if it is the one the visitor was `asked` about last.
    """
    from compression.export.push import RepositoryExists
    from compression.export.push import push as send

    repo = str(to or "").strip()[:_LONGEST]
    try:
        snapshot = runs.snapshot(viewing) if viewing else None
        done = snapshot is not None and snapshot.status == "succeeded" and snapshot.precomputed_by is None
        if snapshot is None or snapshot.result is None or not done or which not in MODELS:
            raise ConfigError(say("push.unfinished"))
        if not token:
            raise ConfigError(say("push.sign-in.missing" if hosted() else "push.token.missing"))
        folder = snapshot.result.model_folder(which, runs.folder(viewing))
        url = send(
            folder,
            snapshot.result,
            cast(Which, which),
            repo,
            token,
            private=private is not False,
            replace=asked == repo,
        )
    except RepositoryExists:
        return {
            "push-message": markup.alert(say("push.exists", repo=repo)),
            "push-asked": repo,
            "push-replace": gr.Button(say("push.replace", repo=repo), visible=True),
        }
    except CompressionError as error:
        return forget() | {"push-message": markup.alert(friendly(sentence(error)))}
    place = markup.text("p", say("push.done", repo=repo)) + markup.text("p", url, "address")
    return forget() | {"push-message": f'<div role="status">{place}</div>'}


def forget() -> Updates:
    """No question is open any more."""
    return {"push-asked": "", "push-replace": gr.Button(visible=False)}


def wire(parts: Parts, runs: Runs) -> None:
    """Ties the push to its button, with a token that is typed or that of whoever has signed in."""
    inputs = ["viewing", "push-model", "push-to", "push-private"]
    outputs = ["push-message", "push-asked", "push-replace"]

    def with_token(viewing: str, which: str, to: str, private: bool, token: Any, asked: str = "") -> Updates:
        given = token.strip() if isinstance(token, str) else ""
        updates = push(runs, viewing, which, to, private, asked, given)
        return updates if updates["push-asked"] else {**updates, "push-token": ""}

    def signed_in(
        viewing: str, which: str, to: str, private: bool, visitor: gr.OAuthToken | None, asked: str = ""
    ) -> Any:
        token = visitor.token if visitor else ""
        updates = push(runs, viewing, which, to, private, asked, token)
        return {parts[name]: update for name, update in updates.items()}

    if "push-token" in parts:
        press, inputs, outputs = drawn(parts, with_token), [*inputs, "push-token"], [*outputs, "push-token"]
    else:  # Gradio reads the annotation and puts in the token of whoever has signed in
        press = signed_in
    parts["push-button"].click(**io(parts, press, inputs, outputs), **PUSH)
    parts["push-replace"].click(**io(parts, press, [*inputs, "push-asked"], outputs), **PUSH)
    gr.on(
        [parts["push-to"].change, parts["push-model"].change],
        **io(parts, drawn(parts, forget), (), ["push-asked", "push-replace"]),
        queue=False,
        show_progress="hidden",
    )

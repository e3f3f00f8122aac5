"""A push through the real huggingface_hub, against the stand-in: what arrives, and every way it can fail."""

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import refusals
from hub_stand_in import HubStandIn
from refusals import sentence

from compression.__main__ import main
from compression.config import RunConfig
from compression.errors import CompressionError
from compression.events import Event, Progress
from compression.export import push as pushing
from compression.export.push import PushError, RepositoryExists, push
from compression.hub import connection
from compression.result import Environment, Latency, Metrics, ModelReport, Result

# huggingface_hub's own upload
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

TOKEN, REPO = "hf_me", "me/small"


@pytest.fixture
def run(tiny_teacher: Path, tmp_path: Path) -> Path:
    """The folder of a finished run, its compressed model the tiny one."""
    metrics = Metrics(accuracy=0.95, precision=0.9, recall=0.9, f1=0.9, roc_auc=0.9, examples=40,
                      confusion=((19, 1), (1, 19)))  # fmt: skip
    models = {
        name: ModelReport(
            parameters=1000, size_bytes=5000, size_stored_bytes=5000, metrics={"validation": metrics, "test": metrics},
            latency_ms=Latency(p50=1, p95=2), folder="",
        )
        for name in ("teacher", "student", "compressed")
    }  # fmt: skip
    environment = Environment(python="3", packages={}, device="CPU", cpu="A CPU", cpu_flags=[], threads=1, created="")
    result = Result(config=RunConfig(), environment=environment, stages=[], models=models)
    folder = tmp_path / "run"
    (folder / "models").mkdir(parents=True)
    (folder / "models" / "compressed").symlink_to(tiny_teacher)
    (folder / "result.json").write_text(json.dumps(result.to_json()))
    return folder


def pushed(run: Path, repo_id: str = REPO, token: str = TOKEN, **options: Any) -> str:
    return push(run / "models" / "compressed", Result.read(run), "compressed", repo_id, token, **options)


def refused(run: Path, *given: str, kind: type[PushError] = PushError, **options: Any) -> str:
    """The sentence of a push that fails; nothing that hangs on the error holds the token."""
    with pytest.raises(PushError) as error:
        pushed(run, *given, **options)
    assert type(error.value) is kind
    assert error.value.__cause__ is None
    assert error.value.__context__ is None
    return sentence(error.value)


def refusal(status: int) -> Exception:
    """What the library raises where the Hub, or the storage behind it, refuses."""
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError

    request = httpx2.Request("POST", "http://127.0.0.1/")
    return HfHubHTTPError("Refused", response=httpx2.Response(status, request=request))


def files(hub: HubStandIn, repo_id: str = REPO) -> set[str]:
    return set(hub.repos["models", repo_id].files)


# A push that arrives


def test_model_and_card_arrive_in_one_commit_in_a_private_repository(hub: HubStandIn, run: Path) -> None:
    told: list[Event] = []
    assert pushed(run, report=told.append) == f"{hub.endpoint}/{REPO}"
    repo = hub.repos["models", REPO]
    folder = run / "models" / "compressed"
    assert repo.private
    assert files(hub) == {path.name for path in folder.iterdir()} | {".gitattributes", "README.md"}
    assert repo.files["model.safetensors"].content == (folder / "model.safetensors").read_bytes()
    assert b"# small" in repo.files["README.md"].content
    assert len(hub.asked("/commit/")) == 1
    steps = [(event.step, event.steps) for event in told if isinstance(event, Progress)]
    assert steps == [(0, 2), (1, 2), (2, 2)]
    assert not (folder / "README.md").exists(), "the model folder is left as it was"


def test_what_was_pushed_loads_again(hub: HubStandIn, run: Path) -> None:
    from compression.hub import fetch_model

    pushed(run)
    assert (fetch_model(REPO, token=TOKEN) / "model.safetensors").is_file()


def test_public_only_when_asked_for(hub: HubStandIn, run: Path) -> None:
    pushed(run, private=False)
    assert not hub.repos["models", REPO].private


# A repository that is there


def test_a_repository_is_never_overwritten_unasked(hub: HubStandIn, run: Path, tiny_data: Path) -> None:
    before = hub.add_model(REPO, tiny_data, private=True)
    assert "exists already and was left as it is" in refused(run, kind=RepositoryExists)
    assert hub.repos["models", REPO].sha == before


def test_replacing_leaves_nothing_of_what_was_there(hub: HubStandIn, run: Path, tiny_data: Path) -> None:
    hub.add_model(REPO, tiny_data, private=True)
    pushed(run, replace=True)
    assert "train.csv" not in files(hub)
    assert {"README.md", "model.safetensors"} <= files(hub)
    assert hub.repos["models", REPO].private


def test_a_private_push_does_not_go_into_a_public_repository(hub: HubStandIn, run: Path, tiny_data: Path) -> None:
    before = hub.add_model(REPO, tiny_data)
    assert "is a public repository" in refused(run, replace=True)
    assert hub.repos["models", REPO].sha == before
    pushed(run, replace=True, private=False)
    assert "model.safetensors" in files(hub)


def test_a_push_that_broke_off_can_be_made_again(hub: HubStandIn, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import HfApi

    def fails(*given: object, **options: object) -> None:
        raise refusal(500)

    with monkeypatch.context() as patched:
        patched.setattr(HfApi, "create_commit", fails)
        assert "status 500" in refused(run)
    assert files(hub) == {".gitattributes"}
    pushed(run)  # the repository is there, and empty: nothing is overwritten
    assert "model.safetensors" in files(hub)


# A push that fails


@pytest.mark.parametrize(
    ("repo_id", "token", "words"),
    [
        (REPO, "", "needs a token"),
        (REPO, "expired", "does not accept this token"),
        (REPO, "hf_me\nX-Evil: 1", "This is not a token"),
        (REPO, "hf_mé", "This is not a token"),
        ("someone/theirs", TOKEN, "may not write to someone/theirs"),
        ("small", TOKEN, "Write it like owner/name"),
        ("me/small@main", TOKEN, "Write it like owner/name"),
        ("me/../../etc", TOKEN, "Write it like owner/name"),
        ("", TOKEN, "Write it like owner/name"),
        ("me/" + "x" * 300, TOKEN, "Write it like owner/name"),
    ],
)
def test_names_and_tokens_that_do_not_work(hub: HubStandIn, run: Path, repo_id: str, token: str, words: str) -> None:
    text = refused(run, repo_id, token)
    assert words in text
    assert not token or token not in text
    assert hub.repos == {}


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("rate-limited", "too many requests from this account or address. Push again in 90 seconds"),
        ("broken", "status 500"),
        ("sign-in page", "a proxy or a sign-in page"),
        ("hang", "did not answer in time"),
    ],
)
def test_a_hub_that_is_unwell(
    hub: HubStandIn, run: Path, failure: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "QUESTION_SECONDS", 0.5)
    assert connection.online()  # it answered a moment ago
    hub.fail("*", failure)
    started = time.monotonic()
    assert words in refused(run)
    assert time.monotonic() - started < 5


def test_an_upload_that_hangs_ends(hub: HubStandIn, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import HfApi

    released = threading.Event()
    monkeypatch.setattr(HfApi, "create_commit", lambda *given, **options: released.wait(30))
    monkeypatch.setattr(pushing, "UPLOAD_SECONDS", 0.5)
    try:
        assert "did not answer in time" in refused(run)
    finally:
        released.set()


def test_a_file_that_the_storage_refuses(hub: HubStandIn, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import _commit_api

    def full(**given: object) -> None:
        raise refusal(413)

    monkeypatch.setattr(_commit_api, "lfs_upload", full)
    assert "no room left" in refused(run)


def test_offline(hub: HubStandIn, run: Path, go_offline: Callable[[], None]) -> None:
    go_offline()
    assert "cannot be reached" in refused(run)
    assert hub.requests == []


def test_a_model_that_is_gone(hub: HubStandIn, run: Path) -> None:
    (run / "models" / "compressed").unlink()
    assert "no longer there" in refused(run)


def test_the_token_stays_in_the_requests(
    hub: HubStandIn, run: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    owner, secret = "zxqwvbnm", "hf_zxqwvbnm"
    told: list[Event] = []
    caplog.set_level(logging.DEBUG)
    pushed(run, f"{owner}/small", secret, report=told.append)
    assert f"Bearer {secret}" in hub.asked("/commit/")[0].headers.values()
    everything = [caplog.text, *capsys.readouterr(), repr(told), repr(dict(os.environ))]
    assert "Request: POST" in caplog.text
    for text in everything:
        assert secret not in text


# The command line


def test_the_command_line_pushes(
    hub: HubStandIn, run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    arguments = ["push", str(run), "--model", "compressed", "--to", REPO]
    assert main(arguments) == 0
    assert capsys.readouterr().out == f"{hub.endpoint}/{REPO}\n"
    assert hub.repos["models", REPO].private
    assert "--replace" in refusals.refused(capsys, *arguments)
    assert main([*arguments, "--replace", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["url"] == f"{hub.endpoint}/{REPO}"
    assert main(["push", str(run), "--model", "compressed", "--to", "me/open", "--public"]) == 0
    assert not hub.repos["models", "me/open"].private


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{run}", "--model", "compressed", "--to", REPO], "HF_TOKEN"),
        (["{run}", "--model", "teacher", "--to", REPO], "teacher"),
        (["{run}", "--model", "student", "--to", REPO], "no longer there"),
        (["{run}/models", "--model", "student", "--to", REPO], "holds no result"),
        (["{run}", "--model", "compressed"], "--to"),
    ],
)
def test_mistakes_on_the_command_line(
    hub: HubStandIn,
    run: Path,
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if words == "no longer there":
        monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert words in refusals.refused(capsys, "push", *(argument.format(run=run) for argument in arguments))


def test_every_failure_is_one_to_act_on() -> None:
    assert issubclass(PushError, CompressionError)
    assert issubclass(RepositoryExists, PushError)

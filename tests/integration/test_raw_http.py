"""The page's endpoints, asked by no browser: whatever one is sent, nothing leaks, breaks or changes hands."""

import hashlib
import http.client
import json
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from bad_input.site import Site, served
from bad_input.visitor import Answer, Visitor

from compression.config import RunConfig
from compression.errors import DataError
from compression.events import Report
from compression.measure import sensitivity
from compression.result import Result
from compression.ui import form

# Gradio keeps figures of its queue with what pandas is about to drop.
pytestmark = pytest.mark.filterwarnings("ignore:.*(no_silent_downcasting|copy keyword)")

# What may stand where the page would send a value: out of range, of another type, or meant to harm.
POISON: list[Any] = [
    None,
    True,
    -1,
    2.5,
    10**400,
    float("nan"),
    float("-inf"),
    "",
    "\0\x1b[2J\u202e\ud800",
    "<img src=x onerror=alert(1)>{0.__class__}%s",
    "../../../etc/passwd",
    "x" * 100_000,
    [],
    [[["bundled"]]],
    {},
    {"__type__": "update", "visible": False, "value": 1},
]
PART = sensitivity.Sensitivity("layer 0", "prune", 0.3, 0.9, 0.2, 0.95, 1_000)  # to measure one takes a minute
RECIPE = {key.replace(".", "-") for key in form.KEYS}
A_FILE = {"a": [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}]}
NO_REQUESTS = [b"", b"{", b"[]", b"null", b"\xff\xfe\0", b"[" * 100_000, b'{"data": ' + b"9" * 5000 + b"}"]
OUTSIDE = ["../../etc/passwd", "..%2f..%2fpasswd", "/etc/passwd", "\0", "x" * 10_000, "\ud800", "'; DROP TABLE runs"]
FILES = ["/etc/passwd", "compression/config.py", "{tmp}/mine.csv", "http://127.0.0.1:1/x.csv", "\0", ""]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The page over a pipeline that ends every run at once."""

    def pipeline(config: RunConfig, report: Report, folder: Path) -> Result:
        raise DataError("Nothing is trained here. Look elsewhere.")

    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COMPRESSION_MAX_IMPORT_BYTES", "20000000")
        patch.setattr(sensitivity, "sensitivity", lambda classifier, split, report: [PART])
        with served(home, pipeline) as site:
            yield site


@pytest.fixture
def visitor(site: Site) -> Iterator[Visitor]:
    with Visitor(site) as visitor:
        yield visitor


def assert_discreet(body: str) -> None:
    for secret in ("Traceback", 'File "', "root:x:", "sqlite3", "pydantic", "site-packages"):
        assert secret not in body


def assert_answered(answer: Answer, endpoint: dict[str, Any], data: Any) -> None:
    assert (answer.status, answer.success) == (200, True), (endpoint["targets"], repr(data)[:300], answer.body[:300])
    assert_discreet(answer.body)
    for alert in answer.alerts:
        assert alert.endswith(".")


def assert_well(visitor: Visitor) -> None:
    """The app goes on: a URL gets its verdict, and a recipe its sizes."""
    assert "verdict" in visitor.press("classify", {"url": "http://a.test/"}).body
    assert not visitor.press("teacher", event="change").alerts


def of_ours(visitor: Visitor) -> list[dict[str, Any]]:
    """The endpoints whose values reach the handlers unchecked: all but the upload's, which Gradio looks at first."""
    return [e for e in visitor.endpoints if not any(event == "upload" for _, event in e["targets"])]


def share(visitor: Visitor, endpoint: dict[str, Any]) -> int:
    """One in how many of the recipe's inputs is tried: many endpoints take the recipe, and one of them shall do."""
    whole = {visitor.name(number) for number in endpoint["inputs"]} >= RECIPE
    return 8 if whole and endpoint["id"] != visitor.endpoint("teacher", "change")["id"] else 1


def places(visitor: Visitor, endpoint: dict[str, Any]) -> list[int]:
    """The inputs of an endpoint that are tried one by one."""
    names, every = [visitor.name(number) for number in endpoint["inputs"]], share(visitor, endpoint)
    return [at for at, called in enumerate(names) if called not in RECIPE or (at + endpoint["id"]) % every == 0]


def test_every_endpoint_takes_every_value_in_every_place(visitor: Visitor) -> None:
    for endpoint in of_ours(visitor):
        for shift in range(0, len(POISON), share(visitor, endpoint)):
            data = [POISON[(place + shift) % len(POISON)] for place, _ in enumerate(endpoint["inputs"])]
            assert_answered(visitor.send(endpoint, data, POISON[-shift]), endpoint, data)
    assert_well(visitor)


def test_every_input_is_looked_at_on_its_own(visitor: Visitor) -> None:
    """One wrong value among right ones: what comes before it is not what refuses it."""
    for endpoint in of_ours(visitor):
        for place in places(visitor, endpoint):
            data = visitor.inputs(endpoint)
            data[place] = POISON[place % len(POISON)]
            assert_answered(visitor.send(endpoint, data), endpoint, data)
    assert_well(visitor)


def test_a_file_in_place_of_a_value_reaches_no_handler(visitor: Visitor) -> None:
    for endpoint in visitor.endpoints:
        for place in places(visitor, endpoint):
            data = visitor.inputs(endpoint)
            data[place] = A_FILE
            assert_discreet(visitor.send(endpoint, data).body)
    assert_well(visitor)


def test_too_few_and_too_many_values_reach_no_handler(visitor: Visitor) -> None:
    for endpoint in visitor.endpoints:
        right = visitor.inputs(endpoint)
        for data in (right[:-1], [], None, {}, "x") if right else (None,):
            answer = visitor.send(endpoint, data)
            assert not answer.success or data is None or len(data) < len(right), endpoint["targets"]
            assert_discreet(answer.body)
        assert_discreet(visitor.send(endpoint, [*right, *POISON]).body)
    assert_well(visitor)


@pytest.mark.parametrize(
    "changes",
    [
        {"fn_index": -1},
        {"fn_index": 10**9},
        {"fn_index": None},
        {"fn_index": "start"},
        {"fn_index": [0]},
        {"session_hash": None},
        {"session_hash": "../../etc/passwd"},
        {"session_hash": {"a": 1}},
        {"session_hash": "x" * 100_000},
        {"event_id": "someone-elses"},
        {"trigger_id": -1},
        {"event_data": ["a"] * 1000},
        {"data": [["x" * 1_000_000] * 10]},
        {"batched": True},
        {"simple_format": True},
        {"unheard_of": True},
    ],
    ids=lambda changes: next(iter(changes.items())).__repr__()[:40],
)
def test_a_body_of_another_shape(visitor: Visitor, changes: dict[str, Any]) -> None:
    for endpoint in (visitor.endpoint("run"), visitor.endpoint("timer", "tick")):
        body = {"data": visitor.inputs(endpoint), "fn_index": endpoint["id"], "session_hash": secrets.token_hex(8)}
        for path in ("run/predict", "queue/join", "run/addressed", "call/addressed", "run/nothing"):
            assert_discreet(visitor.post(path, body | changes).text)
    assert_well(visitor)


@pytest.mark.parametrize("body", NO_REQUESTS, ids=lambda body: ascii(body[:12]))
def test_a_body_that_is_no_request(visitor: Visitor, body: bytes) -> None:
    for path in ("run/predict", "queue/join", "call/addressed", "cancel", "reset", "upload", "component_server"):
        answer = visitor.post(path, body)
        assert answer.status_code >= 400
        assert_discreet(answer.text)
    assert_well(visitor)


def test_queued_endpoints_are_reached_through_the_queue_alone(visitor: Visitor) -> None:
    for endpoint in visitor.endpoints:
        if endpoint["queue"]:
            body = {"data": visitor.inputs(endpoint), "fn_index": endpoint["id"], "session_hash": visitor.session}
            assert visitor.post("run/predict", body).status_code == 404


def started(visitor: Visitor) -> str:
    """The id of a run that this visitor has started and that has ended."""
    answer = visitor.press("run")
    assert not answer.alerts
    assert visitor.ending(answer).alerts
    run_id: str = answer.updates[0]["run"]
    return run_id


def clicked(visitor: Visitor, action: Any, run: Any) -> Answer:
    """The answer to a button in the list of runs."""
    return visitor.press("runs", event_data={"action": action, "run": run})


def test_a_run_of_another_visitor_is_neither_deleted_nor_cancelled(site: Site, visitor: Visitor) -> None:
    run_id = started(visitor)
    with Visitor(site) as stranger:
        (sentence,) = clicked(stranger, "delete", run_id).alerts
        assert "belongs to another visitor" in sentence
        stranger.press("page", event="load", query=f"?run={run_id}")
        (sentence,) = stranger.press("cancel").alerts
        assert "belongs to another visitor" in sentence
        assert visitor.browser["visitor"] not in stranger.press("timer", event="tick").body
    assert site.runs.snapshot(run_id)
    assert clicked(visitor, "delete", run_id).success
    assert site.runs.snapshot(run_id) is None


def test_what_was_drawn_goes_with_its_visitor_and_what_they_look_at_stays(site: Site, visitor: Visitor) -> None:
    started(visitor)
    session = site.page.state_holder.session_data[visitor.session]
    assert session.config_values
    heartbeat = http.client.HTTPConnection(site.url.split("/")[2], timeout=30)
    heartbeat.request("GET", f"/gradio_api/heartbeat/{visitor.session}")
    stream = heartbeat.getresponse()
    assert stream.readline()
    stream.close()
    heartbeat.close()
    deadline = time.monotonic() + 30
    while session.config_values and time.monotonic() < deadline:
        assert visitor.http.get("/robots.txt").status_code == 200  # the server has a turn
    assert not session.config_values
    assert not visitor.press("cancel").alerts, "a browser that comes back still looks at its run"


@pytest.mark.parametrize("run_id", OUTSIDE, ids=lambda text: ascii(text[:20]))
def test_an_id_reaches_runs_alone(site: Site, visitor: Visitor, tmp_path: Path, run_id: str) -> None:
    before = held(site)
    for action in ("open", "delete", "", None, ["delete"]):
        answer = clicked(visitor, action, run_id)
        assert answer.success
        assert len(answer.alerts) == 1
        assert_discreet(answer.body)
    for kept in (run_id, [run_id], {"a": run_id}):
        visitor.browser = {"visitor": run_id, "run": kept}  # type: ignore[dict-item]
        for asked in ("", f"?run={quote(run_id, errors='surrogatepass')}", f"?run={'x' * 5000}"):
            answer = visitor.press("page", event="load", query=asked)
            assert answer.success
            assert_discreet(answer.body)
            assert visitor.press("timer", event="tick").success
    assert held(site) == before


def held(site: Site) -> dict[str, str]:
    """What every file of the home holds, the database apart."""
    home = site.runs.folder("x").parent.parent
    files = [path for path in home.rglob("*") if path.is_file() and "sqlite" not in path.name]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_no_file_of_the_host_is_taken_for_an_upload(site: Site, visitor: Visitor, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("url,label\n" + "http://a.test/,1\n" * 40)
    before = held(site)
    for path in (path.format(tmp=tmp_path) for path in FILES):
        answer = visitor.press("upload", {"upload": visitor.received(path)}, "upload")
        assert not answer.success or answer.alerts, answer
        assert_discreet(answer.body.replace(path, "") if path else answer.body)
        assert not visitor.press("file", {"file": visitor.received(path)}, "upload").success
        assert visitor.press("classify-file").alerts == ["Choose a file first."]
    for poison in POISON:
        for field in ("upload", "file"):
            assert_discreet(visitor.press(field, {field: poison}, "upload").body)
    assert held(site) == before
    assert_well(visitor)


def test_an_upload_is_known_by_no_name_it_gives_itself(visitor: Visitor) -> None:
    for given in ("../../../evil.csv", "/etc/evil.csv", "a\0.csv", "\u202evsc.exe.csv", "x" * 300 + ".csv", "<b>.csv"):
        answer = visitor.upload(given, b"url,label\n" + b"http://a.test/,1\nhttp://b.test/,0\n" * 40)
        assert_discreet(answer.body)
        assert "<b>" not in json.dumps([u for u in answer.updates if isinstance(u, str)])
    assert not Path("/etc/evil.csv").exists()
    (sentence,) = visitor.upload("large.csv", b"x" * 5_500_000).alerts
    assert "larger than 5 MB" in sentence
    assert visitor.upload("larger.csv", b"x" * 20_000_001).status == 413
    assert_well(visitor)


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "compression/config.py", "../../../../etc/passwd", "http://127.0.0.1:1/"]
)
def test_no_file_of_the_host_is_served(visitor: Visitor, path: str) -> None:
    for route in ("/gradio_api/file=", "/gradio_api/file/", "/gradio_api/proxy=", "/static/", "/assets/", "/svelte/"):
        answer = visitor.http.get(f"{route}{path}")
        assert answer.status_code >= 400
        assert_discreet(answer.text)

"""A visitor without a browser: speaks to the page's endpoints as its JavaScript does, and as nobody should."""

import html
import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from bad_input.site import Site

PATIENCE_S = 30.0
ONCE = httpx2.Limits(max_keepalive_connections=0)  # the server hangs up after a request it makes nothing of
_ALERT = re.compile(r'<p class="alert" role="alert">(.*?)</p>', re.DOTALL)


@dataclass(frozen=True)
class Answer:
    """What an endpoint answered: HTTP's status, whether it went well, and all that was sent."""

    status: int
    success: bool
    body: str
    updates: list[Any]

    @property
    def alerts(self) -> list[str]:
        """The sentences the page would show as alerts, as text."""
        return [html.unescape(found) for update in self.updates for found in _ALERT.findall(_html(update))]


@dataclass
class Visitor:
    """One tab: its session and what its browser keeps."""

    site: Site
    session: str = field(default_factory=lambda: secrets.token_hex(8))
    slowest_s: float = 0.0
    limits: httpx2.Limits = field(default_factory=lambda: ONCE)
    browser: dict[str, str] = field(default_factory=lambda: {"visitor": secrets.token_urlsafe(24), "run": ""})

    def __post_init__(self) -> None:
        self.http = httpx2.Client(base_url=self.site.url, timeout=PATIENCE_S, trust_env=False, limits=self.limits)
        self.components = {block["id"]: block for block in self.site.config["components"]}
        self.endpoints = [d for d in self.site.config["dependencies"] if d["backend_fn"]]

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *error: object) -> None:
        self.http.close()

    def endpoint(self, element: str, event: str = "click") -> dict[str, Any]:
        """The endpoint behind an event of the element with this id; of several, the one that is told most."""
        found = [e for e in self.endpoints for to, name in e["targets"] if (name, self.name(to)) == (event, element)]
        return max(found, key=lambda endpoint: len(endpoint["inputs"]))

    def press(
        self,
        element: str,
        given: Mapping[str, Any] | None = None,
        event: str = "click",
        event_data: Any = None,
        query: str = "",
    ) -> Answer:
        """The answer to an event; inputs have their first values but for those given by element id or recipe key."""
        endpoint = self.endpoint(element, event)
        return self.send(endpoint, self.inputs(endpoint, given), event_data, query)

    def inputs(self, endpoint: dict[str, Any], given: Mapping[str, Any] | None = None) -> list[Any]:
        """What the page would send to an endpoint, some values `given`."""
        ids = {name.replace(".", "-"): value for name, value in (given or {}).items()}
        return [self._value(number, ids) for number in endpoint["inputs"]]

    def send(self, endpoint: dict[str, Any], data: Any, event_data: Any = None, query: str = "") -> Answer:
        """The endpoint's answer to these inputs."""
        body = {"data": data, "fn_index": endpoint["id"], "session_hash": self.session, "event_data": event_data}
        asked = time.monotonic()
        if endpoint["queue"]:
            answer = self._queued(body, query)
        else:
            got = self.post("run/predict", body, query)
            answer = _answer(got, got.json() if got.status_code == 200 else {}, got.status_code == 200)
        self.slowest_s = max(self.slowest_s, time.monotonic() - asked)
        return answer

    def tick(self) -> Answer:
        """The answer to the page's tick, or to the drawing that follows it where there is something new."""
        answer, outputs = self.press("timer", event="tick"), self.endpoint("timer", "tick")["outputs"]
        new = [number for number, update in zip(outputs, answer.updates, strict=True) if isinstance(update, float)]
        followers = [e for e in self.endpoints if any([to, "change"] in e["targets"] for to in new)]
        return self.send(followers[0], self.inputs(followers[0])) if followers else answer

    def progress(self) -> str:
        """The card of the run on show as a tick draws it; empty where nothing has changed."""
        drawn = (_html(update) for update in self.tick().updates)
        return next((card for card in drawn if "run-line" in card), "")

    def post(self, path: str, body: Any, query: str = "") -> httpx2.Response:
        """A bare POST of JSON (NaN and all) or of bytes."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return self.http.post(f"/gradio_api/{path}{query}", content=content, headers=headers)

    def upload(self, name: str, content: bytes) -> Answer:
        """The answer to a file that is dropped on the page."""
        sent = self.http.post("/gradio_api/upload", files={"files": (name, content)})
        if sent.status_code != 200:
            return _answer(sent, {}, False)
        return self.press("upload", {"upload": self.received(sent.json()[0], name)}, "upload")

    @staticmethod
    def received(path: str, name: str = "urls.csv") -> dict[str, Any]:
        """A file as the page speaks of it."""
        return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def ending(self, started: Answer) -> Answer:
        """What the page shows of a run it has just started once that has ended."""
        run = started.updates[0]["run"]
        ended = self.site.runs.wait(run, PATIENCE_S)
        if ended is None or ended.ended is None:
            self.site.runs.cancel(run, self.browser["visitor"])
        return self.tick()

    def _queued(self, body: dict[str, Any], query: str) -> Answer:
        joined = self.post("queue/join", body, query)
        if joined.status_code != 200:
            return _answer(joined, {}, False)
        event = joined.json()["event_id"]
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            for line in stream.iter_lines():
                told = json.loads(line.removeprefix("data:")) if line.startswith("data:") else {}
                if told.get("event_id") == event and told["msg"] == "process_completed":
                    return _answer(joined, told["output"], told["success"], line)
        raise AssertionError("the stream ended before the answer")

    def name(self, number: int) -> str:
        """What a component is called: its element id, else its sort."""
        block = self.components.get(number, {"type": "page", "props": {}})
        return str(block["props"].get("elem_id") or block["type"])

    def _value(self, number: int, given: Mapping[str, Any]) -> Any:
        name, props = self.name(number), self.components[number]["props"]
        return self.browser if name == "browserstate" else given.get(name, props.get("value"))


def _answer(response: httpx2.Response, output: dict[str, Any], success: bool, body: str | None = None) -> Answer:
    return Answer(response.status_code, success, response.text if body is None else body, output.get("data") or [])


def _html(update: Any) -> str:
    value = update.get("value") if isinstance(update, dict) else update
    return value if isinstance(value, str) else ""

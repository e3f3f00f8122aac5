"""A visitor without a browser: speaks to the page's endpoints as its JavaScript does, and as nobody should."""

import html
import json
import re
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx2

PATIENCE_S = 60.0
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

    url: str
    session: str = field(default_factory=lambda: secrets.token_hex(8))
    browser: dict[str, str] = field(default_factory=lambda: {"visitor": secrets.token_urlsafe(24), "run": ""})

    def __post_init__(self) -> None:
        self.http = httpx2.Client(base_url=self.url, timeout=PATIENCE_S, trust_env=False)
        config = self.http.get("/config").json()
        self.components = {block["id"]: block for block in config["components"]}
        self.endpoints = [d for d in config["dependencies"] if d["backend_fn"]]

    def endpoint(self, element: str, event: str = "click") -> dict[str, Any]:
        """The endpoint behind an event of the element with this id."""
        for endpoint in self.endpoints:
            for target, name in endpoint["targets"]:
                if name == event and (target is None or self._name(target) == element):
                    return endpoint
        raise LookupError(f"nothing happens on {event} of {element}")

    def press(self, element: str, event: str = "click", data: Any = None, query: str = "", **values: Any) -> Answer:
        """The answer to an event; inputs have their first values but for those given by element id (_ for -)."""
        endpoint = self.endpoint(element, event)
        given = {name.replace("_", "-"): value for name, value in values.items()}
        return self.send(endpoint, self.inputs(endpoint, given), data, query)

    def inputs(self, endpoint: dict[str, Any], given: dict[str, Any] | None = None) -> list[Any]:
        """What the page would send to an endpoint, `given` values by element id."""
        return [self._value(number, given or {}) for number in endpoint["inputs"]]

    def send(self, endpoint: dict[str, Any], data: Any, event_data: Any = None, query: str = "") -> Answer:
        """The endpoint's answer to these inputs."""
        body = {"data": data, "fn_index": endpoint["id"], "session_hash": self.session, "event_data": event_data}
        if endpoint["queue"]:
            return self._queued(body, query)
        answer = self.post("run/predict", body, query)
        return _answer(answer, answer.json() if answer.status_code == 200 else {}, answer.status_code == 200)

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
        return self.press("upload", "upload", upload=self.received(sent.json()[0], name))

    @staticmethod
    def received(path: str, name: str = "urls.csv") -> dict[str, Any]:
        """A file as the page speaks of it."""
        return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def refresh(self) -> Answer:
        """What the page's timer asks every second."""
        return self.press("timer", "tick")

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

    def _name(self, number: int) -> str:
        block = self.components[number]
        return str(block["props"].get("elem_id") or block["type"])

    def _value(self, number: int, given: dict[str, Any]) -> Any:
        name, props = self._name(number), self.components[number]["props"]
        return self.browser if name == "browserstate" else given.get(name, props.get("value"))


def _answer(response: httpx2.Response, output: dict[str, Any], success: bool, body: str | None = None) -> Answer:
    return Answer(response.status_code, success, response.text if body is None else body, output.get("data") or [])


def _html(update: Any) -> str:
    value = update.get("value") if isinstance(update, dict) else update
    return value if isinstance(value, str) else ""

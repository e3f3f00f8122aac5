"""How every answer is sent, what it needs to know of who asks, and how it fails where the stand-in is told to."""

import json
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hub_stand_in.hub import HubStandIn


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stand_in: "HubStandIn"

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps tests quiet."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):  # the client gave up, which is its right
            self.close_connection = True

    # Who asks, and what they may not see

    @property
    def user(self) -> str | None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return token.removeprefix("hf_") if token.startswith("hf_") else None

    def _refused(self, repo_id: str) -> bool:
        failure = self.stand_in.failure(repo_id, serving=False)
        if failure in ("missing", "private"):
            self._no_such_repo()
        elif failure == "disabled":
            self._refuse(403, None, "Access to this resource is disabled.")
        elif failure == "rate-limited":
            self._refuse(429, None, "Too many requests", {"Retry-After": "90", "RateLimit": '"api";r=0;t=90'})
        elif failure == "broken":
            self._refuse(500, None, "Internal error")
        elif failure == "hang":
            self.stand_in.wait_for_the_end()
            self.close_connection = True
        elif failure == "sign-in page":
            self._send(200, b"<html>Please sign in to the network</html>", {"Content-Type": "text/html"})
        else:
            self._gated = failure == "gated"
            return False
        return True

    def _no_such_repo(self) -> None:
        if self.user is None:  # the Hub does not tell the nameless what is private and what is not there
            self._refuse(401, None, "Invalid username or password.")
        else:
            self._refuse(404, "RepoNotFound", "Repository not found")

    # Sending

    def _chunks(self) -> bytes:
        """The body of a request sent in chunks, which is how a client streams a file."""
        body = b""
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        return body

    def _json(self, content: Any) -> None:
        self._send(200, json.dumps(content).encode(), {"Content-Type": "application/json; charset=utf-8"})

    def _refuse(self, status: int, code: str | None, message: str, headers: dict[str, str] | None = None) -> None:
        told = {"X-Error-Message": message, "Content-Type": "application/json"} | (headers or {})
        if code:
            told["X-Error-Code"] = code
        self._send(status, json.dumps({"error": message}).encode(), told)

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

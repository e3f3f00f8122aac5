"""A Hugging Face Hub on this machine, for tests: it lists, serves, fails in every way, and takes a push.

    with HubStandIn() as hub:
        hub.add_model("someone/tiny", folder)           hub.add_dataset("someone/urls", folder)
        hub.fail("someone/tiny", "gated")               hub.heal("someone/tiny")
        ...                                             HF_ENDPOINT=hub.endpoint, or endpoint=hub.endpoint
        hub.asked("resolve")                            hub.repos["models", "me/pushed"].files

It speaks as much of the Hub's HTTP as huggingface_hub, transformers and datasets use: repository info, trees, HEAD and
GET with ETag, X-Repo-Commit and Range, large files by redirect, creating a repository, commits, LFS uploads. It does
not speak Xet: a push through it needs HF_HUB_DISABLE_XET=1. Files larger than `LARGE` and binary ones are "LFS".
Tokens are `hf_` + the user's name: such a user may read their own private and all gated repositories.
"""

import base64
import hashlib
import json
import re
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

Failure = Literal[
    "missing",  # no such repository (401 for the nameless, as the Hub does it)
    "private",  # the same, seen from outside
    "gated",  # listed, but its files are refused
    "disabled",
    "rate-limited",  # 429 with Retry-After
    "broken",  # 500
    "hang",  # accepts, never answers
    "sign-in page",  # 200 and HTML, as a hotel's network does
    "truncated",  # half of a file, then the connection ends
    "stall",  # half of a file, then silence
    "damaged",  # a file with one byte changed
    "slow",  # a file in 64 pieces, each after `hub.step` was set
]
WHILE_SERVING = ("truncated", "stall", "damaged", "slow")
LARGE = 1_000_000
LARGE_SUFFIXES = (".safetensors", ".bin", ".parquet", ".h5", ".onnx")
PIECE = 1 << 16


@dataclass
class Stored:
    """A file of a repository: on disk as `path`, or pushed as `content`."""

    path: Path | None = None
    content: bytes = b""

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path else len(self.content)

    def pieces(self, start: int = 0) -> Iterator[bytes]:
        if self.path is None:
            yield self.content[start:]
            return
        with self.path.open("rb") as file:
            file.seek(start)
            while piece := file.read(PIECE):
                yield piece

    def digest(self, kind: str) -> str:
        content = hashlib.sha256() if kind == "sha256" else hashlib.sha1(b"blob %d\0" % self.size)
        for piece in self.pieces():
            content.update(piece)
        return content.hexdigest()


@dataclass
class StoredRepo:
    """A repository at its one commit; `files` by path."""

    id: str
    files: dict[str, Stored]
    private: bool = False
    sha: str = ""
    oids: dict[str, tuple[str, str | None]] = field(default_factory=dict)  # path → git SHA-1, SHA-256 if large

    def commit(self) -> None:
        """Makes what `files` holds the newest commit."""
        for path, stored in self.files.items():
            large = stored.size > LARGE or path.endswith(LARGE_SUFFIXES)
            sha256 = stored.digest("sha256") if large else None
            pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {stored.size}\n"
            git = Stored(content=pointer.encode()) if large else stored
            self.oids[path] = (git.digest("sha1"), sha256)
        listing = json.dumps([self.id, *((path, self.oids[path]) for path in sorted(self.files))])
        self.sha = hashlib.sha1(listing.encode()).hexdigest()


@dataclass
class Request:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]


class HubStandIn:
    """A Hub on a free port of 127.0.0.1, from `with` to the end of its block."""

    def __init__(self) -> None:
        self.repos: dict[tuple[str, str], StoredRepo] = {}
        self.requests: list[Request] = []
        self.uploads: dict[str, bytes] = {}
        self.step = threading.Semaphore(0)  # release it to let "slow" send its next piece
        self._failures: dict[str, tuple[str, int | None]] = {}
        self._renamed: dict[tuple[str, str], str] = {}
        self._closing = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> "HubStandIn":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closing.set()
        self.step.release(10_000)
        self._server.shutdown()
        self._server.server_close()

    def add_model(self, repo_id: str, folder: Path, private: bool = False) -> str:
        """Serves the files of `folder` as a model; returns the commit. The same id again is a new commit."""
        return self._add("models", repo_id, folder, private)

    def add_dataset(self, repo_id: str, folder: Path, private: bool = False) -> str:
        """Serves the files of `folder` as a data set; returns the commit."""
        return self._add("datasets", repo_id, folder, private)

    def rename(self, old: str, new: str, kind: str = "models") -> None:
        """Moves a repository; the old id redirects to the new one, as on the Hub."""
        repo = self.repos.pop((kind, old))
        repo.id = new
        self.repos[kind, new] = repo
        self._renamed[kind, old] = new

    def fail(self, repo_id: str, failure: Failure, times: int | None = None) -> None:
        """Makes a repository fail, always or so many times; `repo_id` "*" is the Hub as a whole."""
        self._failures[repo_id] = (failure, times)

    def heal(self, repo_id: str) -> None:
        """Ends a failure."""
        self._failures.pop(repo_id, None)

    def asked(self, part: str) -> list[Request]:
        """The requests whose path has `part` in it, in order."""
        return [request for request in self.requests if part in request.path]

    def failure(self, repo_id: str, serving: bool) -> str | None:
        """What is wrong with a repository now; counts down where it is wrong only so many times."""
        for key in (repo_id, "*"):
            kind, left = self._failures.get(key, (None, None))
            if kind is None or (kind in WHILE_SERVING) != serving:
                continue
            if left is not None:
                self._failures[key] = (kind, left - 1)
                if left == 1:
                    self.heal(key)
            return kind
        return None

    def wait_for_the_end(self) -> None:
        """Returns when the stand-in closes: how a hanging answer hangs."""
        self._closing.wait(60)

    def resolve(self, kind: str, repo_id: str) -> str:
        """The id under which a repository is found now."""
        return self._renamed.get((kind, repo_id), repo_id)

    def _add(self, kind: str, repo_id: str, folder: Path, private: bool) -> str:
        files = {p.relative_to(folder).as_posix(): Stored(p) for p in sorted(folder.rglob("*")) if p.is_file()}
        repo = StoredRepo(repo_id, files, private)
        repo.commit()
        self.repos[kind, repo_id] = repo
        return repo.sha


# The Hub's addresses. An id is owner/name or, for a few old repositories, a bare name.
_NAME = r"(?P<id>[\w.-]+(?:/[\w.-]+)??)"
_ROUTES: list[tuple[str, str, str]] = [
    ("GET", r"/api/whoami-v2", "whoami"),
    ("POST", r"/api/repos/create", "create"),
    ("POST", r"/api/validate-yaml", "validate"),
    ("GET", rf"/api/(?P<kind>models|datasets)/{_NAME}(?:/revision/(?P<revision>[^/]+))?", "info"),
    ("GET", rf"/api/(?P<kind>models|datasets)/{_NAME}/tree/(?P<revision>[^/]+)(?:/(?P<path>.*))?", "tree"),
    ("POST", rf"/api/(?P<kind>models|datasets)/{_NAME}/paths-info/(?P<revision>[^/]+)", "paths_info"),
    ("POST", rf"/api/(?P<kind>models|datasets)/{_NAME}/preupload/(?P<revision>[^/]+)", "preupload"),
    ("POST", rf"/api/(?P<kind>models|datasets)/{_NAME}/commit/(?P<revision>[^/]+)", "commit"),
    ("POST", rf"/(?:(?P<kind>datasets)/)?{_NAME}\.git/info/lfs/objects/batch", "lfs_batch"),
    ("PUT", r"/lfs/(?P<oid>[0-9a-f]{64})", "lfs_upload"),
    ("POST", r"/lfs/verify", "lfs_verify"),
    ("GET", rf"/(?:(?P<kind>datasets)/)?{_NAME}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", "file"),
    ("GET", r"/large/(?P<kind>models|datasets)/(?P<repo_id>.+)/at/(?P<path>.+)", "large_file"),
    ("GET", r"/", "home"),
]


def _handler(hub: HubStandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        stand_in = hub

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    stand_in: HubStandIn

    def log_message(self, format: str, *args: Any) -> None:
        """Keeps tests quiet."""

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):  # the client gave up, which is its right
            self.close_connection = True

    def _route(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        self.body = self.rfile.read(length) if length else self._chunks()
        self.stand_in.requests.append(Request(self.command, self.path, dict(self.headers)))
        split = urlsplit(self.path)
        self.query = parse_qs(split.query)
        if self._refused("*"):
            return None
        if "Authorization" in self.headers and self.user is None:
            return self._refuse(401, None, "Invalid credentials in Authorization header")
        method = "GET" if self.command == "HEAD" else self.command
        for wanted, pattern, name in _ROUTES:
            if wanted == method and (found := re.fullmatch(pattern, split.path)):
                parts = {key: unquote(value) for key, value in found.groupdict().items() if value is not None}
                if "id" in parts:
                    self._with_repo(name, **parts)
                else:
                    getattr(self, name)(**parts)
                return None
        return self._refuse(404, "EntryNotFound", "Not found")

    do_GET = do_HEAD = do_POST = do_PUT = _route

    # Who may see which repository

    @property
    def user(self) -> str | None:
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return token.removeprefix("hf_") if token.startswith("hf_") else None

    def _with_repo(self, name: str, id: str, kind: str = "models", **parts: str) -> None:
        """Answers a request about a repository, or refuses it the way the Hub would."""
        new = self.stand_in.resolve(kind, id)
        if new != id:
            old_path, new_path = (f"/{i}" for i in (id, new))
            return self._send(307, b"", {"Location": self.path.replace(old_path, new_path, 1)})
        repo = self.stand_in.repos.get((kind, id))
        if self._refused(id):
            return None
        if repo is None or (repo.private and id.split("/")[0] != self.user):
            return self._no_such_repo()
        revision = parts.get("revision", "main")
        if revision not in ("main", repo.sha) and name != "commit":
            return self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        return getattr(self, name)(repo=repo, kind=kind, **parts)

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

    # Reading

    def home(self) -> None:
        self._send(200, b"the stand-in", {"Content-Type": "text/plain"})

    def whoami(self) -> None:
        if self.user is None:
            return self._refuse(401, None, "Invalid username or password.")
        return self._json({"type": "user", "name": self.user, "fullname": self.user, "orgs": [], "auth": {}})

    def info(self, repo: StoredRepo, kind: str, **_: str) -> None:
        siblings: list[dict[str, Any]] = [{"rfilename": path} for path in sorted(repo.files)]
        if "blobs" in self.query:
            for sibling in siblings:
                path = sibling["rfilename"]
                git, sha256 = repo.oids[path]
                sibling |= {"size": repo.files[path].size, "blobId": git}
                if sha256:
                    sibling["lfs"] = {"size": repo.files[path].size, "sha256": sha256, "pointerSize": 130}
        found: dict[str, Any] = {
            "id": repo.id,
            "sha": repo.sha,
            "private": repo.private,
            "gated": "manual" if self._gated else False,
            "disabled": False,
            "siblings": siblings,
            "tags": [],
            "cardData": _front_matter(repo.files.get("README.md")),
        }
        if kind == "models":
            found |= {"modelId": repo.id} | _weights_of(repo)
        self._json(found)

    def tree(self, repo: StoredRepo, kind: str, revision: str, path: str = "") -> None:
        recursive = self.query.get("recursive", ["false"])[0].lower() in ("true", "1")
        entries, folders = [], set()
        for name in sorted(repo.files):
            if path and not name.startswith(f"{path}/"):
                continue
            inner = name[len(path) + 1 :] if path else name
            parents = inner.split("/")[:-1]
            folders |= {"/".join([*filter(None, [path]), *parents[: n + 1]]) for n in range(len(parents))}
            if recursive or not parents:
                entries.append(_entry(repo, name))
        depth = len(path.split("/")) + 1 if path else 1
        shown = (folder for folder in sorted(folders) if recursive or folder.count("/") < depth)
        self._json([*({"type": "directory", "path": f, "size": 0, "oid": "0" * 40} for f in shown), *entries])

    def paths_info(self, repo: StoredRepo, kind: str, revision: str) -> None:
        if "json" in self.headers.get("Content-Type", ""):
            wanted = json.loads(self.body).get("paths", [])
        else:
            wanted = parse_qs(self.body.decode()).get("paths", [])
        self._json([_entry(repo, path) for path in wanted if path in repo.files])

    def file(self, repo: StoredRepo, kind: str, revision: str, path: str) -> None:
        common = {"X-Repo-Commit": repo.sha}
        if self._gated and self.user is None:
            return self._refuse(401, "GatedRepo", f"Access to {repo.id} is restricted.")
        if path not in repo.files:
            return self._refuse(404, "EntryNotFound", "Entry not found", common)
        git, sha256 = repo.oids[path]
        if sha256 is None:
            return self._content(repo, path, common | {"ETag": f'"{git}"'})
        linked = {"X-Linked-Etag": f'"{sha256}"', "X-Linked-Size": str(repo.files[path].size)}
        # As on the Hub, another host holds what is large: clients drop their token, and do not ask for headers there.
        other_host = self.stand_in.endpoint.replace("127.0.0.1", "localhost")
        location = f"{other_host}/large/{kind}/{repo.id}/at/{path}"
        return self._send(302, b"", common | linked | {"Location": location})

    def large_file(self, repo_id: str, kind: str, path: str) -> None:
        repo = self.stand_in.repos[kind, repo_id]
        self._content(repo, path, {"ETag": f'"{repo.oids[path][1]}"'})

    def _content(self, repo: StoredRepo, path: str, headers: dict[str, str]) -> None:
        stored = repo.files[path]
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        start = int(asked[1]) if asked else 0
        end = min(int(asked[2]), stored.size - 1) if asked and asked[2] else stored.size - 1
        if asked and start >= stored.size:
            return self._send(416, b"", {"Content-Range": f"bytes */{stored.size}"})
        length = end - start + 1
        self.send_response(206 if asked else 200)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(length))
        if asked:
            self.send_header("Content-Range", f"bytes {start}-{end}/{stored.size}")
        self.end_headers()
        if self.command != "HEAD":
            self._send_pieces(stored, start, length, self.stand_in.failure(repo.id, serving=True))
        return None

    def _send_pieces(self, stored: Stored, start: int, length: int, failure: str | None) -> None:
        stop_after = length // 2 if failure in ("truncated", "stall") else length
        sent = 0
        for whole in stored.pieces(start):
            piece = whole[: stop_after - sent]
            if failure == "damaged" and sent == 0:
                piece = bytes([piece[0] ^ 1]) + piece[1:]
            if failure == "slow":
                self.stand_in.step.acquire()
            self.wfile.write(piece)
            sent += len(piece)
            if sent >= stop_after:
                break
        if failure == "stall":
            self.wfile.flush()
            self.stand_in.wait_for_the_end()
        self.close_connection = self.close_connection or sent < length

    # Taking a push

    def create(self) -> None:
        wanted = json.loads(self.body)
        owner, kind = wanted.get("organization") or self.user, f"{wanted.get('type', 'model')}s"
        repo_id = f"{owner}/{wanted['name']}"
        if self.user is None:
            return self._refuse(401, None, "Invalid username or password.")
        if owner != self.user:
            return self._refuse(403, None, f"You don't have the rights to create a {kind[:-1]} under {owner!r}")
        if (kind, repo_id) in self.stand_in.repos:
            return self._refuse(409, None, f"You already created this {kind[:-1]} repo")
        private = wanted.get("visibility") == "private" or bool(wanted.get("private"))
        repo = StoredRepo(repo_id, {".gitattributes": Stored(content=b"")}, private)
        repo.commit()
        self.stand_in.repos[kind, repo_id] = repo
        prefix = "" if kind == "models" else f"{kind}/"
        return self._json({"url": f"{self.stand_in.endpoint}/{prefix}{repo_id}", "name": repo_id, "id": repo_id})

    def validate(self) -> None:
        self._json({"errors": [], "warnings": []})

    def preupload(self, repo: StoredRepo, kind: str, revision: str) -> None:
        if not self._may_write(repo):
            return
        files = []
        for file in json.loads(self.body)["files"]:
            large = file["size"] > LARGE or file["path"].endswith(LARGE_SUFFIXES)
            files.append({"path": file["path"], "uploadMode": "lfs" if large else "regular", "shouldIgnore": False})
        self._json({"files": files})

    def lfs_batch(self, repo: StoredRepo, kind: str) -> None:
        if not self._may_write(repo):
            return
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            actions = {
                "upload": {"href": f"{self.stand_in.endpoint}/lfs/{wanted['oid']}", "header": {}},
                "verify": {"href": f"{self.stand_in.endpoint}/lfs/verify", "header": {}},
            }
            objects.append({"oid": wanted["oid"], "size": wanted["size"], "authenticated": True, "actions": actions})
        self._json({"transfer": "basic", "objects": objects})

    def lfs_upload(self, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            return self._refuse(400, None, "The content is not what its name says")
        self.stand_in.uploads[oid] = self.body
        return self._send(200, b"", {"ETag": f'"{oid}"'})

    def lfs_verify(self) -> None:
        known = json.loads(self.body)["oid"] in self.stand_in.uploads
        self._send(200 if known else 404, b"", {})

    def commit(self, repo: StoredRepo, kind: str, revision: str) -> None:
        if not self._may_write(repo):
            return
        for line in self.body.decode().splitlines():
            operation, value = json.loads(line)["key"], json.loads(line)["value"]
            if operation == "file":
                repo.files[value["path"]] = Stored(content=base64.b64decode(value["content"]))
            elif operation == "lfsFile":
                repo.files[value["path"]] = Stored(content=self.stand_in.uploads[value["oid"]])
            elif operation == "deletedFile":
                repo.files.pop(value["path"], None)
        repo.commit()
        url = f"{self.stand_in.endpoint}/{repo.id}/commit/{repo.sha}"
        self._json({"success": True, "commitOid": repo.sha, "commitUrl": url, "hookOutput": ""})

    def _may_write(self, repo: StoredRepo) -> bool:
        if self.user == repo.id.split("/")[0]:
            return True
        self._refuse(403, None, "You are not allowed to write to this repository")
        return False

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


def _entry(repo: StoredRepo, path: str) -> dict[str, Any]:
    git, sha256 = repo.oids[path]
    entry: dict[str, Any] = {"type": "file", "path": path, "size": repo.files[path].size, "oid": git}
    if sha256:
        entry["lfs"] = {"oid": sha256, "size": repo.files[path].size, "pointerSize": 130}
    return entry


def _front_matter(readme: Stored | None) -> dict[str, Any] | None:
    """The YAML block at the head of a README, which the Hub calls the card's data."""
    text = b"".join(readme.pieces()).decode() if readme else ""
    found = re.match(r"---\n(.*?\n)---\n", text, re.DOTALL)
    return yaml.safe_load(found[1]) if found else None


def _weights_of(repo: StoredRepo) -> dict[str, Any]:
    """What the Hub says of a model from its config and the header of its safetensors file."""
    found: dict[str, Any] = {}
    for name, read in (("config.json", _config), ("model.safetensors", _counted)):
        if name in repo.files:
            found |= read(repo.files[name])
    return found


def _config(stored: Stored) -> dict[str, Any]:
    try:
        config = json.loads(b"".join(stored.pieces()))
        return {"config": {key: config[key] for key in ("architectures", "model_type") if key in config}}
    except (ValueError, TypeError, RecursionError):
        return {}


def _counted(stored: Stored) -> dict[str, Any]:
    try:
        first = next(stored.pieces())
        (length,) = struct.unpack("<Q", first[:8])
        head = bytearray()
        for piece in stored.pieces(8):
            head += piece
            if len(head) >= length:
                break
        counts: dict[str, int] = {}
        for name, tensor in json.loads(head[:length]).items():
            if name != "__metadata__":
                size = 1
                for extent in tensor["shape"]:
                    size *= extent
                counts[tensor["dtype"]] = counts.get(tensor["dtype"], 0) + size
        return {"safetensors": {"parameters": counts, "total": sum(counts.values())}}
    except (ValueError, struct.error, StopIteration):
        return {}

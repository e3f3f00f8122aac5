"""The half of the Hub that lists and serves repositories."""

import json
import re
from typing import Any
from urllib.parse import parse_qs

from hub_stand_in.answers import Answers
from hub_stand_in.listing import entry, front_matter, weights_of
from hub_stand_in.stored import Stored, StoredRepo


class Reading(Answers):
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
            "cardData": front_matter(repo.files.get("README.md")),
        }
        if kind == "models":
            found |= {"modelId": repo.id} | weights_of(repo)
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
                entries.append(entry(repo, name))
        depth = len(path.split("/")) + 1 if path else 1
        shown = (folder for folder in sorted(folders) if recursive or folder.count("/") < depth)
        self._json([*({"type": "directory", "path": f, "size": 0, "oid": "0" * 40} for f in shown), *entries])

    def paths_info(self, repo: StoredRepo, kind: str, revision: str) -> None:
        if "json" in self.headers.get("Content-Type", ""):
            wanted = json.loads(self.body).get("paths", [])
        else:
            wanted = parse_qs(self.body.decode()).get("paths", [])
        self._json([entry(repo, path) for path in wanted if path in repo.files])

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

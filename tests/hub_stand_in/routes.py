"""Which address of the Hub is answered by what."""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from hub_stand_in.pushing import Pushing
from hub_stand_in.reading import Reading

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


@dataclass
class Request:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]


class Handler(Reading, Pushing):
    """Answers a request by the method its address names."""

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

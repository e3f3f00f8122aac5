"""The half of the Hub that takes a push: a new repository, large files, a commit."""

import base64
import hashlib
import json

from hub_stand_in.answers import Answers
from hub_stand_in.stored import Stored, StoredRepo, is_large


class Pushing(Answers):
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
            files.append(
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if is_large(file["path"], file["size"]) else "regular",
                    "shouldIgnore": False,
                }
            )
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

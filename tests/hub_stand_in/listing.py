"""What the Hub tells of a repository: its files, its card, its weights."""

import json
import re
import struct
from typing import Any

import yaml

from hub_stand_in.stored import Stored, StoredRepo


def entry(repo: StoredRepo, path: str) -> dict[str, Any]:
    """A file as the Hub lists it in a tree."""
    git, sha256 = repo.oids[path]
    found: dict[str, Any] = {"type": "file", "path": path, "size": repo.files[path].size, "oid": git}
    if sha256:
        found["lfs"] = {"oid": sha256, "size": repo.files[path].size, "pointerSize": 130}
    return found


def front_matter(readme: Stored | None) -> dict[str, Any] | None:
    """The YAML block at the head of a README, which the Hub calls the card's data."""
    text = b"".join(readme.pieces()).decode() if readme else ""
    found = re.match(r"---\n(.*?\n)---\n", text, re.DOTALL)
    return yaml.safe_load(found[1]) if found else None


def weights_of(repo: StoredRepo) -> dict[str, Any]:
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

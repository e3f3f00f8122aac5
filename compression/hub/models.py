"""Models of the Hub: whether one can be used, told before any weight is fetched, and fetching it."""

import json
import re
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compression.catalog import BUNDLED
from compression.hub.cache import (
    RemoteFile,
    Transfer,
    download_all,
    ignore,
    known_commits,
    remember_revision,
    snapshot,
)
from compression.hub.connection import PATIENCE_SECONDS, Repo, api, ask, gated, repository, token_to_send

if TYPE_CHECKING:
    from huggingface_hub.hf_api import DatasetInfo, ModelInfo

MAX_BYTES = 600_000_000
MAX_PARAMETERS = 150_000_000
_MAX_CONFIG_BYTES = 1_000_000

CONFIG = "config.json"
VOCABULARIES = ("tokenizer.json", "vocab.txt", "vocab.json", "sentencepiece.bpe.model", "spiece.model")
TOKENIZER = (*VOCABULARIES, "merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")


@dataclass(frozen=True)
class HubModel:
    """A model that passed every check that needs no weights; `files` is all that will be fetched, weights last."""

    id: str  # as asked for
    revision: str  # as asked for
    sha: str  # the commit that revision is
    files: tuple[RemoteFile, ...]
    size_bytes: int
    parameters: int | None  # as the Hub counts them; None where it does not
    model_type: str
    architectures: tuple[str, ...]
    current_id: str  # another one than `id` where the repository was renamed

    @property
    def pinned(self) -> str:
        """The id with its commit, which names the same bytes for ever."""
        return f"{self.id}@{self.sha}"


def check_model(
    model_id: str, revision: str | None = None, token: str | None = None, allowed: Collection[str] = ()
) -> HubModel:
    """What the model is, after every check that needs no weights: one request, and config.json if it is not cached.

    `allowed` are the model types to accept (any, where empty). Takes five seconds at most. Raises HubError with a
    sentence: not an id, offline, missing, private, gated, disabled, no safetensors, too large, own code, wrong type.
    """
    repo, hub = repository("model", model_id, revision), api(token)
    deadline = time.monotonic() + PATIENCE_SECONDS
    info = ask(
        repo,
        lambda: hub.model_info(repo.id, revision=repo.revision, files_metadata=True, timeout=PATIENCE_SECONDS),
        deadline,
    )
    sha, found = listed(repo, info, token)
    files = _wanted(repo, found)
    size = sum(file.size for file in files)
    counted = info.safetensors.total if info.safetensors else None
    if size > MAX_BYTES:
        raise _too_large(repo, f"{size / 1e6:,.0f} MB", f"{MAX_BYTES / 1e6:,.0f} MB")
    if counted is not None and counted > MAX_PARAMETERS:
        raise _too_large(repo, f"{counted / 1e6:,.0f} million parameters", f"{MAX_PARAMETERS / 1e6:,.0f} million")
    config = ask(repo, lambda: _config(repo, sha, files, token), deadline)
    _check_config(repo, config, allowed)
    architectures = config.get("architectures")
    return HubModel(
        id=repo.id,
        revision=repo.revision,
        sha=sha,
        files=files,
        size_bytes=size,
        parameters=counted,
        model_type=str(config.get("model_type")),
        architectures=tuple(map(str, architectures)) if isinstance(architectures, list) else (),
        current_id=info.id,
    )


def fetch_model(
    model: str | HubModel,
    revision: str | None = None,
    report: Transfer = ignore,
    token: str | None = None,
    allowed: Collection[str] = (),
    weights: bool = True,
) -> Path:
    """A folder with the model's config, tokenizer and (unless `weights` is False) safetensors, all at one commit.

    What is in the cache is used without any network; otherwise the model is checked first. `report` gets what is being
    done, bytes done and bytes in all, and stops the download by raising. Raises HubError or ResourceError.
    """
    if isinstance(model, str):
        repo = repository("model", model, revision)
        if (folder := cached_model(repo, weights)) is not None:
            return folder
        model = check_model(model, revision, token, allowed)
    else:
        repo = Repo("model", model.id, model.revision)
    wanted = [file for file in model.files if weights or not file.name.startswith("model")]
    download_all(repo, model.sha, wanted, report, token)
    remember_revision(repo, model.sha)
    return snapshot(repo, model.sha)


def cached_model(repo: Repo, weights: bool = True) -> Path | None:
    """The folder of the model in the cache if it is there whole, None otherwise; no network is used."""
    folders = (snapshot(repo, sha) for sha in known_commits(repo))
    return next((folder for folder in folders if _whole(folder, weights)), None)


def listed(repo: Repo, info: "ModelInfo | DatasetInfo", token: str | None) -> tuple[str, list[RemoteFile]]:
    """The commit and the files of a repository from what the Hub says of it. Raises HubError if it may not be read."""
    if info.disabled:
        raise repo.refused(f"{repo.id} has been disabled on the Hub. Choose another, or use '{BUNDLED}'.")
    if info.gated and not token_to_send(token):
        raise repo.refused(gated(repo))
    if info.private and not token_to_send(token):
        raise repo.refused(f"{repo.id} is private. Make it public, give your token, or use '{BUNDLED}'.")
    if not info.sha or not info.siblings:
        raise repo.refused(f"{repo.id} is empty. Choose another, or use '{BUNDLED}'.")
    files = [
        RemoteFile(s.rfilename, s.size, s.lfs.sha256 if s.lfs else None, s.blob_id)
        for s in info.siblings
        if s.size is not None and s.blob_id is not None and ".." not in s.rfilename.split("/")
    ]
    return info.sha, files


def _wanted(repo: Repo, found: list[RemoteFile]) -> tuple[RemoteFile, ...]:
    """Config, tokenizer and weights among the files, in this order. Raises HubError where one is missing."""
    files = {file.name: file for file in found}
    if CONFIG not in files:
        raise repo.refused(f"{repo.id} has no config.json, so it is no transformers model. Choose another.")
    shards = [name for name in sorted(files) if _SHARD.fullmatch(name)]
    weights = [WEIGHTS] if WEIGHTS in files else [INDEX, *shards] if INDEX in files and shards else []
    if not weights:
        pickled = any(name.endswith((".bin", ".pt", ".pth", ".ckpt", ".pkl")) for name in files)
        held = "has its weights only as pickles, which can run code" if pickled else "has no safetensors weights"
        raise repo.refused(f"{repo.id} {held}. Choose a model saved as safetensors, or use '{BUNDLED}'.")
    return tuple(files[name] for name in (CONFIG, *TOKENIZER, *weights) if name in files)


def _config(repo: Repo, sha: str, files: tuple[RemoteFile, ...], token: str | None) -> dict[str, Any]:
    file = next(file for file in files if file.name == CONFIG)
    if file.size > _MAX_CONFIG_BYTES:
        raise repo.refused(f"The config.json of {repo.id} is {file.size:,} bytes long. Choose another model.")
    (path,) = download_all(repo, sha, [file], token=token)
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        config = None
    if not isinstance(config, dict):
        raise repo.refused(f"The config.json of {repo.id} cannot be read. Choose another model, or use '{BUNDLED}'.")
    return config


def _check_config(repo: Repo, config: dict[str, Any], allowed: Collection[str]) -> None:
    if "auto_map" in config:
        raise repo.refused(
            f"{repo.id} wants to run code of its own (auto_map), which is never done here. "
            f"Choose another model, or use '{BUNDLED}'."
        )
    if allowed and str(config.get("model_type")) not in allowed:
        raise repo.refused(
            f"{repo.id} is a model of type {str(config.get('model_type'))[:50]!r}. "
            f"Supported are {', '.join(allowed)}; or use '{BUNDLED}'."
        )


def _too_large(repo: Repo, has: str, limit: str) -> Exception:
    return repo.refused(f"{repo.id} has {has}; {limit} is the most here. Choose a smaller model, or use '{BUNDLED}'.")


def _whole(folder: Path, weights: bool) -> bool:
    """Whether config, a vocabulary and, if asked for, all weights are in the folder."""
    held = {path.name for path in folder.iterdir() if path.is_file()} if folder.is_dir() else set()
    if CONFIG not in held or held.isdisjoint(VOCABULARIES):
        return False
    if not weights or WEIGHTS in held:
        return True
    try:
        shards = json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values()
    except (OSError, ValueError, KeyError, AttributeError):
        return False
    return held.issuperset(shards)

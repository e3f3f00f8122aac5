"""Data sets of the Hub: their splits, from the card or from file names, and fetching the files of some of them."""

import json
import re
import time
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from compression.catalog import BUNDLED, SPLIT_NAMES
from compression.hub.cache import (
    RemoteFile,
    Transfer,
    download_all,
    has,
    ignore,
    known_commits,
    remember_revision,
    storage,
    write_atomically,
)
from compression.hub.connection import PATIENCE_SECONDS, Repo, api, ask, repository
from compression.hub.models import listed

MAX_BYTES = 200_000_000
SUFFIXES = (".parquet", ".csv")  # the better form first
_NAMES = tuple(dict.fromkeys(name for names in SPLIT_NAMES.values() for name in names))


@dataclass(frozen=True)
class HubData:
    """A data set that passed every check that needs no rows, with the files of each split."""

    id: str  # as asked for
    revision: str  # as asked for
    sha: str  # the commit that revision is
    splits: dict[str, tuple[RemoteFile, ...]]
    size_bytes: int
    current_id: str  # another one than `id` where the repository was renamed

    @property
    def pinned(self) -> str:
        """The id with its commit, which names the same bytes for ever."""
        return f"{self.id}@{self.sha}"


def check_dataset(data_id: str, revision: str | None = None, token: str | None = None) -> HubData:
    """What the data set holds, split by split, by its own names for them, in one request.

    Takes five seconds at most. Raises HubError with a sentence: not an id, offline, missing, private, gated, disabled,
    a loading script, no readable files, several configurations, too large.
    """
    repo, hub = repository("dataset", data_id, revision), api(token)
    info = ask(
        repo,
        lambda: hub.dataset_info(repo.id, revision=repo.revision, files_metadata=True, timeout=PATIENCE_SECONDS),
        time.monotonic() + PATIENCE_SECONDS,
    )
    sha, found = listed(repo, info, token)
    if any(file.name == f"{info.id.rpartition('/')[2]}.py" for file in found):
        raise repo.refused(
            f"{repo.id} is read by a script of its own, which is never run here. "
            f"Choose one made of Parquet or CSV files, or use '{BUNDLED}'."
        )
    splits = _splits(repo, found, getattr(info.card_data, "configs", None))
    size = sum(file.size for files in splits.values() for file in files)
    if size > MAX_BYTES:
        raise repo.refused(
            f"{repo.id} has {size / 1e6:,.0f} MB; {MAX_BYTES / 1e6:,.0f} MB is the most here. "
            f"Choose a smaller data set, or use '{BUNDLED}'."
        )
    return HubData(repo.id, repo.revision, sha, splits, size, info.id)


def fetch_dataset(
    data: str | HubData,
    revision: str | None = None,
    report: Transfer = ignore,
    token: str | None = None,
    wanted: Collection[str] | None = None,
) -> dict[str, list[Path]]:
    """Split name → files (Parquet or CSV), all at one commit; only the `wanted` splits that exist, if given.

    What is in the cache is used without any network; otherwise the data set is checked first. `report` gets what is
    being done, bytes done and bytes in all, and stops the download by raising. Raises HubError or ResourceError.
    """
    if isinstance(data, str):
        repo = repository("dataset", data, revision)
        data = cached_dataset(repo, wanted) or check_dataset(data, revision, token)
    else:
        repo = Repo("dataset", data.id, data.revision)
    write_atomically(_contents(repo, data.sha), json.dumps(asdict(data)))
    splits = {
        name: download_all(repo, data.sha, files, report, token)
        for name, files in data.splits.items()
        if wanted is None or name in wanted
    }
    remember_revision(repo, data.sha)
    return splits


def cached_dataset(repo: Repo, wanted: Collection[str] | None = None) -> HubData | None:
    """The data set as it was checked before, if the files of all wanted splits are in the cache; no network is used."""
    for sha in known_commits(repo):
        try:
            found = json.loads(_contents(repo, sha).read_text(encoding="utf-8"))
            splits = {name: tuple(RemoteFile(**file) for file in files) for name, files in found["splits"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
        files = [file for name, held in splits.items() if wanted is None or name in wanted for file in held]
        if all(has(repo, sha, file) for file in files):
            return HubData(repo.id, repo.revision, sha, splits, int(found["size_bytes"]), str(found["current_id"]))
    return None


def _contents(repo: Repo, sha: str) -> Path:
    """Where the cache keeps what `check_dataset` found: without it, half a data set would look like a whole one."""
    return storage(repo) / "splits" / f"{sha}.json"


def _splits(repo: Repo, found: list[RemoteFile], configs: Any) -> dict[str, tuple[RemoteFile, ...]]:
    files = [f for f in found if f.name.endswith(SUFFIXES)]
    if not files:
        raise repo.refused(
            f"{repo.id} has no Parquet or CSV files that can be read directly. "
            f"Choose another data set, or use '{BUNDLED}'."
        )
    declared = _declared(repo, files, configs)
    splits = declared or _by_name(_best_form(files))
    return {name: tuple(held) for name, held in splits.items()}


def _declared(repo: Repo, files: list[RemoteFile], configs: Any) -> dict[str, list[RemoteFile]] | None:
    """The splits that the card's `configs` block names, None where it names none of these files."""
    configs = [c for c in configs if isinstance(c, dict)] if isinstance(configs, list) else []
    if not configs:
        return None
    chosen = [c for c in configs if c.get("default") is True] or [c for c in configs if _name(c) == "default"]
    if not chosen and len(configs) > 1:
        names = ", ".join(_name(config)[:40] for config in configs[:8])
        raise repo.refused(
            f"{repo.id} holds several data sets ({names}) and does not say which is meant. "
            "Download the one you want and give its files, or choose another."
        )
    data_files = (chosen or configs)[0].get("data_files")
    if isinstance(data_files, str) or (isinstance(data_files, list) and all(isinstance(d, str) for d in data_files)):
        data_files = [{"split": "train", "path": data_files}]
    splits: dict[str, list[RemoteFile]] = {}
    for entry in data_files if isinstance(data_files, list) else []:
        path = entry.get("path") if isinstance(entry, dict) else None
        patterns = [str(p) for p in (path if isinstance(path, list) else [path])]
        matched = [file for file in files if any(_matches(file.name, pattern) for pattern in patterns)]
        if matched:
            splits.setdefault(str(entry.get("split", "train")), []).extend(matched)
    return splits or None


def _by_name(files: Iterable[RemoteFile]) -> dict[str, list[RemoteFile]]:
    """Splits by the words in file and folder names; files without such a word are one 'train', or left out."""
    splits: dict[str, list[RemoteFile]] = {}
    for file in files:
        words = [word for word in re.split(r"[^a-z]+", file.name.lower()) if word]
        found = next((word for word in reversed(words) if word in _NAMES), "")
        splits.setdefault(found, []).append(file)
    unnamed = splits.pop("", [])
    return {name: splits[name] for name in _NAMES if name in splits} or {"train": unnamed}


def _best_form(files: list[RemoteFile]) -> list[RemoteFile]:
    """The files of the best of the forms there are: the same rows are often offered as Parquet and as CSV."""
    best = next(suffix for suffix in SUFFIXES if any(file.name.endswith(suffix) for file in files))
    return [file for file in files if file.name.endswith(best)]


def _matches(name: str, pattern: str) -> bool:
    pattern = pattern.removeprefix("./")
    return fnmatchcase(name, pattern) or fnmatchcase(name, pattern.removeprefix("**/"))


def _name(config: dict[str, Any]) -> str:
    return str(config.get("config_name", "default"))

"""Bad surroundings: the Hub in all its moods, a network that hangs, disks that are full, homes nobody may write to."""

import errno
import json
import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tiny

from bad_input import Bad, Bench, File, Given, Options, Recipe, data, options, teacher
from bad_input.models import HUGE

FIVE_SECONDS = 5.0
NOWHERE = "/dev/null/compression-lab"  # a place where nobody, not even root, can make a folder

LARGEST = {"student.init": "random", "student.layers": 48, "student.heads": 16}
LARGEST |= {"student.hidden_size": 2048, "student.intermediate_size": 8192}


def _served(change: Callable[[Path], object] = lambda folder: None, failure: Any = None) -> Callable[[Bench], Given]:
    """A model of the Hub, made from a tiny one."""

    def make(bench: Bench) -> str:
        folder = bench.model()
        change(folder)
        bench.hub.add_model("someone/model", folder)
        if failure:
            bench.hub.fail("someone/model", failure)
        return "someone/model"

    return teacher(make)


def _told(**config: Any) -> Callable[[Bench], Given]:
    def change(folder: Path) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | config))

    return _served(change)


def _pickled(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def _listed(folder: Path) -> None:
    (folder / "config.json").write_text("[]")


def _unknown_revision(bench: Bench) -> Given:
    _served()(bench)
    return Recipe({"teacher": "someone/model@v9", "student.layers": 1})


def _dataset(name: str, content: str) -> Callable[[Bench], Given]:
    def make(bench: Bench) -> str:
        bench.hub.add_dataset("someone/urls", bench.file(f"repository/{name}", content).parent)
        return "someone/urls"

    return data(make)


def _hanging_proxy(bench: Bench) -> Given:
    """A proxy that takes every call and never says a word."""
    from huggingface_hub import close_session

    listening = bench.open.enter_context(socket.create_server(("127.0.0.1", 0)))
    proxy = f"http://127.0.0.1:{listening.getsockname()[1]}"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        bench.patch.setenv(name, proxy)
    bench.patch.setenv("NO_PROXY", "")
    bench.patch.setenv("no_proxy", "")
    bench.patch.setenv("HF_ENDPOINT", "http://hub.example")
    close_session()  # the library keeps its connections, and with them the way they go
    return Recipe({"teacher": "someone/model", "student.layers": 1})


def _no_network(bench: Bench) -> Given:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        bench.patch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{closed.getsockname()[1]}")
    return Recipe({"teacher": "someone/model", "student.layers": 1})


def _read_only_cache(bench: Bench) -> Given:
    from huggingface_hub import constants

    bench.patch.setattr(constants, "HF_HUB_CACHE", f"{NOWHERE}/hub")
    return _served()(bench)


def _read_only_home(bench: Bench) -> Given:
    bench.patch.setenv("COMPRESSION_HOME", NOWHERE)
    return Options(("serve", "--port", "1"))


def _hosted(given: Callable[[Bench], Given]) -> Callable[[Bench], Given]:
    """The same on a Space, where visitors are strangers."""

    def make(bench: Bench) -> Given:
        made = given(bench)
        bench.patch.setenv("SPACE_ID", "someone/space")
        return made

    return make


def _linked_folder(bench: Bench) -> Path:
    (bench.folder / "link").symlink_to(bench.teacher)
    return bench.folder / "link"


@contextmanager
def small_disk(limit: int = 150_000) -> Iterator[None]:
    """No file may grow beyond the limit, for the whole process: what a full disk does to a large file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _small_run(bench: Bench) -> Given:
    tiny.save_splits(bench.folder / "data")
    return Recipe(
        {"teacher": str(bench.teacher), "data": str(bench.folder / "data"), "student.layers": 1, "device": "cpu"}
        | {"distillation.epochs": 1, "distillation.max_length": 48, "training.precision": "fp32"}
    )


def _full_home(bench: Bench) -> Given:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    bench.patch.setattr(Path, "replace", full)  # the last step of keeping an upload
    return File(tiny.save_csv(bench.folder / "urls.csv", tiny.urls(60)))


def _full_output(bench: Bench) -> Given:
    """What the run writes first goes to a device that is always full."""
    (bench.file("run/x", "").parent / "config.tmp").symlink_to("/dev/full")
    (bench.folder / "run" / "x").unlink()
    return Options(("run", "--output", bench.folder / "run", "--overwrite"))


TABLE = [
    Bad(
        "a model the Hub does not have",
        "misspelt, gone or private",
        teacher(lambda bench: "someone/nothing"),
        seconds=FIVE_SECONDS,
    ),
    Bad("a private model", "private", _served(failure="private"), seconds=FIVE_SECONDS),
    Bad("a gated model", "gated", _served(failure="gated"), seconds=FIVE_SECONDS),
    Bad("a disabled model", "disabled", _served(failure="disabled"), seconds=FIVE_SECONDS),
    Bad("a Hub that has had enough", "too many requests", _served(failure="rate-limited"), seconds=FIVE_SECONDS),
    Bad("a Hub that fails", "500", _served(failure="broken"), seconds=FIVE_SECONDS),
    Bad("a Hub that never answers", "in time", _served(failure="hang"), seconds=FIVE_SECONDS),
    Bad("a hotel's sign-in page", "sign-in page", _served(failure="sign-in page"), seconds=FIVE_SECONDS),
    Bad("a download that breaks off", "broke off", _served(failure="truncated")),
    Bad("a download that arrives damaged", "damaged", _served(failure="damaged")),
    Bad("a revision that is not there", "revision", _unknown_revision),
    Bad("a pickle on the Hub", "pickle", _served(_pickled)),
    Bad("code of its own on the Hub", "auto_map", _told(auto_map={"AutoModel": "evil.Model"})),
    Bad("another type on the Hub", "gpt2", _told(model_type="gpt2")),
    Bad("79 billion parameters on the Hub", "million", _told(**HUGE)),
    Bad("a config on the Hub that is a list", "config.json", _served(_listed)),
    Bad("a data set read by a script", "script", _dataset("urls.py", "raise SystemExit")),
    Bad("a data set of pictures", "Parquet or CSV", _dataset("cat.png", "meow")),
    Bad("a data set without labels", "column", _dataset("train.csv", "url\nhttp://a.test/\n")),
    Bad("a proxy that hangs", "cannot be reached", _hanging_proxy, seconds=FIVE_SECONDS),
    Bad("no network", "cannot be reached", _no_network, seconds=FIVE_SECONDS),
    Bad("a cache nobody may write to", "HF_HOME", _read_only_cache),
    Bad("a home nobody may write to", "COMPRESSION_HOME", _read_only_home, page=False),
    Bad("an output nobody may write to", NOWHERE, options("run", "--output", f"{NOWHERE}/run"), page=False),
    Bad("a full disk", "No space left", _full_output, page=False),
    Bad("a disk that is full for models", "disk", _small_run, around=small_disk),
    Bad("a path on a Space", "local files", _hosted(data(lambda bench: "/etc/passwd")), command=False),
    Bad("a path out of a Space", "local files", _hosted(data(lambda bench: "../../urls.csv")), command=False),
    Bad("a link to a folder on a Space", "local files", _hosted(teacher(_linked_folder)), command=False),
    Bad("a path of this host, as data", ".csv", data(lambda bench: "/etc/passwd")),
    Bad("a student too large for a Space", "million parameters", _hosted(lambda bench: Recipe(LARGEST))),
    Bad("an upload to a full disk", "disk", _full_home, command=False),
]

"""Prints how fast the page starts, how much memory it holds, and by how much sessions and runs make that grow.

    python tests/benchmarks/memory.py [--rounds 3] [--sessions 200] [--runs 20]

Start-up: `python app.py` until GET / is answered, against an interpreter that imports gradio, torch and transformers;
alternating, each in a process of its own. Memory: the resident set of one `python app.py` and of the
processes it starts, from /proc, so Linux alone. A session opens the page, loads it, holds its heartbeat, has a URL
classified and leaves; a run is a tiny recipe sent to the page like any other. A few of each come first and do not
count: what they load stays, and is no growth.
"""

import argparse
import os
import platform
import re
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import httpx2  # noqa: E402
from bad_input.site import Site  # noqa: E402
from bad_input.visitor import Visitor  # noqa: E402
from processes import children  # noqa: E402

BARE = "import gradio, torch, transformers"
IMPORT = "import time; t = time.perf_counter(); import compression; print(time.perf_counter() - t)"
PATIENCE_S = 300.0
FIRST_SESSIONS, FIRST_RUNS = 20, 3
MB = 1e6


@dataclass(frozen=True)
class Figure:
    """One line of the table; a figure above its bar misses it."""

    name: str
    value: float
    unit: str
    bar: float | None = None

    def line(self) -> str:
        verdict = "" if self.bar is None else f"bar {self.bar:g}: {'met' if self.value <= self.bar else 'MISSED'}"
        return f"{self.name:<58}{self.value:>10.3f} {self.unit:<12}{verdict}"


def environment(home: Path) -> dict[str, str]:
    """What the processes that are measured see: a home of their own, and no network."""
    return os.environ | {"COMPRESSION_HOME": str(home), "GRADIO_TEMP_DIR": str(home / "passing"), "HF_HUB_OFFLINE": "1"}


@contextmanager
def app(home: Path) -> Iterator[tuple[int, str]]:
    """`python app.py` once it has answered: its process id and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    variables = environment(home) | {"GRADIO_SERVER_PORT": str(port)}
    log = (home / "log.txt").open("ab")
    process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=variables, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/"
    try:
        deadline = time.monotonic() + PATIENCE_S
        while not answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"app.py did not start:\n{(home / 'log.txt').read_text()}")
            time.sleep(0.02)
        yield process.pid, url
    finally:
        process.terminate()
        process.wait()
        log.close()


def answers(port: int) -> bool:
    """Whether GET / is answered; asked as cheaply as can be, for it takes from the cores that the app starts on."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def startup(rounds: int) -> Iterator[Figure]:
    """The first page against the bare imports, and the package alone."""
    bare, page, package = [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            home = Path(folder)
            begun = time.perf_counter()
            subprocess.run([sys.executable, "-c", BARE], cwd=ROOT, env=environment(home), check=True)
            bare.append(time.perf_counter() - begun)
            begun = time.perf_counter()
            with app(home):
                page.append(time.perf_counter() - begun)
            found = subprocess.run([sys.executable, "-c", IMPORT], cwd=ROOT, capture_output=True, text=True, check=True)
            package.append(float(found.stdout))
    imports, first = statistics.median(bare), statistics.median(page)
    yield Figure(f"bare imports (median of {rounds})", imports, "s")
    yield Figure(f"app.py until the first page (median of {rounds})", first, "s")
    yield Figure("the first page against the bare imports", first / imports, "times", 1.5)
    yield Figure(f"import compression (median of {rounds})", statistics.median(package), "s", 0.3)


def resident(pid: int) -> float:
    """Megabytes of memory that a process and those it has started hold."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    assert found
    return int(found[1]) * 1024 / MB + sum(map(resident, children(pid)))


def settled(pid: int) -> float:
    """Resident megabytes once they have not moved by one in three seconds."""
    held = resident(pid)
    while True:
        time.sleep(3)
        if abs((now := resident(pid)) - held) < 1:
            return now
        held = now


@contextmanager
def heartbeat(url: str, session_hash: str) -> Iterator[None]:
    """What a tab holds open while it is there; httpx2 keeps its end open, and the server would see nobody leave."""
    connection = HTTPConnection("127.0.0.1", int(url.rstrip("/").rpartition(":")[2]), timeout=PATIENCE_S)
    connection.request("GET", f"/gradio_api/heartbeat/{session_hash}")
    response = connection.getresponse()
    response.readline()
    yield
    response.close()
    connection.close()


def session(site: Site) -> None:
    """One visitor: opens the page and loads it, has a URL classified, and leaves."""
    with Visitor(site) as visitor:
        visitor.http.get("/").raise_for_status()
        visitor.http.get("/config").raise_for_status()
        with heartbeat(site.url, visitor.session):
            for element, event in (("page", "load"), ("timer", "tick"), ("teacher", "change")):
                assert visitor.press(element, event=event).success
            url = f"http://{secrets.token_hex(8)}.example/login"
            assert "verdict" in visitor.press("classify", {"url": url}).body


def run(visitor: Visitor, settings: dict[str, Any], seed: int) -> None:
    """One run, from the button to its end."""
    answer = visitor.press("run", settings | {"seed": seed})
    assert not answer.alerts, answer.alerts
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        shown = visitor.progress()
        if "status succeeded" in shown:
            return
        assert "status failed" not in shown, shown
        time.sleep(0.2)
    raise SystemExit("A run did not end.")


def wait_for_torch(site: Site) -> None:
    """The app loads torch once it serves, for the first estimate: whoever asks for one waits until that is done."""
    with Visitor(site) as visitor:
        assert visitor.press("teacher", event="change").success


def growth(sessions: int, runs: int) -> Iterator[Figure]:
    """The idle app, and what sessions and runs add to it."""
    import tiny

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        settings: dict[str, Any] = {
            "teacher": str(tiny.save_model(home / "teacher")),
            "data": str(tiny.save_splits(home / "data")),
            "student.layers": 1,
            "distillation.epochs": 1,
            "distillation.max_length": 48,
            "quantization.scheme": "packed-int8",
        }
        with app(home) as (pid, url):
            site = Site(url, None, httpx2.get(f"{url}config", trust_env=False).json(), None)  # type: ignore[arg-type]
            wait_for_torch(site)
            yield Figure("resident, idle", settled(pid), "MB")
            for _ in range(2):  # between the two, the models get the runtime that has been chosen for them meanwhile
                for _ in range(FIRST_SESSIONS):
                    session(site)
                before = settled(pid)
            yield Figure(f"resident, {2 * FIRST_SESSIONS} sessions later", before, "MB")
            for _ in range(sessions):
                session(site)
            yield Figure(f"growth by {sessions} more sessions", (settled(pid) - before) / sessions, "MB each", 1)
            with Visitor(site) as visitor:
                for seed in range(FIRST_RUNS):
                    run(visitor, settings, seed)
                before = settled(pid)
                yield Figure(f"resident, {FIRST_RUNS} runs later", before, "MB")
                for seed in range(FIRST_RUNS, FIRST_RUNS + runs):
                    run(visitor, settings, seed)
                yield Figure(f"growth by {runs} more runs", (settled(pid) - before) / runs, "MB each", 5)


def cpu() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def main() -> None:
    """Measures, and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sessions", type=int, default=200)
    parser.add_argument("--runs", type=int, default=20)
    given = parser.parse_args()
    packages = ", ".join(f"{name} {version(name)}" for name in ("gradio", "torch", "transformers"))
    print(f"{cpu()}, {os.cpu_count()} cores; Python {platform.python_version()}, {packages}; {time.strftime('%F')}")
    for figure in chain(startup(given.rounds), growth(given.sessions, given.runs)):
        print(figure.line(), flush=True)


if __name__ == "__main__":
    main()

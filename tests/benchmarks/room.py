"""A room of visitors on one machine: each watches, classifies once a second and presses Run, while a training goes on.

    PYTHONPATH=.:tests:tests/benchmarks python tests/benchmarks/room.py [--visitors 30]

The app runs in a process of its own, the visitors are threads that speak HTTP to it. Three runs of Quick: the first
fills the caches, the second goes on alone, the third in company, once all have opened the page; the two are compared.
Each visitor asks about URLs of their own, at moments of their own, and starts a run of their own; the verdicts are
compared with the engine's, and each run has to end well.
"""

import argparse
import os
import random
import re
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
from bad_input.site import Site
from bad_input.visitor import Visitor
from memory import app, wait_for_torch

PATIENCE_S = 600.0
BAR_MS, BAR_SLOWER = 500.0, 2.0
QUICK = {"device": "cpu"}


@dataclass
class Seen:
    """What one visitor met: verdicts, milliseconds of each classification, what was wrong, how their run ended."""

    unsafe: dict[str, bool] = field(default_factory=dict)  # by URL: whether the page said Not Safe
    classified_ms: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    ended: str = "never"


def ending(visitor: Visitor, card: str = "") -> str:
    """How the run on show ends, watched once a second; `card` is how it was drawn last."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        card = visitor.progress() or card
        for status in ("succeeded", "failed", "cancelled", "interrupted"):
            if f"status {status}" in card:
                return status
        time.sleep(1)
    return "never"


def quick(site: Site, seed: int) -> float:
    """Seconds from the start of a run of Quick to its end."""
    with Visitor(site) as visitor:
        begun = time.perf_counter()
        answer = visitor.press("run", QUICK | {"seed": seed})
        assert not answer.alerts, answer.alerts
        assert ending(visitor) == "succeeded"
        return time.perf_counter() - begun


def visit(
    site: Site, number: int, small: dict[str, Any], here: threading.Barrier, over: threading.Event, seen: Seen
) -> None:
    """One visitor, from opening the page until their own run has ended."""
    dice = random.Random(number)
    pressed, card = False, ""
    kept = httpx2.Limits()  # connections stay open, as a browser's do
    # Two tabs: in one their run, in one the bundled model.
    with Visitor(site, limits=kept) as visitor, Visitor(site, limits=kept) as asking:
        visitor.http.get("/").raise_for_status()
        visitor.press("page", event="load")
        visitor.progress()
        asking.press("timer", event="tick")
        here.wait()
        time.sleep(dice.random())  # people do not click in step
        press_at = time.monotonic() + dice.uniform(0, 30)
        while not (over.is_set() and pressed):
            second = time.monotonic()
            url = (
                f"http://room-{number}-{dice.randrange(10**6)}.example/{dice.choice(('login', 'docs', 'verify?id=1'))}"
            )
            asked = time.perf_counter()
            answer = asking.press("classify", {"url": url})
            seen.classified_ms.append((time.perf_counter() - asked) * 1000)
            if set(re.findall(r"room-(\d+)-", answer.body)) != {str(number)}:
                seen.wrong.append("another's verdict, or none")
            seen.unsafe[url] = "verdict unsafe" in answer.body
            card = visitor.progress() or card
            if not pressed and time.monotonic() >= press_at:
                pressed, card = True, ""
                seen.wrong += visitor.press("run", small | {"seed": 1000 + number}).alerts
            time.sleep(max(0.0, second + 1 - time.monotonic()))
        seen.ended = ending(visitor, card)


def misjudged(seen: list[Seen]) -> list[str]:
    """The URLs whose verdict on the page was not the engine's; computed when the room is empty."""
    import torch

    from compression.artefacts.folder import load
    from compression.catalog import BUNDLED_TEACHER
    from compression.predict.predictor import THRESHOLD, Predictor

    said = {url: unsafe for each in seen for url, unsafe in each.unsafe.items()}
    found = Predictor(load(BUNDLED_TEACHER, torch.device("cpu"))).probabilities(list(said))
    return [url for (url, unsafe), p in zip(said.items(), found, strict=True) if unsafe != (p >= THRESHOLD)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visitors", type=int, default=30)
    visitors = parser.parse_args().visitors
    import tiny

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        small: dict[str, Any] = {
            "teacher": str(tiny.save_model(home / "teacher")),
            "data": str(tiny.save_splits(home / "data")),
            "student.layers": 1,
            "distillation.epochs": 1,
            "distillation.max_length": 48,
            "quantization.scheme": "packed-int8",
        }
        with app(home) as (_, url):
            site = Site(url, None, httpx2.get(f"{url}config", trust_env=False).json(), None)  # type: ignore[arg-type]
            wait_for_torch(site)
            quick(site, 0)
            alone = quick(site, 1)
            here, over = threading.Barrier(visitors + 1), threading.Event()
            seen = [Seen() for _ in range(visitors)]
            room = [
                threading.Thread(target=visit, args=(site, number, small, here, over, each))
                for number, each in enumerate(seen)
            ]
            for thread in room:
                thread.start()
            here.wait()
            together = quick(site, 2)
            over.set()
            for thread in room:
                thread.join()
    report(seen, alone, together)


def report(seen: list[Seen], alone: float, together: float) -> None:
    times = [ms for each in seen for ms in each.classified_ms]
    faults = [fault for each in seen for fault in each.wrong] + misjudged(seen)
    p50, p95 = np.percentile(times, [50, 95])
    print(f"{len(seen)} visitors, {len(times)} classifications, {os.cpu_count()} cores")
    print(f"classify: p50 {p50:.0f} ms, p95 {p95:.0f} ms; bar {BAR_MS:.0f}: {'met' if p95 < BAR_MS else 'MISSED'}")
    slower = together / alone
    met = "met" if slower < BAR_SLOWER else "MISSED"
    print(f"Quick: {alone:.1f} s alone, {together:.1f} s in company, {slower:.2f}×; bar {BAR_SLOWER}×: {met}")
    print(f"faults: {len(faults)} {sorted(set(faults))[:5]}; own runs: {sorted(each.ended for each in seen)[:5]}")
    well = not faults and all(each.ended == "succeeded" for each in seen)
    print(f"every verdict right and its own, every run ended well: {'met' if well else 'MISSED'}")


if __name__ == "__main__":
    sys.exit(main())

"""Which runs must give up their files so that all of them together stay within what the disk is meant to hold."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Held:
    """A run that has ended, and what it holds on the disk."""

    run_id: str
    owner: str
    work: str
    size_bytes: int
    pinned: bool
    deleted: float | None
    ended: float


def too_many(held: Iterable[Held], visitor_bytes: int, artefact_bytes: int, spare: Collection[str]) -> list[str]:
    """The ids of the runs to take the files from, so that no visitor's weigh more than one number of bytes, nor all.

    What was deleted goes first, then the oldest; what is pinned goes last. Files that several runs share count once in
    all and once for each visitor, and are gone when the last of these runs is without them. What the computations named
    in `spare` made is never taken.
    """
    held = sorted(held, key=_order)
    gone: dict[str, None] = {}
    for owner in {run.owner: None for run in held}:
        own = [run for run in held if run.owner == owner]
        excess = sum(run.size_bytes for run in own) - visitor_bytes
        for run in own:
            if excess > 0 and run.work not in spare:
                gone[run.run_id] = None
                excess -= run.size_bytes
    shared: dict[str, list[Held]] = {}
    for run in held:
        if run.run_id not in gone:
            shared.setdefault(run.work, []).append(run)
    excess = sum(runs[0].size_bytes for runs in shared.values()) - artefact_bytes
    for work, runs in sorted(shared.items(), key=lambda item: max(map(_order, item[1]))):
        if excess > 0 and work not in spare:
            gone |= dict.fromkeys(run.run_id for run in runs)
            excess -= runs[0].size_bytes
    return list(gone)


def _order(run: Held) -> tuple[bool, bool, float]:
    return run.deleted is None, bool(run.pinned), run.ended

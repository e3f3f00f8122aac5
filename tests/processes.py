"""What this machine says of processes, from /proc."""

from pathlib import Path


def alive(pid: int) -> bool:
    """Whether a process goes on; one that has ended may still await that somebody takes note."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children(pid: int) -> list[int]:
    """The processes that any thread of a process has started, and that go on."""
    return [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]

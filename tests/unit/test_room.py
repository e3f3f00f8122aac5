"""Whose files go when the disk is meant to hold less."""

from compression.runs.room import Held, too_many

PLENTY = 10**9


def held(run_id: str, owner: str = "ann", size: int = 10, ended: float = 0.0, **more: object) -> Held:
    values = {"work": f"of {run_id}", "pinned": False, "deleted": None, **more}
    return Held(run_id=run_id, owner=owner, size_bytes=size, ended=ended, **values)  # type: ignore[arg-type]


def test_within_the_limits_nothing_goes() -> None:
    assert too_many([held("a"), held("b", "bob")], 10, 20, ()) == []


def test_a_visitors_oldest_go_until_the_rest_fits() -> None:
    runs = [held("new", ended=3), held("old", ended=1), held("mid", ended=2), held("other", "bob", 500, ended=0)]
    assert too_many(runs, 500, PLENTY, ()) == []
    assert too_many([*runs, held("big", size=490, ended=4)], 505, PLENTY, ()) == ["old", "mid"]


def test_what_was_deleted_goes_first_and_what_is_pinned_last() -> None:
    runs = [held("pinned", ended=1, pinned=True), held("old", ended=2), held("deleted", ended=3, deleted=4.0)]
    assert too_many(runs, 20, PLENTY, ()) == ["deleted"]
    assert too_many(runs, 10, PLENTY, ()) == ["deleted", "old"]
    assert too_many(runs, 9, PLENTY, ()) == ["deleted", "old", "pinned"]


def test_in_all_the_oldest_go_whosever_they_are() -> None:
    runs = [held("a", "ann", ended=1), held("b", "bob", ended=0), held("c", "cyd", ended=2)]
    assert too_many(runs, PLENTY, 25, ()) == ["b"]


def test_shared_files_count_once_and_go_for_all_who_share_them() -> None:
    shared = [held(owner, owner, 10, ended=1, work="shared") for owner in ("ann", "bob")]
    assert too_many([*shared, held("c", "cyd", ended=2)], PLENTY, 20, ()) == []
    assert too_many([*shared, held("c", "cyd", ended=2)], PLENTY, 19, ()) == ["ann", "bob"]
    pinned = [shared[0], held("bob", "bob", 10, ended=1, work="shared", pinned=True)]
    assert too_many([*pinned, held("c", "cyd", ended=2)], PLENTY, 19, ()) == ["c"]


def test_what_is_going_on_or_has_just_ended_is_spared() -> None:
    assert too_many([held("a", ended=1), held("b", ended=2, size=100)], 50, 50, {"of b"}) == ["a"]

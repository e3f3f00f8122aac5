"""What a server does about runs that ask for more, take longer or leave more than it allows."""

import time
from pathlib import Path

import pytest
import tiny
from gated_runs import Gated, Serve, Server, result

from compression import pipeline
from compression.config import RunConfig
from compression.errors import ConfigError, DataError, ResourceError
from compression.events import Report
from compression.measure import limits
from compression.recipe import nest, parse
from compression.result import Result
from compression.settings import Limits


def leaving(sizes: dict[int, int]) -> object:
    """A pipeline that leaves so many bytes, by the seed."""

    def run(config: RunConfig, report: Report, folder: Path) -> Result:
        (folder / "models").mkdir()
        (folder / "models" / "weights").write_bytes(b"w" * sizes[config.seed])
        return result(config)

    return run


def kept(server: Server, owner: str) -> dict[int, bool]:
    """Of each run, by its seed, whether its files are here."""
    runs = server.runs.owned(owner)
    for seen in runs:
        assert bool(seen.size_bytes) == (server.runs.folder(seen.run_id) / "models").exists()
    return {seen.config.seed: bool(seen.size_bytes) for seen in runs}


def test_a_recipe_beyond_the_limits_is_not_queued(serve: Serve) -> None:
    server = serve(limits=Limits(epochs=3))
    with pytest.raises(ConfigError, match=r"4 epochs .*allows 3"):
        server.submit()
    assert server.runs.owned("ann") == []


def test_a_run_that_takes_too_long_fails_at_its_next_report_and_can_go_on(
    serve: Serve, gated: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(limits=Limits(wall_seconds=60))
    run_id = server.submit()
    gated.reached()
    late = time.monotonic() + 61
    with monkeypatch.context() as later:
        later.setattr(time, "monotonic", lambda: late)
        gated.open()
        ended = server.ended(run_id)
    assert ended.status == "failed"
    assert ended.error is not None
    assert "has taken the 1 minutes" in ended.error
    assert (server.runs.folder(run_id) / "weights").exists()
    server.runs.resume(run_id, "ann")
    gated.open()
    assert server.ended(run_id).status == "succeeded"


def test_a_visitors_oldest_files_make_room_for_new_ones_and_results_stay(serve: Serve) -> None:
    server = serve(leaving(dict.fromkeys(range(4), 100)), limits=Limits(visitor_bytes=250))
    first = server.submit(seed=0)
    before = server.ended(first)
    server.runs.pin(first, "ann")
    for seed in (1, 2, 3):
        server.ended(server.submit(seed=seed))
    server.ended(server.submit("bob", 1))
    assert kept(server, "ann") == {0: True, 1: False, 2: False, 3: True}
    assert kept(server, "bob") == {1: True}
    cleared = server.runs.owned("ann")[2]
    assert (cleared.status, cleared.result) == ("succeeded", result(RunConfig(seed=1)))
    server.stop()
    again = serve()
    assert kept(again, "ann") == {0: True, 1: False, 2: False, 3: True}
    assert again.see(first).result == before.result


def test_all_visitors_together_have_a_limit_too(serve: Serve) -> None:
    server = serve(leaving({0: 100, 1: 100, 2: 300}), limits=Limits(artefact_bytes=350))
    for seed, owner in enumerate(("ann", "bob", "cyd")):
        server.ended(server.submit(owner, seed))
    assert [kept(server, owner) for owner in ("ann", "bob", "cyd")] == [{0: False}, {1: False}, {2: True}]


def test_what_has_just_been_made_stays_though_it_is_too_large(serve: Serve) -> None:
    server = serve(leaving({0: 500, 1: 10}), limits=Limits(visitor_bytes=100, artefact_bytes=100))
    server.ended(server.submit(seed=0))
    assert kept(server, "ann") == {0: True}
    server.ended(server.submit(seed=1))
    assert kept(server, "ann") == {0: False, 1: True}


def test_a_run_that_is_going_on_is_not_touched(serve: Serve, gated: Gated) -> None:
    server = serve(limits=Limits(visitor_bytes=1, artefact_bytes=1))
    first = server.submit("ann", 0)
    gated.open()
    server.ended(first)
    gated.reached()
    second = server.submit("bob", 1)
    gated.reached()
    server.submit("ann", 2)
    assert (server.runs.folder(second) / "weights").exists()
    gated.open()
    server.ended(second)
    gated.reached()
    assert [bool(server.see(run_id).size_bytes) for run_id in (first, second)] == [False, True]
    gated.open()


def test_an_upload_beyond_the_limit_is_refused(serve: Serve, tmp_path: Path) -> None:
    brought = tiny.save_csv(tmp_path / "brought.csv", tiny.urls(200))
    server = serve(limits=Limits(upload_bytes=2_000))
    with pytest.raises(DataError, match=r"a\.csv is larger than 0\.002 MB"):
        server.runs.keep_upload(brought, "a.csv", "ann")


def test_data_with_too_many_rows_is_refused_before_anything_is_trained(
    tiny_teacher: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = [("student.layers", 1), ("distillation.max_length", 48), ("device", "cpu"), ("quantization", "none")]
    config = parse(nest([("teacher", str(tiny_teacher)), ("data", str(tiny_data)), *small]))
    monkeypatch.setenv("COMPRESSION_MAX_ROWS", "20")
    with pytest.raises(ConfigError, match=r"data: \d+ rows are asked for, and this host allows 20"):
        pipeline.run(config, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_student_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPRESSION_MAX_PARAMETERS", "1000")
    with pytest.raises(ResourceError, match=r"too large for this host \(0\.001 million at most\)"):
        limits.check(RunConfig(device="cpu"))

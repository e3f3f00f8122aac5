"""What is drawn of a run has its place on the page, whatever the run kept."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
import fakes

from compression.catalog import EXAMPLES
from compression.config import RunConfig
from compression.measure.evidence import gather
from compression.runs import examples
from compression.runs.snapshot import Run, Snapshot, snapshot
from compression.ui import drawing, page


def finished(result: object) -> Snapshot:
    from compression.runs.fold import Fold

    return snapshot(Run("run", "", "", RunConfig(), "succeeded", 0.0, 1, 0.0, 1.0, None, result), Fold())  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["quick", "real", "tiny"])
def test_every_part_of_an_examples_outcome_is_on_the_page(name: str) -> None:
    shown = examples.read(f"example-{name}", EXAMPLES / name)
    assert shown is not None
    assert shown.result is not None
    sure = gather(shown.result, EXAMPLES / name)
    assert set(drawing.outcome(shown, True, sure)) <= {*page.RESULTS}


def test_every_part_of_an_older_runs_outcome_is_on_the_page(tmp_path: Path) -> None:
    result = fakes.result(RunConfig())
    for sure in (None, gather(result, tmp_path)):
        assert set(drawing.outcome(finished(result), False, sure)) <= {*page.RESULTS}
    assert set(drawing.outcome(None, False)) <= {*page.RESULTS}
    assert set(drawing.outcome(finished(None), False)) <= {*page.RESULTS}

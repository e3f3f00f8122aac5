"""The comparison as a file to keep: complete, alone, and with nothing of the machine that made it."""

import json
import os
import re
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))
import fakes

from compression.catalog import EXAMPLES
from compression.config import RunConfig
from compression.errors import DataError, ResourceError
from compression.events import ignore
from compression.measure.evidence import gather
from compression.result import Result
from compression.ui import downloads, report, taking_along


class Runs:
    """One run on show."""

    def __init__(self, result: Result | None, folder: Path) -> None:
        self.shown = result and SimpleNamespace(
            run_id=str(folder), result=result, config=result.config, name="A <b>run"
        )
        self.where = folder

    def snapshot(self, run_id: str) -> Any:
        return self.shown

    def folder(self, run_id: str) -> Path:
        return self.where

    def check_uploads(self, config: RunConfig, owner: str) -> None:
        """Anybody may read what these runs read."""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(downloads, "get_upload_folder", lambda: str(tmp_path / "gradio"))
    return tmp_path / "gradio"


def taken(runs: Any, what: Any) -> tuple[str, Path | None]:
    updates = taking_along.take(runs, ignore, "run", what)
    file = updates["take-file"]["value"]
    return updates["taken"], file and Path(file)


def example(name: str) -> Any:
    return Runs(Result.read(EXAMPLES / name), EXAMPLES / name)


@pytest.mark.parametrize("name", ["quick", "real", "tiny"])
def test_the_report_holds_every_chart_and_asks_nobody_for_anything(name: str) -> None:
    said, path = taken(example(name), "report")
    assert "needs no network" in said
    assert path is not None
    html = path.read_text(encoding="utf-8")
    ours = re.sub(r"<script>.*?</script>", "", html, count=1, flags=re.DOTALL)  # plotly itself
    assert not re.search(r"<(script|img|link|iframe)[^>]*(src|href)=", html[:5000] + ours)
    assert "http" not in re.sub(r"http://www\.w3\.org\S*", "", ours)
    titles = re.findall(r"<h2>(.*?)</h2>", html)
    assert {"Size against accuracy, on the test split", "How much of that is luck?", "What it cost"} <= set(titles)
    assert html.count("plotly-graph-div") >= 6
    assert "A &lt;b&gt;run" in html
    assert "<details>" not in html, "nothing is folded away on paper"
    assert "python -m compression run --set" in html


def test_the_figures_are_json_with_what_the_predictions_say() -> None:
    said, path = taken(example("quick"), "json")
    assert "calibration" in said
    assert path is not None
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["result"] == Result.from_json(found["result"]).to_json()
    assert all(model["folder"] == "" for model in found["result"]["models"].values())
    evidence = found["evidence"]
    assert {"intervals", "pairs", "parts", "loyalty", "flipped"} <= set(evidence)
    assert evidence["pairs"][0]["examples"] == 450
    low, high = evidence["intervals"]["compressed"]["roc_auc"]
    assert low < found["result"]["models"]["compressed"]["metrics"]["test"]["roc_auc"] < high


def test_thresholds_and_calibration_are_told_where_both_splits_were_kept(tmp_path: Path) -> None:
    from compression.measure.evidence import Evidence, told

    sure = gather(Result.read(EXAMPLES / "quick"), EXAMPLES / "quick")
    both = told(Evidence({"validation": sure.said["test"], "test": sure.said["test"]}, {}, {}))
    assert json.loads(json.dumps(both))["thresholds"]["compressed"][0]["recall"] >= 0.8
    assert both["calibration"]["teacher"]["temperature"] > 0
    assert set(told(gather(fakes.result(RunConfig()), tmp_path))) == {"intervals", "pairs", "parts"}


def test_an_older_run_has_its_report_too(tmp_path: Path) -> None:
    result = fakes.result(RunConfig())
    html = report.to_html(result, gather(result, tmp_path), "old")
    assert "cannot be compared URL by URL" in html
    assert "Verdicts that flipped" not in html
    assert str(tmp_path) not in html


def test_only_models_that_are_here_are_offered(tmp_path: Path) -> None:
    quick = taking_along.offered(example("quick"), example("quick").shown)
    assert [value for _, value in quick["take"].choices] == ["report", "json", "compressed"]
    real = taking_along.offered(example("real"), example("real").shown)
    assert [value for _, value in real["take"].choices] == ["report", "json"]
    nothing: Any = Runs(None, tmp_path)
    assert not taking_along.offered(nothing, None)["taking"].visible
    assert taken(nothing, "report")[1] is None
    for wrong in (None, "../x", "teacher", ["report"], {}, 10**400):
        said, path = taken(example("quick"), wrong)
        assert path is None
        assert "alert" in said
    said, path = taken(example("real"), "student")
    assert "not on this server" in said
    assert path is None


def test_a_model_comes_with_what_was_checked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from compression.export import takeaway

    asked: dict[str, Any] = {}

    def pack(result: Result, which: str, folder: Path, texts: Any, into: Path, sure: Any, told: Any) -> Any:
        asked.update(which=which, folder=folder, texts=len(texts))
        (into / "x.zip").write_bytes(b"zip")
        return takeaway.Takeaway(into / "x.zip", takeaway.Parity(450, 0.00012, 0), "")

    monkeypatch.setattr(takeaway, "pack", pack)
    said, path = taken(example("quick"), "compressed")
    assert asked == {"which": "compressed", "folder": EXAMPLES / "quick" / "models" / "compressed", "texts": 450}
    assert "on the 450 test URLs just now: no probability differs by more than 0.00012, and 0 verdicts" in said
    assert path is not None

    def refuse(config: RunConfig, owner: str) -> None:
        raise DataError("Another visitor's.")

    runs = example("quick")
    monkeypatch.setattr(runs, "check_uploads", refuse)
    taken(runs, "compressed")
    assert asked["texts"] == 0, "another's file is not read to check it on"


def test_files_go_after_an_hour_or_when_there_is_too_much(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [taken(example("quick"), "json")[1] for _ in range(3)]
    folders = [path.parent for path in paths if path]
    hour_ago = time.time() - downloads.KEPT_SECONDS - 1
    os.utime(folders[0], (hour_ago, hour_ago))
    now = time.time()
    os.utime(folders[1], (now - 60, now - 60))
    assert paths[2] is not None
    monkeypatch.setattr(downloads, "MOST_BYTES", 1.5 * paths[2].stat().st_size)
    taken(example("quick"), "json")
    assert [folder.exists() for folder in folders] == [False, False, True]


def test_where_nothing_can_be_written_it_is_said(place: Path) -> None:
    place.parent.mkdir(exist_ok=True)
    place.write_text("")
    said, path = taken(example("quick"), "json")
    assert (path, "Nothing can be written" in said) == (None, True)
    with pytest.raises(ResourceError), downloads.folder_of_its_own():
        pass

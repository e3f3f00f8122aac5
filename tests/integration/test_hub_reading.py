"""Splits and classes of what comes from the Hub: known by common names, chosen otherwise, refused before a download."""

from pathlib import Path

import pytest
import tiny
from hub_stand_in import HubStandIn

from compression.__main__ import main
from compression.config import SplitsConfig
from compression.data.sources import load_data
from compression.errors import CompressionError


def declared(folder: Path, *splits: str) -> Path:
    """A data set whose card names its splits, each of eight URLs in a file that says nothing."""
    card = "configs:\n- config_name: default\n  data_files:\n"
    for number, split in enumerate(splits):
        tiny.save_csv(folder / f"part{number}.csv", tiny.urls(8, 1000 * number))
        card += f"  - split: {split}\n    path: part{number}.csv\n"
    (folder / "README.md").write_text(f"---\n{card}---\n# URLs\n")
    return folder


def first_url(number: int) -> str:
    return tiny.urls(2, 1000 * number)[0][0]


@pytest.mark.parametrize("names", [("training", "dev", "holdout"), ("train", "eval", "test")])
def test_a_hub_data_sets_common_names_are_known(hub: HubStandIn, tmp_path: Path, names: tuple[str, ...]) -> None:
    hub.add_dataset("someone/named", declared(tmp_path / "data", *names))
    for number, name in enumerate(names):  # and as file names alone
        tiny.save_csv(tmp_path / "files" / f"{name}.csv", tiny.urls(8, 1000 * number))
    hub.add_dataset("someone/files", tmp_path / "files")
    for source in ("someone/named", "someone/files"):
        data = load_data(source)
        assert [data.splits[part].texts[0] for part in ("train", "validation", "test")] == [*map(first_url, range(3))]
        assert data.reading is not None
        assert tuple(data.reading.origins.values()) == names


def test_a_hub_data_sets_own_splits_can_be_chosen(hub: HubStandIn, tmp_path: Path) -> None:
    hub.add_dataset("someone/odd", declared(tmp_path / "data", "train", "y2023", "y2024", "test"))
    chosen = SplitsConfig(validation="y2023", test="Y2024")
    data = load_data("someone/odd", splits=chosen)
    assert [data.splits[part].texts[0] for part in ("train", "validation", "test")] == [*map(first_url, range(3))]
    for wrong, words in (
        (SplitsConfig(test="y1999"), "has no split 'y1999'; it has 'test', 'train', 'y2023', 'y2024'"),
        (SplitsConfig(test="y2024"), r"has no split that plays validation.*splits\.validation"),
    ):
        with pytest.raises(CompressionError, match=words):
            load_data("someone/odd", splits=wrong)


def test_a_hub_teacher_of_many_classes_is_refused_before_a_weight_is_fetched(
    hub: HubStandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    classes = {0: "malware", 1: "benign", 2: "phishing"}
    hub.add_model("someone/many", tiny.save_model(tmp_path / "many", num_labels=3, id2label=classes))
    assert main(["run", "--teacher", "someone/many", "--output", str(tmp_path / "run")]) == 2
    assert "The teacher someone/many has 3 classes: 0 'malware', 1 'benign'" in capsys.readouterr().err
    assert not hub.asked("safetensors")

"""Labels of several values and splits of any name: found where they can be, chosen where not, refused by name."""

from pathlib import Path

import pytest
import tiny

from compression.config import ColumnsConfig, SplitsConfig
from compression.data.labels import label_ids
from compression.data.roles import cast
from compression.data.sources import ALL, load_data
from compression.errors import DataError

KINDS = ["benign", "phishing", "malware", "defacement"]


def folder(path: Path, *names: str) -> Path:
    """A folder with one file of eight URLs under each name, each with domains of its own."""
    for number, name in enumerate(names):
        tiny.save_csv(path / name, tiny.urls(8, 1000 * number))
    return path


def first_texts(path: Path) -> str:
    return path.read_text(encoding="utf-8").splitlines()[1].split(",")[0]


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (["train", "validation", "test"], ["train", "validation", "test"]),
        (["training", "dev", "holdout"], ["training", "dev", "holdout"]),
        (["TRAIN", "Val", "Testing"], ["TRAIN", "Val", "Testing"]),
        (["train", "valid", "eval"], ["train", "valid", "eval"]),
        (["train", "eval", "test"], ["train", "eval", "test"]),
        (["train", "training", "dev", "val", "test", "extra"], ["train", "val", "test"]),
    ],
)
def test_common_names_are_known(names: list[str], roles: list[str]) -> None:
    found = cast(names, SplitsConfig(), "It")
    assert found == dict(zip(("train", "validation", "test"), roles, strict=True))


def test_a_choice_comes_before_what_a_name_says() -> None:
    names = ["train", "test", "unseen", "b"]
    assert cast(names, SplitsConfig(test="unseen"), "It") == {"train": "train", "test": "unseen"}
    everything = {"train": "b", "validation": "test", "test": "unseen"}
    assert cast(names, SplitsConfig(train="b", validation="TEST.csv", test="unseen"), "It") == everything


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        (SplitsConfig(test="nothing"), r"no split 'nothing'; it has 'dev', 'test', 'train'.*splits\.test"),
        (SplitsConfig(train="../train"), r"no split '\.\./train'"),
        (SplitsConfig(validation="test", test="test"), "cannot be both validation and test"),
        (SplitsConfig(train="dev", validation="dev.csv"), "cannot be both train and validation"),
    ],
)
def test_a_wrong_choice_is_refused_with_what_there_is(tmp_path: Path, chosen: SplitsConfig, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        load_data(str(folder(tmp_path, "train.csv", "dev.csv", "test.csv")), splits=chosen)


def test_the_chosen_files_are_the_splits(tmp_path: Path) -> None:
    folder(tmp_path, "old.csv", "new.csv", "blind.csv")
    with pytest.raises(DataError, match=r"no train\.csv or train\.parquet; it has 'blind', 'new', 'old'"):
        load_data(str(tmp_path))
    data = load_data(str(tmp_path), splits=SplitsConfig(train="old", validation="New", test="blind.csv"))
    for part, name in (("train", "old"), ("validation", "new"), ("test", "blind")):
        assert data.splits[part].texts[0] == first_texts(tmp_path / f"{name}.csv")
    assert data.reading is not None
    assert data.reading.origins == {"train": "old.csv", "validation": "new.csv", "test": "blind.csv"}


def test_files_of_other_names_are_all_of_a_folder(tmp_path: Path) -> None:
    folder(tmp_path, "training.csv", "dev.csv", "notes.csv")
    assert len(load_data(str(tmp_path), wanted=ALL).splits["all"]) == 16


@pytest.mark.parametrize("source", ["bundled", "a.csv"])
def test_where_rows_are_split_here_there_is_nothing_to_choose(tmp_path: Path, source: str) -> None:
    tiny.save_csv(tmp_path / "a.csv", tiny.urls(200))
    with pytest.raises(DataError, match=r"is split here.*Leave splits\.test empty"):
        load_data(source if source == "bundled" else str(tmp_path / source), splits=SplitsConfig(test="test"))


@pytest.mark.parametrize(
    ("positive", "bad"),
    [
        ("phishing", {"phishing"}),
        ("Phishing, MALWARE ,defacement", {"phishing", "malware", "defacement"}),
        ("malware,,malware", {"malware"}),
    ],
)
def test_several_values_can_mean_phishing(positive: str, bad: set[str]) -> None:
    assert label_ids(KINDS, positive) == {kind: int(kind in bad) for kind in KINDS}


def test_a_value_with_a_comma_is_one_value_where_it_is_given_whole() -> None:
    assert label_ids(["ok", "bad, very", "very"], "BAD, very") == {"ok": 0, "bad, very": 1, "very": 0}


@pytest.mark.parametrize(("positive", "unknown"), [("phishing, malwear", "'malwear'"), (" , ", "' , '")])
def test_a_value_no_row_has_is_refused_with_those_there_are(positive: str, unknown: str) -> None:
    with pytest.raises(DataError, match=rf"No row has the label {unknown}; the labels found are 'benign', 'def"):
        label_ids(KINDS, positive)


def test_unknown_values_are_told_with_how_to_choose_several() -> None:
    with pytest.raises(DataError, match=r"'defacement', 'malware'.*commas between.*--positive.*columns\.positive"):
        label_ids(KINDS)


def test_a_rare_value_may_be_in_one_file_alone(tmp_path: Path) -> None:
    """Labels are settled by all files together: the validation file here holds no malware."""
    for name, kinds in (("train", ["benign", "malware", "phishing"]), ("validation", ["benign", "phishing"])):
        rows = [(f"http://a{n}.test/", kind) for n, kind in enumerate(kinds)]
        tiny.save_csv(tmp_path / f"{name}.csv", rows)
    data = load_data(str(tmp_path), ColumnsConfig(positive="malware, phishing"), wanted=("train", "validation"))
    assert data.splits["train"].labels == (0, 1, 1)
    assert data.splits["validation"].labels == (0, 1)


def test_how_the_rows_were_read_is_told(tmp_path: Path) -> None:
    rows = [(text, KINDS[n % 4]) for n, (text, _) in enumerate(tiny.urls(200))]
    path = tiny.save_csv(tmp_path / "a.csv", rows, ("Website", "Verdict"))
    reading = load_data(str(path), ColumnsConfig(positive="phishing,malware,defacement")).reading
    assert reading is not None
    assert (reading.text, reading.label, reading.origins) == ("Website", "Verdict", {})
    assert reading.values == {kind: (int(kind != "benign"), 50) for kind in KINDS}

"""What models said of each URL: kept without the URL, read back exactly, and taken for absent where it is broken."""

from pathlib import Path

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from compression.catalog import EXAMPLES
from compression.data.sources import Split
from compression.errors import ResourceError
from compression.measure.predictions import (
    PREDICTIONS,
    Predictions,
    predictions,
    read_predictions,
    text_digest,
    write_predictions,
)

TEXTS = ("http://a.example", "http://b.example/\ud800", "http://c.example", "http://a.example")
SPLIT = Split(TEXTS, (0, 1, 1, 0))
SAID = {"teacher": np.array([0.1, 0.9, 1 / 3, 0.1]), "control": np.array([0.0, 1.0, 0.5, 0.0])}


def written(folder: Path) -> dict[str, Predictions]:
    write_predictions(folder, {"validation": predictions(SPLIT, SAID), "test": predictions(SPLIT, SAID)})
    return read_predictions(folder)


def test_what_is_read_is_what_was_written_row_by_row(tmp_path: Path) -> None:
    found = written(tmp_path / "run")
    assert list(found) == ["validation", "test"]
    for kept in found.values():
        rows = zip(kept.digests, kept.labels, *(kept.probabilities[name] for name in SAID), strict=True)
        expected = zip(map(text_digest, TEXTS), SPLIT.labels, *SAID.values(), strict=True)
        assert sorted(rows) == sorted(expected)
        assert list(kept.digests) == sorted(kept.digests)  # so that the order of the file they came from is not kept


def test_no_text_is_kept(tmp_path: Path) -> None:
    written(tmp_path)
    content = (tmp_path / PREDICTIONS).read_bytes()
    assert b"http" not in content
    assert b"example" not in content
    assert [path.name for path in tmp_path.iterdir()] == [PREDICTIONS]


def test_whoever_has_the_data_finds_the_urls_again(tmp_path: Path) -> None:
    kept = written(tmp_path)["test"]
    texts = kept.texts(TEXTS[:2])
    assert len(texts) == len(kept) == 4
    assert sorted(filter(None, texts)) == sorted([TEXTS[0], TEXTS[0], TEXTS[1]])
    assert all(text is None or text_digest(text) == digest for text, digest in zip(texts, kept.digests, strict=True))


def table(**columns: object) -> pyarrow.Table:
    whole = {"split": ["test"], "sha256": [bytes(32)], "label": [1], "teacher": [0.5]} | columns
    return pyarrow.table({name: column for name, column in whole.items() if column is not None})


@pytest.mark.parametrize(
    "columns",
    [
        {"sha256": None},
        {"label": None},
        {"label": [2]},
        {"label": [None]},
        {"sha256": ["text"]},
        {"sha256": [None]},
        {"teacher": [1.5]},
        {"teacher": [float("nan")]},
        {"teacher": [None]},
        {"teacher": ["half"]},
    ],
    ids=str,
)
def test_a_file_that_holds_something_else_is_not_there(tmp_path: Path, columns: dict[str, object]) -> None:
    parquet.write_table(table(), tmp_path / PREDICTIONS)
    assert read_predictions(tmp_path)["test"].probabilities["teacher"].tolist() == [0.5]
    parquet.write_table(table(**columns), tmp_path / PREDICTIONS)
    assert read_predictions(tmp_path) == {}


@pytest.mark.parametrize("content", [b"", b"PAR1", b"not a table at all", None])
def test_a_file_that_cannot_be_read_is_not_there(tmp_path: Path, content: bytes | None) -> None:
    if content is None:
        (tmp_path / PREDICTIONS).mkdir()
    else:
        (tmp_path / PREDICTIONS).write_bytes(content)
    assert read_predictions(tmp_path) == {}
    assert read_predictions(tmp_path / "nothing") == {}


def test_a_file_cut_off_is_not_there(tmp_path: Path) -> None:
    written(tmp_path)
    path = tmp_path / PREDICTIONS
    path.write_bytes(path.read_bytes()[:-20])
    assert read_predictions(tmp_path) == {}


def test_a_file_of_before_there_were_splits_is_of_the_test_split() -> None:
    parts = {folder.name: read_predictions(folder) for folder in EXAMPLES.iterdir() if folder.is_dir()}
    assert parts
    for name, found in parts.items():
        assert {"teacher", "student", "compressed"} <= found["test"].probabilities.keys(), name


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResourceError, match="cannot be written"):
        write_predictions(tmp_path / "file" / "run", {"test": predictions(SPLIT, SAID)})


def test_labels_can_be_counted_however_many_there_are(tmp_path: Path) -> None:
    many = Split(tuple(f"http://{n}.example" for n in range(600)), (0, 1) * 300)
    write_predictions(tmp_path, {"test": predictions(many, {"teacher": np.full(600, 0.5)})})
    for kept in (predictions(many, {}), read_predictions(tmp_path)["test"]):
        assert sum(kept.labels) == 300  # in bytes it would be 44

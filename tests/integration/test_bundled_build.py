"""The build of the bundled teacher, in small: it reads the folders, leaves a model folder, and repeats itself."""

from dataclasses import replace
from pathlib import Path

import pytest
import tiny

from compression.data.corpus_lesson import Composition
from compression.errors import DataError
from compression.models.bundled import Recipe, build_bundled_teacher, load, logits

SMALL = Recipe(
    layers=(0, 1),
    intermediate_size=96,
    vocabulary=160,
    epochs=1,
    learning_rate=1e-3,
    composition=Composition(recombined=40, generated=60, well_known=20, imitations=20),
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Labelled URLs, and a random large teacher that reads as many pieces as the build cuts to."""
    here = tmp_path_factory.mktemp("build")
    return tiny.save_splits(here / "data"), tiny.save_model(here / "big", max_position_embeddings=128)


def test_the_build_repeats_itself_to_the_byte(folders: tuple[Path, Path], tmp_path: Path) -> None:
    lines: list[str] = []
    first = build_bundled_teacher(*folders, tmp_path / "first", 5, lines.append, SMALL)
    second = build_bundled_teacher(*folders, tmp_path / "second", 5, lines.append, SMALL)
    other = build_bundled_teacher(*folders, tmp_path / "other", 6, lines.append, SMALL)
    contents = [{file.name: file.read_bytes() for file in folder.iterdir()} for folder in (first, second, other)]
    assert contents[0] == contents[1]
    assert contents[0].keys() == contents[2].keys()
    assert contents[0]["model.safetensors"] != contents[2]["model.safetensors"]
    assert any("validation accuracy" in line for line in lines)


def test_it_leaves_the_card_and_a_classifier_that_answers(folders: tuple[Path, Path], tmp_path: Path) -> None:
    output = tmp_path / "teacher"
    output.mkdir()
    (output / "README.md").write_text("the card")
    (output / "left-over.bin").write_text("of an older build")
    build_bundled_teacher(*folders, output, 5, lambda line: None, SMALL)
    assert (output / "README.md").read_text() == "the card"
    assert not (output / "left-over.bin").exists()
    model, tokenizer = load(output)
    assert model.config.num_hidden_layers == 2
    assert model.config.id2label == {0: "Safe", 1: "Not Safe"}
    assert logits(model, tokenizer, ["http://a.example/", "A.EXAMPLE"]).tolist()[0] == pytest.approx(
        logits(model, tokenizer, ["a.example"]).tolist()[0], rel=1e-4
    )


def test_a_folder_without_a_split_is_refused(folders: tuple[Path, Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"train\.csv is missing"):
        build_bundled_teacher(tmp_path, folders[1], tmp_path / "out", 0, lambda line: None, replace(SMALL, epochs=1))

"""How data of other names is read, on page, command line and Hub: columns, label values and splits."""

from pathlib import Path

import pytest
import tiny

from compression import pipeline
from compression.__main__ import main
from compression.measure.preview import preview
from compression.recipe import nest, parse
from compression.runs import Runs, RunStore
from compression.ui import form
from compression.ui.handlers import Handlers
from compression.ui.views.preview import preview_card


def test_a_look_at_the_data_shows_how_it_is_read(tmp_path: Path) -> None:
    classes = {0: "malware", 1: "benign", 2: "phishing"}
    teacher = tiny.save_model(tmp_path / "teacher", num_labels=3, id2label=classes)
    kinds = ["benign", "phishing", "<b>odd"]
    for name in ("training", "dev", "blind"):
        rows = [(text, kinds[n % 3]) for n, (text, _) in enumerate(tiny.urls(30))]
        tiny.save_csv(tmp_path / f"{name}.csv", rows, ("Website", "Verdict"))
    settings = {"columns.positive": "phishing, <b>odd", "splits.test": "blind", "labels.not_safe": "malware, 2"}
    config = parse(nest([("teacher", str(teacher)), ("data", str(tmp_path)), *settings.items()]))
    shown = preview_card(preview(config), config)
    assert "from the column “Website”, verdicts from the column “Verdict”" in shown
    assert '<th scope="row">Test</th><td>30</td><td>20 (67 %)</td><td>blind.csv</td>' in shown
    assert '<th scope="row">&lt;b&gt;odd</th><td>Not Safe</td><td>30</td>' in shown
    assert '<th scope="row">benign</th><td>Safe</td><td>30</td>' in shown
    assert '<th scope="row">1</th><td>benign</td><td>Safe</td>' in shown
    assert "<b>" not in shown


def test_one_file_and_the_bundled_data_show_what_they_can(tmp_path: Path) -> None:
    path = tiny.save_csv(tmp_path / "a.csv", [(text, f"kind {n}") for n, (text, _) in enumerate(tiny.urls(200))])
    config = parse(nest([("data", str(path)), ("columns.positive", "kind 1")]))
    shown = preview_card(preview(config), config)
    assert shown.count("split here, by domain") == 3
    assert "And 188 more." in shown
    bundled = preview_card(preview(parse()), parse())
    assert "Training" in bundled
    assert "from the column" not in bundled


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"splits.test": "blind"}, "has no split 'blind'; it has 'test', 'train', 'validation'"),
        ({"splits.test": "train", "splits.train": "train"}, "cannot be both train and test"),
        ({"columns.positive": "1, 2"}, "No row has the label '2'; the labels found are '0', '1'"),
    ],
)
def test_a_wrong_choice_is_one_sentence_on_page_and_command_line(
    tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: dict[str, str], words: str
) -> None:
    given = [f"--set={key}={value}" for key, value in settings.items()]
    assert main(["run", "--data", str(tiny_data), "--output", str(tmp_path / "run"), *given]) == 2
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 1)
    assert words in err
    store = RunStore(tmp_path / "home")
    values = {**form.preset_values("quick"), "data": str(tiny_data), **settings}
    assert words.replace("'", "&#x27;") in Handlers(Runs(store, pipeline.run)).preview(None, values)["preview"]
    store.close()

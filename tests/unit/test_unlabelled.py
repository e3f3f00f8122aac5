"""Texts without labels: generated, recombined or brought, never those a student is measured on."""

from pathlib import Path
from typing import Any

import pytest
import tiny

from compression.config import DistillationConfig
from compression.data.sources import Split
from compression.data.unlabelled import read_unlabelled, unlabelled_texts
from compression.data.uploads import keep
from compression.errors import DataError
from compression.events import Event, Notice

ROWS = tiny.urls(40)
TRAIN = Split(tuple(text for text, _ in ROWS), tuple(label for _, label in ROWS))


def texts(train: Split = TRAIN, seed: int = 0, exclude: frozenset[str] = frozenset(), **settings: Any) -> list[str]:
    return list(unlabelled_texts(DistillationConfig(**settings), train, seed, exclude))


def notices(train: Split, **settings: Any) -> list[str]:
    seen: list[Event] = []
    unlabelled_texts(DistillationConfig(**settings), train, 0, frozenset(), seen.append)
    return [event.text for event in seen if isinstance(event, Notice)]


def test_nothing_is_added_unasked() -> None:
    assert texts() == []


@pytest.mark.parametrize("origin", ["generated", "recombined"])
def test_as_many_as_asked_for_the_same_for_the_same_seed(origin: str) -> None:
    found = texts(**{origin: 300})
    assert len(set(found)) == 300
    assert found == texts(**{origin: 300})
    assert found != texts(seed=1, **{origin: 300})
    assert not set(found) & set(TRAIN.texts)


def test_what_is_measured_on_is_never_learnt_from_in_any_spelling() -> None:
    apart = texts(generated=100, recombined=100)
    spelt = frozenset(text.partition("://")[2].removeprefix("www.").upper() + "/" for text in apart)
    found = texts(exclude=spelt, generated=100, recombined=100)
    assert len(found) == 200
    assert not set(found) & set(apart)


def test_recombined_have_host_and_rest_of_training_rows_mostly_of_one_class() -> None:
    classes = {text.split("/")[2]: label for text, label in ROWS}
    rests = {text.split("/", 3)[3]: label for text, label in ROWS}
    found = [text.split("/", 3) for text in texts(recombined=500)]
    same = sum(classes[host] == rests[rest] for _, _, host, rest in found)
    assert 0.7 < same / 500 < 0.9


def test_rows_without_a_scheme_are_recombined_too() -> None:
    bare = Split(("a.example/x", "b.example/y", "c.test/z", "d.test"), (0, 0, 1, 1))
    found = texts(bare, recombined=5)
    assert len(found) == 5
    assert all(text.split("/")[0] in {"a.example", "b.example", "c.test", "d.test"} for text in found)


def test_fewer_combinations_than_asked_for_are_all_taken_and_said() -> None:
    few = Split(("http://a.example/x", "http://b.test/y"), (0, 1))
    assert sorted(texts(few, recombined=1000)) == ["http://a.example/y", "http://b.test/x"]
    assert notices(few, recombined=1000) == [
        "The training rows give 2 new combinations of host and path, not 1,000: the student learns from these."
    ]


def test_other_steps_of_a_run_get_the_same_texts_and_do_not_say_it_again() -> None:
    few, config = Split(("http://a.example/x", "http://b.test/y"), (0, 1)), DistillationConfig(recombined=1000)
    seen: list[Event] = []
    found = unlabelled_texts(config, few, 0, frozenset(), seen.append, "vocabulary")
    assert list(found) == texts(few, recombined=1000)
    assert seen == []


def test_one_class_alone_gives_none() -> None:
    assert texts(Split(("http://a.example/x", "http://b.example/y"), (0, 0)), recombined=10) == []


def test_a_csv_needs_no_label(tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text("url,note\nhttp://one.example/,x\n http://two.example/ ,y\n,z\n")
    assert texts(unlabelled=str(file)) == ["http://one.example/", "http://two.example/"]


def test_the_only_column_may_be_called_anything(tmp_path: Path) -> None:
    file = tmp_path / "more.csv"
    file.write_text("address\nhttp://one.example/\n")
    assert read_unlabelled(str(file)) == ["http://one.example/"]


def test_a_list_has_one_url_a_line(tmp_path: Path) -> None:
    file = tmp_path / "more.txt"
    file.write_text("http://one.example/a,b\n\n  http://two.example/\r\n" + "x" * 3000 + "\n")
    assert read_unlabelled(str(file)) == ["http://one.example/a,b", "http://two.example/"]


def test_parquet_and_uploads_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    monkeypatch.setenv("COMPRESSION_HOME", str(tmp_path / "home"))
    pq.write_table(
        pa.table({"n": [1, 2], "text": ["http://one.example/", "http://two.example/"]}), tmp_path / "m.parquet"
    )
    address = keep(tmp_path / "m.parquet", "more", tmp_path / "home").address
    assert read_unlabelled(str(tmp_path / "m.parquet")) == read_unlabelled(address)
    assert texts(unlabelled=address) == ["http://one.example/", "http://two.example/"]


def test_known_and_repeated_rows_are_left_out_and_counted(tmp_path: Path) -> None:
    file = tmp_path / "more.txt"
    file.write_text("\n".join([TRAIN.texts[0], "http://new.example/", "https://www.new.example"]))
    assert texts(unlabelled=str(file)) == ["http://new.example/"]
    (notice,) = notices(TRAIN, unlabelled=str(file))
    assert notice.startswith("2 of 3 URLs without labels are left out")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("two.csv", "a,b\n1,2\n", r"no column that looks like the URL; its columns are 'a', 'b'\. Call it"),
        ("empty.txt", "\n\n", "holds no URLs"),
        ("image.png", "x", r"neither \.csv nor \.parquet nor \.txt"),
        ("packed.txt", "PK\x03\x04....", "a ZIP archive"),
        (None, "", r"There is no file .*distillation\.unlabelled"),
    ],
)
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str | None, content: str, sentence: str) -> None:
    if name:
        (tmp_path / name).write_text(content)
    with pytest.raises(DataError, match=sentence):
        texts(unlabelled=str(tmp_path / (name or "nowhere.csv")))


def test_a_hub_data_set_gives_the_texts_of_all_its_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from compression import hub

    files = {"train": tiny.save_csv(tmp_path / "a.csv", ROWS[:2]), "test": tiny.save_csv(tmp_path / "b.csv", ROWS[2:4])}
    fetched = {name: (path,) for name, path in files.items()}
    monkeypatch.setattr(hub, "fetch_dataset", lambda source, report: fetched)
    assert read_unlabelled("someone/urls") == [text for text, _ in ROWS[:4]]

"""Reading labelled URLs: columns and labels are found, splits keep domains apart, and every refusal says what to do."""

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import tiny
import tldextract

from compression.config import ColumnsConfig
from compression.data import splits
from compression.data.batching import bucketed, by_length, collate, in_order
from compression.data.labels import label_ids
from compression.data.sources import ALL, LABEL_COLUMNS, TEXT_COLUMNS, check_trainable, load_data
from compression.data.splits import registered_domain, split_rows
from compression.errors import DataError

PAIRS = ("0/1", "good/bad", "benign/phishing", "benign/malicious", "legit/phish", "legitimate/phishing")
PAIRS += ("safe/unsafe", "safe/not safe", "ham/spam", "false/true", "0.0/1.0")


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("change", [str.lower, str.upper, str.title])
def test_known_label_words(pair: str, change: "type[str]") -> None:
    negative, positive = (change(word) for word in pair.split("/"))
    assert label_ids([negative, positive]) == {negative: 0, positive: 1}


def test_unknown_label_words_need_the_positive_one() -> None:
    with pytest.raises(DataError, match=r"'meh'.*--positive"):
        label_ids(["meh", "safe"])
    assert label_ids(["meh", "oops"], positive="OOPS") == {"meh": 0, "oops": 1}
    with pytest.raises(DataError, match="No row has the label 'x'"):
        label_ids(["meh", "oops"], positive="x")


@pytest.mark.parametrize("text", TEXT_COLUMNS)
@pytest.mark.parametrize("label", LABEL_COLUMNS)
def test_columns_are_found_by_name(tmp_path: Path, text: str, label: str) -> None:
    header = (text.upper(), f" {label} ")
    data = load_data(str(tiny.save_csv(tmp_path / "a.csv", tiny.urls(200), header)))
    assert sum(len(split) for split in data.splits.values()) == 200


def test_columns_can_be_named(tmp_path: Path) -> None:
    path = tiny.save_csv(tmp_path / "a.csv", tiny.urls(200), ("address", "kind"))
    with pytest.raises(DataError, match="looks like the URL; its columns are 'address', 'kind'"):
        load_data(str(path))
    data = load_data(str(path), ColumnsConfig(text="address", label="kind", positive="1"))
    assert sum(sum(split.labels) for split in data.splits.values()) == 100


@pytest.mark.parametrize(("encoding", "separator"), [("utf-8-sig", ","), ("utf-16", ";"), ("utf-8", "\t")])
def test_encodings_and_separators(tmp_path: Path, encoding: str, separator: str) -> None:
    lines = [f"url{separator}label"] + [f"http://a{n}.test/é{separator}{n % 2}" for n in range(100)]
    data = load_data(str(write(tmp_path / "a.csv", "\n".join(lines), encoding)))
    assert "é" in data.splits["train"].texts[0]


def test_parquet_reads_like_csv(tmp_path: Path) -> None:
    rows = tiny.urls(200)
    pq.write_table(pa.table({"url": [t for t, _ in rows], "label": [bool(c) for _, c in rows]}), tmp_path / "a.parquet")
    from_csv = load_data(str(tiny.save_csv(tmp_path / "a.csv", rows)))
    assert load_data(str(tmp_path / "a.parquet")).splits == from_csv.splits


def test_malformed_rows_are_counted_and_said(tmp_path: Path) -> None:
    lines = (
        ["url,label"]
        + [f"http://a{n}.test/,{n % 2}" for n in range(100)]
        + ["http://b.test/,1,extra", ",1", "http://c.test/,"]
    )
    data = load_data(str(write(tmp_path / "a.csv", "\n".join(lines))))
    assert data.skipped == 3
    assert any("3 rows were skipped" in note for note in data.notes)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.csv", b"", "holds no rows"),
        ("a.csv", b"url,label\n", "holds no rows"),
        ("a.csv", b"\x00\x01\x02\x03", "not a text file"),
        ("a.csv", b"url,label\nhttp://a.test/,perhaps\n", "'perhaps' is not one"),
        ("a.csv", b"url,label\nhttp://a.test/,0\nhttp://b.test/,1\n", "too few rows"),
        ("a.parquet", b"PAR1 and then nonsense", "not a readable Parquet"),
        ("a.txt", b"http://a.test/ 1", "neither .csv nor .parquet"),
        ("a.csv", b"other,label\nx,1\n", "no column that looks like the URL"),
        ("a.csv", b"url,other\nx,1\n", "no column that looks like the label"),
    ],
)
def test_bad_files_get_one_sentence(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=sentence):
        load_data(str(tmp_path / name))


def test_missing_sources(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no file or folder"):
        load_data(str(tmp_path / "none.csv"))
    with pytest.raises(DataError, match="Hub"):
        load_data("someone/dataset")
    with pytest.raises(DataError, match=r"has no validation\.csv or validation\.parquet"):
        load_data(str(tiny.save_csv(tmp_path / "train.csv", tiny.urls()).parent))


def test_only_the_wanted_split_is_read(tmp_path: Path) -> None:
    tiny.save_csv(tmp_path / "test.csv", tiny.urls(8))
    assert list(load_data(str(tmp_path), wanted=("test",)).splits) == ["test"]


def test_one_class_cannot_be_trained_on(tmp_path: Path) -> None:
    tiny.save_csv(tmp_path / "train.csv", [(text, 1) for text, _ in tiny.urls(8)])
    with pytest.raises(DataError, match="one class only"):
        check_trainable(load_data(str(tmp_path), wanted=("train",)).splits["train"])


def test_bundled_data_is_balanced_and_sized_like_the_article() -> None:
    splits = load_data("bundled").splits
    assert {name: (len(split), sum(split.labels)) for name, split in splits.items()} == {
        "train": (2100, 1050),
        "validation": (450, 225),
        "test": (450, 225),
    }


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("https://www.shop.example.co.uk/a?b", "example.co.uk"),
        ("http://alice.github.io/", "alice.github.io"),  # a private suffix: each user is a domain
        ("http://10.0.0.1/login", "10.0.0.1"),
        ("WWW.Example.COM", "example.com"),
        ("http://a.b.shop.unknownsuffix/x", "shop.unknownsuffix"),
        ("", ""),
    ],
)
def test_registered_domain(url: str, domain: str) -> None:
    assert registered_domain(url) == domain


def test_many_who_ask_at_once_wait_for_one_reading_of_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    readings, read = [], tldextract.tldextract.get_suffix_lists

    def slowly(*given: Any, **named: Any) -> Any:
        readings.append(given)
        time.sleep(0.2)
        return read(*given, **named)

    monkeypatch.setattr(tldextract.tldextract, "get_suffix_lists", slowly)
    splits._list.cache_clear()
    with ThreadPoolExecutor(8) as room:
        assert set(room.map(registered_domain, ["http://shop.example.co.uk/"] * 8)) == {"example.co.uk"}
    assert len(readings) == 1


def test_split_keeps_domains_apart_and_depends_on_rows_alone() -> None:
    rows = [(f"http://www.site{n % 120}.test/{n}", n % 2) for n in range(600)]
    rows += [(f"http://big.test/{n}", 0) for n in range(40)]

    def by_text(rows: list[tuple[str, int]]) -> dict[str, str]:
        assigned, apart = split_rows([t for t, _ in rows], [c for _, c in rows])
        assert apart
        return {rows[i][0]: split for split, numbers in assigned.items() for i in numbers}

    first = by_text(rows)
    shuffled = rows.copy()
    random.Random(1).shuffle(shuffled)
    assert by_text(shuffled) == first
    homes = {}
    for text, split in first.items():
        assert homes.setdefault(registered_domain(text), split) == split
    shares = Counter(first.values())
    assert shares["train"] / len(rows) == pytest.approx(0.7, abs=0.03)
    assert shares["validation"] / len(rows) == pytest.approx(0.15, abs=0.03)


def test_split_falls_back_to_rows_where_one_domain_holds_most() -> None:
    texts = [f"http://one.test/{n}" for n in range(300)]
    assigned, apart = split_rows(texts, [n % 2 for n in range(300)])
    assert not apart
    shares = {name: len(rows) / 300 for name, rows in assigned.items()}
    assert shares == pytest.approx({"train": 0.7, "validation": 0.15, "test": 0.15}, abs=0.01)


def test_batches_hold_every_row_once() -> None:
    lengths = [random.Random(n).randint(3, 60) for n in range(500)]
    for batches in (in_order(500, 32), by_length(lengths, 32), bucketed(lengths, 32, seed=1)):
        assert sorted(row for batch in batches for row in batch) == list(range(500))
        assert max(map(len, batches)) == 32


def test_bucketing_pads_less_and_changes_with_the_seed() -> None:
    lengths = [random.Random(n).randint(3, 60) for n in range(2000)]

    def padding(batches: list[list[int]]) -> int:
        return sum(max(lengths[r] for r in b) * len(b) - sum(lengths[r] for r in b) for b in batches)

    assert padding(bucketed(lengths, 32, 0)) < 0.1 * padding(in_order(2000, 32))
    assert bucketed(lengths, 32, 0) == bucketed(lengths, 32, 0) != bucketed(lengths, 32, 1)


def test_collate_pads_to_the_longest() -> None:
    batch = collate([[5, 6, 7], [8]], pad_id=0)
    assert batch["input_ids"].tolist() == [[5, 6, 7], [8, 0, 0]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1], [1, 0, 0]]


def test_all_is_every_row_there_is(tmp_path: Path) -> None:
    rows = tiny.urls(6)
    assert load_data(str(tiny.save_csv(tmp_path / "a.csv", rows)), wanted=ALL).splits["all"].texts == tuple(
        text for text, _ in rows
    )
    tiny.save_csv(tmp_path / "folder" / "test.csv", rows)
    assert len(load_data(str(tmp_path / "folder"), wanted=ALL).splits["all"]) == 6
    assert len(load_data("bundled", wanted=ALL).splits["all"]) == 3000
    with pytest.raises(DataError, match="no train, validation or test file"):
        load_data(str(tmp_path), wanted=ALL)


def test_urls_with_unquoted_commas_are_named_as_the_reason(tmp_path: Path) -> None:
    lines = ["url,label"] + [f"http://a{n}.test/x,y,{n % 2}" for n in range(5)]
    with pytest.raises(DataError, match=r"5 rows do not have the header.s 2 cells.*quotes"):
        load_data(str(write(tmp_path / "a.csv", "\n".join(lines))))

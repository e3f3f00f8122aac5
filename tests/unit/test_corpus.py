"""The generator: same seed, same URLs; balanced, no repeats, hard enough to teach, and no real row among them."""

import csv
import os
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from compression.data import corpus
from compression.data.corpus import phishing, safe
from compression.data.corpus.addresses import FREE_HOSTS_PHISHING, FREE_HOSTS_SAFE

SHARED_HOSTS = tuple(".".join(host.split(".")[-2:]) for host in (FREE_HOSTS_PHISHING | FREE_HOSTS_SAFE))
ROOT = Path(__file__).resolve().parents[2]


def test_the_same_seed_gives_the_same_urls_in_another_process():
    code = "from compression.data import corpus; print(*(u.text for u in corpus.generate(40, 3)), sep='\\n')"
    environment = {**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": str(ROOT)}
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    ).stdout
    assert out.split() == [url.text for url in corpus.generate(40, 3)]


def test_another_seed_gives_other_urls():
    first, second = ({url.text for url in corpus.generate(500, seed)} for seed in (1, 2))
    assert len(first & second) < 10


@pytest.mark.parametrize("count", [0, 1, 2, 7, 3_000])
def test_a_draw_is_balanced_and_has_no_duplicates(count):
    urls = corpus.generate(count, 11)
    assert len(urls) == len({url.text for url in urls}) == count
    assert sum(url.label for url in urls) == count // 2


def test_a_negative_count_is_refused():
    with pytest.raises(ValueError, match="0 or more"):
        corpus.generate(-1, 0)


def test_urls_are_clean_text():
    for text, _ in corpus.generate(5_000, 4):
        assert text.isascii()
        assert text.isprintable()
        assert " " not in text
        assert text.startswith(("http://", "https://"))
        assert ".." not in text.split("/")[2]


def test_the_bundled_splits_have_the_promised_sizes_and_share_no_domain():
    tldextract = pytest.importorskip("tldextract")
    extract = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)
    domains = {}
    for split, urls in corpus.bundled().items():
        assert len(urls) == corpus.BUNDLED_SIZES[split]
        assert sum(url.label for url in urls) * 2 == len(urls)
        parts = [extract(url.text) for url in urls]
        hosts = {f"{part.domain}.{part.suffix}" for part in parts if part.suffix}
        domains[split] = {host for host in hosts if not host.endswith(SHARED_HOSTS)}
    assert not domains["train"] & domains["validation"]
    assert not domains["train"] & domains["test"]
    assert not domains["validation"] & domains["test"]


def test_every_maker_occurs_about_as_often_as_its_table_says():
    counts = Counter(name for name, _ in islice(corpus.stream(9), 20_000))
    for makers in (safe.MAKERS, phishing.MAKERS):
        total = sum(makers.values())
        for maker, weight in makers.items():
            assert counts[maker.__name__] == pytest.approx(10_000 * weight / total, rel=0.35, abs=15)


def test_the_classes_overlap_in_words_that_would_give_them_away():
    urls = corpus.generate(10_000, 6)
    for mark in ("login", "paypal.com", ".php", "wp-content", "blogspot", "https://", "www.", ".html"):
        seen = Counter(url.label for url in urls if mark in url.text)
        assert min(seen[0], seen[1]) > 0, mark


def _linear_control(train):
    """A function from texts to probabilities of Not Safe: character n-grams and logistic regression."""
    text = pytest.importorskip("sklearn.feature_extraction.text")
    linear = pytest.importorskip("sklearn.linear_model")
    vectors = text.TfidfVectorizer(analyzer="char", ngram_range=(2, 5), min_df=2, sublinear_tf=True)
    model = linear.LogisticRegression(C=10, max_iter=300)
    model.fit(vectors.fit_transform(url.text for url in train), [url.label for url in train])
    return lambda texts: model.predict_proba(vectors.transform(texts))[:, 1]


def _accuracy(probabilities, labels):
    return sum((p > 0.5) == label for p, label in zip(probabilities, labels, strict=True)) / len(labels)


def test_it_is_neither_too_easy_nor_noise():
    unseen = corpus.generate(10_000, 99)
    control = _linear_control(corpus.bundled()["train"])
    assert 0.86 <= _accuracy(control([url.text for url in unseen]), [url.label for url in unseen]) <= 0.95


def test_it_resembles_the_real_urls_and_copies_none():
    folder = os.environ.get("PHISHING_DATA")
    if not folder:
        pytest.skip("PHISHING_DATA is not set: it names the folder with the real train, validation and test CSVs")
    real = []
    for split in ("train", "validation", "test"):
        with next(Path(folder).rglob(f"{split}.csv")).open(newline="", encoding="utf-8") as file:
            real.append([(row["text"], int(row["labels"])) for row in csv.DictReader(file)])
    plain = {text.lower().rstrip("/") for rows in real for text, _ in rows}
    generated = corpus.generate(20_000, 7)
    copied = [
        url.text
        for url in generated
        if "/" in url.text.split("//")[1].rstrip("/") and url.text.lower().rstrip("/") in plain
    ]
    assert not copied
    assert not {url.text for url in generated} & {text for rows in real for text, _ in rows}
    texts, labels = zip(*real[1], strict=True)
    assert _accuracy(_linear_control(generated[:6_000])(texts), labels) > 0.75

"""The bundled teacher on addresses everybody knows and on textbook phishing, none of them taught; and its folder."""

import csv
import os
from functools import cache
from pathlib import Path
from random import Random

import pytest

from compression.data import corpus
from compression.data.corpus.addresses import WELL_KNOWN
from compression.data.corpus.exam import BEST_KNOWN_SITES, FURTHER_SITES, PHISHING_SHAPES, held_out
from compression.data.corpus_lesson import Composition, drills, generated, recombine, spelling

AS_TYPED = ("{}", "https://{}", "https://www.{}", "http://{}/", "www.{}", "HTTPS://{}")


@cache
def _classifier():
    from compression.models.classifier import load_classifier, locate
    from compression.models.device import resolve

    return load_classifier(locate("bundled"), resolve("cpu"))


def _probabilities(urls):
    import torch

    from compression.models.bundled import logits

    classifier = _classifier()
    with torch.inference_mode():
        return logits(classifier.model, classifier.tokenizer, urls).softmax(-1)[:, 1].tolist()


def _found(urls, not_safe):
    """Those of the URLs that get the given verdict, with their probability of Not Safe."""
    return {url: p for url, p in zip(urls, _probabilities(list(urls)), strict=True) if (p >= 0.5) == not_safe}


def test_there_are_fifty_of_each():
    assert len(set(BEST_KNOWN_SITES)) == len(set(PHISHING_SHAPES)) == 50
    assert not set(BEST_KNOWN_SITES) & set(FURTHER_SITES)


@pytest.mark.parametrize("spelt", AS_TYPED)
def test_the_best_known_sites_are_safe(spelt):
    assert not _found([spelt.format(site) for site in BEST_KNOWN_SITES], not_safe=True)


@pytest.mark.parametrize("spelt", AS_TYPED)
def test_sites_that_no_lesson_names_are_safe(spelt):
    assert not _found([spelt.format(site) for site in FURTHER_SITES], not_safe=True)


@pytest.mark.parametrize("spelt", ["{}", "https://{}", "https://www.{}/", "www.{}"])
def test_textbook_phishing_is_not_safe(spelt):
    bare = [url.split("//")[1].removeprefix("www.") for url in PHISHING_SHAPES]
    assert not _found([spelt.format(url) for url in bare], not_safe=False)


@pytest.mark.parametrize("url", [*BEST_KNOWN_SITES[:5], *PHISHING_SHAPES[:5]])
def test_the_spelling_of_an_address_changes_nothing(url):
    bare = url.split("//")[-1].removeprefix("www.").rstrip("/")
    spellings = [bare, f"{bare}/", f"http://{bare}", f"https://www.{bare}", f"HTTPS://{bare.upper()}", f" {bare} "]
    found = _probabilities(spellings)
    assert found == pytest.approx([found[0]] * len(found), rel=1e-4)


def test_the_folder_is_small_enough():
    from compression.catalog import BUNDLED_TEACHER

    sizes = [file.stat().st_size for file in BUNDLED_TEACHER.iterdir()]
    assert sum(sizes) <= 16_000_000
    assert max(sizes) <= 9_500_000


def _domains(urls):
    return {corpus.registered_domain(url).removeprefix("www.") for url in urls}


def _assert_unexamined(urls):
    """Fails if one of the URLs is an examined front page, or on the domain of another site or shape of the exam."""
    plain = spelling().normalize_str
    assert not {plain(url) for url in urls} & {plain(url) for url in (*BEST_KNOWN_SITES, *PHISHING_SHAPES)}
    assert not _domains(url.lower() for url in urls) & {*FURTHER_SITES, *_domains(PHISHING_SHAPES)}


def test_nothing_it_is_examined_on_is_generated_or_drilled():
    urls = generated(20_000, 7) + drills(Composition(), Random(8))
    assert len(urls) > 24_000
    _assert_unexamined([url.text for url in urls])


def test_recombining_does_not_make_a_front_page_it_is_examined_on():
    texts = [
        "https://www.google.com/maps",
        "http://facebook.com/",
        "http://lego.com/en",
        "http://a.example/",
        "http://b.example/x",
    ]
    mixed = recombine(texts, [0, 0, 0, 1, 1], 200, Random(0))
    assert len(mixed) == 200
    assert "https://www.google.com/x" in mixed
    _assert_unexamined(mixed)


@pytest.mark.parametrize(
    ("url", "held"),
    [
        ("https://www.google.com/", True),
        ("HTTP://Google.com", True),
        ("https://www.google.com/maps", False),
        ("https://maps.google.com/", False),
        ("https://shop.lego.com/en", True),
        ("http://login.paypa1.com/", True),
        ("http://paypa1.net/login", False),
    ],
)
def test_what_is_held_out(url, held):
    assert held_out(url) is held


def test_the_lesson_has_no_domain_of_the_bundled_test_but_what_everybody_knows():
    from compression.data.corpus.drills import well_known_domains

    taught = _domains(url.text for url in generated(20_000, 7) + drills(Composition(), Random(8)))
    assert not taught & (_domains(url.text for url in corpus.bundled()["test"]) - well_known_domains())


def test_the_sites_it_is_told_of_are_none_the_real_data_measures_it_on():
    folder = os.environ.get("PHISHING_DATA")
    if not folder:
        pytest.skip("PHISHING_DATA is not set: it names the folder with the real train, validation and test CSVs")
    for split in ("validation", "test"):
        with (Path(folder) / f"{split}.csv").open(newline="", encoding="utf-8") as file:
            real = _domains(row["text"] for row in csv.DictReader(file))
        assert not real & set(WELL_KNOWN)

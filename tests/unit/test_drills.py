"""The drills: right spellings are Safe, misspelt ones are never right; and the bundled rows stay what they were."""

import hashlib
from random import Random

from compression.data import corpus
from compression.data.corpus import drills
from compression.data.corpus.addresses import KNOWN_PAGES, TARGETS, WELL_KNOWN

FROZEN = "517752e624947374f2b795c42a2a96373ccbba4ec9b0e121660788eb6b1f799a"


def test_an_imitation_is_never_the_name_itself():
    rng = Random(1)
    names = {corpus.registered_domain(f"x://{host}/") for host in (*TARGETS.values(), *KNOWN_PAGES, *WELL_KNOWN)}
    made = [corpus.registered_domain(f"http://{drills.imitation(rng)}").removeprefix("www.") for _ in range(3_000)]
    assert not names & set(made)
    assert len(set(made)) > 1_500


def test_a_misspelt_name_differs_by_what_deceives_the_eye():
    rng = Random(2)
    typos = {drills.misspelt(rng, "amazon") for _ in range(400)}
    assert {"arnazon", "amaz0n", "amazom", "amzon", "ammazon", "maazon"} <= typos
    assert "amazon" not in typos


def test_well_known_names_are_drilled_with_signing_in_and_without():
    rng = Random(3)
    drawn = {drills.well_known_page(rng) for _ in range(20_000)}
    pages = {page for page in drawn if corpus.registered_domain(f"x://{page}") == "paypal.com"}
    assert "paypal.com" in pages
    assert any(page.endswith(("/login", "/signin")) for page in pages)
    assert any("/login" not in page and "/signin" not in page and page.startswith("paypal.com/") for page in pages)
    assert any(page.startswith("support.") for page in pages)


def test_the_same_seed_gives_the_same_drills():
    first, second = Random(4), Random(4)
    assert [drills.imitation(first) for _ in range(50)] == [drills.imitation(second) for _ in range(50)]
    assert [drills.well_known_page(first) for _ in range(50)] == [drills.well_known_page(second) for _ in range(50)]


def test_the_bundled_rows_are_frozen():
    rows = {split: [tuple(url) for url in urls] for split, urls in corpus.bundled().items()}
    assert hashlib.sha256(repr(rows).encode()).hexdigest() == FROZEN

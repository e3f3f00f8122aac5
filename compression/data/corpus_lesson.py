"""What the bundled teacher learns from: real URLs, others made from them, generated ones; each with a soft target.

real URLs ── recombined ──┐    large teacher (as people may type them)
real URLs ────────────────┼─▶  and a linear model of character n-grams ──▶ soft targets ──┬─▶ Lesson
generated URLs (corpus) ──┘    read each                                                  │
drills (well-known sites, misspelt imitations) ──▶ hard targets ──────────────────────────┘

What the bundled teacher is examined on is left out of all of them, and so are the domains of the bundled data's
validation and test rows, but for those of well-known sites.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any

from compression.data import corpus
from compression.data.corpus.drills import imitation, well_known_domains, well_known_page
from compression.data.corpus.exam import held_out

if TYPE_CHECKING:
    import torch

Halves = tuple[list[tuple[str, str]], list[tuple[str, str]]]  # (host with scheme, rest) of each row, by class
Reader = Callable[[Sequence[str]], "torch.Tensor"]  # texts to logits (texts, 2)


@dataclass(frozen=True)
class Composition:
    """How many URLs of each origin stand beside the real ones, and who has which share of a target."""

    recombined: int = 12_000
    generated: int = 20_000
    well_known: int = 6_000
    imitations: int = 2_000
    linear_share: float = 0.4
    hard_share_real: float = 0.3
    hard_share_generated: float = 0.5
    certainty_of_drills: float = 0.97


@dataclass(frozen=True)
class Lesson:
    """What the student learns from: texts, and `targets` (texts, 2), softened probabilities."""

    texts: list[str]
    targets: "torch.Tensor"


def compose(
    train: tuple[list[str], list[int]],
    read: Reader,
    linear: Reader,
    composition: Composition,
    temperature: float,
    seed: int,
) -> Lesson:
    """Real URLs, recombined ones and generated ones, with soft targets from the logits of both readers; and drills.

    `read` sees real and recombined URLs in three spellings, averaged; the linear reader knows no spellings. Where the
    class is known it takes its share of the target. Drills have their class whatever the readers say: both have met
    well-known names mostly where they were abused, and do not tell `paypal` from a misspelt one.
    """
    import torch
    from torch.nn.functional import one_hot

    known = [(text, label) for text, label in zip(*train, strict=True) if not held_out(text)]
    texts, labels = [text for text, _ in known], [label for _, label in known]
    mixed = recombine(*train, composition.recombined, Random(seed))
    made = generated(composition.generated, seed + 7)
    drilled = drills(composition, Random(seed + 8))

    def soften(urls: Sequence[str], found: "torch.Tensor", known: Sequence[int], share: float) -> "torch.Tensor":
        both = (1 - composition.linear_share) * found + composition.linear_share * linear(urls)
        soft = (both / temperature).softmax(-1)
        return (1 - share) * soft + share * one_hot(torch.tensor(known), 2) if share else soft

    def read_in_all_spellings(urls: Sequence[str]) -> "torch.Tensor":
        bare = [re.sub(r"(?i)^[a-z]+://(www\.)?", "", url.replace("&amp;", "&")) for url in urls]
        return (read(urls) + read([f"http://{url}" for url in bare]) + read([f"https://www.{url}" for url in bare])) / 3

    made_texts, made_labels = [url.text for url in made], [url.label for url in made]
    targets = [
        soften(texts, read_in_all_spellings(texts), labels, composition.hard_share_real),
        soften(mixed, read_in_all_spellings(mixed), (), 0),
        soften(made_texts, read(made_texts), made_labels, composition.hard_share_generated),
        one_hot(torch.tensor([url.label for url in drilled]), 2) * (2 * composition.certainty_of_drills - 1)
        + (1 - composition.certainty_of_drills),
    ]
    return Lesson(texts + mixed + made_texts + [url.text for url in drilled], torch.cat(targets))


def generated(count: int, seed: int) -> list[corpus.LabelledUrl]:
    """`count` generated URLs, less those that are kept apart."""
    apart = _kept_apart()
    return [url for url in corpus.generate(count, seed) if _may_be_taught(url.text, apart)]


def drills(composition: Composition, rng: Random) -> list[corpus.LabelledUrl]:
    """Well-known sites' pages, labelled Safe, and imitations, labelled Not Safe; no repeats, nothing kept apart."""
    safe = {f"https://{well_known_page(rng)}" for _ in range(composition.well_known)}
    misspelt = {f"http://{imitation(rng)}" for _ in range(composition.imitations)}
    both = [(text, label) for label, texts in enumerate((safe, misspelt)) for text in sorted(texts)]
    apart = _kept_apart()
    return [corpus.LabelledUrl(text, label) for text, label in both if _may_be_taught(text, apart)]


def _may_be_taught(url: str, apart: set[str]) -> bool:
    return not held_out(url) and corpus.registered_domain(url).removeprefix("www.") not in apart


def _kept_apart() -> set[str]:
    """Registered domains of the bundled validation and test rows, but for those of well-known sites."""
    rows = corpus.bundled()
    texts = [url.text for split in ("validation", "test") for url in rows[split]]
    return {corpus.registered_domain(text).removeprefix("www.") for text in texts} - well_known_domains()


def linear_reader(texts: Sequence[str], labels: Sequence[int]) -> Reader:
    """A reader (texts to logits) fitted on the texts: TF-IDF of character 2–5-grams and logistic regression.

    It sees what a few thousand rows teach a linear model, and errs on other URLs than a pretrained encoder does.
    """
    import torch
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    plain = spelling().normalize_str
    vectors = TfidfVectorizer(analyzer="char", ngram_range=(2, 5), min_df=2, sublinear_tf=True, preprocessor=plain)
    model = LogisticRegression(C=10, max_iter=300).fit(vectors.fit_transform(texts), labels)

    def read(urls: Sequence[str]) -> "torch.Tensor":
        half = torch.tensor(model.decision_function(vectors.transform(urls)), dtype=torch.float32) / 2
        return torch.stack([-half, half], -1)

    return read


def recombine(texts: Sequence[str], labels: Sequence[int], count: int, rng: Random) -> list[str]:
    """`count` URLs with the host of one row and the rest of another, four in five times of the same class.

    What the teacher is examined on is not among them.
    """
    halves: Halves = ([], [])
    for text, label in zip(texts, labels, strict=True):
        if found := re.match(r"(https?://[^/?#]+)(.*)", text.replace("&amp;", "&")):
            halves[label].append((found[1], found[2]))
    return list(islice((url for url in mixtures(halves, rng) if not held_out(url)), count))


def mixtures(halves: Halves, rng: Random) -> Iterator[str]:
    """Yields without end the host of one row with the rest of another, four in five times of the same class.

    The hosts' classes alternate; nothing keeps a URL from coming twice. Both classes must have rows.
    """
    label = 0
    while True:
        host, rest = rng.choice(halves[label])[0], rng.choice(halves[label if rng.random() < 0.8 else 1 - label])[1]
        label = 1 - label
        yield host + rest


def spelling() -> Any:
    """The normalizer that writes an address one way: no scheme, `www.`, last slash, upper case, `&amp;`; only ASCII."""
    from tokenizers import Regex, normalizers

    return normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"^\s+|\s+$"), ""),
            normalizers.Replace(Regex(r"[^\x21-\x7e]"), "~"),
            normalizers.Replace("&amp;", "&"),
            normalizers.Replace(Regex(r"^([a-z]+://)?(www\.)?"), ""),
            normalizers.Replace(Regex(r"/+$"), ""),
        ]
    )

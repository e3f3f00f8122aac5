"""Prints every figure of `assets/teacher/README.md`: quality, calibration, spellings, slices, exam, generated URLs.

    PHISHING_DATA=FOLDER python tests/benchmarks/bundled_teacher.py [--split validation] [--students]

FOLDER holds train.csv, validation.csv and test.csv with the columns `text` and `labels`. Beside the teacher stands a
control: TF-IDF of character 2–5-grams and logistic regression (C 10), trained on the same train split.
"""

import argparse
import csv
import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import numpy as np

from compression.catalog import BUNDLED_TEACHER
from compression.data import corpus
from compression.data.corpus import exam, safe
from compression.data.corpus.addresses import TARGETS
from compression.data.corpus.parts import honest_site
from compression.data.corpus_lesson import Composition, drills, generated

Reader = Callable[[Sequence[str]], np.ndarray]  # texts to probabilities of Not Safe

SHARED_HOSTS = (
    "appspot.com", "blogspot.", "firebaseapp.com", "web.app", "netlify.app",
    "000webhostapp.com", "weebly.com", "wixsite.com", "moonfruit.com", "yolasite.com",
    "webcindario.com", "codesandbox.io", "csb.app", "vercel.app", "herokuapp.com",
    "glitch.me", "github.io", "duckdns.org", "typeform.com", "sharepoint.com",
    "wordpress.com",
)  # fmt: skip


def bare(url: str) -> str:
    """The URL without scheme and `www.`."""
    return re.sub(r"(?i)^[a-z]+://(www\.)?", "", url)


def host(url: str) -> str:
    """The host of a URL with a scheme, `www.` left out."""
    return bare(url).partition("/")[0].lower()


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as collected": str,
    "no scheme, no www.": bare,
    "http://": lambda url: f"http://{bare(url)}",
    "https://": lambda url: f"https://{bare(url)}",
    "https://www.": lambda url: f"https://www.{bare(url)}",
    "no last slash": lambda url: url.rstrip("/"),
    "last slash": lambda url: url.rstrip("/") + "/",
    "upper case": str.upper,
}

SLICES: dict[str, Callable[[str], object]] = {
    "home page": lambda url: "/" not in bare(url).rstrip("/") and "?" not in url,
    "one folder or page": lambda url: bare(url).rstrip("/").count("/") == 1,
    "two or three deep": lambda url: bare(url).rstrip("/").count("/") in (2, 3),
    "four or more deep": lambda url: bare(url).rstrip("/").count("/") >= 4,
    "has a query": lambda url: "?" in url,
    "free host": lambda url: any(shared in host(url) for shared in SHARED_HOSTS),
    "IP host": lambda url: re.fullmatch(r"[\d.]+(:\d+)?", host(url)),
    "WordPress folders": lambda url: "/wp-" in url,
    ".php page": lambda url: ".php" in url.lower(),
    "not under .com": lambda url: not host(url).endswith(".com"),
    "https": lambda url: url.lower().startswith("https"),
    "over 100 characters": lambda url: len(url) > 100,
    "login, sign-in, account": lambda url: re.search("log-?in|sign-?in|account", url.lower()),
}


def read_split(folder: Path, split: str) -> tuple[list[str], np.ndarray]:
    """Texts and labels (rows,) of one split."""
    with (folder / f"{split}.csv").open(newline="", encoding="utf-8") as file:
        rows = [(row["text"], int(row["labels"])) for row in csv.DictReader(file)]
    return [text for text, _ in rows], np.array([label for _, label in rows])


def teacher(folder: Path) -> Reader:
    """The model in `folder` as a reader."""
    from compression.models import bundled

    model, tokenizer = bundled.load(folder)
    return lambda texts: bundled.logits(model, tokenizer, texts).softmax(-1)[:, 1].numpy()


def control(texts: Sequence[str], labels: np.ndarray) -> Reader:
    """The linear control, trained on the texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectors = TfidfVectorizer(analyzer="char", ngram_range=(2, 5), min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=10, max_iter=300).fit(vectors.fit_transform(texts), labels)
    return lambda urls: model.predict_proba(vectors.transform(urls))[:, 1]


def wilson(right: int, count: int) -> tuple[float, float]:
    """The 95 % Wilson score interval of a share."""
    z, share = 1.96, right / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * ((share * (1 - share) + z * z / (4 * count)) / count) ** 0.5 / (1 + z * z / count)
    return middle - half, middle + half


def expected_calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = 15) -> float:
    """Mean gap between confidence and accuracy over equal bins of confidence from 0.5 to 1, weighted by their rows."""
    confidence, right = np.maximum(probabilities, 1 - probabilities), (probabilities > 0.5) == labels
    place = np.minimum(((confidence - 0.5) * 2 * bins).astype(int), bins - 1)
    gaps = [abs(confidence[place == b].mean() - right[place == b].mean()) * (place == b).mean() for b in set(place)]
    return float(sum(gaps))


def show_quality(name: str, probabilities: np.ndarray, labels: np.ndarray) -> None:
    """Prints accuracy and ROC AUC with intervals (Wilson; 1,000 bootstrap draws), calibration and the confusion."""
    from sklearn.metrics import confusion_matrix, roc_auc_score

    found = probabilities > 0.5
    low, high = wilson(int((found == labels).sum()), len(labels))
    rng = np.random.default_rng(0)
    draws = [rng.integers(0, len(labels), len(labels)) for _ in range(1_000)]
    auc_low, auc_high = np.percentile([roc_auc_score(labels[d], probabilities[d]) for d in draws], [2.5, 97.5])
    auc = roc_auc_score(labels, probabilities)
    tn, fp, fn, tp = confusion_matrix(labels, found).ravel()
    print(
        f"{name:8} accuracy {(found == labels).mean():.4f} [{low:.3f}, {high:.3f}]  ROC AUC {auc:.4f} "
        f"[{auc_low:.3f}, {auc_high:.3f}]  ECE {expected_calibration_error(probabilities, labels):.4f}  "
        f"precision {tp / (tp + fp):.4f}  recall {tp / (tp + fn):.4f}  confusion [[{tn}, {fp}], [{fn}, {tp}]]"
    )


def show_exam(reader: Reader) -> None:
    """Prints how much of the exam the reader gets right, and what of it not; then honest sign-in pages."""
    rng = Random(0)
    sign_in = [safe.login_page(rng) for _ in range(4_000)]
    brands = [url for url in sign_in if corpus.registered_domain(f"x://{url}") in TARGETS.values()][:600]
    unknown = [f"{honest_site(rng)}/{url.partition('/')[2]}" for url in brands]
    for name, urls, label in (
        ("best-known sites' front pages", exam.BEST_KNOWN_SITES, 0),
        ("front pages of sites no lesson names", exam.FURTHER_SITES, 0),
        ("textbook phishing", exam.PHISHING_SHAPES, 1),
        ("sign-in pages of imitated brands", brands, 0),
        ("sign-in pages on made-up honest names", unknown, 0),
    ):
        found = reader(list(urls))
        wrong = [f"{url} {p:.2f}" for url, p in zip(urls, found, strict=True) if (p > 0.5) != label]
        print(f"{name}: {len(urls) - len(wrong)} of {len(urls)} right; wrong: {', '.join(wrong[:5])}")


def show_untaught(texts: Sequence[str], labels: np.ndarray, probabilities: np.ndarray) -> None:
    """Prints quality on the rows whose registered domain no generated or drilled URL of the lesson has either."""
    urls = generated(Composition().generated, 7) + drills(Composition(), Random(8))
    taught = {corpus.registered_domain(url.text).removeprefix("www.") for url in urls}
    rows = np.array([corpus.registered_domain(text.lower()).removeprefix("www.") not in taught for text in texts])
    print(f"{len(rows) - rows.sum()} rows share a registered domain with generated or drilled URLs; without them:")
    show_quality("teacher", probabilities[rows], labels[rows])


def show_students(folder: Path, split: str, data: Path) -> None:
    """Prints what a random 2 × 128 student learns from generated URLs, with the teacher's labels and without."""
    import torch
    from torch.nn.functional import one_hot
    from transformers import BertConfig, BertForSequenceClassification

    from compression.data.corpus_lesson import Lesson
    from compression.models import bundled

    model, tokenizer = bundled.load(folder)
    made, unseen = [url.text for url in corpus.generate(20_000, 11)], corpus.generate(10_000, 99)
    truth = np.array([url.label for url in unseen])
    texts, labels = read_split(data, split)

    def student(lesson: Lesson, epochs: int, temperature: float) -> Reader:
        torch.manual_seed(0)
        shape = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 512}
        small = BertForSequenceClassification(BertConfig(vocab_size=model.config.vocab_size, **shape))
        recipe = bundled.Recipe(epochs=epochs, learning_rate=1e-3, temperature=temperature)
        bundled.teach(small, tokenizer, lesson, recipe, seed=0)
        return lambda urls: bundled.logits(small, tokenizer, urls).softmax(-1)[:, 1].numpy()

    soft = (bundled.logits(model, tokenizer, made) / 2).softmax(-1)
    only_generated = student(Lesson(made, soft), epochs=8, temperature=2.0)
    show_quality(f"student distilled only from 20,000 generated URLs, on {split}:", only_generated(texts), labels)

    rows = corpus.bundled()["train"]
    train = [url.text for url in rows]
    hard = one_hot(torch.tensor([url.label for url in rows]), 2).float()
    mixed = 0.9 * (bundled.logits(model, tokenizer, train) / 2).softmax(-1) + 0.1 * hard
    plain = student(Lesson(train, hard), epochs=12, temperature=1.0)
    taught = student(Lesson(train, mixed), epochs=12, temperature=2.0)
    for name, reader in {"without": plain, "with": taught}.items():
        show_quality(
            f"student on the 2,100 {name} a teacher, on 10,000 generated:", reader([u.text for u in unseen]), truth
        )


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=BUNDLED_TEACHER)
    parser.add_argument("--split", default="test")
    parser.add_argument("--students", action="store_true", help="train the three small students too (minutes)")
    options = parser.parse_args()
    data = Path(os.environ["PHISHING_DATA"])
    texts, labels = read_split(data, options.split)
    ours, linear = teacher(options.model), control(*read_split(data, "train"))
    p, q = ours(texts), linear(texts)
    show_quality("teacher", p, labels)
    show_quality("control", q, labels)
    for name, spell in SPELLINGS.items():
        spelt = [spell(text) for text in texts]
        first, second = ((reader(spelt) > 0.5) == labels for reader in (ours, linear))
        print(f"| {name} | {first.mean():.3f} | {second.mean():.3f} |")
    for name, belongs in SLICES.items():
        rows = np.array([bool(belongs(text)) for text in texts])
        right, count = int(((p > 0.5) == labels)[rows].sum()), int(rows.sum())
        low, high = wilson(right, count)
        linear_right = ((q > 0.5) == labels)[rows].mean()
        share = labels[rows].mean()
        print(f"| {name} | {count} | {share:.0%} | {right / count:.3f} | {low:.3f}–{high:.3f} | {linear_right:.3f} |")
    show_untaught(texts, labels, p)
    show_exam(ours)
    made = corpus.generate(10_000, 99)
    truth, made_texts = np.array([url.label for url in made]), [url.text for url in made]
    small = control([u.text for u in corpus.bundled()["train"]], np.array([u.label for u in corpus.bundled()["train"]]))
    show_quality("10,000 generated URLs, teacher:", ours(made_texts), truth)
    show_quality("10,000 generated URLs, control trained on the 2,100:", small(made_texts), truth)
    if options.students:
        show_students(options.model, options.split, data)


if __name__ == "__main__":
    main()

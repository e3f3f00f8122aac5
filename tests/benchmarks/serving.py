"""How soon a verdict comes: one URL and many, this project's serving beside the notebook's way and beside peers.

    python tests/benchmarks/serving.py [--data bundled] [--texts 300] [--json]

One process, all models in turn on the same URLs, medians and 95th percentiles. A student of 2 layers × 128 and the
bundled teacher's Quick student are distilled and quantized first (a minute and a half); the article's student shape has
random weights, which take the same time to multiply. `--data` is what they learn from and what is asked.

The notebook's way is padding to 512 and eager attention in fp32; with "same lengths" a peer pads no further than it has
to.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np
import onnxruntime
import peers
import torch
from peers import Probabilities
from transformers import DistilBertConfig, DistilBertForSequenceClassification

from compression.artefacts.folder import load, save_onnx
from compression.artefacts.weight import size_bytes
from compression.catalog import BUNDLED_TEACHER, PRESETS
from compression.data.sources import Split, load_data
from compression.measure.runtime import choose
from compression.measure.speed import latencies
from compression.models.classifier import Classifier, load_tokenizer
from compression.models.device import cpu_flags, cpu_name
from compression.pipeline import run
from compression.predict.batch import classify_file
from compression.predict.predictor import Predictor, runtime_of
from compression.predict.runtime import served
from compression.recipe import parse
from compression.schemes import OnnxInt8

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Peer:
    """Something that answers: one URL, and many at once; what it holds, in bytes."""

    name: str
    one: Callable[[str], Any]
    many: Probabilities
    size_bytes: int


def article_student(folder: Path, tokenizer: Path) -> Classifier:
    """The article's student shape (DistilBERT, 4 layers × 768, 8 heads), random weights, its vocabulary's size."""
    torch.manual_seed(0)
    config = DistilBertConfig(n_layers=4, n_heads=8, vocab_size=30_522, num_labels=2)
    model = DistilBertForSequenceClassification(config)
    model.save_pretrained(folder)
    load_tokenizer(tokenizer).save_pretrained(folder)
    return load(folder, CPU)


def throughput(answer: Probabilities, texts: Sequence[str], rounds: int = 3) -> float:
    """URLs a second, the median of several rounds."""
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        answer(texts)
        seconds.append(time.perf_counter() - start)
    return len(texts) / float(np.median(seconds))


def accuracy(answer: Probabilities, test: Split) -> float:
    """Share of right verdicts."""
    return float(np.mean((answer(test.texts) >= 0.5) == np.array(test.labels)))


def file_throughput(predictor: Predictor, texts: Sequence[str], folder: Path, rows: int) -> float:
    """URLs a second of a whole file, reading and writing included; no URL stands in it twice."""
    source = folder / "urls.txt"
    source.write_text("\n".join(f"{texts[row % len(texts)]}?{row}" for row in range(rows)), encoding="utf-8")
    return classify_file(source, folder / "verdicts.csv", predictor, overwrite=True).urls_per_second


def small_run(output: Path, data: str, **student: int) -> Path:
    """Quick's recipe with another student; the folder of its compressed model."""
    run(parse(PRESETS["quick"].settings, {"data": data, "device": "cpu", "student": student}), output=output)
    return output / "models"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="bundled", help="what the students learn and are asked (default: bundled)")
    parser.add_argument("--tokenizer", type=Path, default=os.environ.get("PHISHING_TEACHER") or BUNDLED_TEACHER)
    parser.add_argument("--texts", type=int, default=300, help="test URLs asked one by one")
    parser.add_argument("--rows", type=int, default=30_000, help="rows of the file")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["COMPRESSION_HOME"] = f"{scratch}/home"
        figures = measure(given, Path(scratch))
    print(json.dumps(figures) if given.json else "", end="\n")


def measure(given: argparse.Namespace, scratch: Path) -> dict[str, Any]:
    data = load_data(given.data, parse().columns)
    train, test = data.splits["train"], data.splits["test"]
    texts = list(dict.fromkeys(test.texts))[: given.texts]
    figures: dict[str, Any] = {"cpu": cpu_name(), "flags": cpu_flags(), "threads": torch.get_num_threads()}
    print(f"{cpu_name()} ({', '.join(cpu_flags())}), {torch.get_num_threads()} threads, torch {torch.__version__}, "
          f"onnxruntime {onnxruntime.__version__}; {len(texts)} URLs one by one, {len(test)} at once")  # fmt: skip

    small = small_run(scratch / "small", given.data, layers=2, heads=2, hidden_size=128, intermediate_size=512)
    quick = small_run(scratch / "quick", given.data)
    predictors = {}
    for name, folder in (("2 × 128, NF4", small / "compressed"), ("Quick, NF4", quick / "compressed")):
        runtime = choose(folder, data.splits["validation"].texts)
        print(f"{name}: {runtime.name}, {runtime.reason} {runtime.p50_ms}, largest difference {runtime.difference}")
        predictors[name] = Predictor(served(folder, CPU, None, runtime), runtime)

    article = article_student(scratch / "article", given.tokenizer)
    save_onnx(article, OnnxInt8(), scratch / "article-int8")
    runtime = choose(scratch / "article-int8", texts)
    int8 = Predictor(served(scratch / "article-int8", CPU, None, runtime), runtime)
    slow = peers.notebook(article)

    engine = predictors["2 × 128, NF4"]
    timed = {name: latencies({name: each.predict}, texts)[name] for name, each in predictors.items()}  # each by itself
    timed |= latencies({"article's student, ORT INT8": int8.predict}, texts)
    timed |= latencies({"article's student, notebook's way": lambda text: slow([text])}, texts[:15])
    print("\nOne URL, text to verdict\n                                        p50 ms    p95 ms")
    for name, latency in timed.items():
        print(f"{name:<38}{latency.p50:>8.2f}  {latency.p95:>8.2f}")
    before, after = timed["article's student, notebook's way"].p50, timed["article's student, ORT INT8"].p50
    bar("2 × 128 p50 < 1.5 ms", timed["2 × 128, NF4"].p50, timed["2 × 128, NF4"].p50 < 1.5)
    bar("article's student as ORT INT8 p50 < 12 ms", after, after < 12)
    bar("at least 40 times sooner than the notebook's way", before / after, before / after >= 40)
    figures["one"] = {name: latency.model_dump() for name, latency in timed.items()}

    student = load(small / "student", CPU)
    loop = throughput(peers.notebook(student), test.texts[:96], 3)
    whole = file_throughput(engine, test.texts, scratch, given.rows)
    print(f"\n2 × 128, {given.rows:,} rows of a file: {whole:,.0f} URLs/s; the notebook's loop {loop:,.0f} URLs/s")
    bar("a file at 3,000 URLs/s or more", whole, whole >= 3_000)
    bar("at least 10 times the notebook's loop", whole / loop, whole / loop >= 10)
    figures |= {"file_urls_per_second": whole, "notebook_urls_per_second": loop}

    figures["peers"] = peers_table(small, data.splits, engine, train, test, texts, scratch)
    return figures


def peers_table(
    small: Path, splits: Any, engine: Predictor, train: Split, test: Split, texts: Sequence[str], scratch: Path
) -> list[dict[str, Any]]:
    """The same student served by others, and other models of its size, on the same URLs and this machine."""
    student, validation = small / "student", splits["validation"].texts
    fp32, int8 = size_bytes(student), scratch / "int8"
    save_onnx(load(student, CPU), OnnxInt8(), int8)
    own, rounded = (Predictor(served(folder, CPU, None, choose(folder, validation))) for folder in (student, int8))
    eager = Predictor(load(student, CPU))
    piped, padded = peers.transformers_pipeline(load(student, CPU)), peers.notebook(load(student, CPU))
    default, tfidf = peers.default_onnx(load(student, CPU), scratch), peers.ngrams(train)
    static = peers.static(load(BUNDLED_TEACHER, CPU), train)

    def served_by(predictor: Predictor) -> str:
        return f"as served ({runtime_of(predictor.classifier)})"

    def alone(answer: Probabilities) -> Callable[[str], Any]:
        return lambda text: answer([text])

    nf4_bytes = size_bytes(small / "compressed")
    rivals = [
        Peer(f"NF4, {served_by(engine)}", engine.predict, engine.probabilities, nf4_bytes),
        Peer(f"fp32, {served_by(own)}", own.predict, own.probabilities, fp32),
        Peer(f"INT8, {served_by(rounded)}", rounded.predict, rounded.probabilities, size_bytes(int8)),
        Peer("fp32, PyTorch, same lengths", eager.predict, eager.probabilities, fp32),
        Peer("fp32, transformers pipeline, same lengths", alone(piped), piped, fp32),
        Peer("ONNX export and quantize_dynamic, defaults", alone(default[0]), *default),
        Peer("fp32, the notebook's way (padded)", alone(padded), padded, fp32),
        Peer("TF-IDF and logistic regression", alone(tfidf[0]), *tfidf),
        Peer("static embeddings (model2vec's idea)", alone(static[0]), *static),
    ]
    timed = latencies({peer.name: peer.one for peer in rivals}, texts)
    print("\nThe 2 × 128 student and its peers\n" + " " * 46 + "kB     p50 ms   p95 ms    URLs/s  accuracy")
    rows = []
    for peer in rivals:
        latency, per_second, right = timed[peer.name], throughput(peer.many, test.texts), accuracy(peer.many, test)
        print(
            f"{peer.name:<44}{peer.size_bytes / 1e3:>7,.0f}  {latency.p50:>8.2f} {latency.p95:>8.2f}"
            f"  {per_second:>8,.0f}    {right:.3f}"
        )
        figures = {"size_bytes": peer.size_bytes, "urls_per_second": per_second, "accuracy": right}
        rows.append({"name": peer.name, **latency.model_dump(), **figures})
    return rows


def bar(words: str, value: float, met: bool) -> None:
    """One line about a bar, and whether it is met."""
    print(f"  {'met   ' if met else 'MISSED'}  {words}: {value:,.2f}")


if __name__ == "__main__":
    main()

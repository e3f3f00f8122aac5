"""How long the article's recipe takes in the notebook's way and in ours, per step and in all, and where the time goes.

    PYTHONPATH=.:tests python -m benchmarks.training [--rounds 3] [--profile] [--agreement]

Models have the article's shapes and random weights (BERT-base; DistilBERT of 4 layers), batches hold 32 URLs of real
length. The notebook pads each to 512 tokens and asks the teacher in every step; here batches are of nearly one length,
and the teacher is asked once. All take turns in one process. Of ours a round times some batches of all lengths; their
seconds are carried over to an epoch's average batch by the operations each has. A training of E epochs of S batches is
composed of single ones: E·S·(t_T + t_S) against S·t_T′ + E·S·t_S′. URLs are those of PHISHING_DATA, tokens those of the
tokenizer in PHISHING_TEACHER; without these, the bundled ones. `--agreement` trains in both ways to the end instead, on
a small scale, and compares what comes out.
"""

import argparse
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any

import torch
from benchmarks.agreement import Batch, agree, padded

from compression.catalog import BUNDLED, BUNDLED_TEACHER
from compression.data.batching import bucketed, by_length, collate, in_order
from compression.data.sources import Data, load_data
from compression.methods.distill import distillation_loss
from compression.models.asking import answer
from compression.models.classifier import feed_forward, load_tokenizer
from compression.models.device import cpu_name, fast_cpu_bf16

EPOCHS, STEPS, BATCH, LONGEST = 5, 66, 32, 512  # the article's
BARS = {"fp32": 28, "bf16": 60}
SAMPLE = 8  # of an epoch's batches, of all lengths: what a round times of our way
Inputs = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Step:
    """What one batch takes of the teacher's reading and of the student's learning: seconds, or operations."""

    teacher: float
    student: float


def composed(notebook: Step, ours: Step, epochs: int = EPOCHS, steps: int = STEPS) -> tuple[float, float]:
    """Seconds of a whole training: E·S·(t_T + t_S) in the notebook's way, S·t_T′ + E·S·t_S′ in ours."""
    every = epochs * steps
    return every * (notebook.teacher + notebook.student), steps * ours.teacher + every * ours.student


def carried(seconds: Step, flops: Step, needed: Step) -> Step:
    """The seconds that batches of `needed` operations take, where some of `flops` took `seconds`."""
    return Step(seconds.teacher * needed.teacher / flops.teacher, seconds.student * needed.student / flops.student)


def forward_flops(config: Any, rows: int, tokens: int) -> int:
    """Multiplications and additions in the matrix products of one forward pass over (rows, tokens)."""
    width, inner = config.hidden_size, getattr(config, feed_forward(config))
    matrices = 2 * (4 * width**2 + 2 * width * inner)  # a token: query, key, value, output; feed-forward
    attention = 2 * 2 * width * tokens  # a token: scores, and the mean they weigh
    head = 2 * width**2 + 2 * width * config.num_labels
    return int(rows * (tokens * config.num_hidden_layers * (matrices + attention) + head))


def spread(batches: Sequence[Batch], offset: float, count: int = SAMPLE) -> list[Batch]:
    """Batches at evenly spaced ranks of length; `offset` in (0, 1) says where between two ranks they are taken."""
    ranked = sorted(batches, key=lambda batch: max(map(len, batch)))
    count = min(count, len(ranked))
    return [ranked[int((index + offset) * len(ranked) / count)] for index in range(count)]


class Models:
    """The article's teacher and student; both ways train the same student, each with its own Adam."""

    def __init__(self) -> None:
        from transformers import (
            BertConfig,
            BertForSequenceClassification,
            DistilBertConfig,
            DistilBertForSequenceClassification,
        )

        torch.manual_seed(0)
        self.teacher = BertForSequenceClassification(BertConfig()).eval()
        self.student = DistilBertForSequenceClassification(DistilBertConfig(n_heads=8, n_layers=4)).train()
        self._adams = {
            fused: torch.optim.Adam(self.student.parameters(), lr=1e-4, fused=fused) for fused in (True, None)
        }

    def ask(self, inputs: Inputs, precision: str, fused: bool | None) -> None:
        """One batch read by the teacher."""
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            _answered(self.teacher, inputs, fused)

    def step(self, inputs: Inputs, precision: str, fused: bool | None) -> None:
        """One batch learnt by the student: forward, loss, backward, Adam."""
        rows, adam = len(inputs["input_ids"]), self._adams[fused]
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            logits = _answered(self.student, inputs, fused)
        labels = torch.arange(rows) % 2
        loss = distillation_loss(logits.float(), torch.zeros(rows, 2), labels, 2.0, 0.5).total
        adam.zero_grad()
        loss.backward()
        adam.step()

    def flops(self, asked: Sequence[Batch], learnt: Sequence[Batch], longest: int | None = None) -> Step:
        """What an average batch of these needs of both models; a backward pass is taken for two forward ones."""
        means = [
            mean(forward_flops(model.config, len(batch), longest or max(map(len, batch))) for batch in batches)
            for model, batches in ((self.teacher, asked), (self.student, learnt))
        ]
        return Step(means[0], 3 * means[1])

    def seconds(self, asked: Sequence[Inputs], learnt: Sequence[Inputs], precision: str, fused: bool | None) -> Step:
        """What an average batch of these takes."""
        return Step(
            mean(_seconds(lambda i=inputs: self.ask(i, precision, fused)) for inputs in asked),
            mean(_seconds(lambda i=inputs: self.step(i, precision, fused)) for inputs in learnt),
        )


def _answered(model: Any, inputs: Inputs, ours: bool | None) -> torch.Tensor:
    logits: torch.Tensor = (answer(model, inputs) if ours else model(**inputs)).logits
    return logits


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def urls() -> tuple[str, Data]:
    """What the URLs are called, and the URLs."""
    source = os.environ.get("PHISHING_DATA") or BUNDLED
    return Path(source).name, load_data(source)


def tokenized(texts: Sequence[str]) -> tuple[Batch, int]:
    """Token ids of as many of the texts as an epoch of the article has, and the id of padding."""
    tokenizer = load_tokenizer(Path(os.environ.get("PHISHING_TEACHER") or BUNDLED_TEACHER))
    some = [texts[row * len(texts) // (2_100)] for row in range(min(2_100, len(texts)))]
    return tokenizer(some, truncation=True, max_length=LONGEST)["input_ids"], tokenizer.pad_token_id


def time_steps(rounds: int, profile: bool) -> None:
    """Prints what a step takes in each way, the whole training composed of it, and the bars."""
    name, data = urls()
    ids, pad = tokenized(data.splits["train"].texts)
    lengths = [len(row) for row in ids]
    notebook = [[ids[row] for row in rows] for rows in in_order(len(ids), BATCH)]
    asked = [[ids[row] for row in rows] for rows in by_length(lengths, BATCH)]
    learnt = [[ids[row] for row in rows] for rows in bucketed(lengths, BATCH, 1)]
    means = [mean(max(map(len, batch)) for batch in batches) for batches in (notebook, asked, learnt)]
    print(
        f"{len(ids)} URLs of {name}, {mean(lengths):.1f} tokens on average, {max(lengths)} at most; a batch's longest:"
    )
    print("  {:.0f} on average as they stand, {:.1f} as the teacher reads here, {:.1f} bucketed".format(*means))

    models, found = Models(), dict[str, list[Step]]()
    needed = {"notebook": models.flops(notebook, notebook, LONGEST)}
    precisions = ["fp32", *(["bf16"] if fast_cpu_bf16() else [])]
    few = padded(notebook[0][:2], pad, LONGEST)
    models.seconds([few], [few], "fp32", None)
    for precision in precisions:
        needed[precision] = models.flops(asked, learnt)
        models.seconds([collate(asked[-1], pad)], [collate(learnt[-1], pad)], precision, True)
    for number in range(rounds):
        whole, offset = [padded(notebook[number % len(notebook)], pad, LONGEST)], (number + 0.5) / rounds
        found.setdefault("notebook", []).append(models.seconds(whole, whole, "fp32", None))
        for precision in precisions:
            some = [spread(batches, offset) for batches in (asked, learnt)]
            inputs = [[collate(batch, pad) for batch in batches] for batches in some]
            spent, done = models.seconds(inputs[0], inputs[1], precision, True), models.flops(some[0], some[1])
            found.setdefault(precision, []).append(carried(spent, done, needed[precision]))
        print(f"round {number + 1} of {rounds} done", flush=True)
    _show(found, needed)
    if profile:
        for precision in precisions:
            _show_profile(models, [collate(batch, pad) for batch in spread(learnt, 0.5)], precision)


def _show(found: dict[str, list[Step]], needed: dict[str, Step]) -> None:
    typical = {
        way: Step(median(step.teacher for step in steps), median(step.student for step in steps))
        for way, steps in found.items()
    }
    print("| Way | Teacher, s | GFLOP | GFLOP/s | Student, s | GFLOP | GFLOP/s |\n|---|---|---|---|---|---|---|")
    for way, step in typical.items():
        parts = ((step.teacher, needed[way].teacher / 1e9), (step.student, needed[way].student / 1e9))
        cells = " | ".join(f"{seconds:.3f} | {flops:,.1f} | {flops / seconds:,.0f}" for seconds, flops in parts)
        print(f"| {'notebook, fp32' if way == 'notebook' else f'ours, {way}'} | {cells} |")
    notebook = typical.pop("notebook")
    for precision, ours in typical.items():
        slow, fast = composed(notebook, ours)
        ratios = [theirs / own for theirs, own in map(composed, found["notebook"], found[precision])]
        arithmetic = composed(needed["notebook"], needed[precision])
        print(
            f"{precision}: E·S·(t_T + t_S) = {EPOCHS}·{STEPS}·({notebook.teacher:.3f} + {notebook.student:.3f}) = "
            f"{slow:,.0f} s against S·t_T′ + E·S·t_S′ = {STEPS}·{ours.teacher:.3f} + {EPOCHS}·{STEPS}·"
            f"{ours.student:.3f} = {fast:,.0f} s: {slow / fast:.1f}× ({min(ratios):.1f} to {max(ratios):.1f} by round; "
            f"by FLOPs alone {arithmetic[0] / arithmetic[1]:.1f}×); bar {BARS[precision]}×: "
            + ("met" if slow / fast >= BARS[precision] else "missed")
        )


def _show_profile(models: Models, batches: Sequence[Inputs], precision: str) -> None:
    """Prints which operations a student's step spends its time in."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as seen:
        for inputs in batches:
            models.step(inputs, precision, True)
    operations = sorted(seen.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in operations)
    print(
        f"Where a step of ours goes, {precision} ({total / 1e6 / len(batches):.3f} s under the profiler), by self time:"
    )
    for event in operations[:14]:
        share, calls = event.self_cpu_time_total / total, event.count // len(batches)
        print(f"  {share:6.1%}  {event.key}  ({calls} calls a step)")


def main() -> None:
    """Prints the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="say where a step's time goes")
    parser.add_argument("--agreement", action="store_true", help="train to the end in both ways instead (minutes)")
    parser.add_argument("--rows", type=int, default=640, help="URLs to agree on")
    parser.add_argument("--seeds", type=int, default=3, help="how often to agree")
    options = parser.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d}, {cpu_name()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    with tempfile.TemporaryDirectory() as home:
        os.environ["COMPRESSION_HOME"] = home  # so that no answer of the teacher is known beforehand
        if options.agreement:
            agree(options.rows, range(options.seeds))
        else:
            time_steps(options.rounds, options.profile)


if __name__ == "__main__":
    main()

"""Which runtime answers soonest on this CPU, found by trying: PyTorch, or ONNX Runtime with one thread or all.

    folder ─▶ PyTorch ─────────────────────┬─▶ the same probabilities? ─▶ one URL at a time, in turn ─▶ Runtime
           └▶ expanded to fp32 ─▶ ONNX ────┘

A graph stands in for a model only where it computes the same thing: weights expanded to the values they stand for, and
on the URLs given no probability that differs by more than a hundredth. PyTorch runs 4-bit weights in bf16 where that is
fast, whose rounding comes to that much; so a verdict can differ only where the model itself is in two minds.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from compression.artefacts.folder import load
from compression.artefacts.onnx import is_onnx, load_onnx
from compression.errors import DataError, UnsupportedError
from compression.events import Progress, Report, ignore
from compression.measure.speed import latencies
from compression.methods.bnb import expanded
from compression.methods.linear import is_linear
from compression.methods.onnx import export_onnx
from compression.models.classifier import Classifier
from compression.models.device import cpu_flags, cpu_name, resolve
from compression.models.onnx_model import FILE, MAX_BYTES
from compression.predict.predictor import THRESHOLD, Predictor
from compression.predict.runtime import ONNX_RUNTIME, PYTORCH, Runtime, keep

STAGE = "runtime"
TOLERANCE = 0.01  # of a probability
_TIMED = 50  # texts
_EARNED = 0.75  # of the time that one thread takes
_MOST_PARAMETERS = MAX_BYTES // 4  # what fits into one graph file in fp32


def _silent(words: str) -> None:
    """Says nothing."""


def choose(folder: Path, texts: Sequence[str], not_safe: str | None = None, report: Report = ignore) -> Runtime:
    """The fastest runtime on this CPU for the model in `folder`, kept so that later loads follow it.

    `texts` are what it is tried on: the more, the surer that both say the same. Raises DataError without any,
    ModelError or ConfigError for the model, and whatever `report` raises.
    """
    if not texts:
        raise DataError("There is no URL to try a runtime on. Give data with validation URLs.")

    def doing(words: str) -> None:
        report(Progress(stage=STAGE, doing=words, step=0, steps=1))

    doing("Loading the model")
    own = load(folder, resolve("cpu"), not_safe)
    with TemporaryDirectory(prefix="runtime-") as scratch:
        graph, reason = (
            (folder / FILE, "") if is_onnx(folder) else as_graph(folder, own, Path(scratch), not_safe, doing)
        )
        if graph is None:
            runtime, content = _runtime(PYTORCH, reason), None
        else:
            runtime = _measured(folder, own, graph, texts, not_safe, doing)
            content = graph.read_bytes() if runtime.name == ONNX_RUNTIME and not is_onnx(folder) else None
    with suppress(OSError):  # then it is chosen anew another time
        keep(folder, runtime, content)
    return runtime


def as_graph(
    folder: Path, own: Classifier, scratch: Path, not_safe: str | None = None, doing: Callable[[str], None] = _silent
) -> tuple[Path | None, str]:
    """The model in `folder`, loaded as `own`, as a graph in fp32 in the folder `scratch`; or None and why there is
    none. Raises ModelError or ConfigError for the model."""
    if is_linear(folder):
        return None, "A linear model has nothing to gain from another runtime."
    if _rounds_activations(own):
        return None, "LLM.int8 rounds activations as it runs, which no other runtime repeats."
    if sum(parameter.numel() for parameter in own.model.parameters()) > _MOST_PARAMETERS:
        return None, "The model does not fit into one ONNX file."
    doing("Exporting the model to ONNX")
    full = load(folder, resolve("cpu"), not_safe)  # anew: a 4-bit model that has run cannot be expanded
    path = scratch / FILE
    try:
        export_onnx(replace(full, model=expanded(full.model)), path)
    except UnsupportedError as error:
        return None, str(error)
    return path, ""


def _measured(
    folder: Path, own: Classifier, graph: Path, texts: Sequence[str], not_safe: str | None, doing: Callable[[str], None]
) -> Runtime:
    """The choice among those that say the same as the model itself."""
    doing("Comparing what both runtimes say")
    candidates = {
        (ONNX_RUNTIME, threads): Predictor(load_onnx(folder, not_safe, graph, threads)) for threads in (1, None)
    }
    agreement: dict[str, float | int] = {"texts": len(texts)}
    if not is_onnx(folder):
        candidates = {(PYTORCH, None): Predictor(own), **candidates}
        difference, flipped = agreement_of(candidates[PYTORCH, None], candidates[ONNX_RUNTIME, 1], texts)
        agreement |= {"difference": difference, "flipped": flipped}
    doing("One URL at a time, timed")
    timed = latencies({_called(*key): model.predict for key, model in candidates.items()}, texts[:_TIMED])
    p50_ms = {name: latency.p50 for name, latency in timed.items()}
    if agreement.get("difference", 0) > TOLERANCE:
        return _runtime(PYTORCH, "ONNX Runtime does not say the same as PyTorch.", p50_ms=p50_ms, **agreement)
    name, threads = min(candidates, key=lambda key: p50_ms[_called(*key)])
    reason = "The fastest measured."
    if (name, threads) == (ONNX_RUNTIME, None):
        every, one = (p50_ms[_called(name, threads)] for threads in (None, 1))
        if every > _EARNED * one:
            threads, reason = 1, "Nearly the fastest measured: more threads save too little to be kept from other work."
    return _runtime(name, reason, threads=threads, p50_ms=p50_ms, **agreement)


def agreement_of(one: Predictor, other: Predictor, texts: Sequence[str]) -> tuple[float, int]:
    """The largest difference between two models' probabilities on these texts, and on how many the verdicts differ."""
    before, after = one.probabilities(texts), other.probabilities(texts)
    flipped = int(((before >= THRESHOLD) != (after >= THRESHOLD)).sum())
    return float(abs(before - after).max()), flipped


def _runtime(name: str, reason: str, **more: object) -> Runtime:
    known = {"name": name, "reason": reason, "cpu": cpu_name(), "cpu_flags": cpu_flags()}
    return Runtime.model_validate(known | more)


def _called(name: str, threads: int | None) -> str:
    return name if name == PYTORCH else f"{name}, {'1 thread' if threads == 1 else 'all threads'}"


def _rounds_activations(classifier: Classifier) -> bool:
    settings = getattr(classifier.model.config, "quantization_config", None)
    return bool(getattr(settings, "load_in_8bit", False))

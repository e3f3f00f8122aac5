"""Predictions of a model folder, one URL or many, from models kept loaded."""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from compression.artefacts.folder import digest
from compression.catalog import LABELS
from compression.models.classifier import Classifier, logits_of
from compression.models.device import here
from compression.models.onnx_model import OnnxModel
from compression.predict.attribution import Reasons, reasons
from compression.predict.runtime import ONNX_RUNTIME, PYTORCH, Runtime, known, served

if TYPE_CHECKING:
    import numpy as np
    import torch

THRESHOLD = 0.5
_REMEMBERED = 4_096  # verdicts a model


@dataclass(frozen=True)
class Prediction:
    """A verdict on one URL; `probability` is that of Not Safe, `latency_ms` from text to verdict, loading excluded.

    `runtime` is what ran the model.
    """

    url: str
    label: str
    probability: float
    latency_ms: float
    runtime: str = PYTORCH


class Predictor:
    """One loaded model that answers one caller at a time (4-bit layers repack themselves at their first forward).

    `runtime` is the choice it follows, if one was made.
    """

    def __init__(self, classifier: Classifier, runtime: Runtime | None = None) -> None:
        self.classifier = classifier
        self.runtime = runtime
        self._lock = threading.Lock()
        self._remembered: OrderedDict[bytes, Prediction] = OrderedDict()  # by SHA-256: no URL stays here

    def probabilities(
        self, texts: Sequence[str], report: Callable[[int, int], None] = lambda step, steps: None
    ) -> "np.ndarray":
        """Probability of Not Safe for every text, (texts,) float64; `report(step, steps)` before each batch."""
        import torch

        with self._lock:
            logits = logits_of(self.classifier, texts, report)
        return torch.softmax(logits.double(), dim=-1)[:, 1].numpy()

    def predict(self, url: str) -> Prediction:
        """The verdict on one URL, timed from the text to the verdict."""
        start = time.perf_counter()
        probability = float(self.probabilities([url])[0])
        latency_ms = (time.perf_counter() - start) * 1000
        return Prediction(url, label_of(probability), probability, latency_ms, runtime_of(self.classifier))

    def verdict(self, url: str) -> Prediction:
        """The verdict on one URL; on one asked before, the verdict of then, with the time that it took then."""
        key = hashlib.sha256(url.encode("utf-8", "surrogatepass")).digest()
        with self._lock:
            found = self._remembered.pop(key, None)
        found = found or replace(self.predict(url), url="")
        with self._lock:
            self._remembered[key] = found
            while len(self._remembered) > _REMEMBERED:
                self._remembered.popitem(last=False)
        return replace(found, url=url)

    def reasons(self, url: str) -> Reasons:
        """What in the URL moved the verdict on it."""
        with self._lock:
            return reasons(self.classifier, url)


def runtime_of(classifier: Classifier) -> str:
    """What runs a loaded model, by name."""
    return ONNX_RUNTIME if isinstance(classifier.model, OnnxModel) else PYTORCH


def label_of(probability: float) -> str:
    """'Not Safe' from a probability of one half on, else 'Safe'."""
    return LABELS[int(probability >= THRESHOLD)]


@dataclass
class _Entry:
    """A model that was asked for; whoever asked first loads it, while `loading` holds back all who ask for the same."""

    loading: threading.Lock = field(default_factory=threading.Lock)
    predictor: Predictor | None = None
    size_bytes: int = 0


class PredictorCache:
    """Loaded models by content, least recently used out first while they hold more than `limit_bytes` of memory.

    Parameters and buffers count. The model asked for last stays, however large, and so does one that is answering
    until it has answered.
    """

    def __init__(self, limit_bytes: int = 2_000_000_000) -> None:
        self._limit = limit_bytes
        self._lock = threading.Lock()  # guards the entries, and is never held while a file is read
        self._entries: OrderedDict[tuple[object, ...], _Entry] = OrderedDict()

    def predictor(
        self,
        folder: Path,
        device: "torch.device | None" = None,
        not_safe: str | None = None,
        runtime: Runtime | None = None,
    ) -> Predictor:
        """The model in `folder`, loaded at most once for all folders that hold the same; `not_safe` are its classes.

        It runs as `runtime` says, by its own means without one. Whoever asks for a model that is being loaded waits for
        it; all others are served meanwhile. Raises ModelError or ConfigError.
        """
        device = device or here()
        key = (digest(folder), str(device), not_safe, runtime and (runtime.name, runtime.threads))
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
        with entry.loading:
            if (predictor := entry.predictor) is None:  # also where loading failed before: the folder may be whole now
                predictor = Predictor(served(folder, device, not_safe, runtime), runtime)
                predictor.probabilities(["http://warm.up/"])
                entry.size_bytes = predictor.classifier.model.get_memory_footprint()
                entry.predictor = predictor
        with self._lock:
            self._entries[key] = entry  # it may have been the oldest, and gone, while it was waited for
            self._entries.move_to_end(key)
            self._shrink()
        return predictor

    def _shrink(self) -> None:
        held = sum(entry.size_bytes for entry in self._entries.values())
        for key, entry in list(self._entries.items())[:-1]:
            if held > self._limit and entry.predictor:
                del self._entries[key]
                held -= entry.size_bytes


_CACHE = PredictorCache()


def loaded(folder: Path, not_safe: str | None = None) -> Predictor:
    """The model in `folder`, from those kept loaded, run by what was chosen for it. Raises ModelError, ConfigError."""
    return _CACHE.predictor(folder, not_safe=not_safe, runtime=known(folder))


def classify(
    url: str, folders: Mapping[str, Path], not_safe: Mapping[str, str | None] | None = None
) -> dict[str, Prediction]:
    """Each named model folder's verdict on `url`, one after the other; `not_safe` are classes by the model's name.

    Each is run by what was chosen for it, if anything was; a URL asked before is not computed again.
    Raises ModelError or ConfigError.
    """
    classes = not_safe or {}
    return {name: loaded(folder, classes.get(name)).verdict(url) for name, folder in folders.items()}


def explain(
    url: str, folders: Mapping[str, Path], not_safe: Mapping[str, str | None] | None = None
) -> dict[str, Reasons]:
    """What in `url` moved each named model folder's verdict; arguments and errors as of `classify`.

    Gradients are PyTorch's to give, so it is that which runs the models here.
    """
    classes = not_safe or {}
    return {name: _CACHE.predictor(folder, not_safe=classes.get(name)).reasons(url) for name, folder in folders.items()}

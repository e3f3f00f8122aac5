"""Predictions of a model folder, one URL or many, from models kept loaded."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compression.artefacts.folder import load
from compression.artefacts.weight import size_stored_bytes
from compression.catalog import LABELS
from compression.models.classifier import Classifier, logits_of
from compression.models.device import here

if TYPE_CHECKING:
    import numpy as np
    import torch

THRESHOLD = 0.5


@dataclass(frozen=True)
class Prediction:
    """A verdict on one URL; `probability` is that of Not Safe, `latency_ms` from text to verdict, loading excluded."""

    url: str
    label: str
    probability: float
    latency_ms: float


class Predictor:
    """One loaded model that answers one caller at a time (4-bit layers repack themselves at their first forward)."""

    def __init__(self, classifier: Classifier) -> None:
        self.classifier = classifier
        self._lock = threading.Lock()

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
        return Prediction(url, label_of(probability), probability, latency_ms)


def label_of(probability: float) -> str:
    """'Not Safe' from a probability of one half on, else 'Safe'."""
    return LABELS[int(probability >= THRESHOLD)]


class PredictorCache:
    """Loaded models by folder, least recently used out first once their files exceed `limit_bytes`."""

    def __init__(self, limit_bytes: int = 2_000_000_000) -> None:
        self._limit = limit_bytes
        self._lock = threading.Lock()
        self._loaded: OrderedDict[tuple[Path, float, str], tuple[Predictor, int]] = OrderedDict()

    def predictor(self, folder: Path, device: "torch.device | None" = None) -> Predictor:
        """The model in `folder`, loaded at most once as long as its files do not change. Raises ModelError."""
        device = device or here()
        changed = max((path.stat().st_mtime for path in folder.glob("*")), default=0.0)
        key = (folder.resolve(), changed, str(device))
        with self._lock:
            if key not in self._loaded:
                predictor = Predictor(load(folder, device))
                predictor.probabilities(["http://warm.up/"])
                self._loaded[key] = (predictor, size_stored_bytes(folder))
                self._shrink()
            self._loaded.move_to_end(key)
            return self._loaded[key][0]

    def _shrink(self) -> None:
        while len(self._loaded) > 1 and sum(size for _, size in self._loaded.values()) > self._limit:
            self._loaded.popitem(last=False)


_CACHE = PredictorCache()


def classify(url: str, folders: Mapping[str, Path]) -> dict[str, Prediction]:
    """Each named model folder's verdict on `url`, one after the other. Raises ModelError."""
    return {name: _CACHE.predictor(folder).predict(url) for name, folder in folders.items()}

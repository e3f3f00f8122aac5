"""A linear student: fitted to the teacher's soft targets, stored in any scheme that needs no encoder, and read again.

Its folder holds `config.json`, which says how a text becomes bucket numbers, and `packed.safetensors`:

    bias    (1,) float32
    weight  (features,) floats; or what `methods.packing` makes of one row, a scale for every 64 buckets
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from compression.data.splits import registered_domain
from compression.errors import ConfigError
from compression.events import Progress, Report, ignore
from compression.methods.grids import GRIDS, Grid
from compression.methods.packing import decode, encode
from compression.models.classifier import SCHEME_KEY, Classifier, explaining
from compression.models.records import LINEAR

if TYPE_CHECKING:
    import numpy as np
    import torch
    from scipy.sparse import csr_matrix

WEIGHTS = "packed.safetensors"
MAX_FEATURES = 2**20
STRENGTHS = (3.0, 1.0, 0.3, 0.1, 0.03)  # of the L2 penalty, against the summed loss
_TUNED_FROM = 100  # rows; fewer say nothing about the penalty
_UNTUNED = 0.3
_MAX_ITERATIONS = 300
_SPELLING = 1  # version of data.corpus_lesson.spelling a folder's buckets depend on
_NOTE = "Hashed character n-grams with one weight a bucket; read with compression.artefacts.folder.load"


_FLOATS = {"none": "float32", "fp16": "float16", "bf16": "bfloat16"}
_BLOCK = 64  # weights that share a scale
SCHEMES = (*_FLOATS, *GRIDS)


def distill_linear(
    texts: Sequence[str],
    targets: "torch.Tensor",
    labels: Sequence[int],
    *,
    features: int,
    temperature: float = 1.0,
    soft_weight: float = 0.5,
    seed: int = 0,
    report: Report = ignore,
) -> Classifier:
    """A linear classifier of `features` buckets fitted to logits (texts, 2) and class ids (−1: unknown, all soft).

    Minimizes soft_weight · T² · CE(teacher, student at T) + (1 − soft_weight) · CE(labels, student) and an L2 penalty
    on the weights before their idf, a convex problem, by L-BFGS from zero. The penalty is the one that serves a tenth
    of the domains best when it is left out, drawn with `seed`; then all texts are fitted.
    Raises ConfigError for no texts. Source of the loss: Hinton et al. 2015, arXiv:1503.02531, §2.
    """
    import numpy as np
    import torch

    from compression.models.linear import linear_classifier, term_frequencies

    if not texts:
        raise ConfigError("There is no text to learn from. Give data with training rows.")
    frequencies = term_frequencies(texts, features)
    documents = np.bincount(frequencies.indices, minlength=features)
    idf = np.log((1 + len(texts)) / (1 + documents)) + 1
    matrix = frequencies.multiply(idf).tocsr()
    z = targets.double().numpy()
    known = np.asarray(labels) >= 0
    problem = _Problem(
        matrix, (z[:, 1] - z[:, 0]) / temperature, np.where(known, labels, 0), temperature, known * (1 - soft_weight)
    )
    strength = _UNTUNED
    fits = len(STRENGTHS) + 1

    def progress(fit: int) -> Callable[[Any], None]:
        doing = "Fitting one weight a bucket"
        return lambda _: report(Progress(stage="distill", doing=doing, step=fit, steps=fits))

    if len(texts) >= _TUNED_FROM:
        apart = _a_tenth(texts, seed)
        losses, start = [], np.zeros(features + 1)
        for fit, candidate in enumerate(STRENGTHS):
            start = problem.rows(~apart).fit(candidate, start, progress(fit))
            losses.append(problem.rows(apart).loss(start))
        strength = STRENGTHS[int(np.argmin(losses))]
    solution = problem.fit(strength, np.zeros(features + 1), progress(fits - 1))
    student = linear_classifier(features)
    with torch.no_grad():
        student.model.weight.copy_(torch.from_numpy(solution[:-1] * idf))
        student.model.bias.copy_(torch.from_numpy(solution[-1:]))
    return student


class _Problem(NamedTuple):
    """Rows of features (rows, features) with what they are fitted to; a solution is the weights, then the bias."""

    matrix: "csr_matrix"
    soft: "np.ndarray"  # the teacher's log odds at the temperature
    hard: "np.ndarray"  # 0 or 1
    temperature: float
    hard_weight: "np.ndarray"

    def rows(self, chosen: "np.ndarray") -> "_Problem":
        return _Problem(
            self.matrix[chosen], self.soft[chosen], self.hard[chosen], self.temperature, self.hard_weight[chosen]
        )

    def _loss_and_slope(self, scores: "np.ndarray") -> "tuple[float, np.ndarray]":
        """The summed loss in nats, and its derivative by each row's score."""
        import numpy as np
        from scipy.special import expit

        t, soft_weight = self.temperature, 1 - self.hard_weight
        cool, taught = scores / t, expit(self.soft)
        loss = soft_weight * t**2 * (np.logaddexp(0, cool) - taught * cool)
        loss += self.hard_weight * (np.logaddexp(0, scores) - self.hard * scores)
        slope = soft_weight * t * (expit(cool) - taught) + self.hard_weight * (expit(scores) - self.hard)
        return float(loss.sum()), slope

    def loss(self, solution: "np.ndarray") -> float:
        """The summed loss of a solution, without penalty."""
        return self._loss_and_slope(self.matrix @ solution[:-1] + solution[-1])[0]

    def fit(self, strength: float, start: "np.ndarray", callback: Callable[[Any], None]) -> "np.ndarray":
        """The solution with the least loss + strength / 2 · ‖weights‖², searched from `start`."""
        import numpy as np
        from scipy.optimize import minimize

        transposed, count = self.matrix.T.tocsr(), self.matrix.shape[0]

        def objective(solution: "np.ndarray") -> "tuple[float, np.ndarray]":
            weight = solution[:-1]
            loss, slope = self._loss_and_slope(self.matrix @ weight + solution[-1])
            gradient = np.append(transposed @ slope + strength * weight, slope.sum())
            return (loss + strength / 2 * float(weight @ weight)) / count, gradient / count

        options = {"maxiter": _MAX_ITERATIONS, "gtol": 1e-6, "ftol": 1e-10}
        found = minimize(objective, start, jac=True, method="L-BFGS-B", callback=callback, options=options)
        return np.asarray(found.x)


def _a_tenth(texts: Sequence[str], seed: int) -> "np.ndarray":
    """Which rows are left out: those of a tenth of the domains (of the texts, where there are few domains)."""
    import numpy as np

    domains = [registered_domain(text) or text for text in texts]
    groups = np.unique(domains if len(set(domains)) >= 10 else list(texts), return_inverse=True)[1]
    order = np.random.default_rng(seed).permutation(groups.max() + 1)
    return np.asarray(np.isin(groups, order[: max(1, len(order) // 10)]))


def save_linear(classifier: Classifier, folder: Path, scheme: str = "none") -> None:
    """Writes the classifier to `folder`, its weights rounded to `scheme` (one of SCHEMES); what is there stays.

    Saving what was loaded, in the scheme it has, changes no weight.
    """
    from safetensors.torch import save_file

    config = classifier.model.config
    text = {
        "model_type": config.model_type,
        "features": config.features,
        "ngrams": _ngrams(),
        "spelling": _SPELLING,
        "id2label": config.id2label,
        "compression": {"scheme": scheme, "note": _NOTE},
    }
    if scheme != "none":  # without one it counts, as every fp32 model does, four bytes a weight
        text[SCHEME_KEY] = scheme
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(text, indent=2) + "\n", encoding="utf-8")
    tensors = _stored(classifier.model.weight.detach().float().cpu(), scheme)
    save_file(tensors | {"bias": classifier.model.bias.detach().float().cpu()}, folder / WEIGHTS)


def is_linear(folder: Path) -> bool:
    """Whether `folder` says that it holds a linear classifier; broken ones are told when they are loaded."""
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(config, dict) and config.get("model_type") == LINEAR


def load_linear(folder: Path, device: "torch.device | None" = None) -> Classifier:
    """The linear classifier in `folder`, its weights in float32 on `device` (the CPU). Raises ModelError."""
    import torch
    from safetensors.torch import load_file

    from compression.models.linear import linear_classifier

    broken = f"The linear model in {folder} cannot be read ({{}}). Save it again."
    with explaining(broken):
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        features, scheme = config["features"], config["compression"]["scheme"]
        _require(config["model_type"] == LINEAR, f"it is of type {config['model_type']!r:.50}")
        _require(type(features) is int and 1 <= features <= MAX_FEATURES, f"it has {features!r:.50} features")
        _require(scheme in SCHEMES, f"its scheme is {scheme!r:.50}")
        _require(config.get(SCHEME_KEY, "none") == scheme, "it names two schemes")
        read_as = config["ngrams"], config["spelling"]
        _require(read_as == (_ngrams(), _SPELLING), f"its texts are read in another way: {read_as!r:.50}")
        weights = folder / WEIGHTS
        _require(weights.stat().st_size <= 5 * features + 4096, "its weights are too many")
        tensors = load_file(weights)
        bias = tensors.pop("bias")
        _require(_is(bias, "float32", 1), "its bias is no single number")
        _require(all(name.startswith("weight") for name in tensors), "it holds more than weights")
        weight = _read(tensors, scheme, features)
        _require(bool(weight.isfinite().all() and bias.isfinite().all()), "some weights are no numbers")
    classifier = linear_classifier(features)
    with torch.no_grad():
        classifier.model.weight.copy_(weight)
        classifier.model.bias.copy_(bias)
    classifier.model.config.compression_scheme = None if scheme == "none" else scheme
    if device is not None:
        classifier.model.to(device)
    return classifier


def _ngrams() -> list[int]:
    from compression.models.linear import LONGEST, SHORTEST

    return [SHORTEST, LONGEST]


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)


def _stored(weight: "torch.Tensor", scheme: str) -> "dict[str, torch.Tensor]":
    """A weight (features,) float32 as the file's tensors."""
    import torch

    if scheme in _FLOATS:
        return {"weight": weight.to(getattr(torch, _FLOATS[scheme]))}
    return {f"weight{part}": tensor for part, tensor in encode(weight.unsqueeze(0), _grid(scheme)).items()}


def _read(tensors: "dict[str, torch.Tensor]", scheme: str, features: int) -> "torch.Tensor":
    """The weight (features,) float32 that the file's tensors stand for. Raises ModelError or ValueError."""
    if scheme in _FLOATS:
        _require(_is(tensors["weight"], _FLOATS[scheme], features), "its weights do not fit its config")
        return tensors["weight"].float()
    parts = {name.removeprefix("weight"): tensor for name, tensor in tensors.items()}
    return decode(parts, (1, features), _grid(scheme)).squeeze(0)


def _grid(scheme: str) -> Grid:
    return replace(GRIDS[scheme], block=_BLOCK)


def _is(tensor: "torch.Tensor", dtype: str, count: int) -> bool:
    return str(tensor.dtype) == f"torch.{dtype}" and tuple(tensor.shape) == (count,)

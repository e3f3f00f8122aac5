"""What a finished run's predictions say beside its result, put together for whoever shows or passes it on.

A run that kept none still has its counts: of these the shares' intervals follow, and each model's difference to the
teacher stands in the result.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

from compression.artefacts.parts import bytes_by_part
from compression.errors import ModelError
from compression.measure.behaviour import flips, loyalty
from compression.measure.calibration import calibration
from compression.measure.curves import threshold_table
from compression.measure.intervals import Intervals, intervals, of_counts
from compression.measure.paired import paired
from compression.measure.predictions import Predictions, read_predictions
from compression.result import Paired, Result

TOLD_ON, CHOSEN_ON = "test", "validation"
MAJORITY = "majority"
_ORDER = ("teacher", "control", "untaught", "student", "compressed")  # a model is held against those before it


@dataclass(frozen=True, eq=False)
class Evidence:
    """How sure a run's figures on test are.

    `said` are its predictions by split, empty where it kept none. `intervals` are by model, the majority class among
    them where it was measured. `pairs` has every two models, as (model, other): each against the teacher, the student
    against what was not taught, the compressed model against all. `parts` are the bytes of each model whose folder is
    here, by part.
    """

    said: Mapping[str, Predictions]
    intervals: Mapping[str, Intervals]
    pairs: Mapping[tuple[str, str], Paired]
    parts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def gather(result: Result, folder: Path) -> Evidence:
    """The evidence of the run with this result and its files in `folder`. Takes a second or so: keep it."""
    said = {split: kept for split, kept in read_predictions(folder).items() if _fits(result, split, kept)}
    counted = {name: of_counts(model.metrics[TOLD_ON]) for name, model in result.models.items()}
    if result.majority is not None:
        counted[MAJORITY] = of_counts(result.majority[TOLD_ON])
    if TOLD_ON not in said:
        return Evidence({}, counted, _told(result), _parts(result, folder))
    test, labels = said[TOLD_ON], said[TOLD_ON].labels.tolist()
    resampled = intervals(labels, test.probabilities)
    models = sorted((name for name in result.models if name in test.probabilities), key=_place)
    pairs = {
        (model, other): paired(labels, test.probabilities[other], test.probabilities[model])
        for other, model in combinations(models, 2)
    }
    known = {name: resampled.get(name, own) for name, own in counted.items()}
    return Evidence(said, known, _told(result) | pairs, _parts(result, folder))


def _fits(result: Result, split: str, kept: Predictions) -> bool:
    """Whether predictions are of this result's models, and of as many URLs."""
    measured = [model.metrics.get(split) for model in result.models.values()]
    same_rows = all(metrics is not None and metrics.examples == len(kept) for metrics in measured)
    return same_rows and set(kept.probabilities) <= set(result.models)


def _parts(result: Result, folder: Path) -> dict[str, dict[str, int]]:
    """Where the bytes of each model live that is here and can be read."""
    found = {}
    for name, model in result.models.items():
        own = result.model_folder(name, folder)
        if model.folder and own.is_dir():
            with suppress(ModelError):
                found[name] = bytes_by_part(own)
    return found


def _told(result: Result) -> dict[tuple[str, str], Paired]:
    """The comparisons that stand in the result."""
    told = {(name, "teacher"): model.paired[TOLD_ON] for name, model in result.models.items() if model.paired}
    if result.distillation_gain is not None:
        told["student", "untaught"] = result.distillation_gain[TOLD_ON]
    return told


def _place(name: str) -> int:
    return _ORDER.index(name) if name in _ORDER else len(_ORDER)


def told(sure: Evidence) -> dict[str, Any]:
    """All that the evidence says, as JSON: intervals, comparisons, bytes, loyalty, flips, thresholds, calibration."""
    found: dict[str, Any] = {
        "intervals": {name: asdict(own) for name, own in sure.intervals.items()},
        "pairs": [
            {"model": model, "against": other, **by.model_dump()} for (model, other), by in sorted(sure.pairs.items())
        ],
        "parts": {name: dict(own) for name, own in sure.parts.items()},
    }
    if TOLD_ON not in sure.said:
        return found
    test = sure.said[TOLD_ON]
    labels, said = test.labels.tolist(), test.probabilities
    if "teacher" in said:
        others = {name: own for name, own in said.items() if name != "teacher"}
        found["loyalty"] = {name: asdict(loyalty(said["teacher"], own)) for name, own in others.items()}
        counted = {name: flips(labels, said["teacher"], own) for name, own in others.items()}
        found["flipped"] = {
            name: {"repaired": len(own.repaired), "broken": len(own.broken)} for name, own in counted.items()
        }
    if CHOSEN_ON in sure.said and len(set(labels)) == len(set(sure.said[CHOSEN_ON].labels.tolist())) == 2:
        chosen = sure.said[CHOSEN_ON]
        both = {
            name: ((chosen.labels.tolist(), chosen.probabilities[name]), (labels, own)) for name, own in said.items()
        }
        found["thresholds"] = {name: [asdict(point) for point in threshold_table(*own)] for name, own in both.items()}
        found["calibration"] = {name: asdict(calibration(*own)) for name, own in both.items()}
    return found

"""What a run's models said of the URLs that none of them was trained on, kept beside its result without any URL.

predictions.parquet     a row a URL, by split and digest:
    split               validation or test
    sha256              of the URL's text, 32 bytes
    label               its class id
    <model> …           each model's probability of Not Safe, the control's too

Intervals, comparisons, curves and calibration are computed from it. Whoever has the data finds each row's URL again.
"""

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compression.data.sources import Split
from compression.errors import ResourceError

if TYPE_CHECKING:
    import numpy as np

PREDICTIONS = "predictions.parquet"
_BESIDE_MODELS = ("split", "sha256", "label")
_ONLY = "test"  # the split of files that name none, as runs computed beforehand once left them

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Predictions:
    """What each model said of the URLs of one split, row by row, in the order of their digests.

    `digests` are SHA-256 of the texts; `labels` (rows,) class ids; `probabilities` of Not Safe by model, (rows,).
    """

    digests: tuple[bytes, ...]
    labels: "np.ndarray"
    probabilities: "dict[str, np.ndarray]"

    def __len__(self) -> int:
        return len(self.digests)

    def texts(self, at_hand: Sequence[str]) -> tuple[str | None, ...]:
        """Each row's URL from those at hand, None where it is not among them."""
        known = {text_digest(text): text for text in at_hand}
        return tuple(known.get(digest) for digest in self.digests)


def text_digest(text: str) -> bytes:
    """SHA-256 of a text in UTF-8, lone surrogates as they are."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def predictions(split: Split, probabilities: "Mapping[str, np.ndarray]") -> Predictions:
    """The predictions of models that read the split's texts in their order, each (rows,)."""
    import numpy as np

    digests = [text_digest(text) for text in split.texts]
    order = sorted(range(len(digests)), key=digests.__getitem__)
    return Predictions(
        digests=tuple(digests[row] for row in order),
        labels=np.asarray(split.labels, dtype=np.int64)[order],
        probabilities={name: np.asarray(found, dtype=np.float64)[order] for name, found in probabilities.items()},
    )


def write_predictions(folder: Path, splits: Mapping[str, Predictions]) -> None:
    """Writes the predictions on each split, of the same models all, to the folder's file. Raises ResourceError."""
    import numpy as np
    import pyarrow
    from pyarrow import parquet

    several = tuple(splits.values())
    names = pyarrow.array([name for name, kept in splits.items() for _ in kept.digests])
    columns = {
        "split": names.dictionary_encode(),
        "sha256": pyarrow.array([digest for kept in several for digest in kept.digests], pyarrow.binary(32)),
        "label": pyarrow.array(np.concatenate([kept.labels for kept in several]), pyarrow.int8()),
    }
    for model in several[0].probabilities:
        columns[model] = pyarrow.array(np.concatenate([kept.probabilities[model] for kept in several]))
    path = folder / PREDICTIONS
    try:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".tmp")
        parquet.write_table(pyarrow.table(columns), temporary, compression="zstd")
        temporary.replace(path)
    except OSError as error:
        raise ResourceError(f"{path} cannot be written ({error.strerror or error}). Choose another folder.") from None


def read_predictions(folder: Path) -> dict[str, Predictions]:
    """What `write_predictions` left in `folder`, by split; empty if there is nothing, or nothing that can be read."""
    import pyarrow
    from pyarrow import parquet

    path = folder / PREDICTIONS
    if not path.is_file():
        return {}
    try:
        return _parsed(parquet.read_table(path))
    except (OSError, ValueError, LookupError, TypeError, pyarrow.ArrowException):
        _LOG.warning("The predictions in %s cannot be read", folder, exc_info=True)
        return {}


def _parsed(table: Any) -> dict[str, Predictions]:
    """The predictions of an Arrow table by split. Raises ValueError or LookupError if they are none."""
    import numpy as np

    columns = {name: table.column(name).to_pylist() for name in _BESIDE_MODELS if name in table.column_names}
    digests, labels = columns["sha256"], columns["label"]
    names = columns.get("split", [_ONLY] * len(digests))
    found = {name: table.column(name).to_numpy() for name in table.column_names if name not in _BESIDE_MODELS}
    if not set(labels) <= {0, 1} or not all(isinstance(digest, bytes) for digest in digests):
        raise ValueError("a label is no class, or a digest is none")
    if not all(((values >= 0) & (values <= 1)).all() for values in found.values()):
        raise ValueError("a probability is none")
    splits = {}
    for name in dict.fromkeys(names):
        rows = [row for row, own in enumerate(names) if own == name]
        splits[name] = Predictions(
            digests=tuple(digests[row] for row in rows),
            labels=np.array(labels, dtype=np.int64)[rows],
            probabilities={model: values[rows] for model, values in found.items()},
        )
    return splits

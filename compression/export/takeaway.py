"""A model to take along: one zip file with all that is needed to run it, to trust it, and to make it again.

    README.md          what it is, how good, with intervals, and the command that makes it again
    recipe.json        the recipe; files of the machine that ran it by their last part
    result.json        all that was measured, without places on that machine
    model/             the model folder, tokenizer included
    onnx/model.onnx    the same as a graph in fp32, where it says the same on every test URL

The graph is compared with the model before anything is handed out: a graph that differs is left out, and why is said.
"""

import json
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compression.artefacts.folder import load
from compression.artefacts.onnx import is_onnx, load_onnx
from compression.errors import ResourceError, actionable
from compression.events import Progress, Report, ignore
from compression.export.card import Which, card, is_plain, published
from compression.measure.evidence import Evidence
from compression.measure.runtime import TOLERANCE, agreement_of, as_graph
from compression.models.device import resolve
from compression.models.onnx_model import FILE
from compression.predict.predictor import Predictor
from compression.result import Result

STAGE = "takeaway"
_STEPS = 4
_GRAPH_USE = """

The same model as an ONNX graph, `onnx/model.onnx`, was compared with it on the {texts:,} test URLs: no probability of
Not Safe differs by more than {difference:.2g}, and {flipped} verdicts.

```python
import onnxruntime
from transformers import AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("model")
session = onnxruntime.InferenceSession("onnx/model.onnx")
fed = tokenizer("http://example.com/login", truncation=True, return_tensors="np")
logits = session.run(None, {{name: fed[name] for name in ("input_ids", "attention_mask")}})[0]
print(["Safe", "Not Safe"][int(logits.argmax())])
```"""


@dataclass(frozen=True)
class Parity:
    """How closely a graph follows its model: the largest difference of a probability on so many texts, and on how many
    the verdicts differ."""

    texts: int
    difference: float
    flipped: int


@dataclass(frozen=True)
class Takeaway:
    """The zip file; `parity` of the graph in it, or None and the `reason` why there is none in it."""

    path: Path
    parity: Parity | None
    reason: str


def pack(
    result: Result,
    which: Which,
    folder: Path,
    texts: Sequence[str],
    into: Path,
    sure: Evidence | None = None,
    report: Report = ignore,
) -> Takeaway:
    """Writes the model `which` of a run, which lies in `folder`, to a zip file in the folder `into`.

    `texts` are the test URLs, on which the graph has to agree; without any there is no graph. Raises ModelError,
    ResourceError if the file cannot be written, and whatever `report` raises.
    """
    target = into / f"{which}.zip"
    with tempfile.TemporaryDirectory(prefix="takeaway-") as scratch:
        graph, parity, reason = _checked_graph(folder, texts, Path(scratch), report)
        report(_progress("Writing the file", _STEPS - 1))
        more = _GRAPH_USE.format(**vars(parity)) if parity else f"\n\nThere is no ONNX graph with it. {reason}"
        written = {
            "README.md": card(result, which, "model", plain=is_plain(folder), sure=sure, more=more),
            "recipe.json": json.dumps(published(result.config).model_dump(mode="json"), indent=2) + "\n",
            "result.json": json.dumps(portable(result).to_json(), indent=2) + "\n",
        }
        try:
            with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for name, content in written.items():
                    archive.writestr(name, content)
                for path in sorted(folder.rglob("*")):
                    if path.is_file() and not path.is_symlink():
                        archive.write(path, f"model/{path.relative_to(folder).as_posix()}")
                if graph:
                    archive.write(graph, f"onnx/{FILE}")
        except OSError as error:
            target.unlink(missing_ok=True)
            raise actionable(error) or ResourceError(
                f"The file cannot be written ({error.strerror or error}). Free some disk space, and try again."
            ) from error
    return Takeaway(target, parity, reason)


def portable(result: Result) -> Result:
    """The result without places on the machine that ran it."""
    models = {name: model.model_copy(update={"folder": ""}) for name, model in result.models.items()}
    return result.model_copy(update={"config": published(result.config), "models": models})


def _checked_graph(
    folder: Path, texts: Sequence[str], scratch: Path, report: Report
) -> tuple[Path | None, Parity | None, str]:
    """The graph that says what the model says, how closely, or why there is none."""
    if is_onnx(folder):
        return None, None, "The model is an ONNX file itself, for ONNX Runtime."
    if not texts:
        return None, None, "The test URLs are not on this host, so that a graph could not be compared with the model."
    report(_progress("Loading the model", 0))
    own = load(folder, resolve("cpu"))
    graph, reason = as_graph(folder, own, scratch, doing=lambda words: report(_progress(words, 1)))
    if graph is None:
        return None, None, reason
    report(_progress(f"Comparing model and graph on {len(texts):,} test URLs", 2))
    difference, flipped = agreement_of(Predictor(own), Predictor(load_onnx(folder, file=graph)), texts)
    if difference > TOLERANCE:
        return None, None, f"A graph was made, and differs by {difference:.2g} in probability on a test URL."
    return graph, Parity(len(texts), difference, flipped), ""


def _progress(doing: str, step: int) -> Progress:
    return Progress(stage=STAGE, doing=doing, step=step, steps=_STEPS)

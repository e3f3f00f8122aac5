"""What a run leaves behind: the pydantic models of `result.json`, shared by page, command line and tests."""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from compression.config import RunConfig
from compression.errors import ResourceError


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Metrics(_Record):
    """Quality on one split; the positive class is 1 (phishing). What is undefined is None."""

    accuracy: float
    precision: float | None
    recall: float | None
    f1: float | None
    roc_auc: float | None
    examples: int
    confusion: tuple[tuple[int, int], tuple[int, int]]  # ((tn, fp), (fn, tp))


class Latency(_Record):
    """Milliseconds from one URL to its verdict, tokenizing included, loading excluded."""

    p50: float
    p95: float


class Paired(_Record):
    """A model against the teacher on the same URLs: who alone was right, and the difference in accuracy.

    Another model may stand in the teacher's place, as the untaught student does in `Result.distillation_gain`.

    `difference` is the model's accuracy less the teacher's, as fractions; `low` and `high` bound its two-sided 95 %
    interval, `lower_bound` its one-sided 95 % one; `p_value` is McNemar's, exact.
    """

    examples: int
    only_teacher_right: int
    only_model_right: int
    difference: float
    low: float
    high: float
    lower_bound: float
    p_value: float


class ModelReport(_Record):
    """One model of a run, measured from its saved and reloaded folder."""

    parameters: int  # logical weights, before packing
    size_bytes: int  # weights counted in the precision they were evaluated in, plus all other files
    size_stored_bytes: int  # sum of the folder's files
    metrics: dict[str, Metrics]  # validation, test
    latency_ms: Latency
    # Where it was measured (`Result.model_folder` says where it is now); empty where it was not kept, as of examples.
    folder: str
    paired: dict[str, Paired] | None = None  # test, both (validation and test together); None for the teacher
    note: str | None = None  # what should be known of this model, one sentence
    urls_per_second: float | None = None  # the test URLs in batches, tokenizing included, loading excluded


class StageReport(_Record):
    """What one step of the run did; `validation` is None where the step makes no model."""

    name: str
    seconds: float
    parameters: int | None
    size_bytes: int | None
    validation: Metrics | None
    parts: dict[str, int] | None = None  # the same bytes by what they belong to (`artefacts.parts`)


class Environment(_Record):
    """Where the run was computed."""

    python: str
    packages: dict[str, str]
    device: str
    cpu: str
    cpu_flags: list[str]
    threads: int
    created: str  # ISO 8601, UTC


class Receipt(_Record):
    """What a run cost the host that `Environment` names; None is what that host does not tell.

    Memory is of the process that ran it, at its highest: while the run went on, or since that process began.
    """

    seconds: float
    peak_memory_bytes: int | None
    peak_memory_since: Literal["run", "process"]
    peak_gpu_bytes: int | None  # by torch; None on a CPU
    energy_joules: dict[str, float]  # cpu, gpu: those that count it
    energy_note: str  # what was counted, and why anything was not


class Result(_Record):
    """The content of `result.json`."""

    schema_: int = 1
    config: RunConfig
    inputs: dict[str, str] = {}  # SHA-256 of data, teacher and base
    environment: Environment
    reused: bool = False
    stages: list[StageReport]
    # teacher, student, compressed, and beside them: untaught (the student without a teacher), if it was asked for, and
    # the control at the compressed model's bytes
    models: dict[str, ModelReport]
    majority: dict[str, Metrics] | None = None  # of always answering the training rows' more frequent class
    distillation_gain: dict[str, Paired] | None = None  # the student against the untaught one: test, both
    receipt: Receipt | None = None
    spread: dict[str, list[float]] | None = None  # accuracies on test of student and compressed, a seed each

    def to_json(self) -> dict[str, Any]:
        """The contract's JSON object (`schema` instead of `schema_`)."""
        data = self.model_dump(mode="json")
        return {"schema": data.pop("schema_"), **data}

    def model_folder(self, name: str, run_folder: Path) -> Path:
        """Where a model of the run in `run_folder` is now: in that folder, which may have been moved or copied since.

        Only the teacher, which a run reads and does not make, is where it was found.
        """
        own = run_folder / "models" / name
        return run_folder / self.models[name].folder if name == "teacher" and not own.is_dir() else own

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Result":
        """The result a `result.json` holds. Raises pydantic.ValidationError if it is none."""
        return cls.model_validate({"schema_" if k == "schema" else k: v for k, v in data.items()})

    @classmethod
    def read(cls, folder: Path) -> "Result":
        """The result of the run in `folder`. Raises ResourceError if it holds none."""
        try:
            return cls.from_json(json.loads((folder / "result.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, AttributeError, RecursionError):
            raise ResourceError(
                f"{folder} holds no result of a run. Give the folder that was named with --output."
            ) from None

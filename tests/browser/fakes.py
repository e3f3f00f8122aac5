"""The engine's stand-ins for the page's tests: a pipeline that waits at a gate, and instant answers without torch."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from compression.config import Linear, RunConfig
from compression.data.sources import load_data
from compression.data.uploads import is_upload
from compression.errors import ConfigError
from compression.events import EpochEnded, Notice, Progress, Report, RunStarted, StageEnded, StageStarted, TrainingStep
from compression.measure.limits import Plan
from compression.measure.preview import Preview
from compression.measure.size import Estimate
from compression.predict.predictor import Prediction
from compression.result import Environment, Latency, Metrics, ModelReport, Paired, Result, StageReport
from compression.schemes import Int8, NoQuantization, QuantizationConfig

STEPS = 60
# Name, parameters and bytes of what each step makes, and the share of URLs it gets right, if it was measured.
STAIRS: tuple[tuple[str, int | None, int | None, float | None], ...] = (
    ("load", 22_700_000, 91_600_000, 0.9725),
    ("student", 5_300_000, 22_100_000, 0.51),
    ("vocabulary", 4_600_000, 19_100_000, 0.5),
    ("distill", 4_600_000, 19_100_000, 0.97),
    ("structured", 4_100_000, 17_100_000, 0.9675),
    ("prune", 4_100_000, 17_100_000, 0.9625),
    ("quantize", 4_100_000, 6_540_000, 0.9675),
    ("evaluate", None, None, None),
)


def metrics(right: float) -> Metrics:
    """Hand-made metrics of a model that gets this share of 400 URLs right."""
    wrong = round(400 * (1 - right))
    fp, fn = wrong // 2, wrong - wrong // 2
    confusion = ((200 - fp, fp), (fn, 200 - fn))
    precision, recall = (200 - fn) / (200 - fn + fp), (200 - fn) / 200
    f1 = 2 * precision * recall / (precision + recall)
    return Metrics(
        accuracy=1 - wrong / 400, precision=precision, recall=recall, f1=f1, roc_auc=min(1.0, right + 0.02),
        examples=400, confusion=confusion,
    )  # fmt: skip


def result(config: RunConfig, folder: Path = Path("run")) -> Result:
    """A whole hand-made result: 14.0 times smaller, 0.5 points less accurate, 2.1 times faster."""
    models = {
        name: ModelReport(
            parameters=parameters, size_bytes=size, size_stored_bytes=size,
            metrics={"validation": metrics(right), "test": metrics(right)},
            latency_ms=Latency(p50=p50, p95=p95), folder=str(folder / "models" / name),
        )
        for name, parameters, size, right, p50, p95 in (
            ("teacher", 22_700_000, 91_600_000, 0.9725, 12.6, 16.8),
            ("student", 4_100_000, 17_100_000, 0.9675, 5.1, 7.2),
            ("compressed", 4_100_000, 6_540_000, 0.9675, 6.0, 8.4),
        )
    }  # fmt: skip
    environment = Environment(
        python="3.11", packages={}, device="Test CPU, 2 threads", cpu="Test CPU", cpu_flags=[], threads=2,
        created="2026-01-01T00:00:00Z",
    )  # fmt: skip
    stages = [stair(*step) for step in STAIRS]
    return Result(config=config, environment=environment, stages=stages, models=models)


def stair(name: str, parameters: int | None, size_bytes: int | None, right: float | None) -> StageReport:
    """What one step of a run made."""
    validation = metrics(right) if right else None
    return StageReport(name=name, seconds=1.5, parameters=parameters, size_bytes=size_bytes, validation=validation)


def paired(difference: float, low: float, high: float, examples: int = 1978) -> Paired:
    """A model's difference to the teacher, and its interval."""
    return Paired(
        examples=examples, only_teacher_right=20, only_model_right=12, difference=difference, low=low, high=high,
        lower_bound=low, p_value=0.2 if low <= 0 <= high else 0.01,
    )  # fmt: skip


def with_control(result: Result) -> Result:
    """The result with a control that beats the compressed model, and with paired differences to the teacher."""
    models = dict(result.models)
    control = {"size_bytes": 6_000_000, "metrics": {"validation": metrics(0.98), "test": metrics(0.98)}, "folder": ""}
    models["control"] = models["compressed"].model_copy(update=control)
    differences = {"test": paired(-0.004, -0.013, 0.005), "both": paired(-0.021, -0.031, -0.011, 3956)}
    models["compressed"] = models["compressed"].model_copy(update={"paired": differences})
    return result.model_copy(update={"models": models})


@dataclass(frozen=True)
class Sensitivity:
    """One row of a sensitivity view."""

    part: str
    kind: str
    loss: float
    accuracy: float
    baseline_loss: float
    saved_bytes: int


def sensitivity(classifier: object, split: object, report: Report) -> list[Sensitivity]:
    """Three parts, pruned and rounded."""
    rows = []
    for step, part in enumerate(("embeddings", "layer 0", "layer 0: attention", "layer 1"), start=1):
        report(Progress(stage="sensitivity", doing=part, step=step, steps=4))
        for kind, rise in (("prune", 0.02 * step), ("quantize", -0.001 * step)):
            rows.append(Sensitivity(part, kind, 0.1 + rise, 0.97 - rise / 10, 0.1, 400_000 * step))
    return rows


class Pipeline:
    """A pipeline that stops in the middle of distilling until `gate` is set, reporting all the while."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.configs: list[RunConfig] = []

    def __call__(self, config: RunConfig, report: Report, output: Path) -> Result:
        self.configs.append(config)
        report(RunStarted(device="Test CPU, 2 threads", stages=tuple(name for name, *_ in STAIRS)))
        for step in STAIRS:
            stage = step[0]
            report(StageStarted(stage=stage))
            if stage == "load":
                report(Notice(text="Bundled data: 2,400 URLs, <b>all</b> generated."))
            if stage == "distill":
                self._distill(config, report)
            report(StageEnded(report=stair(*step)))
        for name in ("student", "compressed"):
            (output / "models" / name).mkdir(parents=True, exist_ok=True)
            (output / "models" / name / "config.json").write_text("{}")
        return result(config, output)

    def _distill(self, config: RunConfig, report: Report) -> None:
        epochs = config.distillation.epochs
        for step in range(1, STEPS + 1):
            loss = 0.05 + 0.6 * 0.95**step
            report(
                TrainingStep(
                    stage="distill",
                    step=step,
                    steps=STEPS,
                    epoch=1,
                    loss=loss,
                    soft_loss=0.8 * loss,
                    hard_loss=1.4 * loss,
                )
            )
            if step == STEPS // 2:
                report(
                    EpochEnded(stage="distill", epoch=1, epochs=epochs, student=metrics(0.94), teacher=metrics(0.9725))
                )
                while not self.gate.wait(0.05):  # a held run still reports, so that it can be cancelled
                    report(Progress(stage="distill", doing="Waiting at the gate", step=step, steps=STEPS))


def estimate(config: RunConfig) -> Estimate:
    """Sizes that follow layers, vocabulary and scheme; five layers cannot be built, and a linear student has none."""
    if isinstance(config.student, Linear):
        size = config.student.features
        return Estimate(22_700_000, 91_600_000, size, 4 * size, size, {"head": size}, 0, 0, 0, 0)
    layers = config.student.layers or 6
    if layers == 5:
        raise ConfigError("Five layers cannot be built here. Choose another number of layers.", "student.layers")
    bits = 4 if isinstance(config.quantization, NoQuantization) else 1
    parts = {
        "embeddings": 7_700_000 // (1 if config.vocabulary.method == "keep" else 4),
        "encoder": 1_200_000 * layers * bits,
        "head": 300_000,
        "tokenizer and config": 200_000,
    }
    return Estimate(
        teacher_parameters=22_700_000, teacher_bytes=91_600_000, student_parameters=4_000_000 + 1_200_000 * layers,
        student_bytes=16_000_000 + 4_800_000 * layers, compressed_bytes=sum(parts.values()), parts=parts,
        layers=layers, heads=12, hidden_size=384, intermediate_size=1536,
    )  # fmt: skip


def preview(config: RunConfig) -> Preview:
    """Three splits and a hostile row; the real rows of what was uploaded."""
    if is_upload(config.data):
        data = load_data(config.data, config.columns)
        rows = {name: len(split) for name, split in data.splits.items()}
        return Preview(
            rows=rows, phishing={name: sum(split.labels) for name, split in data.splits.items()}, skipped=0,
            examples=[(data.splits["train"].texts[0], "Safe")], notes=list(data.notes), truncated=0.0,
            token_lengths={"p50": 18.0, "p95": 41.0, "p99": 77.0, "max": 120.0},
        )  # fmt: skip
    return Preview(
        rows={"train": 1680, "validation": 360, "test": 360}, phishing={"train": 840, "validation": 180, "test": 180},
        skipped=2, examples=[("http://evil.example/<img src=x onerror=alert(1)>", "Not Safe")],
        token_lengths={"p50": 18.0, "p95": 41.0, "p99": 77.0, "max": 120.0}, truncated=0.0, notes=[],
    )  # fmt: skip


def classify(
    url: str, folders: Mapping[str, Path], not_safe: Mapping[str, str | None] | None = None
) -> dict[str, Prediction]:
    """Phishing if the URL says 'evil' or 'login'; one that says 'bug' meets one of ours."""
    assert "bug" not in url
    bad = any(word in url for word in ("evil", "login"))
    probability = 0.983 if bad else 0.021
    return {name: Prediction(url, "Not Safe" if bad else "Safe", probability, 5.4) for name in folders}


def plan(config: RunConfig) -> Plan:
    """Refuses what `estimate` refuses, and more than 400 tokens; needs no torch."""
    estimate(config)
    if config.distillation.max_length > 400:
        raise ConfigError("distillation.max_length = 500, but the student has positions for 400 tokens.")
    return Plan(cast(Any, SimpleNamespace(type="cpu")), cast(Any, None))


def unsupported(quantization: QuantizationConfig, device: str, student: object) -> str:
    """This host has no 8-bit."""
    return "It has no 8-bit." if isinstance(quantization, Int8) else ""

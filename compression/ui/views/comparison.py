"""What a finished run bought and what it cost: a sentence and tables, all from its result."""

from compression.result import ModelReport, Result
from compression.ui import markup, units
from compression.ui.words import named, say

METRICS = ("accuracy", "precision", "recall", "f1")
SPLIT = "test"


def summary(result: Result, here: bool = True) -> str:
    """The run in one sentence, the compressed model against the teacher ('14.0× smaller, 0.4 points less …').

    `here` says that it ran on this host.
    """
    teacher, compressed = result.models["teacher"], result.models["compressed"]
    device = say("summary.here" if here else "summary.elsewhere", device=device_kind(result))
    return say(
        "summary.all",
        size=_size(teacher.size_bytes / compressed.size_bytes),
        accuracy=_accuracy(_accuracy_of(compressed) - _accuracy_of(teacher)),
        speed=_speed(teacher.latency_ms.p50 / compressed.latency_ms.p50, device),
    )


def summary_card(result: Result, here: bool = True) -> str:
    """The sentence, and the numbers behind it."""
    teacher, compressed = result.models["teacher"], result.models["compressed"]
    detail = say(
        "summary.detail",
        teacher=units.megabytes(teacher.size_bytes),
        compressed=units.megabytes(compressed.size_bytes),
        before=f"{100 * _accuracy_of(teacher):.2f} %",
        after=f"{100 * _accuracy_of(compressed):.2f} %",
        examples=teacher.metrics[SPLIT].examples,
        device=result.environment.device,
    )
    reused = markup.text("p", say("summary.reused"), "quiet") if result.reused else ""
    return markup.text("p", summary(result, here), "headline") + markup.text("p", detail, "quiet") + reused


def everything(result: Result) -> str:
    """All that was measured, a column a model."""
    models = result.models
    rows: list[list[str]] = [
        [say("column.size"), *(f"{m.size_bytes / 1e6:.1f}" for m in models.values())],
        [say("column.parameters"), *(f"{m.parameters / 1e6:.2f}" for m in models.values())],
    ]
    for metric in (*METRICS, "roc_auc"):
        values = [getattr(m.metrics[SPLIT], metric) for m in models.values()]
        rows.append([say(f"metric.{metric}"), *(_metric(metric, value) for value in values)])
    rows.append([say("column.p50"), *(f"{m.latency_ms.p50:.1f}" for m in models.values())])
    rows.append([say("column.p95"), *(f"{m.latency_ms.p95:.1f}" for m in models.values())])
    return markup.table(say("metrics.caption"), ["", *(named("model", name) for name in models)], rows, "everything")


def size_table(result: Result) -> str:
    """The size-against-accuracy chart as a folded table."""
    rows = [
        (named("model", name), f"{m.size_bytes / 1e6:.1f}", units.percent(_accuracy_of(m)))
        for name, m in result.models.items()
    ]
    headers = [say("column.model"), say("column.size"), say("metric.accuracy")]
    return markup.folded(say("table.numbers"), markup.table(say("chart.size-accuracy"), headers, rows))


def confusion_table(result: Result) -> str:
    """The confusion matrices as a folded table, a row a model."""
    rows = []
    for name, model in result.models.items():
        (tn, fp), (fn, tp) = model.metrics[SPLIT].confusion
        rows.append((named("model", name), tn, fp, fn, tp))
    headers = [say("column.model"), *(say(f"confusion.{cell}") for cell in ("tn", "fp", "fn", "tp"))]
    return markup.folded(say("table.numbers"), markup.table(say("chart.confusion"), headers, rows))


def latency_table(result: Result) -> str:
    """The latency bars as a folded table."""
    rows = [
        (named("model", name), f"{m.latency_ms.p50:.2f}", f"{m.latency_ms.p95:.2f}")
        for name, m in result.models.items()
    ]
    headers = [say("column.model"), say("column.p50"), say("column.p95")]
    return markup.folded(say("table.numbers"), markup.table(say("chart.latency"), headers, rows))


def device_kind(result: Result) -> str:
    """'CPU' or 'GPU', whatever the device's own name is."""
    return "CPU" if result.environment.device.startswith(result.environment.cpu) else "GPU"


def ratio(value: float) -> str:
    """A ratio of at least 1 with the decimals it deserves: '2.13', '14.0', '120'."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}".removesuffix("0")


def _accuracy_of(model: ModelReport) -> float:
    return model.metrics[SPLIT].accuracy


def _metric(name: str, value: float | None) -> str:
    if name == "roc_auc" and value is not None:
        return f"{value:.4f}"
    return units.percent(value)


def _size(times: float) -> str:
    if 0.995 < times < 1.005:
        return say("summary.same-size")
    return say("summary.smaller", ratio=ratio(times)) if times > 1 else say("summary.larger", ratio=ratio(1 / times))


def _accuracy(difference: float) -> str:
    points = f"{abs(100 * difference):.1f}"
    if difference == 0:
        return say("summary.equal")
    if points == "0.0":  # a difference too small for one decimal is still one
        points = f"{abs(100 * difference):.2f}"
    unit = say("summary.point" if points == "1.0" else "summary.points")
    return say("summary.more" if difference > 0 else "summary.less", points=points, unit=unit)


def _speed(times: float, device: str) -> str:
    if 0.95 < times < 1.05:
        return say("summary.same-speed", device=device)
    if times > 1:
        return say("summary.faster", ratio=ratio(times), device=device)
    return say("summary.slower", ratio=ratio(1 / times), device=device)

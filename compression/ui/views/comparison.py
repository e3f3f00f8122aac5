"""What a finished run bought and what it cost: a sentence and tables, from its result and how sure that is."""

from typing import TYPE_CHECKING

from compression.result import Metrics, ModelReport, Paired, Result
from compression.ui import markup, units
from compression.ui.words import named, say

if TYPE_CHECKING:
    from compression.measure.evidence import Evidence
    from compression.measure.intervals import Interval

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
        accuracy=_against_the_teacher(compressed, _accuracy_of(compressed) - _accuracy_of(teacher)),
        speed=_speed(teacher.latency_ms.p50 / compressed.latency_ms.p50, device),
    )


def _against_the_teacher(model: ModelReport, difference: float) -> str:
    """How much more or less accurate, or, where chance alone may explain the difference, that it is the same."""
    by = (model.paired or {}).get(SPLIT)
    points = f"{abs(100 * difference):.1f}"
    if by is None or not noise(by) or points == "0.0":
        return _accuracy(difference)
    unit = say("summary.point" if points == "1.0" else "summary.points")
    more_or_less = say("summary.noise.more" if difference > 0 else "summary.noise.less")
    return say("summary.noise", points=points, unit=unit, more_or_less=more_or_less)


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
    sentences = [detail, *(paired(split, by) for split, by in (compressed.paired or {}).items()), *_notes(result)]
    if result.reused:
        sentences.append(say("summary.reused"))
    quiet = "".join(markup.text("p", sentence, "quiet") for sentence in sentences)
    return markup.text("p", summary(result, here), "headline") + control(result) + quiet


def measured(result: Result) -> dict[str, Metrics]:
    """What is known of each model on test, and of always answering the more frequent class."""
    known = {name: model.metrics[SPLIT] for name, model in result.models.items()}
    return known | ({"majority": result.majority[SPLIT]} if result.majority else {})


def within(sure: "Evidence | None", name: str, metric: str) -> "Interval | None":
    """The 95 % interval of a model's metric on test; None where it is not known."""
    own = sure.intervals.get(name) if sure else None
    return getattr(own, metric) if own else None


def paired(split: str, by: Paired) -> str:
    """A model against the teacher on the same URLs, with the interval of the difference and what that means."""
    points = f"{abs(100 * by.difference):.1f}"
    unit = say("summary.point" if points == "1.0" else "summary.points")
    less_or_more = say("paired.more" if by.difference > 0 else "paired.less", points=points, unit=unit)
    return say(
        "paired",
        change=less_or_more if by.difference else say("paired.equal"),
        examples=f"{by.examples:,}",
        split=say(f"paired.{split}"),
        low=units.signed_points(by.low),
        high=units.signed_points(by.high),
        verdict=say("paired.noise" if noise(by) else "paired.real"),
    )


def noise(by: Paired) -> bool:
    """Whether chance alone may explain the difference, by McNemar's exact test."""
    from compression.measure.paired import within_noise

    return within_noise(by)


def control(result: Result) -> str:
    """A sentence if the control is at most as large as the compressed model and right more often; else nothing."""
    beside, own = result.models.get("control"), result.models["compressed"]
    if beside is None or beside.size_bytes > own.size_bytes or _accuracy_of(beside) <= _accuracy_of(own):
        return ""
    words = say(
        "summary.control",
        size=units.megabytes(beside.size_bytes),
        accuracy=units.percent(_accuracy_of(beside)),
        own_size=units.megabytes(own.size_bytes),
        own_accuracy=units.percent(_accuracy_of(own)),
    )
    return markup.text("p", words, "notice")


def everything(result: Result, sure: "Evidence | None" = None) -> str:
    """All that was measured, a column a model, each metric with its 95 % interval below it."""
    models, known = result.models, measured(result)
    no_model = [say("table.undefined")] * (len(known) - len(models))  # of the majority class
    rows: list[list[str]] = [
        [say("column.size"), *(units.mega(m.size_bytes) for m in models.values()), *no_model],
        [say("column.parameters"), *(f"{m.parameters / 1e6:.2f}" for m in models.values()), *no_model],
    ]
    for metric in (*METRICS, "roc_auc"):
        cells = [_metric(metric, getattr(own, metric), within(sure, name, metric)) for name, own in known.items()]
        rows.append([say(f"metric.{metric}"), *cells])
    if any(m.paired for m in models.values()):
        rows.append([say("column.difference"), *(_difference(m) for m in models.values()), *no_model])
    for percentile in ("p50", "p95"):
        times = [getattr(m.latency_ms, percentile) if timed(m) else None for m in models.values()]
        rows.append([say(f"column.{percentile}"), *(_one_decimal(value) for value in times), *no_model])
    headers = ["", *(named("model", name) for name in known)]
    return markup.table(say("metrics.caption"), headers, rows, "everything") + _interval_note(sure)


def size_table(result: Result) -> str:
    """The size-against-accuracy chart as a folded table."""
    rows = [
        (named("model", name), units.mega(m.size_bytes), units.percent(_accuracy_of(m)))
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
        if timed(m)
    ]
    headers = [say("column.model"), say("column.p50"), say("column.p95")]
    return markup.folded(say("table.numbers"), markup.table(say("chart.latency"), headers, rows))


def device_kind(result: Result) -> str:
    """'CPU' or 'GPU', whatever the device's own name is."""
    return "CPU" if result.environment.device.startswith(result.environment.cpu) else "GPU"


def ratio(value: float) -> str:
    """A ratio of at least 1 with the decimals it deserves: '2.13', '14.0', '120'."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}".removesuffix("0")


def timed(model: ModelReport) -> bool:
    """Whether the model's latency was measured."""
    return bool(model.latency_ms and model.latency_ms.p50 > 0)


def _notes(result: Result) -> list[str]:
    return [
        say("summary.bytes", note=model.note)
        if name == "control"
        else say("summary.note", model=named("model", name), note=model.note)
        for name, model in result.models.items()
        if model.note
    ]


def _difference(model: ModelReport) -> str:
    """The difference to the teacher on the test split, with its interval; a dash for the teacher itself."""
    by = (model.paired or {}).get(SPLIT)
    if by is None:
        return say("table.undefined")
    return f"{units.signed_points(by.difference)}\n{units.signed_points(by.low)} … {units.signed_points(by.high)}"


def _one_decimal(value: float | None) -> str:
    return say("table.undefined") if value is None else f"{value:.1f}"


def _accuracy_of(model: ModelReport) -> float:
    return model.metrics[SPLIT].accuracy


def _metric(name: str, value: float | None, interval: "Interval | None") -> str:
    """A metric, and its interval in a second line."""
    if name == "roc_auc" and value is not None:
        return f"{value:.4f}" + (f"\n{interval[0]:.4f} … {interval[1]:.4f}" if interval else "")
    below = f"\n{100 * interval[0]:.1f} … {100 * interval[1]:.1f}" if interval else ""
    return units.percent(value) + (below if value is not None else "")


def _interval_note(sure: "Evidence | None") -> str:
    """What the second lines are, and which are missing."""
    if sure is None:
        return ""
    return markup.text("p", say("metrics.intervals" if sure.said else "metrics.intervals.counts"), "quiet")


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

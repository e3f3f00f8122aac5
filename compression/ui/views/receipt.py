"""What a run cost the host it ran on, and what a million URLs would cost there."""

from typing import Any

from compression.errors import ConfigError
from compression.result import ModelReport, Receipt, Result
from compression.ui import markup, units
from compression.ui.views.comparison import device_kind, timed
from compression.ui.words import friendly, named, say

PRICE = 0.4  # an hour, at first; in whatever currency the visitor thinks


def receipt_card(result: Result) -> str:
    """Seconds, memory and energy of the run as far as they are known, and the machine they hold for."""
    environment = result.environment
    machine = say(
        "receipt.machine" if device_kind(result) == "CPU" else "receipt.machine.gpu",
        device=environment.device,
        cpu=environment.cpu,
        threads=environment.threads,
        flags=", ".join(environment.cpu_flags) or say("runtime.no-flags"),
    )
    seconds = result.receipt.seconds if result.receipt else sum(stage.seconds for stage in result.stages)
    pairs = [(say("receipt.time"), units.duration(seconds)), *_used(result.receipt)]
    notes = [_note(result.receipt), machine]
    quiet = "".join(markup.text("p", note, "quiet") for note in notes)
    return markup.figures(pairs) + quiet + markup.folded(say("receipt.stages"), _stages(result))


def million_table(result: Result, price: Any) -> str:
    """What each model takes for one URL, a second, and for a million URLs at a price an hour; a sentence for none."""
    from compression.measure.cost import per_million

    rows = []
    try:
        for name, model in result.models.items():
            row = [named("model", name), *_latency(model)]
            if model.urls_per_second:
                million = per_million(model.urls_per_second, _number(price))
                milliseconds = say("receipt.milliseconds", count=f"{million.milliseconds:,.0f}")
                duration = units.duration(million.milliseconds / 1000)
                row += [f"{model.urls_per_second:,.0f}", f"{duration}\n{milliseconds}", _money(million.money)]
            else:
                row += [say("table.undefined")] * 3
            rows.append(row)
    except ConfigError:
        return markup.alert(say("receipt.price.refused"))
    columns = ("model", "p50", "p95", "urls-per-second", "million-time", "million-price")
    headers = [say(f"column.{column}") for column in columns]
    untimed = not any(model.urls_per_second for model in result.models.values())
    note = say("receipt.million.none" if untimed else "receipt.million.note")
    return markup.table(say("receipt.million"), headers, rows) + markup.text("p", note, "quiet")


def _used(receipt: Receipt | None) -> list[tuple[str, str]]:
    """Memory and energy, those that are known."""
    unknown = say("receipt.unknown")
    if receipt is None:
        return [(say("receipt.memory"), unknown), (say("receipt.energy"), unknown)]
    memory = units.megabytes(receipt.peak_memory_bytes) if receipt.peak_memory_bytes else unknown
    joules = receipt.energy_joules
    energy = [
        (say(f"receipt.energy.{part}"), say("receipt.watt-hours", count=f"{joules[part] / 3600:.2f}"))
        for part in ("cpu", "gpu")
        if part in joules
    ]
    gpu = [(say("receipt.gpu-memory"), units.megabytes(receipt.peak_gpu_bytes))] if receipt.peak_gpu_bytes else []
    return [(say("receipt.memory"), memory), *gpu, *(energy or [(say("receipt.energy"), unknown)])]


def _note(receipt: Receipt | None) -> str:
    if receipt is None:
        return say("receipt.none")
    since = say("receipt.since.run" if receipt.peak_memory_since == "run" else "receipt.since.process")
    return f"{since} {friendly(receipt.energy_note)}".strip()


def _stages(result: Result) -> str:
    rows = [
        (named("stage", stage.name), units.duration(stage.seconds), f"{stage.seconds:.1f}") for stage in result.stages
    ]
    between = result.receipt.seconds - sum(stage.seconds for stage in result.stages) if result.receipt else 0.0
    if between > 0.05:
        rows.append((say("receipt.between"), units.duration(between), f"{between:.1f}"))
    headers = [say("column.stage"), say("column.time"), say("column.seconds")]
    return markup.table(say("receipt.stages"), headers, rows)


def _latency(model: ModelReport) -> list[str]:
    if not timed(model):
        return [say("table.undefined")] * 2
    return [f"{model.latency_ms.p50:.1f}", f"{model.latency_ms.p95:.1f}"]


def _money(amount: float) -> str:
    """An amount with the decimals it deserves."""
    return f"{amount:,.2f}" if amount >= 0.1 or amount == 0 else f"{amount:.4f}"


def _number(price: Any) -> float:
    """A price, whatever was sent for it. Raises ConfigError if it is none."""
    if isinstance(price, bool) or not isinstance(price, (int, float)) or abs(price) > 1e9:
        raise ConfigError(say("receipt.price.refused"))
    return float(price)

"""What a run uses of its host: memory at its highest, energy; and what a million URLs would cost.

    meter = Meter(device)             from now on
    report = meter.watching(report)   counters are read as events pass, before they start at 0 again
    meter.receipt(seconds)            Receipt

Energy is what the host's own counters say: RAPL of the processor's packages, NVML of the GPU. They count everything
that ran there meanwhile. Where there are none, a sentence says why.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Literal

from compression.errors import ConfigError
from compression.events import Event, Report
from compression.models import lent
from compression.result import Receipt

if TYPE_CHECKING:
    import torch

POWERCAP = Path("/sys/class/powercap")
_PEAK_RESET = Path("/proc/self/clear_refs")
_READ_EVERY_S = 10.0  # a counter of 65 kJ starts anew every five minutes at 200 W
_NO_RAPL = "This host shows no energy counter of its processor (RAPL), so the energy is not known."
_NOT_READABLE = "This host lets only its administrator read the processor's energy (RAPL), so it is not known."
_NVML_SILENT = "The GPU's energy is not known: its driver does not tell."
_ALL_COUNTED = "Counted by the hardware, with everything else that ran on it meanwhile."
_ELSEWHERE = "The steps ran where a GPU was lent, so memory and energy are not known."


@dataclass(frozen=True)
class Million:
    """What a million URLs take: milliseconds, and money in the currency of the price."""

    milliseconds: float
    money: float


def per_million(urls_per_second: float, price_per_hour: float) -> Million:
    """What a million URLs take on a host that reads so many a second and costs so much an hour.

    Raises ConfigError for a price that is none, ValueError for a host that reads nothing.
    """
    if not (isfinite(price_per_hour) and price_per_hour >= 0):
        raise ConfigError(f"A price of {price_per_hour} an hour is not possible. Give 0 or more.")
    if not urls_per_second > 0:
        raise ValueError(f"{urls_per_second} URLs a second never make a million.")
    seconds = 1_000_000 / urls_per_second
    return Million(1000 * seconds, seconds / 3600 * price_per_hour)


@dataclass
class Counter:
    """An energy counter: `read` gives joules, which start at 0 again at `wraps_at`, if they do, or raises OSError."""

    read: Callable[[], float]
    wraps_at: float | None = None
    last: float = field(init=False)
    joules: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.last = self.read()

    def add(self) -> None:
        """Adds what was used since it was read last."""
        now = self.read()
        self.joules += now - self.last + (self.wraps_at or 0.0) * (now < self.last)
        self.last = now


class Meter:
    """What this process uses from the meter's making on; `watching` lets it look at its counters often enough."""

    def __init__(self, device: "torch.device", powercap: Path = POWERCAP) -> None:
        self._device = device
        self._here = not lent.lends()
        self._counters, self._notes = energy_counters(device, powercap) if self._here else ({}, [])
        self._looked = monotonic()
        self._since: Literal["run", "process"] = "run" if self._here and _reset_peak(device) else "process"

    def watching(self, report: Report) -> Report:
        """The report, with a look at the counters where the last one is some seconds ago."""

        def watched(event: Event) -> None:
            if monotonic() - self._looked >= _READ_EVERY_S:
                self._look()
            report(event)

        return watched

    def receipt(self, seconds: float) -> Receipt:
        """What was used so far, in a run of so many seconds."""
        self._look()
        joules = {name: counter.joules for name, counter in self._counters.items()}
        notes = self._notes if self._here else [_ELSEWHERE]
        return Receipt(
            seconds=seconds,
            peak_memory_bytes=_peak_memory() if self._here else None,
            peak_memory_since=self._since,
            peak_gpu_bytes=_peak_gpu(self._device) if self._here else None,
            energy_joules=joules,
            energy_note=" ".join([*([_ALL_COUNTED] if joules else []), *notes]),
        )

    def _look(self) -> None:
        self._looked = monotonic()
        for name, counter in list(self._counters.items()):
            try:
                counter.add()
            except (OSError, ValueError):
                del self._counters[name]
                self._notes.append(_NO_RAPL if name == "cpu" else _NVML_SILENT)


def energy_counters(device: "torch.device", powercap: Path = POWERCAP) -> tuple[dict[str, Counter], list[str]]:
    """The counters this host has for a run on `device` ('cpu', 'gpu'), and a sentence for each that it lacks."""
    found: dict[str, Counter] = {}
    notes = []
    for name, counter in (("cpu", _rapl(powercap)), ("gpu", _nvml(device) if device.type == "cuda" else None)):
        if isinstance(counter, Counter):
            found[name] = counter
        elif counter is not None:
            notes.append(counter)
    return found, notes


def _rapl(powercap: Path) -> Counter | str:
    """The energy of all packages of the processor, or why it is not known.

    Source: the kernel's Documentation/power/powercap/powercap.rst (energy_uj and max_energy_range_uj, in µJ).
    """
    packages = [zone for zone in sorted(powercap.glob("*-rapl:*")) if zone.name.count(":") == 1 and _is_package(zone)]
    if not packages:
        return _NO_RAPL
    try:
        ranges = [_microjoules(zone / "max_energy_range_uj") / 1e6 for zone in packages]
        counters = [
            Counter(lambda zone=zone: _microjoules(zone / "energy_uj") / 1e6, most)  # type: ignore[misc]
            for zone, most in zip(packages, ranges, strict=True)
        ]
    except PermissionError:
        return _NOT_READABLE
    except (OSError, ValueError):
        return _NO_RAPL

    def together() -> float:
        for counter in counters:
            counter.add()
        return sum(counter.joules for counter in counters)

    return Counter(together)


def _is_package(zone: Path) -> bool:
    try:
        return (zone / "name").read_text(encoding="utf-8").startswith("package")
    except OSError:
        return False


def _microjoules(path: Path) -> int:
    return int(path.read_text(encoding="utf-8"))


def _nvml(device: "torch.device") -> Counter | str:
    """The energy of the GPU, or why it is not known."""
    import pynvml
    import torch

    try:
        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")

        def read() -> float:
            try:
                return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle)) / 1000  # from mJ
            except pynvml.NVMLError as error:
                raise OSError(str(error)) from None

        return Counter(read)
    except (pynvml.NVMLError, OSError):
        return _NVML_SILENT


def _reset_peak(device: "torch.device") -> bool:
    """Forgets what memory was used at most before now, and says whether the host can.

    Source: value 5 of /proc/pid/clear_refs, in the kernel's Documentation/filesystems/proc.rst.
    """
    if device.type == "cuda":
        import torch

        torch.cuda.init()  # type: ignore[no-untyped-call]  # without it there is no peak to forget
        torch.cuda.reset_peak_memory_stats(device)
    try:
        _PEAK_RESET.write_text("5", encoding="utf-8")
    except OSError:
        return False
    return True


def _peak_memory() -> int | None:
    """The most main memory this process held at once, in bytes; None where the host does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most


def _peak_gpu(device: "torch.device") -> int | None:
    import torch

    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None

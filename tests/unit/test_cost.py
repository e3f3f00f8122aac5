"""What a run used: memory while it went on, energy by the host's counters or why not; the price of a million URLs."""

import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from compression.errors import ConfigError
from compression.events import Event, Notice, ignore
from compression.measure import cost
from compression.measure.cost import Meter, energy_counters, per_million
from compression.models import lent

CPU, GPU = torch.device("cpu"), torch.device("cuda")
EVENT = Notice(text="something happened")


def zone(folder: Path, name: str, microjoules: int, most: int = 1_000_000_000, kind: str = "package-0") -> Path:
    """A RAPL zone as the kernel shows it."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    (place / "name").write_text(f"{kind}\n")
    (place / "max_energy_range_uj").write_text(f"{most}\n")
    (place / "energy_uj").write_text(f"{microjoules}\n")
    return place


def test_a_million_urls_take_time_and_money() -> None:
    found = per_million(urls_per_second=250, price_per_hour=0.9)
    assert found.milliseconds == 4_000_000
    assert found.money == pytest.approx(1.0)  # 4,000 seconds are ten ninths of an hour
    assert per_million(250, 0).money == 0


@pytest.mark.parametrize("price", [-1, float("nan"), float("inf")])
def test_a_price_that_is_none_is_refused(price: float) -> None:
    with pytest.raises(ConfigError, match="Give 0 or more"):
        per_million(100, price)


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_who_reads_nothing_never_makes_a_million(speed: float) -> None:
    with pytest.raises(ValueError, match="never make a million"):
        per_million(speed, 1)


def test_memory_is_the_highest_while_the_run_went_on() -> None:
    earlier = np.ones(20_000_000)  # 160 MB
    del earlier
    meter = Meter(CPU)
    taken = np.ones(10_000_000)
    held = taken.nbytes
    del taken
    receipt = meter.receipt(1.5)
    assert receipt.seconds == 1.5
    assert receipt.peak_memory_bytes is not None
    assert held < receipt.peak_memory_bytes < 100 * held
    assert receipt.peak_gpu_bytes is None


def test_where_a_peak_cannot_be_forgotten_it_is_the_processs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert Meter(CPU).receipt(1).peak_memory_since == ("run" if Path("/proc/self/clear_refs").exists() else "process")
    monkeypatch.setattr(cost, "_PEAK_RESET", tmp_path / "nothing" / "clear_refs")
    assert Meter(CPU).receipt(1).peak_memory_since == "process"


def test_energy_is_that_of_all_packages_and_of_nothing_within_them(tmp_path: Path) -> None:
    first, second = zone(tmp_path, "intel-rapl:0", 5_000_000), zone(tmp_path, "intel-rapl:1", 0, kind="package-1")
    core = zone(tmp_path, "intel-rapl:0:0", 0, kind="core")
    whole = zone(tmp_path, "intel-rapl:2", 0, kind="psys")
    meter = Meter(CPU, tmp_path)
    for place, microjoules in ((first, 7_500_000), (second, 1_000_000), (core, 9_000_000), (whole, 9_000_000)):
        (place / "energy_uj").write_text(str(microjoules))
    receipt = meter.receipt(1)
    assert receipt.energy_joules == {"cpu": pytest.approx(3.5)}
    assert receipt.energy_note.startswith("Counted by the hardware, with everything else")


def test_a_counter_that_starts_anew_goes_on_counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "_READ_EVERY_S", 0)
    place = zone(tmp_path, "intel-rapl:0", 9_000_000, most=10_000_000)
    meter = Meter(CPU, tmp_path)
    seen: list[Event] = []
    report = meter.watching(seen.append)
    for microjoules in (1_000_000, 8_000_000, 2_000_000):  # 2 J to the end and beyond, 7 J, 4 J
        (place / "energy_uj").write_text(str(microjoules))
        report(EVENT)
    assert meter.receipt(1).energy_joules == {"cpu": pytest.approx(13)}
    assert seen == [EVENT] * 3


def test_counters_are_not_read_at_every_step(tmp_path: Path) -> None:
    place = zone(tmp_path, "intel-rapl:0", 0)
    report = Meter(CPU, tmp_path).watching(ignore)
    (place / "energy_uj").unlink()  # reading it would be noticed
    report(EVENT)


def test_a_host_without_counters_says_so(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nothing"):
        receipt = Meter(CPU, folder).receipt(1)
        assert receipt.energy_joules == {}
        assert "shows no energy counter" in receipt.energy_note
    zone(tmp_path, "intel-rapl:0", 0)
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("many")
    assert "shows no energy counter" in Meter(CPU, tmp_path).receipt(1).energy_note


def test_counters_for_the_administrator_alone_are_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zone(tmp_path, "intel-rapl:0", 0)

    def denied(path: Path) -> int:
        raise PermissionError

    monkeypatch.setattr(cost, "_microjoules", denied)  # root, as tests may be, could read any file
    assert "only its administrator" in Meter(CPU, tmp_path).receipt(1).energy_note


def test_a_counter_that_goes_away_takes_its_number_with_it(tmp_path: Path) -> None:
    place = zone(tmp_path, "intel-rapl:0", 0)
    meter = Meter(CPU, tmp_path)
    (place / "energy_uj").unlink()
    receipt = meter.receipt(1)
    assert receipt.energy_joules == {}
    assert "shows no energy counter" in receipt.energy_note


class Nvml:
    """The package pynvml for a GPU that has used so many millijoules; it knows one GPU."""

    NVMLError = type("NVMLError", (Exception,), {})

    def __init__(self, uuid: str) -> None:
        self.uuid, self.millijoules = uuid, 1000

    def nvmlInit(self) -> None:
        pass

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> str:
        if uuid != self.uuid:
            raise self.NVMLError
        return uuid

    def nvmlDeviceGetTotalEnergyConsumption(self, handle: str) -> int:
        if handle != self.uuid:
            raise self.NVMLError("lost")
        return self.millijoules


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="one"))


def test_a_gpus_energy_is_what_nvml_counts(gpu: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    nvml = Nvml("GPU-one")
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    zone(tmp_path, "intel-rapl:0", 0)
    counters, notes = energy_counters(GPU, tmp_path)
    nvml.millijoules = 3500
    counters["gpu"].add()
    assert (list(counters), counters["gpu"].joules, notes) == (["cpu", "gpu"], 2.5, [])
    assert list(energy_counters(CPU, tmp_path)[0]) == ["cpu"]  # a run on the CPU does not use it
    nvml.uuid = "fallen off the bus"
    with pytest.raises(OSError, match="lost"):
        counters["gpu"].add()


def test_a_gpu_that_does_not_tell_is_said_to(gpu: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Nvml("GPU-another"))
    counters, notes = energy_counters(GPU, tmp_path)
    assert counters == {}
    assert any("its driver does not tell" in note for note in notes)


def test_where_a_gpu_is_lent_this_process_knows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lent, "lends", lambda: True)
    receipt = Meter(GPU).receipt(1)  # and touches no CUDA, which a process that forks must not
    assert (receipt.peak_memory_bytes, receipt.peak_gpu_bytes, receipt.energy_joules) == (None, None, {})
    assert "where a GPU was lent" in receipt.energy_note

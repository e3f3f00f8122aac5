"""Which GPUs a host has, told without CUDA."""

import sys

import pytest

from compression.models.device import gpus


class Nvml:
    """The package pynvml on a host with so many GPUs; with None of them, its driver cannot be reached."""

    NVMLError = type("NVMLError", (Exception,), {})

    def __init__(self, count: int | None) -> None:
        self.count = count

    def nvmlInit(self) -> None:
        if self.count is None:
            raise self.NVMLError

    def nvmlDeviceGetCount(self) -> int | None:
        return self.count

    def nvmlShutdown(self) -> None:
        pass


@pytest.mark.parametrize(
    ("visible", "ids"),
    [
        ("", []),
        ("-1", []),
        ("1,-1,2", ["1"]),
        ("0,2", ["0", "2"]),
        ("0,7,1", ["0"]),
        ("1,1", ["1"]),
        (" GPU-8932f937, MIG-f3a1 ,", ["GPU-8932f937", "MIG-f3a1"]),
    ],
)
def test_the_variable_chooses(monkeypatch: pytest.MonkeyPatch, visible: str, ids: list[str]) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Nvml(3))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert gpus() == ids


@pytest.mark.parametrize(("nvml", "ids"), [(Nvml(2), ["0", "1"]), (Nvml(0), []), (Nvml(None), [])])
def test_without_the_variable_the_driver_tells(monkeypatch: pytest.MonkeyPatch, nvml: Nvml, ids: list[str]) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert gpus() == ids


def test_the_variable_brings_no_gpu_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Nvml(0))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert gpus() == []

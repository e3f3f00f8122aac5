"""The one seam that knows devices: CPU or CUDA, here or lent, which precision it does fast, and what it is called."""

import platform
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from compression.config import Device, Precision
from compression.errors import UnsupportedError
from compression.events import Report
from compression.models import lent

if TYPE_CHECKING:
    import torch
    from accelerate import Accelerator

Made = TypeVar("Made")

_STEPS_BETWEEN_READS = 10  # on a GPU: often enough for a bar that moves, and to cancel within a second
# The flags that decide how fast low precision runs on a CPU.
_TELLING_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "avx512_fp16")


def resolve(device: Device) -> "torch.device":
    """The torch device for a recipe's word; `auto` is CUDA where there is one. Raises UnsupportedError."""
    import torch

    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UnsupportedError("device = cuda, but this host has no CUDA device. Use device = auto or cpu.")
    return torch.device("cuda" if available and device != "cpu" else "cpu")


def here() -> "torch.device":
    """What this very process may compute on at any time: `auto`, but the CPU where a GPU is only lent to stages."""
    return resolve("cpu" if lent.lends() else "auto")


def on_device(
    stage: Callable[..., Made], *arguments: object, report: Report, device: Device = "auto", seconds: float
) -> Made:
    """What `stage(*arguments, report=report)` returns, called where the recipe's device is.

    That is here, unless the host lends GPUs and the recipe may use one: then it is a forked process, which has a GPU
    for about `seconds`. What it leaves in memory is lost, what it writes to disk stays.
    Raises what the stage or `report` raises, and ResourceError if the GPU cannot be had.
    """
    if device != "cpu" and lent.lends():
        return lent.run(stage, arguments, report, seconds)
    return stage(*arguments, report=report)


def training_precision(precision: Precision, device: "torch.device") -> Precision:
    """`auto` made concrete: bf16 where the device does it fast, else fp16 on a GPU and fp32 on a CPU.

    Raises UnsupportedError for a precision the device cannot train in.
    """
    if precision == "auto":
        if device.type == "cuda":
            return "bf16" if _cuda_has_bf16() else "fp16"
        return "bf16" if fast_cpu_bf16() else "fp32"
    if precision == "fp16" and device.type == "cpu":
        raise UnsupportedError("training.precision = fp16 needs a GPU. Use auto, fp32 or bf16.")
    if precision == "bf16" and device.type == "cuda" and not _cuda_has_bf16():
        raise UnsupportedError(f"{device_name(device)} has no bf16. Use training.precision = auto, fp16 or fp32.")
    return precision


def compute_dtype(device: "torch.device") -> "torch.dtype":
    """What 4-bit weights are expanded to when they multiply: bf16 where it is fast, fp16 on older GPUs, else fp32."""
    import torch

    if device.type == "cuda":
        return torch.bfloat16 if _cuda_has_bf16() else torch.float16
    return torch.bfloat16 if fast_cpu_bf16() else torch.float32


def fast_cpu_bf16() -> bool:
    """Whether this CPU multiplies bf16 in hardware; without it bf16 is about three times slower than fp32."""
    return bool({"avx512_bf16", "amx_bf16"} & set(cpu_flags()))


def steps_between_reads(device: "torch.device") -> int:
    """Every how many steps a training looks at its loss: a GPU would have to be waited for each time."""
    return _STEPS_BETWEEN_READS if device.type == "cuda" else 1


def moved(tensor: "torch.Tensor", device: "torch.device") -> "torch.Tensor":
    """The tensor (on the CPU) on `device`; to a GPU it is copied from pinned memory, and nobody waits for that."""
    return tensor.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else tensor.to(device)


def open_accelerator(device: "torch.device", precision: Precision) -> "Accelerator":
    """An Accelerator for one training on `device`, in the given precision.

    Accelerate keeps one state a process; it is reset here because a server trains many runs in one process.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState, GradientState

    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    return Accelerator(cpu=device.type == "cpu", mixed_precision="no" if precision == "fp32" else precision)


def device_name(device: "torch.device") -> str:
    """The device's name for people: the GPU's model, or the CPU's with its thread count."""
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{cpu_name()}, {threads} thread{'s' if threads > 1 else ''}"


def free_memory() -> int | None:
    """Bytes of main memory a new process could use, None where the host does not say."""
    path = Path("/proc/meminfo")
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("MemAvailable"):
                return int(line.split()[1]) * 1024
    return None


@cache
def cpu_name() -> str:
    """The CPU's model name."""
    for line in _cpuinfo():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@cache
def cpu_flags() -> tuple[str, ...]:
    """Those of this CPU's feature flags that decide how fast low precision runs."""
    for line in _cpuinfo():
        if line.startswith("flags"):
            found = set(line.partition(":")[2].split())
            return tuple(flag for flag in _TELLING_FLAGS if flag in found)
    return ()


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def _cuda_has_bf16() -> bool:
    import torch

    return bool(torch.cuda.is_bf16_supported(including_emulation=False))

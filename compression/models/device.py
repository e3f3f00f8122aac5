"""The one seam that knows devices: CPU or CUDA, here or lent, which precision it does fast, and what it is called.

Also how many processes share the work of one run, which `accelerate launch` has started. Each goes through the whole
run and comes to the same weights: it takes its `own` rows of what the teacher reads and of every batch, and what comes
of them is `gathered`, or added up, before anything is made of it. Alone, a process does all, and nothing is exchanged.
"""

import gc
import os
import platform
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import takewhile
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
Item = TypeVar("Item")

# Where launchers say how many processes they have started; the others are MPI's, which accelerate uses between CPUs.
_COUNTS = ("WORLD_SIZE", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
_STEPS_BETWEEN_READS = 10  # on a GPU: often enough for a bar that moves, and to cancel within a second
# The flags that decide how fast low precision runs on a CPU.
_TELLING_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "avx512_fp16")


def resolve(device: Device) -> "torch.device":
    """The torch device for a recipe's word; `auto` is CUDA where there is one. Raises UnsupportedError.

    Of several GPUs it is the first, or the one meant for this process of several.
    """
    import torch

    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UnsupportedError("device = cuda, but this host has no CUDA device. Use device = auto or cpu.")
    if not available or device == "cpu":
        return torch.device("cpu")
    if (local := int(os.environ.get("LOCAL_RANK", "-1"))) < 0:
        return torch.device("cuda")
    return torch.device("cuda", local % torch.cuda.device_count())


def gpus() -> list[str]:
    """The ids of this host's GPUs, of which CUDA_VISIBLE_DEVICES may choose some. Loads no torch, touches no CUDA."""
    import pynvml

    try:
        pynvml.nvmlInit()
        count: int = pynvml.nvmlDeviceGetCount()
        pynvml.nvmlShutdown()
    except (pynvml.NVMLError, OSError):
        return []
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is None or not count:
        return [str(index) for index in range(count)]
    ids = [gpu for gpu in map(str.strip, chosen.split(",")) if gpu]
    # As CUDA does, which sees none behind one that is not there.
    there = takewhile(lambda gpu: not gpu.lstrip("-").isdecimal() or 0 <= int(gpu) < count, ids)
    return list(dict.fromkeys(there))


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


def alone() -> bool:
    """Whether this process shares a run with no other."""
    return lent.lends() or all(int(os.environ.get(name) or 1) == 1 for name in _COUNTS)


def release_memory() -> None:
    """Gives back to the host and its GPU what nothing refers to any more."""
    import torch

    gc.collect()
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        torch.cuda.empty_cache()


@contextmanager
def together(device: Device) -> Iterator[bool]:
    """Whether this process leads those started together for one run: it alone writes and speaks. Alone, it leads."""
    if alone():
        yield True
        return
    accelerator = open_accelerator(resolve(device), "fp32")
    yield accelerator.is_main_process
    accelerator.state.destroy_process_group()  # not after a failure: it would wait for processes that are gone


def own(accelerator: "Accelerator", items: Sequence[Item]) -> Sequence[Item]:
    """Those of the items that are this process's share, evenly spread; there may be none."""
    return items[accelerator.process_index :: accelerator.num_processes]


def gathered(accelerator: "Accelerator", rows: "torch.Tensor", count: int) -> "torch.Tensor":
    """What all processes made of `own` items, (count, …) on the CPU, in the items' order; `rows` are this one's."""
    processes = accelerator.num_processes
    if processes == 1:
        return rows
    filled = rows.new_zeros((-(-count // processes), *rows.shape[1:]))  # all must bring equally many
    filled[: len(rows)] = rows
    found = accelerator.gather(filled.to(accelerator.device)).cpu().unflatten(0, (processes, -1))
    joined: torch.Tensor = found.transpose(0, 1).flatten(0, 1)[:count]
    return joined


def equalize(accelerator: "Accelerator", *modules: "torch.nn.Module | None") -> None:
    """Gives every process the weights and buffers that the leading one has."""
    if accelerator.num_processes > 1:
        from accelerate.utils import broadcast

        for module in filter(None, modules):
            broadcast([tensor.data for tensor in (*module.parameters(), *module.buffers())])


def add_gradients(accelerator: "Accelerator", parameters: "Iterable[torch.nn.Parameter]") -> None:
    """Gives every process the sum of all processes' gradients; one that has none adds zeros."""
    import torch

    if accelerator.num_processes == 1:
        return
    all_of_them = list(parameters)
    flat = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in all_of_them])
    parts = accelerator.reduce(flat, "sum").split([p.numel() for p in all_of_them])
    for parameter, part in zip(all_of_them, parts, strict=True):
        parameter.grad = part.view_as(parameter)


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

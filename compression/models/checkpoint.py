"""How far a training is, in one file: from it the training goes on to the very weights it would have come to anyway.

    modules.<module>.<tensor>       weights and buffers
    optimizer.<parameter>.<tensor>  the moments of each parameter, by its number
    random.cpu, random.cuda         where the random numbers are
    more.<tensor>                   what the training itself remembers
    in the header, as JSON          the place, learning rates, schedule, gradient scaler, seconds; the SHA-256 of it all

The file is safetensors, so nothing in it can be code. It is replaced as a whole; one that is not whole is not believed.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from compression import durable
from compression.errors import RunInterrupted
from compression.events import Event, Notice, Report

if TYPE_CHECKING:
    import torch

    Tensors = dict[str, torch.Tensor]
    Facts = dict[str, Any]  # JSON

SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Place:
    """Between which two steps a training is: `step` are done, of them `batches` in `epoch` (from 1)."""

    step: int = 0
    epoch: int = 1
    batches: int = 0


class Memory(Protocol):
    """What a training remembers besides its weights."""

    def state(self) -> "tuple[Tensors, Facts]":
        """All of it, as tensors and as what JSON can say."""

    def restore(self, tensors: "Tensors", facts: "Facts") -> None:
        """Takes over what `state` said."""


@dataclass(frozen=True)
class Course:
    """All that changes in the course of a training."""

    modules: "Mapping[str, torch.nn.Module | None]"
    optimizer: "torch.optim.Optimizer"
    memory: Memory
    schedule: "torch.optim.lr_scheduler.LRScheduler | None" = None
    scaler: "torch.amp.GradScaler | None" = None

    def state(self) -> "tuple[Tensors, Facts]":
        """All of it, as tensors and as what JSON can say."""
        import torch

        learnt = self.optimizer.state_dict()
        more, facts = self.memory.state()
        tensors = {f"modules.{name}": tensor for name, tensor in self._weights().items()}
        tensors |= {f"optimizer.{n}.{name}": t for n, held in learnt["state"].items() for name, t in held.items()}
        tensors |= {f"more.{name}": tensor for name, tensor in more.items()}
        tensors["random.cpu"] = torch.get_rng_state()
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            tensors["random.cuda"] = torch.cuda.get_rng_state()
        return tensors, {
            "groups": learnt["param_groups"],
            "schedule": self.schedule and self.schedule.state_dict(),
            "scaler": self.scaler and self.scaler.state_dict(),
            "more": facts,
        }

    def restore(self, tensors: "Tensors", facts: "Facts") -> None:
        """Takes over what `state` said. Raises ValueError, with nothing taken over, where that is of other modules."""
        import torch

        parts: dict[str, Tensors] = {"modules": {}, "optimizer": {}, "more": {}, "random": {}}
        for name, tensor in tensors.items():
            part, _, rest = name.partition(".")
            parts[part][rest] = tensor
        own = self._weights()
        wanted, given = ({n: (t.shape, t.dtype) for n, t in some.items()} for some in (own, parts["modules"]))
        if wanted != given:
            raise ValueError("other weights")
        moments: dict[int, Tensors] = {}
        for name, tensor in parts["optimizer"].items():
            number, _, rest = name.partition(".")
            moments.setdefault(int(number), {})[rest] = tensor
        self.optimizer.load_state_dict({"state": moments, "param_groups": facts["groups"]})
        if self.schedule is not None:
            self.schedule.load_state_dict(facts["schedule"])
        if self.scaler is not None and facts["scaler"]:  # kept where none was needed, there is none
            self.scaler.load_state_dict(facts["scaler"])
        self.memory.restore(parts["more"], facts["more"])
        torch.set_rng_state(parts["random"]["cpu"])
        if "cuda" in parts["random"] and torch.cuda.is_available():
            torch.cuda.set_rng_state(parts["random"]["cuda"])
        for name, tensor in own.items():
            tensor.data.copy_(parts["modules"][name])

    def _weights(self) -> "Tensors":
        """Parameters, and buffers that belong to a module's state, by name; a tensor of several names once."""
        found: Tensors = {}
        for name, module in self.modules.items():
            if module is not None:
                states = module.state_dict().keys()
                buffers = {inner: buffer for inner, buffer in module.named_buffers() if inner in states}
                found |= {f"{name}.{inner}": t for inner, t in (dict(module.named_parameters()) | buffers).items()}
        return found


class Checkpoint:
    """Where a training of so many steps keeps how far it is, and finds what an attempt before it has kept.

    Without a path it neither keeps nor finds anything.
    """

    def __init__(self, path: Path | None, stage: str, steps: int, course: Course, report: Report) -> None:
        self._path, self._stage, self._steps, self._course, self._report = path, stage, steps, course, report
        self._since, self._told = perf_counter(), False

    def find(self) -> Place:
        """The place kept last, to which the course is put back; the very beginning where none is, or a broken one."""
        if self._path is None or not self._path.exists():
            return Place()
        try:
            tensors, facts = _read(self._path)
            place, seconds = Place(**facts["place"]), float(facts["seconds"])
            if facts["steps"] != self._steps:
                raise ValueError("another training")
            self._course.restore(tensors, facts)
        except (OSError, ValueError, KeyError, TypeError):
            self._say(f"Where {self._stage} was cut off cannot be read, so {self._stage} starts over.")
            return Place()
        self._since -= seconds
        self._say(f"{self._stage} goes on after step {place.step} of {self._steps}.")
        return place

    def keep(self, place: Place) -> None:
        """Keeps the course as it is now. Where the disk takes no more the training goes on, and a notice says so."""
        from safetensors import SafetensorError

        if self._path is None:
            return
        tensors, facts = self._course.state()
        seconds = perf_counter() - self._since
        facts |= {"place": asdict(place), "steps": self._steps, "seconds": seconds}
        try:
            _write(self._path, tensors, facts)
        except (OSError, SafetensorError) as error:
            if not self._told:
                self._told = True
                reason = getattr(error, "strerror", None) or error
                self._say(f"How far {self._stage} is cannot be kept ({reason}). The run goes on all the same.")

    def report(self, event: Event, place: Place) -> None:
        """Reports what happened at a place; if the run is interrupted by that, the place is kept."""
        try:
            self._report(event)
        except RunInterrupted:
            self.keep(place)
            raise

    def _say(self, text: str) -> None:
        self._report(Notice(text=text))


def standing(path: Path) -> tuple[Place, float]:
    """The place kept in a file, and how many seconds it took to get there; the very beginning if it cannot be read."""
    try:
        facts = _read(path, weights=False)[1]
        return Place(**facts["place"]), float(facts["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return Place(), 0.0


def _write(path: Path, tensors: "Tensors", facts: "Facts") -> None:
    from safetensors.torch import save_file

    there = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    said = json.dumps(facts)
    header = {"facts": said, "sha256": _digest(there, said)}
    durable.write(path, lambda draft: save_file(there, draft, header))


def _read(path: Path, weights: bool = True) -> "tuple[Tensors, Facts]":
    """What `_write` has written; without `weights` only the facts. Raises OSError, or ValueError if it is not whole."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            # Copies: what is read lies in the file's own pages, which must not change below the training.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()} if weights else {}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(str(error)) from error
    said = header["facts"]
    if weights and header["sha256"] != _digest(tensors, said):
        raise ValueError("not whole")
    facts: Facts = json.loads(said)
    return tensors, facts


def _digest(tensors: "Tensors", said: str) -> str:
    import torch

    content = hashlib.sha256(said.encode())
    for name, tensor in sorted(tensors.items()):
        content.update(f"\0{name} {tensor.dtype} {tuple(tensor.shape)}\0".encode())
        content.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return content.hexdigest()

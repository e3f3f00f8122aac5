"""What this host cannot do of a recipe, told from configs alone, before anything is loaded."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from compression.config import Linear, RunConfig
from compression.errors import ConfigError, ModelError, ResourceError, UnsupportedError
from compression.methods.hints import layer_map
from compression.methods.quantize import unsupported
from compression.methods.structured import plan_structured
from compression.methods.vocabulary import planned_vocabulary
from compression.models.classes import not_safe_classes
from compression.models.classifier import count_parameters, is_compressed, locate, read_config
from compression.models.device import free_memory, resolve, training_precision
from compression.models.student import plan_student
from compression.recipe import choices, parse
from compression.settings import limits

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig

_TRAINING_BYTES = 16  # a parameter


@dataclass(frozen=True)
class Plan:
    """Where a recipe will run, and the config of the student it will train there."""

    device: "torch.device"
    student: "PretrainedConfig | None"  # as it will be quantized; None: a linear one, which has no such config


def check(config: RunConfig) -> "torch.device":
    """The device the recipe will run on. Raises CompressionError if it cannot run here, before anything is loaded."""
    planned = plan(config)
    if reason := unsupported(config.quantization, planned.device.type, planned.student):
        raise UnsupportedError(reason)
    return planned.device


def plan(config: RunConfig) -> Plan:
    """What the recipe will train and where, whatever its scheme. Raises CompressionError if that cannot be here."""
    device = resolve(config.device)
    training_precision(config.training.precision, device)
    for source in filter(None, (config.teacher, config.student.base)):
        if is_compressed(read_config(locate(source, weights=False))):
            raise ModelError(f"{source} is compressed already. Give the full-precision model it was made from.")
    student = planned_student(config)
    if student is None:
        return Plan(device, None)
    _check_memory(count_parameters(student))
    if config.distillation.max_length > student.max_position_embeddings:
        raise ConfigError(
            f"distillation.max_length = {config.distillation.max_length}, but the student has positions "
            f"for {student.max_position_embeddings} tokens. Use {student.max_position_embeddings} or less.",
            "distillation.max_length",
        )
    if config.distillation.hidden_weight or config.distillation.attention_weight:
        layer_map(config.distillation.layer_map, student.num_hidden_layers, read_teacher(config).num_hidden_layers)
    return Plan(device, plan_structured(config.structured, student))


def planned_student(config: RunConfig) -> "PretrainedConfig | None":
    """The config of the student that will be distilled, None of a linear one. Raises CompressionError if it cannot be.

    The vocabulary is taken to be as large as it may become.
    """
    teacher = read_teacher(config)
    if isinstance(config.student, Linear):
        return None
    student = plan_student(config.student, teacher)
    student.vocab_size = planned_vocabulary(config.vocabulary, student.vocab_size)
    return student


def read_teacher(config: RunConfig) -> "PretrainedConfig":
    """The config of the recipe's teacher. Raises CompressionError if its classes cannot be told apart."""
    teacher = read_config(locate(config.teacher, weights=False))
    if not config.fine_tuning.epochs:  # which gives it the two standard ones
        not_safe_classes(teacher, config.labels.not_safe, f"The teacher {config.teacher}")
    return teacher


def refused_schemes(planned: Plan) -> dict[str, str]:
    """The quantization schemes this host cannot run the student in, each with the host's reason."""
    schemes = {scheme: parse({"quantization": scheme}).quantization for scheme in choices("quantization.scheme")}
    reasons = {name: unsupported(scheme, planned.device.type, planned.student) for name, scheme in schemes.items()}
    return {name: reason for name, reason in reasons.items() if reason}


def _check_memory(parameters: int) -> None:
    """Raises ResourceError if training so many parameters would not fit: weight, gradient and Adam's two moments."""
    needed, free = parameters * _TRAINING_BYTES, free_memory()
    if free is not None and needed > free:
        raise ResourceError(
            f"A student of {parameters / 1e6:,.0f} million parameters needs {needed / 1e9:.1f} GB to train, and "
            f"{free / 1e9:.1f} GB are free. Choose fewer or narrower layers."
        )
    most = limits().parameters
    if parameters > most:
        raise ResourceError(
            f"A student of {parameters / 1e6:,.1f} million parameters is too large for this host "
            f"({most / 1e6:,g} million at most). Choose fewer or narrower layers."
        )

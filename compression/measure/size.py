"""Where the bytes live, known from configs alone, before anything runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compression.artefacts.weight import size_bytes
from compression.config import Pretrained, RunConfig
from compression.methods.quantize import matrix_tensors, other_bytes
from compression.models.classes import not_safe_classes
from compression.models.classifier import count_parameters, locate, on_meta, read_config
from compression.models.student import plan_student, shape_of
from compression.schemes import NoQuantization, QuantizationConfig

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel

_HEADER_BYTES = 75  # a tensor, beside its name, in the header of a safetensors file: dtype, shape, offsets


@dataclass(frozen=True)
class Estimate:
    """Sizes a recipe will lead to, in bytes; `parts` are the compressed model's, by what they belong to."""

    teacher_parameters: int
    teacher_bytes: int
    student_parameters: int
    student_bytes: int
    compressed_bytes: int
    parts: dict[str, int]
    layers: int
    heads: int
    hidden_size: int
    intermediate_size: int


def estimate(config: RunConfig) -> Estimate:
    """What the recipe's models will weigh. Raises ConfigError or ModelError where the student cannot be built, or the
    teacher's classes not be told apart."""
    teacher_folder = locate(config.teacher, weights=False)
    teacher = read_config(teacher_folder)
    not_safe_classes(teacher, config.labels.not_safe, f"The teacher {config.teacher}")
    student = plan_student(config.student, teacher)
    origin = locate(config.student.base, weights=False) if isinstance(config.student, Pretrained) else teacher_folder
    other_files = _bytes_beside_weights(origin)
    full = weight_bytes(student, NoQuantization())
    parts = weight_bytes(student, config.quantization) | {"tokenizer and config": other_files}
    shape = shape_of(student)
    return Estimate(
        teacher_parameters=count_parameters(teacher),
        teacher_bytes=_teacher_bytes(teacher_folder, teacher),
        student_parameters=count_parameters(student),
        student_bytes=sum(full.values()) + other_files,
        compressed_bytes=sum(parts.values()),
        parts=parts,
        layers=shape.layers,
        heads=shape.heads,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
    )


def weight_bytes(config: "PretrainedConfig", quantization: QuantizationConfig) -> dict[str, int]:
    """Bytes of the weights file of a model of this config in this scheme, by part: embeddings, encoder, head."""
    import torch

    model = on_meta(config)
    matrices = {f"{name}.weight" for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    parts = dict.fromkeys(("embeddings", "encoder", "head"), 0)
    for name, weight in model.state_dict().items():
        part = _part(name, model)
        if part == "encoder" and name in matrices:
            stored = matrix_tensors(quantization, *weight.shape)
        else:
            stored = [weight.numel() * other_bytes(quantization)]
        parts[part] += sum(stored) + len(stored) * (len(name) + _HEADER_BYTES)
    return parts


def _teacher_bytes(folder: Path, config: "PretrainedConfig") -> int:
    """Bytes of the teacher's folder, as `size_bytes` counts them; worked out where its weights are not here yet."""
    if list(folder.glob("*.safetensors")):
        return size_bytes(folder)
    return sum(weight_bytes(config, NoQuantization()).values()) + _bytes_beside_weights(folder)


def _part(name: str, model: "PreTrainedModel") -> str:
    if not name.startswith(model.base_model_prefix + "."):
        return "head"
    return "embeddings" if "embeddings" in name.split(".") else "encoder"


def _bytes_beside_weights(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.glob("*.json") if not p.name.endswith(".index.json"))

"""Where the bytes live, known from configs alone, before anything runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compression.artefacts.folder import compact_json
from compression.artefacts.parts import part_of
from compression.artefacts.weight import size_bytes
from compression.config import Linear, Pretrained, RunConfig
from compression.methods.qat import rounded_modules
from compression.methods.quantize import matrix_tensors, other_bytes, table_tensors
from compression.models.classes import not_safe_classes
from compression.models.classifier import count_parameters, locate, on_meta, read_config
from compression.models.student import plan_student, shape_of
from compression.schemes import NoQuantization, QuantizationConfig

if TYPE_CHECKING:
    from transformers import PretrainedConfig

_HEADER_BYTES = 65  # a tensor, beside its name, in the header of a safetensors file: dtype, shape, offsets
_PART_OF = {"embeddings": "embeddings", "head": "head"}  # all others are the encoder's
_LINEAR_BLOCK, _LINEAR_CONFIG = 64, 500  # buckets that share a scale; bytes of a linear student's config and header
_TOKENIZER = "tokenizer.json"


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
    teacher's classes not be told apart.

    Zeros (pruned, or ternary), a vocabulary learnt from data and ONNX files are foreseen approximately.
    """
    folder = locate(config.teacher, weights=False)
    teacher = read_config(folder)
    not_safe_classes(teacher, config.labels.not_safe, f"The teacher {config.teacher}")
    if isinstance(config.student, Linear):
        return _linear(config.student.features, config.quantization, folder, teacher)
    student = plan_student(config.student, teacher)
    origin = locate(config.student.base, weights=False) if isinstance(config.student, Pretrained) else folder
    words = student.vocab_size
    if config.vocabulary.method != "keep":
        from compression.methods.vocabulary import planned_vocabulary

        student.vocab_size = planned_vocabulary(config.vocabulary, words)
    compressed = student
    if config.structured.heads or config.structured.neurons or config.structured.layers:
        from compression.methods.structured import plan_structured

        compressed = plan_structured(config.structured, student)
    other_files = _bytes_beside_weights(origin, student.vocab_size / words)
    full = weight_bytes(student, NoQuantization())
    parts = weight_bytes(compressed, config.quantization, config.pruning.sparsity)
    parts |= {"tokenizer and config": other_files}
    shape = shape_of(student)
    return Estimate(
        teacher_parameters=count_parameters(teacher),
        teacher_bytes=_teacher_bytes(folder, teacher),
        student_parameters=count_parameters(student),
        student_bytes=sum(full.values()) + other_files,
        compressed_bytes=sum(parts.values()),
        parts=parts,
        layers=shape.layers,
        heads=shape.heads,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.intermediate_size,
    )


def weight_bytes(config: "PretrainedConfig", quantization: QuantizationConfig, sparsity: float = 0.0) -> dict[str, int]:
    """Bytes of the weights file of a model of this config in this scheme, by part: embeddings, encoder, head.

    `sparsity` is the share of its matrices' weights that are zero.
    """
    model = on_meta(config)
    matrices = {f"{name}.weight" for name in rounded_modules(model, embeddings=False)}
    tables = {f"{name}.weight" for name in rounded_modules(model, embeddings=True)} - matrices
    parts = dict.fromkeys(("embeddings", "encoder", "head"), 0)
    for name, weight in model.state_dict().items():
        if name in matrices:
            stored = matrix_tensors(quantization, weight.shape[0], weight.shape[1], sparsity)
        elif name in tables:
            stored = table_tensors(quantization, weight.shape[0], weight.shape[1])
        else:
            stored = [weight.numel() * other_bytes(quantization)]
        parts[_PART_OF.get(part_of(name), "encoder")] += sum(stored) + len(stored) * (len(name) + _HEADER_BYTES)
    return parts


def _linear(
    features: int, quantization: QuantizationConfig, teacher_folder: Path, teacher: "PretrainedConfig"
) -> Estimate:
    """The sizes of a linear student: one weight a bucket, and no tokenizer."""
    stored = matrix_tensors(quantization, -(-features // _LINEAR_BLOCK), _LINEAR_BLOCK)
    parts = {"embeddings": 0, "encoder": 0, "head": sum(stored), "tokenizer and config": _LINEAR_CONFIG}
    return Estimate(
        teacher_parameters=count_parameters(teacher),
        teacher_bytes=_teacher_bytes(teacher_folder, teacher),
        student_parameters=features + 1,
        student_bytes=4 * features + _LINEAR_CONFIG,
        compressed_bytes=sum(parts.values()),
        parts=parts,
        layers=0,
        heads=0,
        hidden_size=0,
        intermediate_size=0,
    )


def _teacher_bytes(folder: Path, config: "PretrainedConfig") -> int:
    """Bytes of the teacher's folder, as `size_bytes` counts them; worked out where its weights are not here yet."""
    if list(folder.glob("*.safetensors")):
        return size_bytes(folder)
    beside = sum(path.stat().st_size for path in _beside_weights(folder))
    return sum(weight_bytes(config, NoQuantization()).values()) + beside


def _bytes_beside_weights(folder: Path, words: float) -> int:
    """What lies beside a student's weights, from its origin's folder; `words` is the share of its vocabulary it has."""
    sizes = {path.name: path.stat().st_size for path in _beside_weights(folder)}
    if _TOKENIZER in sizes:
        sizes[_TOKENIZER] = round(words * len(compact_json(folder / _TOKENIZER).encode()))
    return sum(sizes.values())


def _beside_weights(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*.json") if not path.name.endswith(".index.json")]

"""Building a student: from evenly spaced layers of the teacher, from a pretrained encoder, or with random weights."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compression.catalog import LABELS
from compression.config import Pretrained, RandomWeights, StudentConfig, TeacherLayers
from compression.errors import ConfigError
from compression.models.classes import two_rows
from compression.models.classifier import (
    LOADING,
    Classifier,
    feed_forward,
    load_classifier,
    load_tokenizer,
    locate,
    longest_text,
    read_config,
)

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel


@dataclass(frozen=True)
class Shape:
    """An encoder's shape; sizes in units of features."""

    layers: int
    heads: int
    hidden_size: int
    intermediate_size: int


def shape_of(config: "PretrainedConfig") -> Shape:
    """The shape a model config describes, whatever its architecture calls the parts."""
    return Shape(
        config.num_hidden_layers,
        config.num_attention_heads,
        config.hidden_size,
        getattr(config, feed_forward(config)),
    )


def plan_student(student: StudentConfig, teacher: "PretrainedConfig") -> "PretrainedConfig":
    """The student's model config, from configs alone. Raises ConfigError with the reason where it cannot be built."""
    origin = read_config(locate(student.base, weights=False)) if isinstance(student, Pretrained) else teacher
    shape = _shape(student, shape_of(origin))
    _check(student, shape, shape_of(origin))
    config = type(origin).from_dict(origin.to_dict())
    config.num_hidden_layers = shape.layers
    config.num_attention_heads = shape.heads
    config.hidden_size = shape.hidden_size
    setattr(config, feed_forward(config), shape.intermediate_size)
    config.id2label = dict(LABELS)
    config.label2id = {name: index for index, name in LABELS.items()}
    config.architectures = None
    return config


def build_student(student: StudentConfig, teacher: Classifier, max_length: int, seed: int) -> Classifier:
    """A student ready to train, on the teacher's device, in fp32; it reads at most `max_length` tokens.

    Raises ConfigError or ModelError where it cannot be built.
    """
    import torch
    from transformers import AutoModelForSequenceClassification

    config = plan_student(student, teacher.model.config)
    device = teacher.model.device
    torch.manual_seed(seed)
    match student:
        case Pretrained():
            tokenizer = load_tokenizer(locate(student.base))
            options = {"config": config, "ignore_mismatched_sizes": True}
            model = load_classifier(locate(student.base), device, new_head=True, **options).model
        case TeacherLayers() | RandomWeights():
            tokenizer = load_tokenizer(Path(teacher.tokenizer.name_or_path))
            with LOADING:
                torch.manual_seed(seed)
                model = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)
            if isinstance(student, TeacherLayers):
                model.load_state_dict(_picked_layers(teacher, config.num_hidden_layers))
            model = model.to(device).eval()
    tokenizer.model_max_length = min(max_length, longest_text(config, tokenizer))
    return Classifier(model, tokenizer, tokenizer.model_max_length)


def evenly_spaced(layers: int, of: int) -> list[int]:
    """Which of the teacher's `of` layers a student of `layers` layers copies: first and last, and evenly between."""
    if layers == 1:
        return [0]
    return [round(i * (of - 1) / (layers - 1)) for i in range(layers)]


def layers_path(model: "PreTrainedModel") -> str:
    """Dotted name of the list of encoder layers inside the model ('bert.encoder.layer')."""
    import torch

    for name, module in model.named_modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == model.config.num_hidden_layers:
            return str(name)
    raise ConfigError(f"The layers of a {model.config.model_type} model were not found. Use another teacher.")


def _shape(student: StudentConfig, origin: Shape) -> Shape:
    return Shape(
        student.layers or origin.layers,
        student.heads or origin.heads,
        student.hidden_size or origin.hidden_size,
        student.intermediate_size or origin.intermediate_size,
    )


def _check(student: StudentConfig, shape: Shape, origin: Shape) -> None:
    """Raises ConfigError if `shape` cannot come from `origin` the way the student starts."""
    if not isinstance(student, RandomWeights):
        source = "base" if isinstance(student, Pretrained) else "teacher"
        if shape.layers > origin.layers:
            raise ConfigError(
                f"student.layers = {shape.layers}, but the {source} has {origin.layers}. Use {origin.layers} at most.",
                "student.layers",
            )
        for name in ("hidden_size", "intermediate_size"):
            if getattr(shape, name) != getattr(origin, name):
                raise ConfigError(
                    f"student.{name} = {getattr(shape, name)}, but the {source} has {getattr(origin, name)}. "
                    f"Leave it empty, or use student.init = random.",
                    f"student.{name}",
                )
    if shape.hidden_size % shape.heads:
        fitting = [n for n in range(1, 65) if shape.hidden_size % n == 0]
        raise ConfigError(
            f"student.heads = {shape.heads} does not divide the hidden size {shape.hidden_size}. "
            f"Use one of {', '.join(map(str, fitting))}.",
            "student.heads",
        )


def _picked_layers(teacher: Classifier, layers: int) -> "dict[str, torch.Tensor]":
    """The teacher's weights under the names of a student with `layers` layers, its head for the two standard classes.

    A head of more classes becomes one of two by `two_rows`.
    """
    path = layers_path(teacher.model)
    layer = re.compile(rf"{re.escape(path)}\.(\d+)\.(.*)")
    copies = {old: new for new, old in enumerate(evenly_spaced(layers, teacher.model.config.num_hidden_layers))}
    picked: dict[str, Any] = {}
    for name, weight in teacher.model.state_dict().items():
        if not (found := layer.fullmatch(name)):
            picked[name] = weight
        elif int(found[1]) in copies:
            picked[f"{path}.{copies[int(found[1])]}.{found[2]}"] = weight
    for name in _class_parameters(teacher.model):
        picked[name] = two_rows(picked[name], teacher.not_safe)
    return picked


def _class_parameters(model: "PreTrainedModel") -> list[str]:
    """Names of the parameters of the layer that makes the logits."""
    import torch

    classes = model.config.num_labels
    name = [n for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and m.out_features == classes][-1]
    return [f"{name}.weight", f"{name}.bias"]

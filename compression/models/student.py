"""Building a student: from evenly spaced layers of the teacher, from a pretrained encoder, or with random weights."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compression.catalog import LABELS
from compression.config import Pretrained, RandomWeights, StudentConfig, TeacherLayers
from compression.data.batching import by_length, collate
from compression.errors import ConfigError
from compression.models.classes import two_rows
from compression.models.classifier import (
    EVALUATION_BATCH,
    LOADING,
    Classifier,
    feed_forward,
    load_classifier,
    load_tokenizer,
    locate,
    longest_text,
    read_config,
)
from compression.models.width import narrowed

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel

_RESERVED_POSITIONS = {"roberta": 2, "xlm-roberta": 2, "mpnet": 2}  # rows before the first token's
_SAMPLES = 512  # texts on which hidden states are looked at


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
    _plan_embeddings(student, config, origin)
    config.id2label = dict(LABELS)
    config.label2id = {name: index for index, name in LABELS.items()}
    config.architectures = None
    return config


def build_student(
    student: StudentConfig, teacher: Classifier, max_length: int, seed: int, texts: Sequence[str] = ()
) -> Classifier:
    """A student ready to train, on the teacher's device, in fp32; it reads at most `max_length` tokens.

    | init | layers | features, heads, neurons | embeddings | head |
    |---|---|---|---|---|
    | teacher-layers | evenly spaced ones of the teacher | the strongest, as `models.width` says | the teacher's | its |
    | pretrained | the base's first | the base's | the base's | new |
    | random | new | new | new | new |

    Position embeddings that are copied are the first ones. Which features are strongest is seen on some of the `texts`,
    or, without any, on random tokens. Raises ConfigError or ModelError where it cannot be built.
    """
    import torch

    config = plan_student(student, teacher.model.config)
    torch.manual_seed(seed)
    match student:
        case Pretrained():
            tokenizer = load_tokenizer(locate(student.base))
            whole = plan_student(student.model_copy(update={"positions": None}), teacher.model.config)
            options = {"config": whole, "ignore_mismatched_sizes": True}
            model = load_classifier(locate(student.base), teacher.model.device, new_head=True, **options).model
            if student.positions is not None:
                model = _filled(config, model.state_dict())
        case _:
            tokenizer = load_tokenizer(Path(teacher.tokenizer.name_or_path))
            if isinstance(student, TeacherLayers):
                model = _filled(config, _copied(student, config, teacher, _samples(teacher, max_length, texts, seed)))
            else:
                model = _untrained(config, seed)
    tokenizer.model_max_length = min(max_length, longest_text(config, tokenizer))
    return Classifier(model.to(teacher.model.device).eval(), tokenizer, tokenizer.model_max_length)


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
    hidden_size, heads = student.hidden_size or origin.hidden_size, origin.heads
    if isinstance(student, TeacherLayers) and student.heads is None and hidden_size < origin.hidden_size:
        heads, rest = divmod(hidden_size, origin.hidden_size // origin.heads)  # whole heads of the teacher
        if rest:
            raise ConfigError(
                f"student.hidden_size = {hidden_size} is no multiple of {origin.hidden_size // origin.heads}, the size "
                "of the teacher's attention heads. Use a multiple, or say how many student.heads there shall be.",
                "student.hidden_size",
            )
    return Shape(
        student.layers or origin.layers,
        student.heads or heads,
        hidden_size,
        student.intermediate_size or origin.intermediate_size,
    )


def _check(student: StudentConfig, shape: Shape, origin: Shape) -> None:
    """Raises ConfigError if `shape` cannot come from `origin` the way the student starts."""
    if not isinstance(student, RandomWeights):
        source = _source(student)
        if shape.layers > origin.layers:
            raise ConfigError(
                f"student.layers = {shape.layers}, but the {source} has {origin.layers}. Use {origin.layers} at most.",
                "student.layers",
            )
        for name in ("hidden_size", "intermediate_size"):
            asked, has = getattr(shape, name), getattr(origin, name)
            if asked > has or (asked < has and isinstance(student, Pretrained)):
                legal = f"Use {has} at most" if source == "teacher" else "Leave it empty"
                raise ConfigError(
                    f"student.{name} = {asked}, but the {source} has {has}. {legal}, or use student.init = random.",
                    f"student.{name}",
                )
    if shape.hidden_size % shape.heads:
        fitting = [n for n in range(1, 65) if shape.hidden_size % n == 0]
        raise ConfigError(
            f"student.heads = {shape.heads} does not divide the hidden size {shape.hidden_size}. "
            f"Use one of {', '.join(map(str, fitting))}.",
            "student.heads",
        )


def _plan_embeddings(student: StudentConfig, config: "PretrainedConfig", origin: "PretrainedConfig") -> None:
    """Sets the sizes of the embeddings in `config`, whose shape is set. Raises ConfigError."""
    reserved = _RESERVED_POSITIONS.get(origin.model_type, 0)
    if student.positions is not None:
        held = origin.max_position_embeddings - reserved
        if student.positions > held and not isinstance(student, RandomWeights):
            raise ConfigError(
                f"student.positions = {student.positions}, but the {_source(student)} has {held}. "
                f"Use {held} at most, or student.init = random.",
                "student.positions",
            )
        config.max_position_embeddings = student.positions + reserved
    if (size := getattr(origin, "embedding_size", None)) is None:
        return
    if size == origin.hidden_size:
        config.embedding_size = config.hidden_size
    elif size == config.hidden_size and isinstance(student, TeacherLayers):
        raise ConfigError(
            f"student.hidden_size = {size} is the size of the teacher's embeddings: the matrix that makes them as wide "
            "as its hidden states would have no place. Use another size.",
            "student.hidden_size",
        )


def _source(student: StudentConfig) -> str:
    return "base" if isinstance(student, Pretrained) else "teacher"


def _untrained(config: "PretrainedConfig", seed: int = 0) -> "PreTrainedModel":
    import torch
    from transformers import AutoModelForSequenceClassification

    with LOADING:
        torch.manual_seed(seed)
        return AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)


def _filled(config: "PretrainedConfig", weights: "Mapping[str, torch.Tensor]") -> "PreTrainedModel":
    """A model of this config with these weights; of its position embeddings, as many as it has."""
    model = _untrained(config)
    first = {
        name: weight[: config.max_position_embeddings]
        for name, weight in weights.items()
        if name.endswith("position_embeddings.weight")
    }
    model.load_state_dict({**weights, **first})
    return model


def _samples(teacher: Classifier, max_length: int, texts: Sequence[str], seed: int) -> "list[dict[str, torch.Tensor]]":
    """Batches of texts, from all over `texts`, to look at hidden states on; of random tokens where there are none."""
    import torch

    if texts:
        rows = teacher.tokenize(texts[:: ceil(len(texts) / _SAMPLES)], max_length)
    else:
        shape, generator = (_SAMPLES // 8, min(32, teacher.max_length)), torch.Generator().manual_seed(seed)
        rows = torch.randint(len(teacher.tokenizer), shape, generator=generator).tolist()
    batches = by_length([len(ids) for ids in rows], EVALUATION_BATCH)
    made = [collate([rows[row] for row in batch], int(teacher.tokenizer.pad_token_id)) for batch in batches]
    return [{name: tensor.to(teacher.model.device) for name, tensor in batch.items()} for batch in made]


def _copied(
    student: TeacherLayers, config: "PretrainedConfig", teacher: Classifier, samples: "list[dict[str, torch.Tensor]]"
) -> "dict[str, torch.Tensor]":
    """The teacher's weights as a student of this config takes them over."""
    as_wide = {"heads": None, "hidden_size": None, "intermediate_size": None, "positions": None}
    wide = plan_student(student.model_copy(update=as_wide), teacher.model.config)
    weights = _picked_layers(teacher, config.num_hidden_layers)
    if shape_of(config) == shape_of(wide):
        return weights
    model = _filled(wide, weights).to(teacher.model.device).eval()
    return narrowed(model, model.get_submodule(layers_path(model)).children(), config, student.width, samples)


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

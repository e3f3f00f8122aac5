"""Folders no plain loader may take for its own: weights in a file of another name, and how to read them in config.json.

Packed weights and shapes no standard class has are recorded under `compression` in config.json, and their weights lie
in `packed.safetensors`, so that `from_pretrained` finds none and says so instead of misreading them.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from compression.errors import ModelError
from compression.schemes import NoQuantization, QuantizationConfig

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel

COMPRESSION_KEY = "compression"  # in config.json
PACKED = "packed.safetensors"
LINEAR = "hashed-ngrams"  # the model type of a linear student
MOST_A_BYTE = 8  # parameters: each has at least its bit in the mask of zeros
_NOTE = f"Weights are in {PACKED}. Read this folder with compression.artefacts.folder.load."


def recorded(config: "PretrainedConfig") -> dict[str, Any]:
    """What a config says about reading its folder, beyond what a plain loader knows; nothing for a standard folder."""
    return dict(getattr(config, COMPRESSION_KEY, None) or {})


def record(config: "PretrainedConfig", **facts: object) -> None:
    """Writes into a config how its folder is to be read; what else stands there stays."""
    setattr(config, COMPRESSION_KEY, {"note": _NOTE} | recorded(config) | facts)


def scheme_of(config: "PretrainedConfig") -> QuantizationConfig:
    """How the weights of a recorded folder are packed; `none` where they are not. Raises ModelError."""
    facts = {name: value for name, value in recorded(config).items() if name in NoQuantization.model_fields}
    try:
        return TypeAdapter[QuantizationConfig](QuantizationConfig).validate_python({"scheme": "none"} | facts)
    except ValidationError:
        raise ModelError(
            f"The config records a scheme this program does not know ({facts!r:.100}). Save the model again."
        ) from None


def shaped(config: "PretrainedConfig", **options: Any) -> "PreTrainedModel":
    """The classifier a config describes, its weights still to come; also of a shape no standard class has."""
    from transformers import AutoModelForSequenceClassification

    model = AutoModelForSequenceClassification.from_config(config, **options)
    if "heads" in recorded(config):
        from compression.models.shapes import apply_shapes

        apply_shapes(model, config)
    return model


def filled(
    folder: Path, config: "PretrainedConfig", weights: "dict[str, torch.Tensor]", dtype: "torch.dtype"
) -> "PreTrainedModel":
    """A model of exactly these weights, run in `dtype`. Raises ModelError if they do not fit the config.

    Not for two threads at once: initialization is off for the whole process meanwhile.
    """
    from transformers.initialization import no_init_weights

    with no_init_weights():
        model = shaped(config, dtype=dtype)
    wanted = {name: weight.shape for name, weight in model.state_dict().items()}
    given = {name: weight.shape for name, weight in weights.items()}
    if wrong := sorted(name for name in wanted | given if wanted.get(name) != given.get(name)):
        raise ModelError(f"The weights in {folder} do not fit its config ({wrong[0]:.100}). Save the model again.")
    model.load_state_dict(weights)
    return model

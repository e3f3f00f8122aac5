"""A text classifier (model, tokenizer, how long a text may be): reading it from a folder, and its logits."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compression import hub
from compression.catalog import BUNDLED, BUNDLED_TEACHER
from compression.data.batching import by_length, collate
from compression.errors import ModelError, actionable
from compression.models.classes import not_safe_classes, two_logits
from compression.models.records import COMPRESSION_KEY, MOST_A_BYTE, PACKED, filled, shaped
from compression.places import place

if TYPE_CHECKING:
    import torch
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

# Encoders whose layers are alike, so that any subset of them is a model of the same class.
ARCHITECTURES = ("bert", "distilbert", "roberta", "xlm-roberta", "electra", "mpnet")
SCHEME_KEY = "compression_scheme"  # in config.json of a standard folder this package stored in half precision
EVALUATION_BATCH = 32

LOADING = threading.RLock()  # from_pretrained switches off initialization for the whole process while it runs
MAX_LAYERS = 48
_FEED_FORWARD = {"distilbert": "hidden_dim"}  # where a config does not call it intermediate_size
_SIZES = ("num_hidden_layers", "num_attention_heads", "hidden_size", "vocab_size", "max_position_embeddings")
_WEIGHTS = ("*.safetensors", "model.onnx")
_MOST_A_BYTE = 2  # parameters: no standard folder keeps one in less than four bits


@dataclass(frozen=True)
class Classifier:
    """A model in eval mode with its tokenizer; `not_safe` are the indices of the logits that mean Not Safe."""

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    max_length: int
    not_safe: tuple[int, ...] = (1,)

    def tokenize(self, texts: Sequence[str], max_length: int | None = None) -> list[list[int]]:
        """Token ids of each text, special tokens included, truncated to `max_length` (default: the model's own)."""
        limit = min(max_length or self.max_length, self.max_length)
        ids: list[list[int]] = self.tokenizer(list(texts), truncation=True, max_length=limit)["input_ids"]
        return ids


def _quiet_transformers() -> None:
    """Keeps progress bars and advice of transformers off the terminal; what matters is an event or an error."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()


def locate(source: str, report: hub.Transfer = hub.ignore, weights: bool = True) -> Path:
    """The model folder `source` names: 'bundled', a path, or a Hub id `owner/name[@revision]`, fetched where need be.

    Without `weights`, a Hub model's folder may hold config and tokenizer only. `report` is called while something is
    fetched (what, bytes done, bytes in all). Raises ModelError with what to do.
    """
    if source == BUNDLED:
        return BUNDLED_TEACHER
    folder = place(source)
    if not folder.exists() and hub.is_hub_id(source):
        return hub.fetch_model(source, report=report, allowed=ARCHITECTURES, weights=weights)
    if not folder.is_dir():
        raise ModelError(f"There is no folder {folder}. Give the folder of a saved model, or a Hub id owner/name.")
    if (folder / "config.json").is_file() and not any(list(folder.glob(name)) for name in _WEIGHTS):
        raise ModelError(f"{folder} has no .safetensors weights. Save the model with safe_serialization=True.")
    return folder


def read_config(folder: Path) -> "PretrainedConfig":
    """The config of the model in `folder`, its weights untouched. Raises ModelError if unsafe or unsupported."""
    from transformers import AutoConfig

    _quiet_transformers()
    path = folder / "config.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"{folder} has no config.json. Give the folder of a saved Hugging Face model.") from None
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read ({error}). Save the model again.") from None
    if not isinstance(raw, dict) or raw.get("model_type") not in ARCHITECTURES:
        kind = raw.get("model_type") if isinstance(raw, dict) else None
        raise ModelError(f"{folder} holds a model of type {kind!r}. Supported are {', '.join(ARCHITECTURES)}.")
    if "auto_map" in raw:
        raise ModelError(
            f"{folder} wants to run code of its own (auto_map), which is never done here. Use another model."
        )
    stored = raw.get("quantization_config")
    if stored is not None and (not isinstance(stored, dict) or stored.get("quant_method") != "bitsandbytes"):
        raise ModelError(f"{folder} was quantized by a method this program does not read. Give a full-precision model.")
    if not isinstance(raw.get(COMPRESSION_KEY, {}), dict):
        raise ModelError(f"{path} is not a usable config ({COMPRESSION_KEY} is no object). Save the model again.")
    with explaining(f"{path} is not a usable config ({{}}). Save the model again."):
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    for name in (*_SIZES, feed_forward(config)):
        if not isinstance(value := getattr(config, name, None), int) or value < 1:
            raise ModelError(f"{path} is not a usable config ({name} is {value!r:.50}). Save the model again.")
    if config.num_hidden_layers > MAX_LAYERS:
        raise ModelError(
            f"{folder} has {config.num_hidden_layers} layers; {MAX_LAYERS} are the most here. Use a smaller one."
        )
    return config


def feed_forward(config: "PretrainedConfig") -> str:
    """What a config of this type calls the size of the layer between two others (`intermediate_size`)."""
    return _FEED_FORWARD.get(config.model_type, "intermediate_size")


def on_meta(config: "PretrainedConfig") -> "PreTrainedModel":
    """The classifier a config describes, on the meta device: shapes without storage. Raises ModelError."""
    import torch

    with explaining("No model can be built from this config ({}). Use another model."), LOADING, torch.device("meta"):
        return shaped(config)


def count_parameters(config: "PretrainedConfig") -> int:
    """Number of weights of the classifier a config describes; nothing is allocated."""
    return sum(parameter.numel() for parameter in on_meta(config).parameters())


def is_compressed(config: "PretrainedConfig") -> bool:
    """Whether a config belongs to a model in one of this package's schemes, or of a shape no plain loader knows."""
    return any(getattr(config, key, None) for key in (SCHEME_KEY, COMPRESSION_KEY, "quantization_config"))


def load_classifier(
    folder: Path,
    device: "torch.device",
    new_head: bool = False,
    not_safe: str | None = None,
    weights: "dict[str, torch.Tensor] | None" = None,
    **options: Any,
) -> Classifier:
    """The classifier in `folder`, in eval mode on `device`. Raises ModelError, or ConfigError for a wrong `not_safe`.

    Full-precision folders run in fp32 whatever their file holds; a folder this package stored in half precision, and a
    bitsandbytes one, run as they are stored. `not_safe` names the classes that mean Not Safe, where their words do not.
    `options` go to `from_pretrained` (another head or shape); only with `new_head` may the head be untrained.
    `weights` are those of a packed folder, unpacked; without packed ones, they are in the file as they are.
    """
    import torch
    from safetensors.torch import load_file

    config = read_config(folder)
    check_weights(folder, config)
    missing: set[str] = set()
    with LOADING:
        with explaining(f"The model in {folder} cannot be loaded ({{}}). Save it again."):
            if weights is None and (folder / PACKED).is_file():
                weights = load_file(folder / PACKED)
            if weights is None or hasattr(config, "quantization_config"):
                model, missing = _pretrained(folder, config, device, weights, options)
            else:
                halves = {"fp16": torch.float16, "bf16": torch.bfloat16}
                model = filled(folder, config, weights, halves.get(getattr(config, SCHEME_KEY, ""), torch.float32))
        tokenizer = load_tokenizer(folder)
    if len(tokenizer) > config.vocab_size:
        raise ModelError(
            f"The tokenizer in {folder} knows {len(tokenizer):,} words and the model {config.vocab_size:,}. "
            "Save the model with the tokenizer it was trained with."
        )
    if missing and not new_head:
        raise ModelError(
            f"The model in {folder} lacks trained weights ({min(missing)}). "
            "Give a fine-tuned classifier, or fine-tune this one with train-teacher."
        )
    classes = not_safe_classes(model.config, not_safe, f"The model in {folder}")
    if not hasattr(config, "quantization_config") and "device_map" not in options:
        model = model.to(device)
    return Classifier(model.eval(), tokenizer, longest_text(model.config, tokenizer), classes)


def _pretrained(
    folder: Path,
    config: "PretrainedConfig",
    device: "torch.device",
    weights: "dict[str, torch.Tensor] | None",
    options: dict[str, Any],
) -> "tuple[PreTrainedModel, set[str]]":
    """The model that transformers makes of the folder, or of `weights` instead of its file; which ones were missing."""
    import torch
    from transformers import AutoModelForSequenceClassification

    if not is_compressed(config):
        options = {"dtype": torch.float32} | options
    if hasattr(config, "quantization_config"):
        options = options | {"device_map": {"": str(device)}}
    loader: Any = AutoModelForSequenceClassification
    if weights is not None:
        loader = type(on_meta(config))  # the class itself: the automatic one wants a folder
        options = options | {"config": config, "state_dict": weights}
    model, found = loader.from_pretrained(
        folder if weights is None else None,
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        output_loading_info=True,
        **options,
    )
    return model, found["missing_keys"]


def load_tokenizer(folder: Path) -> "PreTrainedTokenizerBase":
    """The tokenizer in `folder`. Raises ModelError."""
    from transformers import AutoTokenizer

    with explaining(f"The tokenizer in {folder} cannot be loaded ({{}}). Save it with the model."):
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    if tokenizer.pad_token_id is None:
        raise ModelError(f"The tokenizer in {folder} has no padding token. Give it one (pad_token) and save it again.")
    return tokenizer


def longest_text(config: "PretrainedConfig", tokenizer: "PreTrainedTokenizerBase") -> int:
    """Most tokens a text may have: what the tokenizer says, at most what the position embeddings hold."""
    positions = int(config.max_position_embeddings)
    if config.model_type in ("roberta", "xlm-roberta", "mpnet"):  # positions start after the padding index
        positions -= 2
    return min(positions, int(min(tokenizer.model_max_length, positions)))


def logits_of(
    classifier: Classifier,
    texts: Sequence[str],
    report: Callable[[int, int], None] = lambda step, steps: None,
    autocast: "Callable[[], AbstractContextManager[Any]]" = nullcontext,
) -> "torch.Tensor":
    """Logits of every text, (texts, 2) float32 on the CPU, columns Safe and Not Safe, rows in the order of `texts`.

    Batches hold texts of nearly one length; `report(step, steps)` is called before each.
    """
    import torch

    token_ids = classifier.tokenize(texts)
    batches = by_length([len(ids) for ids in token_ids], EVALUATION_BATCH)
    logits = torch.empty((len(token_ids), 2), dtype=torch.float32)
    with torch.inference_mode():
        for step, rows in enumerate(batches):
            report(step, len(batches))
            inputs = collate([token_ids[row] for row in rows], classifier.tokenizer.pad_token_id)
            inputs = {name: tensor.to(classifier.model.device) for name, tensor in inputs.items()}
            with autocast():
                out = classifier.model(**inputs).logits
            logits[rows] = two_logits(out.float().cpu(), classifier.not_safe)
    if not torch.isfinite(logits).all():
        raise ModelError("The model gives answers that are no numbers: its weights are broken. Use another model.")
    return logits


def check_weights(folder: Path, config: "PretrainedConfig") -> None:
    """Raises ModelError if the config describes more weights than the files can hold: they would fill the memory."""
    stored = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
    described = count_parameters(config)
    if described > stored * (MOST_A_BYTE if (folder / PACKED).is_file() else _MOST_A_BYTE):
        raise ModelError(
            f"The config in {folder} describes {described:,} parameters, which {stored:,} bytes of weights cannot "
            "hold. Save the model again."
        )


@contextmanager
def eager_attention(model: "PreTrainedModel") -> Iterator[None]:
    """Has the model compute attention as plain matrix products, whose maps can be seen, until the context ends."""
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@contextmanager
def explaining(sentence: str) -> Iterator[None]:
    """Turns what a library raises over a broken file into a ModelError; `{}` in the sentence is what it said."""
    try:
        yield
    except Exception as error:  # transformers, tokenizers and safetensors raise every kind there is
        raise actionable(error) or ModelError(sentence.replace("{}", _first_line(error))) from None


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:200].rstrip(":")

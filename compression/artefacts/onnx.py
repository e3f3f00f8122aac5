"""Reloading a folder that holds an ONNX model."""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from compression.errors import ModelError
from compression.models.classes import not_safe_classes
from compression.models.classifier import Classifier, load_tokenizer, longest_text, read_config
from compression.models.onnx_model import FILE, MAX_BYTES, OnnxModel

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def is_onnx(folder: Path) -> bool:
    """Whether the weights in `folder` are an ONNX model's."""
    return (folder / FILE).is_file()


def load_onnx(
    folder: Path, not_safe: str | None = None, file: Path | None = None, threads: int | None = None
) -> Classifier:
    """The ONNX classifier in `folder`, ready to answer on the CPU; `not_safe` as in `load_classifier`.

    Its graph is read from `file`, where that is elsewhere; `threads` work on one text (default: all there are).
    The folder is not needed any more then. Raises ModelError, or ConfigError for a wrong `not_safe`.
    """
    config = read_config(folder)
    tokenizer = load_tokenizer(folder)
    if len(tokenizer) > config.vocab_size:
        raise ModelError(
            f"The tokenizer in {folder} knows {len(tokenizer):,} words and the model {config.vocab_size:,}. "
            "Save the model with the tokenizer it was trained with."
        )
    classes = not_safe_classes(config, not_safe, f"The model in {folder}")
    path = file or folder / FILE
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise ModelError(f"{path} cannot be read ({error.strerror or error}). Save the model again.") from None
    if not content:
        raise ModelError(f"{path} has {size:,} bytes; from 1 to {MAX_BYTES:,} are possible. Save the model again.")
    model = cast("PreTrainedModel", OnnxModel(content, config, str(path), threads))
    return Classifier(model, tokenizer, longest_text(config, tokenizer), classes)

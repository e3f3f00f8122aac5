"""Saving a classifier as a standard Hugging Face folder where one can hold it, and reloading it ready to answer."""

import hashlib
import json
import shutil
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from compression.artefacts.onnx import is_onnx, load_onnx
from compression.artefacts.packed import load_packed, repack
from compression.errors import ModelError, ResourceError, disk_full
from compression.methods import bnb
from compression.methods.linear import is_linear, load_linear, save_linear
from compression.methods.onnx import quantize_onnx
from compression.models.classifier import SCHEME_KEY, Classifier, load_classifier
from compression.models.records import LINEAR, PACKED, record, recorded
from compression.schemes import OnnxInt4, OnnxInt8

if TYPE_CHECKING:
    import torch


def save(classifier: Classifier, folder: Path) -> None:
    """Writes model and tokenizer to `folder`, replacing what was there only once all is written.

    A model whose config records what no plain loader knows (packed weights, a shape of its own) gets a packed file.
    Raises ResourceError if the disk is full or not writable, CompressionError for a 4-bit model that has already run.
    """
    if classifier.model.config.model_type == LINEAR:
        with _replacing(folder) as parent:
            save_linear(classifier, parent, getattr(classifier.model.config, SCHEME_KEY, None) or "none")
        return
    bnb.check_unused(classifier.model)
    packed = bool(recorded(classifier.model.config))
    if packed:
        record(classifier.model.config)  # so that whoever made the record, it says how to read the folder
    classifier.model.should_save_on_this_rank = _always
    with _replacing(folder) as parent:
        classifier.model.save_pretrained(parent)
        classifier.tokenizer.save_pretrained(parent)
        _compact(parent / "tokenizer.json")
        if packed:
            repack(parent, classifier.model)


def save_onnx(classifier: Classifier, scheme: OnnxInt8 | OnnxInt4, folder: Path) -> None:
    """Writes a full-precision classifier to `folder` as a quantized ONNX model, as `save` does.

    Raises ResourceError as `save` does, and UnsupportedError where it cannot be exported.
    """
    with _replacing(folder) as parent:
        quantize_onnx(classifier, scheme, parent)
        _compact(parent / "tokenizer.json")


def copy(source: Path, folder: Path) -> None:
    """Makes `folder` a byte-for-byte copy of `source`. Raises ResourceError."""
    with _replacing(folder) as parent:
        shutil.copytree(source, parent, dirs_exist_ok=True)


def load(folder: Path, device: "torch.device", not_safe: str | None = None) -> Classifier:
    """The classifier in `folder`, in any scheme, ready to answer on `device`; `not_safe` as in `load_classifier`.

    What the folder holds decides how it is read. Raises ModelError, or ConfigError for a wrong `not_safe`.
    """
    if is_onnx(folder):
        return load_onnx(folder, not_safe)
    if is_linear(folder):
        return load_linear(folder, device)
    read = load_packed if (folder / PACKED).is_file() else load_classifier
    classifier = read(folder, device, not_safe=not_safe)
    if hasattr(classifier.model.config, "quantization_config"):
        bnb.adapt(classifier.model, device)
    return classifier


def compact_json(path: Path) -> str:
    """The content of a JSON file, in the order it has, without indentation."""
    return json.dumps(json.loads(path.read_text(encoding="utf-8")), separators=(",", ":"), ensure_ascii=False)


def digest(folder: Path) -> str:
    """SHA-256 over names and contents of all files in `folder`: equal folders, equal digest.

    A file is read once as long as it does not change. Raises ModelError if one cannot be read.
    """
    content = hashlib.sha256()
    try:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                now = path.stat()
                content.update(path.relative_to(folder).as_posix().encode() + b"\0")
                content.update(_file_digest(path, now.st_ino, now.st_size, now.st_mtime_ns, now.st_ctime_ns))
    except OSError as error:
        raise ModelError(f"The model in {folder} cannot be read ({error.strerror or error}). Save it again.") from None
    return content.hexdigest()


@lru_cache(4096)
def _file_digest(path: Path, *identity: int) -> bytes:
    """SHA-256 of a file's content, remembered for as long as its `identity` (inode, size, times) stays."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _always(is_main_process: bool) -> bool:
    """Said for transformers, which would save in the first of several processes only: each has folders of its own."""
    return True


def _compact(path: Path) -> None:
    """Writes a JSON file without the space a person would want in it: with a small student it is most of the bytes."""
    if path.is_file():
        path.write_text(compact_json(path), encoding="utf-8")


class _replacing:
    """A context that gives a temporary folder and, if all went well, puts it in the place of `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Path:
        try:
            self._folder.parent.mkdir(parents=True, exist_ok=True)
            self._temporary = Path(tempfile.mkdtemp(prefix=f".{self._folder.name}-", dir=self._folder.parent))
        except OSError as error:
            raise _resource_error(error, self._folder) from None
        return self._temporary

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._temporary.chmod(0o755)
            self._temporary.rename(self._folder)
            return
        shutil.rmtree(self._temporary, ignore_errors=True)
        if isinstance(error, OSError) or disk_full(error):
            raise _resource_error(error, self._folder) from error


def _resource_error(error: BaseException, folder: Path) -> ResourceError:
    if disk_full(error):
        return ResourceError(f"The disk is full, so {folder} was not saved. Free some space and run again.")
    return ResourceError(
        f"{folder} cannot be written ({getattr(error, 'strerror', None) or error}). Choose another folder."
    )

"""Bad models: configs that lie or make no sense, weights that are none, tokenizers that do not fit."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bad_input import Bad, Bench, Given, Recipe, teacher

WEB_PAGE = "<!doctype html><title>Sign in</title>"
DIGITS = '{"model_type": "bert", "a": ' + "9" * 5000 + "}"
HUGE = {"hidden_size": 12288, "num_hidden_layers": 43, "num_attention_heads": 96, "intermediate_size": 49152}
DEEP = '{"model_type": "bert", "a": ' + "[" * 100_000


NONSENSE = {"quant_method": "bitsandbytes", "load_in_4bit": "x"}


def _config(**changes: Any) -> Callable[[Bench], Any]:
    return teacher(lambda bench: bench.model(**changes))


def _trained(**config: Any) -> Callable[[Bench], Any]:
    return teacher(lambda bench: bench.trained(**config))


def _with(name: str, content: bytes | str | None) -> Callable[[Bench], Any]:
    """A model with one file written anew, or gone."""

    def make(bench: Bench) -> Path:
        folder = bench.model()
        (folder / name).unlink()
        if content is not None:
            bench.file(f"model/{name}", content)
        return folder

    return teacher(make)


def _weights(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Bench], Any]:
    """A model with other weights."""

    def make(bench: Bench) -> Path:
        from safetensors.torch import load_file, save_file

        path = bench.model() / "model.safetensors"
        save_file(change(load_file(path)), path, {"format": "pt"})
        return path.parent

    return teacher(make)


def _headless(weights: dict[str, Any]) -> dict[str, Any]:
    return {name: weight for name, weight in weights.items() if "classifier" not in name}


def _broken(weights: dict[str, Any]) -> dict[str, Any]:
    return {name: weight * float("nan") for name, weight in weights.items()}


def _halved(bench: Bench) -> Path:
    path = bench.model() / "model.safetensors"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path.parent


def _pickled(bench: Bench) -> Path:
    folder = bench.model()
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    return folder


def _linked_weights(bench: Bench) -> Path:
    path = bench.model() / "model.safetensors"
    path.unlink()
    path.symlink_to("/etc/passwd")
    return path.parent


def _loop(bench: Bench) -> Path:
    (bench.folder / "model").symlink_to("model")
    return bench.folder / "model"


def _few_words(bench: Bench) -> Path:
    import tiny

    folder = bench.trained(vocab_size=20)
    tiny.tokenizer().save_pretrained(folder)
    return folder


def _coded_tokenizer(bench: Bench) -> Path:
    folder = bench.model()
    (folder / "tokenizer.json").unlink()
    bench.file(
        "model/tokenizer_config.json", '{"auto_map": {"AutoTokenizer": ["evil.T", null]}, "tokenizer_class": "T"}'
    )
    bench.file("model/evil.py", "raise SystemExit('this ran')")
    return folder


def _no_padding(bench: Bench) -> Path:
    folder = bench.model()
    for name, key in (("tokenizer_config.json", "pad_token"), ("special_tokens_map.json", "pad_token")):
        if (folder / name).exists():
            kept = json.loads((folder / name).read_text())
            kept.pop(key, None)
            (folder / name).write_text(json.dumps(kept))
    return folder


def _idle_giant(bench: Bench) -> Given:
    """The student is small, so that only the teacher is too large."""
    small = {"student.init": "random", "student.layers": 1, "student.heads": 4}
    small |= {"student.hidden_size": 64, "student.intermediate_size": 128, "quantization.scheme": "fp16"}
    return Recipe({"teacher": str(bench.model(**HUGE)), "distillation.max_length": 48} | small)


TABLE = [
    Bad("a model that is not there", "no folder", teacher(lambda bench: bench.folder / "none" / "model")),
    Bad("a file for a model", "no folder", teacher(lambda bench: bench.file("model", "x"))),
    Bad("an empty folder for a model", "config.json", teacher(lambda bench: bench.file("model/x", "").parent)),
    Bad("a link to itself for a model", "Check", teacher(_loop)),
    Bad("a config that is a list", "type", _with("config.json", "[1, 2]")),
    Bad("a config that is no JSON", "config.json", _with("config.json", "{")),
    Bad("a config that is binary", "config.json", _with("config.json", b"\xff\xfe\0\x01")),
    Bad("a config a hundred thousand deep", "config.json", _with("config.json", DEEP)),
    Bad("a config with a number of 5,000 digits", "config.json", _with("config.json", DIGITS)),
    Bad("a model of another type", "gpt2", _config(model_type="gpt2")),
    Bad("a type that is a list", "type", _config(model_type=["bert"])),
    Bad("code of its own", "auto_map", _config(auto_map={"AutoConfig": "evil.Config"})),
    Bad("weights as a pickle", "safetensors", teacher(_pickled)),
    Bad("79 billion parameters", "million", _config(**HUGE)),
    Bad("79 billion parameters that nothing would train", "parameters|cannot hold", _idle_giant),
    Bad("a million layers", "layers", _config(num_hidden_layers=1_000_000)),
    Bad("layers that are no number", "config.json", _config(num_hidden_layers="two")),
    Bad("no layers", "config.json", _config(num_hidden_layers=0)),
    Bad("no heads", "config.json", _config(num_attention_heads=0)),
    Bad("heads that are a list", "config.json", _config(num_attention_heads=[4])),
    Bad("a negative width", "config.json", _config(hidden_size=-64)),
    Bad("no words", "config.json", _config(vocab_size=0)),
    Bad("positions that are text", "config.json", _config(max_position_embeddings="many")),
    Bad("labels that are a list", "config.json", _config(id2label=["a", "b"])),
    Bad("an activation nobody knows", "config", _config(hidden_act="magic")),
    Bad("quantized already", "compressed already", _config(compression_scheme="fp16")),
    Bad("quantized by another method", "quantized", _config(quantization_config={"quant_method": "gptq", "bits": 4})),
    Bad("a quantization that makes no sense", "compressed already", _config(quantization_config=NONSENSE)),
    Bad("one class for a model", "class", _trained(id2label={0: "LABEL_0"}, num_labels=1)),
    Bad("four classes", "class", _trained(id2label=dict(enumerate("abcd")), num_labels=4)),
    Bad("a head nobody trained", "trained", _weights(_headless)),
    Bad("weights that are no numbers", "numbers", _weights(_broken)),
    Bad("weights of another shape", "cannot be loaded", _config(intermediate_size=96)),
    Bad("half of the weights", "cannot be loaded", teacher(_halved)),
    Bad("weights that are empty", "parameters|0 bytes", _with("model.safetensors", b"")),
    Bad(
        "weights that are a web page",
        "parameters|37 bytes",
        _with("model.safetensors", WEB_PAGE),
    ),
    Bad("weights that are a link out of the folder", "parameters|bytes", teacher(_linked_weights)),
    Bad("no tokenizer", "tokenizer", _with("tokenizer.json", None)),
    Bad("a broken tokenizer", "tokenizer", _with("tokenizer.json", "{}")),
    Bad("a tokenizer that is code", "tokenizer", teacher(_coded_tokenizer)),
    Bad("a tokenizer with more words than the model", "tokenizer", teacher(_few_words)),
    Bad("a tokenizer without padding", "tokenizer", teacher(_no_padding)),
    Bad("positions for four tokens", "4 or less", _config(max_position_embeddings=4)),
]

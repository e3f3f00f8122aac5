"""Small things to test with, all made here: a two-layer model of any architecture, a tokenizer, labelled URLs."""

import csv
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import AutoConfig, AutoModelForSequenceClassification, PreTrainedTokenizerFast

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
HIDDEN, FEED_FORWARD, LAYERS, HEADS = 64, 128, 2, 4


def urls(count: int = 64, offset: int = 0) -> list[tuple[str, int]]:
    """Labelled URLs, half and half, each on a domain of its own; easy to tell apart."""
    safe = [(f"https://www.shop{n + offset}.example/catalogue/item-{n}", 0) for n in range(count // 2)]
    bad = [(f"http://login-verify{n + offset}.account{n}.test/secure?id={n}", 1) for n in range(count // 2)]
    return [row for pair in zip(safe, bad, strict=True) for row in pair]


def tokenizer(max_length: int = 64) -> PreTrainedTokenizerFast:
    """A WordPiece tokenizer that knows every printable ASCII character, alone and inside a word."""
    characters = [chr(code) for code in range(33, 127) if not chr(code).isupper()]
    words = (
        SPECIAL + characters + [f"##{c}" for c in characters] + ["login", "verify", "https", "http", "shop", "secure"]
    )
    vocabulary = {word: index for index, word in enumerate(words)}
    inner = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", vocabulary["[CLS]"]), ("[SEP]", vocabulary["[SEP]"])]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=inner,
        model_max_length=max_length,
        **{f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")},
    )


def config(architecture: str = "bert", **changes: object) -> object:
    """The config of a two-layer, two-class model of 64 features and 80 positions."""
    shape: dict[str, object] = {
        "vocab_size": len(tokenizer()),
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "hidden_size": HIDDEN,
        "max_position_embeddings": 80,
        "pad_token_id": 0,
        "num_labels": 2,
    }
    shape["hidden_dim" if architecture == "distilbert" else "intermediate_size"] = FEED_FORWARD
    if architecture == "electra":
        shape["embedding_size"] = HIDDEN
    return AutoConfig.for_model(architecture, **(shape | changes))


def save_model(folder: Path, architecture: str = "bert", seed: int = 0, **changes: object) -> Path:
    """A folder with a random model and the tokenizer; returns it."""
    torch.manual_seed(seed)
    labels = changes.pop("id2label", {0: "Safe", 1: "Not Safe"})
    model = AutoModelForSequenceClassification.from_config(config(architecture, id2label=labels, **changes))
    for parameter in model.parameters():  # larger weights than usual, so that logits differ between URLs
        if parameter.dim() > 1:
            parameter.data.mul_(4)
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return folder


def save_csv(path: Path, rows: list[tuple[str, int]], header: tuple[str, str] = ("text", "labels")) -> Path:
    """A CSV file of labelled URLs; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


def save_splits(folder: Path) -> Path:
    """A folder of train (64), validation (32) and test (32) CSV files; returns it."""
    for name, count, offset in (("train", 64, 0), ("validation", 32, 1000), ("test", 32, 2000)):
        save_csv(folder / f"{name}.csv", urls(count, offset))
    return folder

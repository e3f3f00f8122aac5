"""Tiny tokenizers of the three kinds, all with RoBERTa's special tokens and padding at 1, and models to read them."""

import string
from collections.abc import Callable
from pathlib import Path

import tiny
import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast

WORDS = [f"x{letter}" for letter in string.ascii_lowercase]
FIRST, LAST = ["<s>", "<pad>", "</s>", "<unk>"], "<mask>"
ROLES = {"bos": "<s>", "cls": "<s>", "pad": "<pad>", "eos": "</s>", "sep": "</s>", "unk": "<unk>", "mask": "<mask>"}
TEXTS = [text for text, _ in tiny.urls(64)] + ["".join(map(chr, range(33, 127)))]


def word_piece(*more: str) -> PreTrainedTokenizerFast:
    """WordPiece: the characters, some words, `WORDS`, and the mask at the end, as MPNet has it."""
    known = [word for word in tiny.tokenizer().get_vocab() if word not in tiny.SPECIAL]
    names = [*FIRST, *known, *WORDS, *more, LAST]
    backend = Tokenizer(models.WordPiece({name: index for index, name in enumerate(names)}, unk_token="<unk>"))
    backend.normalizer = normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return _finished(backend)


def byte_pairs() -> PreTrainedTokenizerFast:
    """Byte-level BPE, as RoBERTa has it."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=600, special_tokens=FIRST, initial_alphabet=alphabet, show_progress=False)
    backend.train_from_iterator(TEXTS, trainer)
    return _finished(backend)


def unigram() -> PreTrainedTokenizerFast:
    """Unigram with ▁ for spaces, as XLM-RoBERTa has it; the mask is added beside the model's own tokens."""
    backend = Tokenizer(models.Unigram())
    backend.normalizer = normalizers.NFKC()
    backend.pre_tokenizer = pre_tokenizers.Metaspace()
    backend.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=400, special_tokens=FIRST, unk_token="<unk>", show_progress=False)
    backend.train_from_iterator(TEXTS, trainer)
    return _finished(backend)


MAKERS: dict[str, Callable[[], PreTrainedTokenizerFast]] = {
    "WordPiece": word_piece,
    "BPE": byte_pairs,
    "Unigram": unigram,
}


def save_model(folder: Path, kind: str, architecture: str) -> Path:
    """A folder with a random model and a tokenizer of this kind; returns it."""
    torch.manual_seed(0)
    tokenizer = MAKERS[kind]()
    config = tiny.config(architecture, vocab_size=len(tokenizer), pad_token_id=1, id2label={0: "Safe", 1: "Not Safe"})
    AutoModelForSequenceClassification.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _finished(backend: Tokenizer) -> PreTrainedTokenizerFast:
    backend.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    names = {f"{role}_token": token for role, token in ROLES.items()}
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=64,
        model_input_names=["input_ids", "attention_mask"],
        **names,
    )

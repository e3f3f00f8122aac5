"""What the article's own models would weigh after every step there is, from configs alone: nothing is trained or built.

Its teacher is BERT-base (438 MB), its student four DistilBERT layers in NF4 (63 MB), of which the embeddings, which it
left as they were, are three quarters. Packed int4 takes over only at the small end: at full width it weighs what NF4
with double quantization does, 4.25 bits a weight to 4.13, but has no tables of 2 KB beside every matrix.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from compression.measure.size import weight_bytes
from compression.schemes import Nf4, NoQuantization, PackedInt4, QuantizationConfig, Ternary

if TYPE_CHECKING:
    from transformers import PretrainedConfig

_BYTES_A_WORD = 15.3  # of tokenizer.json without indentation: BERT's has 466,152 for 30,522 tokens
_CONFIG_BYTES = 1_200  # config.json and tokenizer_config.json


def article_table() -> list[tuple[str, int]]:
    """Each step with the bytes of the whole model folder after it: weights, tokenizer and config."""
    return [(name, folder_bytes(config, scheme)) for name, config, scheme in _steps()]


def folder_bytes(config: "PretrainedConfig", scheme: QuantizationConfig) -> int:
    """Bytes of a folder with a model of this config in this scheme and a WordPiece tokenizer of its size."""
    tokenizer = round(int(config.vocab_size) * _BYTES_A_WORD)
    return sum(weight_bytes(config, scheme).values()) + tokenizer + _CONFIG_BYTES


def _steps() -> "Iterator[tuple[str, PretrainedConfig, QuantizationConfig]]":
    from transformers import BertConfig, DistilBertConfig

    def student(**shape: Any) -> "PretrainedConfig":
        return DistilBertConfig(**{"n_layers": 4, "n_heads": 8, "num_labels": 2} | shape)

    def narrow(width: int, vocabulary: int) -> "PretrainedConfig":
        return student(
            n_layers=2,
            n_heads=max(1, width // 64),
            dim=width,
            hidden_dim=4 * width,
            vocab_size=vocabulary,
            max_position_embeddings=128,
        )

    all_nf4 = Nf4(double=True, embeddings=True)
    yield "BERT-base, fp32", BertConfig(num_labels=2), NoQuantization()
    yield "4 layers of DistilBERT, fp32", student(), NoQuantization()
    yield "matrices in NF4, double quantization (the article ends here)", student(), Nf4(double=True)
    yield "embeddings in NF4 too", student(), all_nf4
    yield "vocabulary of 8,000", student(vocab_size=8_000), all_nf4
    yield "vocabulary of 4,000", student(vocab_size=4_000), all_nf4
    yield "128 positions", student(vocab_size=4_000, max_position_embeddings=128), all_nf4
    yield "2 layers of width 128, packed int4", narrow(128, 4_000), PackedInt4()
    yield "2 layers of width 128, ternary", narrow(128, 4_000), Ternary()
    yield "2 layers of width 64, ternary, vocabulary of 1,000", narrow(64, 1_000), Ternary()

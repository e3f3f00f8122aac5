"""A linear classifier of hashed character n-grams that can stand wherever a transformer stands.

Every run of 2 to 5 characters of a URL is hashed to one of `features` buckets, each with one weight:

    URL ─spelling─▶ characters ─FNV-1a─▶ bucket numbers ─▶ score = Σ value(count) · weight / ‖value‖ + bias
                                                           logits = (−score / 2, score / 2)

with value(count) = 1 + ln(count), the sublinear term frequency of TF-IDF. The norm leaves the idf out, so that idf
and whatever else belongs to one bucket is part of its one weight.
Source: feature hashing, Weinberger et al. 2009, arXiv:0902.2206 (without its random signs: a trained weight needs no
unbiased inner products).

This module imports torch: import it where a model is at hand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from compression.catalog import LABELS
from compression.models.classifier import Classifier
from compression.models.records import LINEAR

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

SHORTEST, LONGEST = 2, 5  # characters of an n-gram
LONGEST_TEXT = 2_048  # characters of an address that are read
_START, _END = "\x02", "\x03"  # where an address starts and ends is part of its n-grams; no address holds these
_OFFSET, _PRIME = 0x811C9DC5, 0x01000193  # of 32-bit FNV-1a


@dataclass
class NgramConfig:
    """What `config.json` of such a model says, in the words transformers has for it where it has them."""

    features: int
    compression_scheme: str | None = None  # how the weights are stored; None: fp32
    id2label: dict[int, str] = field(default_factory=lambda: dict(LABELS))
    model_type: str = LINEAR
    num_labels: int = 2
    problem_type: None = None
    pad_token_id: int = 0
    max_position_embeddings: int = LONGEST_TEXT * (LONGEST - SHORTEST + 1)  # n-grams

    @property
    def vocab_size(self) -> int:
        """Token ids there are: one a bucket, and 0 for padding."""
        return self.features + 1


class NgramTokenizer:
    """Texts to token ids, which are bucket numbers from 1; all it has to know is how many buckets there are."""

    pad_token_id = 0
    name_or_path = ""

    def __init__(self, config: NgramConfig) -> None:
        self.features = config.features
        self.model_max_length = config.max_position_embeddings

    def __len__(self) -> int:
        return self.features + 1

    def __call__(
        self, texts: Sequence[str], truncation: bool = True, max_length: int | None = None
    ) -> dict[str, list[list[int]]]:
        """`input_ids` of each text, by where their n-gram starts; truncation leaves out the end of a long text."""
        limit = (max_length or self.model_max_length) if truncation else None
        return {"input_ids": [ids[:limit].tolist() for ids in buckets(texts, self.features)]}

    def save_pretrained(self, folder: Path) -> None:
        """Writes nothing: the model's config says all there is to know."""


class Output(NamedTuple):
    """What the model answers: `logits` (texts, 2) float32, columns Safe and Not Safe."""

    logits: torch.Tensor


class HashedNgrams(torch.nn.Module):
    """One weight a bucket (`weight`, (features,)) and a `bias` (1,), all zero at first."""

    def __init__(self, config: NgramConfig) -> None:
        super().__init__()
        self.config = config
        self.weight = torch.nn.Parameter(torch.zeros(config.features))
        self.bias = torch.nn.Parameter(torch.zeros(1))

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.weight.device

    def get_memory_footprint(self) -> int:
        """Bytes of the weights in memory."""
        return sum(parameter.numel() * parameter.element_size() for parameter in self.parameters())

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor | None = None) -> Output:
        """Logits of token ids (texts, longest), 0 where there is padding; what the mask (same shape) hides is padding.

        A bucket that occurs c times is met c times, so each time it counts a c-th of its value.
        """
        ids = input_ids if attention_mask is None else input_ids * attention_mask
        ids = ids.sort(dim=1).values
        count = (torch.searchsorted(ids, ids, right=True) - torch.searchsorted(ids, ids)).double()
        value = torch.where(ids > 0, 1 + count.log(), 0.0)
        norm = (value.square() / count).sum(dim=1).clamp(min=1e-12).sqrt()
        weight = self.weight.double()[(ids - 1).clamp(min=0)]
        score = ((value / count * weight).sum(dim=1) / norm + self.bias.double()).float()
        return Output(torch.stack([-score / 2, score / 2], dim=1))


def linear_classifier(features: int) -> Classifier:
    """An untrained linear classifier of `features` buckets, in eval mode on the CPU."""
    config = NgramConfig(features)
    model: Any = HashedNgrams(config).eval()
    tokenizer: Any = NgramTokenizer(config)
    return Classifier(model, tokenizer, config.max_position_embeddings)


def buckets(texts: Sequence[str], features: int) -> "Iterator[np.ndarray]":
    """Of each text the bucket numbers (from 1) of all its n-grams, by where they start and then by length, int64.

    The text is written as `data.corpus_lesson.spelling` says and its start and end are marked. The bucket is the
    32-bit FNV-1a hash (Fowler, Noll and Vo; RFC 9923) folded once and taken modulo `features`.
    """
    import numpy as np

    spelling = _spelling()
    for text in texts:
        marked = f"{_START}{spelling.normalize_str(text)[:LONGEST_TEXT]}{_END}"
        characters = np.frombuffer(marked.encode("ascii"), np.uint8).astype(np.uint32)
        length = len(characters)
        hashes = np.full(length, _OFFSET, np.uint32)
        found = np.zeros((length, LONGEST - SHORTEST + 1), np.int64)
        for size in range(1, min(LONGEST, length) + 1):
            hashes = (hashes[: length - size + 1] ^ characters[size - 1 :]) * np.uint32(_PRIME)
            if size >= SHORTEST:
                found[: len(hashes), size - SHORTEST] = (hashes ^ (hashes >> 16)) % features + 1
        yield found[found > 0]


def term_frequencies(texts: Sequence[str], features: int) -> "csr_matrix":
    """Sublinear counts of every bucket in every text, each row of length 1: (texts, features), sparse float64."""
    import numpy as np
    from scipy.sparse import csr_matrix

    rows = [np.unique(ids, return_counts=True) for ids in buckets(texts, features)]
    values = [1 + np.log(counts) for _, counts in rows]
    data = np.concatenate([value / np.linalg.norm(value) for value in values])
    ends = np.cumsum([0, *map(len, values)])
    return csr_matrix((data, np.concatenate([ids for ids, _ in rows]) - 1, ends), shape=(len(texts), features))


@cache
def _spelling() -> Any:
    from compression.data.corpus_lesson import spelling

    return spelling()

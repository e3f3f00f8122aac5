"""A student's vocabulary cut down to the tokens its data needs, or learned anew; its embeddings follow.

    keep    nothing changes
    trim    the tokens the texts have, the most frequent first; every kept one is read as before
    train   a new WordPiece vocabulary; each token starts as the mean of what it was split into before

Single characters always stay, so that any URL can still be spelled. In the multilingual vocabularies of pretrained
encoders these are many (1,658 and the special tokens in BERT's): below that, only `train` goes.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from compression.config import VocabularyConfig
from compression.models.classifier import Classifier
from compression.models.tokenizers import (
    characters,
    merge_parts,
    refuse_too_small,
    special_tokens,
    trained,
    trimmed,
    with_parts,
)

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

TRAINED_SIZE = 4_000  # where the recipe gives none
_AT_ONCE = 4_096  # texts


def planned_vocabulary(config: VocabularyConfig, size: int) -> int:
    """Most tokens a student can have whose tokenizer starts with `size`."""
    match config.method:
        case "keep":
            return size
        case "trim":
            return min(size, config.size or size)
        case "train":
            return config.size or TRAINED_SIZE


def change_vocabulary(student: Classifier, texts: Sequence[str], config: VocabularyConfig) -> Classifier:
    """The student with the tokenizer that the recipe asks for; its model is changed in place.

    The tokens `trim` counts are those within the student's length. Raises ConfigError if the size leaves no room for
    single characters, or the tokenizer is of no known kind.
    """
    match config.method:
        case "keep":
            return student
        case "trim":
            tokenizer = trimmed(student.tokenizer, _needed(student, texts, config))
        case "train":
            tokenizer = trained(student.tokenizer, texts, config.size or TRAINED_SIZE, config.min_count)
    _replace_embeddings(student.model, former_pieces(student.tokenizer, tokenizer))
    return Classifier(student.model, tokenizer, student.max_length, student.not_safe)


def former_pieces(old: "PreTrainedTokenizerBase", new: "PreTrainedTokenizerBase") -> list[list[int]]:
    """For each id of `new`, the ids that `old` has for the same text: the token's own where it has it, else its pieces.

    A piece inside a word is looked up as such (`##ab`) where `old` knows it. Source of the idea: Gee et al. 2022,
    arXiv:2402.09977, §3 (Fast Vocabulary Transfer).
    """
    known = old.get_vocab()
    pieces = []
    for token, _ in sorted(new.get_vocab().items(), key=lambda item: item[1]):
        surface = token.removeprefix("##") or token
        if token in known:
            pieces.append([known[token]])
            continue
        ids = old.backend_tokenizer.encode(surface, add_special_tokens=False).ids or [known[str(old.unk_token)]]
        if surface != token:
            ids[0] = known.get(f"##{old.convert_ids_to_tokens(ids[0])}", ids[0])
        pieces.append(ids)
    return pieces


def _needed(student: Classifier, texts: Sequence[str], config: VocabularyConfig) -> set[str]:
    """The tokens to keep: special ones, single characters, then by count as many as there is room for."""
    tokenizer = student.tokenizer
    size = config.size or len(tokenizer)
    parts = merge_parts(tokenizer)
    kept = {*special_tokens(tokenizer), *characters(tokenizer)}
    refuse_too_small(size, len(kept), ", or vocabulary.method = train")
    seen: Counter[int] = Counter()
    for start in range(0, len(texts), _AT_ONCE):
        for ids in student.tokenize(texts[start : start + _AT_ONCE]):
            seen.update(ids)
    for index, count in sorted(seen.items(), key=lambda item: (-item[1], item[0])):
        token = str(tokenizer.convert_ids_to_tokens(index))
        wanted = kept | with_parts(token, parts)
        if count >= config.min_count and len(wanted) <= size:
            kept = wanted
    return kept


def _replace_embeddings(model: "PreTrainedModel", pieces: Sequence[Sequence[int]]) -> None:
    """Gives the model a word embedding for each list of old ids, the mean of theirs, and its config the new ids."""
    import torch

    old: Any = model.get_input_embeddings()
    news = {ids[0]: new for new, ids in reversed(list(enumerate(pieces))) if len(ids) == 1}
    with torch.no_grad():
        rows = torch.stack([old.weight[list(ids)].float().mean(dim=0) for ids in pieces]).to(old.weight.dtype)
    padding = None if old.padding_idx is None else news.get(old.padding_idx)
    model.set_input_embeddings(torch.nn.Embedding(len(rows), rows.shape[1], padding_idx=padding, _weight=rows))
    model.config.vocab_size = len(pieces)
    for name, value in model.config.to_dict().items():
        if name.endswith("_token_id") and isinstance(value, int):
            setattr(model.config, name, news.get(value))

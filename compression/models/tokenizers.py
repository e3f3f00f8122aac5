"""A tokenizer with other tokens: its `tokenizer.json` is taken apart, edited, and put together again.

    WordPiece   BERT, DistilBERT, ELECTRA, MPNet    longest match first
    BPE         RoBERTa                             a token needs the merges it is made by, and both parts of each
    Unigram     XLM-RoBERTa                         most probable split

What a token is called decides everything; ids follow from the order. The padding token keeps its id wherever it can,
because RoBERTa counts positions from it and MPNet has it built in.
"""

import json
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from compression.errors import ConfigError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

LONGEST_WORD = 4_096  # characters; a longer run without separators is unknown to WordPiece, whose default is 100
_CONTINUING = "##"
_BYTE = re.compile(r"<0x[0-9A-F]{2}>")
_ASCII = tuple(chr(code) for code in range(0x21, 0x7F))


def specification(tokenizer: "PreTrainedTokenizerBase") -> dict[str, Any]:
    """The content of the tokenizer's `tokenizer.json`. Raises ConfigError if its kind cannot be edited."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    content: dict[str, Any] = json.loads(backend.to_str()) if backend is not None else {}
    if content.get("model", {}).get("type") not in ("WordPiece", "BPE", "Unigram"):
        raise ConfigError(
            f"The student's tokenizer ({type(tokenizer).__name__}) is neither WordPiece nor BPE nor Unigram. "
            "Use vocabulary.method = keep.",
            "vocabulary.method",
        )
    return content


def special_tokens(tokenizer: "PreTrainedTokenizerBase") -> list[str]:
    """Tokens that were added beside the model's own ([PAD], [CLS], …), in the order of their ids."""
    added = sorted(specification(tokenizer)["added_tokens"], key=lambda token: token["id"])
    return [token["content"] for token in added]


def characters(tokenizer: "PreTrainedTokenizerBase") -> list[str]:
    """The tokens of one character or byte, at the start of a word and inside one: with them, all others can be spelled.

    Those a text can never have are left out, like `##/` where words end before a slash.
    """
    model = specification(tokenizer)["model"]
    prefix, suffix = (model.get(part) or "" for part in ("continuing_subword_prefix", "end_of_word_suffix"))
    backend, found = tokenizer.backend_tokenizer, []
    for token in _names(model):
        surface = token.removeprefix(prefix).removesuffix(suffix) or token
        inside = bool(prefix) and token.startswith(prefix) and token != prefix
        if _BYTE.fullmatch(token) or (len(surface) == 1 and not (inside and not _continues(backend, surface))):
            found.append(token)
    return found


def merge_parts(tokenizer: "PreTrainedTokenizerBase") -> dict[str, set[str]]:
    """The two parts of every merge that makes a token, by that token; empty for vocabularies that are not BPE."""
    model = specification(tokenizer)["model"]
    parts: dict[str, set[str]] = {}
    for left, right in _merges(model):
        parts.setdefault(_merged(model, left, right), set()).update((left, right))
    return parts


def with_parts(token: str, parts: Mapping[str, set[str]]) -> set[str]:
    """The token and all it is made of, of `merge_parts`, their parts, and so on."""
    found: set[str] = set()
    waiting = [token]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += parts.get(name, ())
    return found


def trimmed(tokenizer: "PreTrainedTokenizerBase", keep: Collection[str]) -> "PreTrainedTokenizerBase":
    """The tokenizer with its special tokens and those in `keep` only, of which BPE's come `with_parts`.

    A text whose tokens are all kept is split as before.
    """
    content = specification(tokenizer)
    model, kept = content["model"], set(keep) | set(special_tokens(tokenizer))
    names = _padding_in_place(tokenizer, [name for name in _names(model) if name in kept])
    if model["type"] == "Unigram":
        scores = dict(model["vocab"])
        unknown = None if model["unk_id"] is None else names.index(model["vocab"][model["unk_id"]][0])
        model |= {"vocab": [[name, scores[name]] for name in names], "unk_id": unknown}
    else:
        model["vocab"] = {name: index for index, name in enumerate(names)}
    if model["type"] == "BPE":
        merges = [(left, right) for left, right in _merges(model)]
        model["merges"] = [[a, b] for a, b in merges if {a, b, _merged(model, a, b)} <= kept]
    if model["type"] == "WordPiece":
        model["max_input_chars_per_word"] = LONGEST_WORD
    return _assembled(tokenizer, content, names)


def trained(
    tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], size: int, min_count: int
) -> "PreTrainedTokenizerBase":
    """A WordPiece tokenizer of at most `size` tokens learned from `texts`, with the special tokens and the normalizer.

    It knows every printable ASCII character and, up to a tenth of its size, the others that occur `min_count` times;
    pieces are merged while a pair occurs as often. The same texts give the same tokens in every process.
    Raises ConfigError if the characters alone are more than `size`.
    """
    from collections import Counter

    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    content, special = specification(tokenizer), special_tokens(tokenizer)
    backend = Tokenizer(models.WordPiece({}, unk_token=str(tokenizer.unk_token)))
    backend.normalizer = tokenizer.backend_tokenizer.normalizer or normalizers.BertNormalizer(lowercase=True)
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    ascii_characters = sorted({c for one in _ASCII for c in backend.normalizer.normalize_str(one) if not c.isspace()})
    seen = Counter(c for text in texts for c in backend.normalizer.normalize_str(text) if not c.isspace())
    others = sorted((c for c in seen if c not in ascii_characters), key=lambda c: (-seen[c], c))
    alphabet = [*ascii_characters, *[c for c in others if seen[c] >= min_count][: size // 20]]
    spelled = [*alphabet, *[f"{_CONTINUING}{c}" for c in alphabet if _continues(backend, c)]]
    refuse_too_small(size, len(special) + len(spelled))
    # The order in which characters get their ids breaks ties between merges: fixed here, left to chance otherwise.
    trainer = trainers.WordPieceTrainer(
        vocab_size=size - len(special),
        min_frequency=min_count,
        special_tokens=spelled,
        initial_alphabet=alphabet,
        limit_alphabet=len(alphabet),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    learned = sorted(backend.get_vocab(with_added_tokens=False).items(), key=lambda item: item[1])
    names = [*special, *[name for name, _ in learned if name not in special]][:size]
    built = json.loads(backend.to_str())
    names = _padding_in_place(tokenizer, names)
    built["model"] |= {
        "vocab": {name: index for index, name in enumerate(names)},
        "unk_token": str(tokenizer.unk_token),
        "max_input_chars_per_word": LONGEST_WORD,
    }
    content |= {part: built[part] for part in ("model", "normalizer", "pre_tokenizer", "decoder")}
    return _assembled(tokenizer, content, names)


def refuse_too_small(size: int, needed: int, instead: str = "") -> None:
    """Raises ConfigError if a vocabulary of `size` tokens has no room for the `needed` ones."""
    if size < needed:
        raise ConfigError(
            f"vocabulary.size = {size} is too small: without {needed:,} special tokens and single characters, some "
            f"URLs could not be read. Use {needed} or more{instead}.",
            "vocabulary.size",
        )


def _names(model: dict[str, Any]) -> list[str]:
    """A model's own tokens in the order of their ids."""
    if model["type"] == "Unigram":
        return [name for name, _ in model["vocab"]]
    return sorted(model["vocab"], key=model["vocab"].__getitem__)


def _merges(model: dict[str, Any]) -> Iterable[tuple[str, str]]:
    """The pairs a BPE model merges, in order; older files hold them as one text with a space between."""
    for merge in model.get("merges", ()):
        left, right = merge.split(" ") if isinstance(merge, str) else merge
        yield left, right


def _merged(model: dict[str, Any], left: str, right: str) -> str:
    return left + right.removeprefix(model.get("continuing_subword_prefix") or "")


def _continues(backend: Any, character: str) -> bool:
    """Whether the character can stand inside a word: neither normalized away nor a word of its own."""
    text = "a" + character
    plain = backend.normalizer.normalize_str(text) if backend.normalizer else text
    words = backend.pre_tokenizer.pre_tokenize_str(plain) if backend.pre_tokenizer else [(plain, None)]
    return [word for word, _ in words] == [text]


def _padding_in_place(tokenizer: "PreTrainedTokenizerBase", names: Sequence[str]) -> list[str]:
    """The names with the padding token where it was, at the end if there are too few."""
    rest = [name for name in names if name != tokenizer.pad_token]
    if len(rest) < len(names):
        rest.insert(tokenizer.pad_token_id, str(tokenizer.pad_token))
    return rest


def _assembled(
    tokenizer: "PreTrainedTokenizerBase", content: dict[str, Any], names: Sequence[str]
) -> "PreTrainedTokenizerBase":
    """A tokenizer of this content whose model knows these names, with the settings of `tokenizer`."""
    from tokenizers import Tokenizer
    from transformers import PreTrainedTokenizerFast

    ids = {name: index for index, name in enumerate(names)}
    for token in sorted(content["added_tokens"], key=lambda token: token["id"]):
        token["id"] = ids.setdefault(token["content"], len(ids))
    content["added_tokens"].sort(key=lambda token: token["id"])
    _renumber(content["post_processor"], ids)
    content |= {"truncation": None, "padding": None}  # a batch's, left over from the last one
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(json.dumps(content)),
        model_max_length=tokenizer.model_max_length,
        model_input_names=tokenizer.model_input_names,
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
        **tokenizer.special_tokens_map,
    )


def _renumber(processor: dict[str, Any] | None, ids: dict[str, int]) -> None:
    """Gives the special tokens that a post-processor adds their new ids."""
    match processor:
        case {"type": "Sequence", "processors": parts}:
            for part in parts:
                _renumber(part, ids)
        case {"type": "TemplateProcessing", "special_tokens": specials}:
            for special in specials.values():
                special["ids"] = [ids[token] for token in special["tokens"]]
        case {"type": "BertProcessing" | "RobertaProcessing", "sep": sep, "cls": cls}:
            sep[1], cls[1] = ids[sep[0]], ids[cls[0]]

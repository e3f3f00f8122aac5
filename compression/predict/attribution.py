"""What in a URL moved a model's verdict: what changes when a piece is hidden, and gradients along a path.

A weight is in log odds of Not Safe, log p / (1 − p), in nats. Above zero, the piece speaks for phishing.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from compression.data.batching import collate, in_order
from compression.models.classes import two_logits
from compression.models.classifier import EVALUATION_BATCH, Classifier
from compression.models.records import LINEAR

if TYPE_CHECKING:
    import torch

Hidden = Literal["mask", "unknown", "removed", "n-grams"]
MOST = 64  # forward passes a URL costs: of one with more tokens, neighbours are hidden together
STEPS = 32
_PATH_BATCH = 8  # points of the path held in memory with their gradients at a time


@dataclass(frozen=True)
class Token:
    """A piece of a URL in the model's own words, its weight, and where in the URL it stands, if that is known."""

    text: str
    weight: float
    span: tuple[int, int] | None


@dataclass(frozen=True)
class Attribution:
    """The log odds of Not Safe for the whole URL and with every piece hidden, and the pieces in their order.

    `hidden` is how a piece was hidden: by the mask token, by the unknown one, by taking its token out, or by taking out
    every character n-gram that touches it.
    """

    log_odds: float
    baseline: float
    tokens: tuple[Token, ...]
    hidden: Hidden


@dataclass(frozen=True)
class Reasons:
    """Two views of one verdict; no gradients where the model has none, or where the URL has more than `MOST` tokens."""

    occlusion: Attribution
    gradients: Attribution | None


@dataclass(frozen=True)
class _Piece:
    text: str
    places: Set[int]  # among the token ids
    span: tuple[int, int] | None


def reasons(classifier: Classifier, url: str) -> Reasons:
    """Occlusion, and integrated gradients beside it where they can be had. Raises nothing a verdict would not raise."""
    occluded = occlusion(classifier, url)
    short = len(classifier.tokenize([url])[0]) <= MOST
    return Reasons(occluded, integrated_gradients(classifier, url) if short else None)


def occlusion(classifier: Classifier, url: str, most: int = MOST) -> Attribution:
    """Of every token the log odds of the whole URL less those of the URL with this token hidden.

    Special tokens stay. A model of n-grams has no tokens: words and marks are hidden instead. Of a URL with more than
    `most` pieces, as few neighbours as possible are hidden together. Costs a forward pass a piece, in batches.
    Source of the idea: Zeiler and Fergus 2014, arXiv:1311.2901, section 4.2.
    """
    ids, pieces = _read(classifier, url)
    substitute, hidden = _substitute(classifier)
    size = max(1, -(-len(pieces) // most))
    pieces = [_joined(url, pieces[at : at + size]) for at in range(0, len(pieces), size)]
    everything = frozenset().union(*(piece.places for piece in pieces))
    rows = [_without(ids, places, substitute) for places in (everything, *(piece.places for piece in pieces))]
    whole, baseline, *others = _log_odds(classifier, [ids, *rows])
    tokens = [Token(piece.text, whole - odds, piece.span) for piece, odds in zip(pieces, others, strict=True)]
    return Attribution(whole, baseline, tuple(tokens), hidden)


def integrated_gradients(classifier: Classifier, url: str, steps: int = STEPS) -> Attribution | None:
    """Of every token (x − x′) · ∫₀¹ ∂F(x′ + α (x − x′)) / ∂x dα, with F the log odds and x the token's embedding.

    The baseline x′ is the embedding of what hides a token in `occlusion`, or of padding; special tokens stay. The
    weights sum to F(x) − F(x′), but for what `steps` points of Gauss-Legendre quadrature miss. None for a model without
    embeddings or gradients: ONNX, bitsandbytes, n-grams. Source: Sundararajan et al. 2017, arXiv:1703.01365, eq. 1.
    """
    import numpy as np
    import torch

    model: Any = classifier.model
    trained = isinstance(classifier.model, torch.nn.Module)
    if not trained or _is_linear(classifier) or hasattr(model.config, "quantization_config"):
        return None
    ids, pieces = _read(classifier, url)
    substitute, hidden = _substitute(classifier)
    replaced = frozenset().union(*(piece.places for piece in pieces))
    empty = _without(ids, replaced, classifier.tokenizer.pad_token_id if substitute is None else substitute)
    nodes, weights = np.polynomial.legendre.leggauss(steps)  # for −1 … 1
    with torch.enable_grad():
        both: torch.Tensor = model.get_input_embeddings()(torch.tensor([ids, empty], device=classifier.model.device))
        end, start = both.detach()
        slope = torch.zeros_like(end, dtype=torch.float64)
        for batch in in_order(steps, _PATH_BATCH):
            alphas = torch.tensor((nodes[batch] + 1) / 2, dtype=end.dtype, device=end.device)[:, None, None]
            points = (start + alphas * (end - start)).requires_grad_()
            mask = torch.ones(points.shape[:2], dtype=torch.long, device=end.device)
            odds = _odds(model(inputs_embeds=points, attention_mask=mask).logits, classifier)
            (gradients,) = torch.autograd.grad(odds.sum(), points)
            shares = torch.tensor(weights[batch] / 2, device=end.device)[:, None, None]
            slope += (shares * gradients).sum(dim=0)
    given = ((end - start) * slope).sum(dim=-1).tolist()
    whole, baseline = _log_odds(classifier, [ids, empty])
    tokens = [Token(piece.text, sum(given[place] for place in piece.places), piece.span) for piece in pieces]
    return Attribution(whole, baseline, tuple(tokens), hidden)


def _is_linear(classifier: Classifier) -> bool:
    return bool(classifier.model.config.model_type == LINEAR)


def _substitute(classifier: Classifier) -> tuple[int | None, Hidden]:
    """The id that takes a hidden token's place (None: nothing does), and what that is called."""
    if _is_linear(classifier):
        return None, "n-grams"
    if (mask := classifier.tokenizer.mask_token_id) is not None:
        return int(mask), "mask"
    if (unknown := classifier.tokenizer.unk_token_id) is not None:
        return int(unknown), "unknown"
    return None, "removed"


def _without(ids: Sequence[int], places: Set[int], substitute: int | None) -> list[int]:
    """The ids with something else, or nothing, at these places."""
    if substitute is None:
        return [id_ for place, id_ in enumerate(ids) if place not in places]
    return [substitute if place in places else id_ for place, id_ in enumerate(ids)]


def _joined(url: str, pieces: Sequence[_Piece]) -> _Piece:
    """Neighbours as one piece."""
    first, *rest = pieces
    if not rest:
        return first
    places = frozenset().union(*(piece.places for piece in pieces))
    spans = [piece.span for piece in pieces if piece.span is not None]
    if len(spans) < len(pieces):
        return _Piece(" ".join(piece.text for piece in pieces), places, None)
    span = spans[0][0], spans[-1][1]
    return _Piece(url[slice(*span)], places, span)


def _read(classifier: Classifier, url: str) -> tuple[list[int], list[_Piece]]:
    """The token ids the model reads, special ones included, and the pieces that can be hidden."""
    if _is_linear(classifier):
        return classifier.tokenize([url])[0], _words(url)
    tokenizer = classifier.tokenizer
    read = tokenizer(
        url,
        truncation=True,
        max_length=classifier.max_length,
        return_special_tokens_mask=True,
        return_offsets_mapping=tokenizer.is_fast,
    )
    ids: list[int] = read["input_ids"]
    spans = read["offset_mapping"] if tokenizer.is_fast else [None] * len(ids)
    names = tokenizer.convert_ids_to_tokens(ids)
    kept = [place for place, special in enumerate(read["special_tokens_mask"]) if not special]
    return ids, [_Piece(names[place], frozenset([place]), spans[place]) for place in kept]


def _words(url: str) -> list[_Piece]:
    """Words and marks of a URL as a model of n-grams spells it; their places are those of the n-grams they touch."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    from compression.data.corpus_lesson import spelling
    from compression.models.linear import LONGEST, LONGEST_TEXT, SHORTEST

    splitter = Tokenizer(models.WordLevel({"?": 0}, unk_token="?"))  # made only to know where in the URL a word stands
    splitter.normalizer, splitter.pre_tokenizer = spelling(), pre_tokenizers.BertPreTokenizer()
    plain = splitter.normalizer.normalize_str(url)[:LONGEST_TEXT]
    words = splitter.pre_tokenizer.pre_tokenize_str(plain)
    sizes, length = range(SHORTEST, LONGEST + 1), len(plain) + 2  # the marks of start and end
    grams = [
        (at, at + size) for at in range(length) for size in sizes if at + size <= length
    ]  # in the tokenizer's order
    return [
        _Piece(word, frozenset(i for i, (at, end) in enumerate(grams) if at <= stop and end > begin + 1), span)
        for (word, (begin, stop)), span in zip(words, splitter.encode(url).offsets, strict=False)
    ]


def _log_odds(classifier: Classifier, rows: Sequence[list[int]]) -> list[float]:
    """The log odds of Not Safe for each row of token ids."""
    import torch

    found: list[float] = []
    with torch.inference_mode():
        for batch in in_order(len(rows), EVALUATION_BATCH):
            inputs = collate([rows[row] for row in batch], classifier.tokenizer.pad_token_id)
            inputs = {name: tensor.to(classifier.model.device) for name, tensor in inputs.items()}
            found += _odds(classifier.model(**inputs).logits, classifier).tolist()
    return found


def _odds(logits: "torch.Tensor", classifier: Classifier) -> "torch.Tensor":
    """Log odds of Not Safe, (rows,) float32, of a model's logits (rows, classes)."""
    safe, not_safe = two_logits(logits.float(), classifier.not_safe).unbind(dim=1)
    return not_safe - safe

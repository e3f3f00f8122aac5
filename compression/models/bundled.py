"""How the teacher in `assets/teacher` is made: cut out of a larger one, then taught by it on more URLs than there are.

    real URLs ── recombined ──┐    large teacher (as people may type them)
    real URLs ────────────────┼─▶  and a linear model of character n-grams ──▶ soft targets ──┐
    generated URLs (corpus) ──┘    read each                                                  ▼
    drills on well-known names and their imitations ──▶ hard targets ────────────────────▶ trained ─▶ calibrated
    some layers of the large teacher, narrower, its vocabulary trimmed to URLs ───────────────┘

The tokenizer drops what one address may be written with or without (scheme, `www.`, a last slash, upper case), so no
verdict hangs on it. Everything here follows from the data, the large teacher and the seed, on one kind of processor
to the last bit: the number of threads is part of the recipe.
"""

import csv
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compression.data.batching import bucketed, by_length, collate
from compression.data.corpus_lesson import Composition, Lesson, compose, linear_reader, spelling
from compression.errors import DataError

if TYPE_CHECKING:
    import torch

MAX_LENGTH = 128
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
CHARACTERS = tuple(chr(code) for code in range(0x21, 0x7F) if not chr(code).isupper())
AVERAGED_EVERY = 10  # steps
SHARD = "9MB"  # a Space wants large-file storage above 10 MB


@dataclass(frozen=True)
class Recipe:
    """The numbers of the recipe; the defaults made what is shipped."""

    layers: tuple[int, ...] = (0, 2, 4, 5)
    intermediate_size: int = 768
    vocabulary: int = 5_000
    epochs: int = 2
    batch_size: int = 32
    learning_rate: float = 1.5e-4
    temperature: float = 2.0
    threads: int = 2
    composition: Composition = field(default_factory=Composition)


def build_bundled_teacher(
    data_folder: Path,
    big_teacher_folder: Path,
    output: Path,
    seed: int = 0,
    report: Callable[[str], None] = print,
    recipe: Recipe | None = None,
) -> Path:
    """Builds the bundled teacher and returns `output`, which is replaced as a whole except for its README.md.

    `data_folder` holds `train.csv` and `validation.csv` with the columns `text` and `labels` (0 Safe, 1 Not Safe);
    `big_teacher_folder` is a BERT classifier as wide as the result. The validation split sets the calibration and is
    reported, nothing else; a test split is never opened. About half an hour on two cores.
    Raises: DataError if a split is missing or lacks a column.
    """
    import torch

    recipe = recipe or Recipe()
    torch.manual_seed(seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(recipe.threads)  # sums are rounded in another order on another number of them
    try:
        _build(data_folder, big_teacher_folder, output, seed, report, recipe)
    finally:
        torch.set_num_threads(threads)
    return output


def _build(
    data_folder: Path, big_teacher_folder: Path, output: Path, seed: int, report: Callable[[str], None], recipe: Recipe
) -> None:
    import torch

    train, validation = (_read(data_folder / f"{split}.csv") for split in ("train", "validation"))
    big, big_tokenizer = load(big_teacher_folder)
    report(f"{len(train[0]):,} real URLs; the large teacher reads them and those made from them")

    def read(texts: Sequence[str]) -> "torch.Tensor":
        return logits(big, big_tokenizer, texts)

    lesson = compose(train, read, linear_reader(*train), recipe.composition, recipe.temperature, seed)
    tokenizer, kept = build_tokenizer(lesson.texts, big_tokenizer, recipe.vocabulary)
    student = cut(big, kept, recipe)
    report(f"{sum(p.numel() for p in student.parameters()):,} parameters, {len(lesson.texts):,} URLs to learn from")

    def check(step: int, steps: int) -> None:
        found = logits(student, tokenizer, validation[0])
        right = (found.argmax(-1) == torch.tensor(validation[1])).float().mean().item()
        report(f"step {step} of {steps}: validation accuracy {right:.4f}")

    teach(student, tokenizer, lesson, recipe, seed, check)
    heat = best_temperature(logits(student, tokenizer, validation[0]), torch.tensor(validation[1]))
    with torch.no_grad():
        student.classifier.weight /= heat
        student.classifier.bias /= heat
    report(f"calibrated with temperature {heat:.2f}")
    _save(student, tokenizer, output)


def _read(path: Path) -> tuple[list[str], list[int]]:
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = [(row["text"], int(row["labels"])) for row in csv.DictReader(file)]
    except FileNotFoundError as error:
        raise DataError(f"{path} is missing; give a folder with train.csv and validation.csv.") from error
    except (KeyError, ValueError) as error:
        raise DataError(f"{path} needs the columns text and labels (0 or 1) in every row.") from error
    return [text for text, _ in rows], [label for _, label in rows]


def load(folder: Path) -> tuple[Any, Any]:
    """The classifier in `folder`, in float32 and evaluation mode, and its tokenizer."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
    return model, AutoTokenizer.from_pretrained(folder)


# The student


def build_tokenizer(texts: Sequence[str], big_tokenizer: Any, size: int) -> tuple[Any, list[int]]:
    """A WordPiece tokenizer with the `size` most used pieces of the large one, and the large one's id of each piece.

    Every printable ASCII character is a piece at the start of a word and inside one, any other becomes `~`: no URL has
    an unknown piece. Spellings of one address (scheme, `www.`, last slash, case, `&amp;`) give the same pieces.
    """
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    normalizer = spelling()
    known = big_tokenizer.get_vocab()
    seen: Counter[str] = Counter()
    plain = [normalizer.normalize_str(text) for text in texts]
    for encoding in big_tokenizer.backend_tokenizer.encode_batch(plain, add_special_tokens=False):
        seen.update(encoding.tokens)
    pieces = [*SPECIAL, *(p for c in CHARACTERS for p in (c, f"##{c}") if p in known)]
    ranked = sorted(seen, key=lambda piece: (-seen[piece], piece))
    pieces += [piece for piece in ranked if piece not in set(pieces) and piece.isascii()][: size - len(pieces)]

    ids = {piece: index for index, piece in enumerate(pieces)}
    backend = Tokenizer(models.WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=4_096))
    backend.normalizer = normalizer
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece()
    backend.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    names = {f"{piece[1:-1].lower()}_token": piece for piece in SPECIAL}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, model_max_length=MAX_LENGTH, **names)
    return tokenizer, [known[piece] for piece in pieces]


def cut(big: Any, token_ids: Sequence[int], recipe: Recipe) -> Any:
    """A BERT classifier with the chosen layers of `big`, its embeddings of `token_ids`, and its strongest inner units.

    A unit of a feed-forward block is as strong as the product of the norms of its weights in and out.
    """
    from copy import deepcopy

    from transformers import BertForSequenceClassification

    config = deepcopy(big.config)
    config.num_hidden_layers, config.vocab_size = len(recipe.layers), len(token_ids)
    config.intermediate_size, config.max_position_embeddings = recipe.intermediate_size, MAX_LENGTH
    weights = big.state_dict()
    words, positions = "bert.embeddings.word_embeddings.weight", "bert.embeddings.position_embeddings.weight"
    kept = {name: value for name, value in weights.items() if ".layer." not in name and "position_ids" not in name}
    kept |= {words: weights[words][list(token_ids)], positions: weights[positions][:MAX_LENGTH]}
    for new, old in enumerate(recipe.layers):
        layer = {name.split(f".layer.{old}.")[1]: w for name, w in weights.items() if f".layer.{old}." in name}
        inward, outward = layer["intermediate.dense.weight"], layer["output.dense.weight"]
        strength = inward.norm(dim=1) * outward.norm(dim=0)
        units = strength.topk(recipe.intermediate_size).indices.sort().values
        layer |= {"intermediate.dense.weight": inward[units], "output.dense.weight": outward[:, units]}
        layer["intermediate.dense.bias"] = layer["intermediate.dense.bias"][units]
        kept |= {f"bert.encoder.layer.{new}.{name}": value for name, value in layer.items()}
    student = BertForSequenceClassification(config)
    student.load_state_dict({name: value.clone() for name, value in kept.items()})
    return student


def teach(
    student: Any,
    tokenizer: Any,
    lesson: Lesson,
    recipe: Recipe,
    seed: int,
    check: Callable[[int, int], None] = lambda step, steps: None,
) -> None:
    """Trains `student` in place on the soft targets: T² · cross-entropy at temperature T, AdamW, one cycle.

    Products are computed in bf16. The student ends with the mean of its weights over the second half of the steps.
    `check(step, steps)` is called ten times on the way and after it.
    """
    import torch

    ids = tokenizer(lesson.texts, truncation=True, max_length=MAX_LENGTH)["input_ids"]
    lengths = [len(row) for row in ids]
    plan = [batch for epoch in range(recipe.epochs) for batch in bucketed(lengths, recipe.batch_size, seed + epoch)]
    optimizer = torch.optim.AdamW(student.parameters(), lr=recipe.learning_rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.learning_rate, len(plan), pct_start=0.1)
    mean = torch.optim.swa_utils.AveragedModel(student)
    student.train()
    for step, batch in enumerate(plan, 1):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = student(**collate([ids[row] for row in batch], tokenizer.pad_token_id)).logits
        expected = lesson.targets[batch]
        loss = -(expected * (found.float() / recipe.temperature).log_softmax(-1)).sum(-1).mean() * recipe.temperature**2
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step > len(plan) // 2 and step % AVERAGED_EVERY == 0:
            mean.update_parameters(student)
        if step % (len(plan) // 10 or 1) == 0:
            check(step, len(plan))
            student.train()
    if mean.n_averaged > 0:
        student.load_state_dict(mean.module.state_dict())
    student.eval()
    check(len(plan), len(plan))


def logits(model: Any, tokenizer: Any, texts: Sequence[str]) -> "torch.Tensor":
    """The model's logits (texts, 2) in float32, in the order of the texts; leaves the model in evaluation mode."""
    import torch

    model.eval()
    ids = tokenizer(list(texts), truncation=True, max_length=MAX_LENGTH)["input_ids"]
    found = torch.empty(len(ids), 2)
    with torch.inference_mode():
        for batch in by_length([len(row) for row in ids], 64):
            found[batch] = model(**collate([ids[row] for row in batch], tokenizer.pad_token_id)).logits.float()
    return found.clone()


def best_temperature(found: "torch.Tensor", labels: "torch.Tensor") -> float:
    """The temperature that minimises the cross-entropy of the logits (rows, 2), to a hundredth between 0.5 and 5.

    Source: Guo et al. 2017, arXiv:1706.04599, §4.2.
    """
    from torch.nn.functional import cross_entropy

    return min((step / 100 for step in range(50, 501)), key=lambda heat: cross_entropy(found / heat, labels).item())


def _save(student: Any, tokenizer: Any, output: Path) -> None:
    beside, old = output.with_name(output.name + ".new"), output.with_name(output.name + ".old")
    for folder in (beside, old):
        shutil.rmtree(folder, ignore_errors=True)
    student.half().save_pretrained(beside, max_shard_size=SHARD)
    tokenizer.save_pretrained(beside)
    # Older releases of transformers know the class of the tokenizer by this name only.
    settings = beside / "tokenizer_config.json"
    settings.write_text(settings.read_text().replace('"TokenizersBackend"', '"PreTrainedTokenizerFast"'))
    for file in beside.iterdir():
        file.chmod(0o644)
    if (card := output / "README.md").exists():
        shutil.copy(card, beside)
    if output.exists():
        output.rename(old)
    beside.rename(output)
    shutil.rmtree(old, ignore_errors=True)

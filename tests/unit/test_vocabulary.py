"""Other vocabularies: texts are read as before where nothing they need is gone, and never less than spelled."""

import json
import string
from pathlib import Path

import pytest
import tiny
import torch
import vocabularies

from compression.config import TeacherLayers, VocabularyConfig
from compression.errors import ConfigError
from compression.methods.vocabulary import change_vocabulary, former_pieces, planned_vocabulary
from compression.models.classifier import ARCHITECTURES, Classifier, load_classifier, logits_of
from compression.models.student import build_student

CPU = torch.device("cpu")
TEXTS = [text for text, _ in tiny.urls(32)]
ODD = [
    "",
    "   ",
    "\t\n",
    "https://пример.испытание/путь",
    "http://例え.jp/日本語",
    "http://a.test/😀👩‍👩‍👧",
    "é" * 50,
    "e\u0301\u0323 \u200d\u00ad",
    "x" * 3_000,
    "ab1" * 100,
    string.printable,
    string.punctuation * 3,
]
KINDS = tuple(vocabularies.MAKERS)


def classifier(folder: Path, kind: str = "WordPiece", architecture: str = "bert") -> Classifier:
    return load_classifier(vocabularies.save_model(folder, kind, architecture), CPU)


def change(student: Classifier, texts: list[str] = TEXTS, **settings: object) -> Classifier:
    return change_vocabulary(student, texts, VocabularyConfig(**settings))


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_reads_kept_tokens_as_before(tmp_path: Path, architecture: str) -> None:
    teacher = load_classifier(tiny.save_model(tmp_path / "t", architecture), CPU)
    before, long = logits_of(teacher, TEXTS), len(teacher.tokenizer)
    student = change(build_student(TeacherLayers(), teacher, 64, 0), method="trim")
    assert torch.equal(logits_of(student, TEXTS), before)
    assert student.model.config.vocab_size == student.model.get_input_embeddings().num_embeddings < long
    assert student.max_length == 64


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_takes_a_trained_vocabulary(tmp_path: Path, architecture: str) -> None:
    teacher = load_classifier(tiny.save_model(tmp_path / "t", architecture), CPU)
    student = change(build_student(TeacherLayers(), teacher, 64, 0), method="train", size=200)
    assert len(student.tokenizer) == student.model.config.vocab_size <= 200
    assert torch.isfinite(logits_of(student, TEXTS + ODD)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_trimmed_to_half_the_texts_reads_them_as_before(tmp_path: Path, kind: str) -> None:
    student = classifier(tmp_path / "m", kind, "roberta")
    old, before = student.tokenizer, logits_of(student, TEXTS[:8])
    changed = change(student, TEXTS[:8], method="trim")
    assert len(changed.tokenizer) < len(old)
    for text in TEXTS[:8]:
        assert changed.tokenizer.tokenize(text) == old.tokenize(text)
    assert torch.equal(logits_of(changed, TEXTS[:8]), before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["trim", "train"])
def test_what_a_token_is_for_stays(tmp_path: Path, kind: str, method: str) -> None:
    student = classifier(tmp_path / "m", kind, "roberta")
    old = student.tokenizer
    new = change(student, TEXTS[:8], method=method).tokenizer
    assert new.special_tokens_map == old.special_tokens_map
    assert new.pad_token_id == old.pad_token_id == student.model.config.pad_token_id
    assert new.model_max_length == old.model_max_length
    assert new.model_input_names == old.model_input_names
    assert sorted(new.get_vocab().values()) == list(range(len(new)))
    first, *_, last = new("http://a.test/")["input_ids"]
    assert (first, last) == (new.cls_token_id, new.sep_token_id)
    assert new.decode([new.mask_token_id]) == old.mask_token


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("method", ["trim", "train"])
def test_nothing_becomes_unknown(tmp_path: Path, kind: str, method: str) -> None:
    student = classifier(tmp_path / "m", kind, "roberta")
    old = student.tokenizer
    new = change(student, TEXTS[:8], method=method).tokenizer
    for text in ODD:
        unknown = new.unk_token_id in new(text)["input_ids"]
        if method == "trim" or text.isascii():
            assert not unknown or old.unk_token_id in old(text)["input_ids"], text
        if method == "train" and text.isascii():
            assert not unknown, text


def test_tokens_made_by_merges_keep_what_they_are_made_of(tmp_path: Path) -> None:
    student = classifier(tmp_path / "m", "BPE", "roberta")
    changed = change(student, TEXTS[:4], method="trim", size=300)
    model = json.loads(changed.tokenizer.backend_tokenizer.to_str())["model"]
    made = {a + b for a, b in model["merges"]}
    assert len(changed.tokenizer) <= 300
    assert sum(len(name) == 1 for name in model["vocab"]) == 256
    assert {name for name in model["vocab"] if len(name) > 1} - set(changed.tokenizer.all_special_tokens) == made
    assert all({a, b} <= set(model["vocab"]) for a, b in model["merges"])


def test_the_most_frequent_tokens_come_first(tmp_path: Path) -> None:
    texts = [*[" ".join(vocabularies.WORDS)] * 4, "login login login", "verify verify", "secure"]
    words = {"login", "verify", "secure", "shop"}
    least = len(change(classifier(tmp_path / "n"), [], method="trim").tokenizer)
    for size, kept in ((27, {"login"}), (28, {"login", "verify"}), (40, {"login", "verify", "secure"})):
        student = classifier(tmp_path / "m")
        assert words & set(change(student, texts, method="trim", size=least + size).tokenizer.get_vocab()) == kept
    student = classifier(tmp_path / "m")
    assert words & set(change(student, texts, method="trim", min_count=3).tokenizer.get_vocab()) == {"login"}


@pytest.mark.parametrize("kind", KINDS)
def test_too_small_a_size_is_refused_with_the_smallest(tmp_path: Path, kind: str) -> None:
    student = classifier(tmp_path / "m", kind, "roberta")
    least = len(change(student, [], method="trim").tokenizer)
    student = classifier(tmp_path / "n", kind, "roberta")
    if least > 128:
        with pytest.raises(ConfigError, match=f"Use {least} or more, or vocabulary.method = train") as refused:
            change(student, method="trim", size=least - 1)
        assert refused.value.key == "vocabulary.size"
    assert len(change(student, method="trim", size=max(least, 128)).tokenizer) <= max(least, 128)


def test_a_trained_token_starts_as_the_mean_of_its_pieces(tmp_path: Path) -> None:
    student = classifier(tmp_path / "m")
    old, rows = student.tokenizer, student.model.get_input_embeddings().weight.detach().clone()
    new = change(student, ["http://wwz.test/shopwz xwz"] * 9, method="train", size=160)
    ids, embeddings = new.tokenizer.get_vocab(), new.model.get_input_embeddings().weight
    parts = {"wwz": ["w", "##w", "##z"], "##wz": ["##w", "##z"], "http": ["http"], "<s>": ["<s>"], "w": ["w"]}
    for token, pieces in parts.items():
        expected = rows[old.convert_tokens_to_ids(pieces)].mean(dim=0)
        torch.testing.assert_close(embeddings[ids[token]], expected, rtol=0, atol=1e-6)


def test_a_token_the_old_tokenizer_cannot_read_starts_as_unknown() -> None:
    old, new = vocabularies.word_piece(), vocabularies.word_piece("ж")
    assert former_pieces(old, new)[new.convert_tokens_to_ids("ж")] == [old.unk_token_id]


def test_trained_vocabularies_know_frequent_foreign_characters(tmp_path: Path) -> None:
    texts = ["http://пример.test/"] * 5 + ["http://ж.test/"]
    tokenizer = change(classifier(tmp_path / "m"), texts, method="train", size=400, min_count=2).tokenizer
    assert tokenizer.unk_token_id not in tokenizer(texts[0])["input_ids"]
    assert tokenizer.unk_token_id in tokenizer(texts[-1])["input_ids"]


def test_keep_changes_nothing(tmp_path: Path) -> None:
    student = classifier(tmp_path / "m")
    assert change(student, method="keep") is student


def test_what_is_planned_is_the_most_there_can_be() -> None:
    plans = [({}, 30), ({"method": "trim"}, 900), ({"method": "trim", "size": 500}, 900), ({"method": "train"}, 900)]
    plans += [({"method": "train", "size": 5_000}, 900), ({"method": "trim", "size": 5_000}, 900)]
    found = [planned_vocabulary(VocabularyConfig(**settings), size) for settings, size in plans]
    assert found == [30, 900, 500, 4_000, 5_000, 900]


def test_tokenizers_of_other_kinds_are_refused() -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]"))
    words = PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="[UNK]", pad_token="[UNK]")
    with pytest.raises(ConfigError, match="neither WordPiece nor BPE nor Unigram") as refused:
        change(Classifier(None, words, 64), method="train")
    assert refused.value.key == "vocabulary.method"

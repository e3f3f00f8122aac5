"""A lesson composed: whose answers are its targets, and what an earlier run has left on disk of them."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from compression.config import RunConfig
from compression.data.sources import Data, Split, load_data
from compression.errors import DataError
from compression.events import Event, Progress
from compression.methods.lesson import compose, ngram_targets
from compression.methods.training import Lesson
from compression.models import kept_logits
from compression.models.classifier import Classifier, load_classifier, logits_of
from compression.recipe import nest, parse

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPRESSION_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "cache" / "logits"


@pytest.fixture(scope="module")
def teacher(tiny_teacher: Path) -> Classifier:
    return load_classifier(tiny_teacher, CPU)


@pytest.fixture(scope="module")
def data(tiny_data: Path) -> Data:
    return load_data(str(tiny_data))


def recipe(**settings: Any) -> RunConfig:
    chosen = [(f"distillation.{name}", value) for name, value in settings.items()]
    return parse(nest([("device", "cpu"), ("training.precision", "fp32"), *chosen]))


def composed(teacher: Classifier, data: Data, digest: str = "it", **settings: Any) -> tuple[Lesson, list[str]]:
    """The lesson, and what was done for it."""
    seen: list[Event] = []
    lesson = compose(recipe(**settings), data, teacher, seen.append, teacher_digest=digest)
    return lesson, sorted({event.doing for event in seen if isinstance(event, Progress)})


def test_training_rows_keep_their_labels_and_the_others_have_none(teacher: Classifier, data: Data) -> None:
    train = data.splits["train"]
    lesson, _ = composed(teacher, data, generated=20, recombined=30)
    assert lesson.texts[:64] == train.texts
    assert lesson.labels == train.labels + (-1,) * 50
    assert torch.equal(lesson.targets[:64], logits_of(teacher, train.texts))
    assert torch.equal(lesson.targets[64:], logits_of(teacher, lesson.texts[64:]))
    measured = set(data.splits["validation"].texts) | set(data.splits["test"].texts)
    assert not measured & set(lesson.texts)


def test_the_second_time_nothing_is_computed_and_every_bit_is_the_same(
    teacher: Classifier, data: Data, cache: Path
) -> None:
    first, computed = composed(teacher, data, generated=20, ngram_weight=0.5)
    again, computed_again = composed(teacher, data, generated=20, ngram_weight=0.5)
    assert len(computed) == 3
    assert computed_again == []
    assert torch.equal(first.targets, again.targets)
    assert len(list(cache.iterdir())) == 3


def test_only_what_is_new_is_computed(teacher: Classifier, data: Data) -> None:
    composed(teacher, data)
    _, computed = composed(teacher, data, generated=20)
    assert computed == ["The teacher reads URLs without labels, once"]


def test_other_teachers_texts_lengths_and_classes_are_not_mixed_up(
    teacher: Classifier, data: Data, cache: Path
) -> None:
    other = Classifier(teacher.model, teacher.tokenizer, teacher.max_length, (0,))
    shorter = Classifier(teacher.model, teacher.tokenizer, 20)
    fewer = Data({**data.splits, "train": Split(data.splits["train"].texts[:-2], data.splits["train"].labels[:-2])})
    lessons = [composed(*given)[0] for given in ((teacher, data), (other, data), (shorter, data), (teacher, fewer))]
    composed(teacher, data, digest="another")
    assert len(list(cache.iterdir())) == 5
    assert torch.equal(lessons[1].targets, lessons[0].targets.flip(1))
    assert not torch.equal(lessons[2].targets, lessons[0].targets)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\xff" * 100, "cut", "other", "nan"])
def test_a_broken_file_is_computed_again(teacher: Classifier, data: Data, cache: Path, content: bytes | str) -> None:
    from safetensors.torch import save

    whole, _ = composed(teacher, data)
    (file,) = cache.iterdir()
    intact = file.read_bytes()
    broken = {"cut": intact[:-9], "other": save({"logits": torch.zeros(3, 2)}),
              "nan": save({"logits": whole.targets * float("nan")})}  # fmt: skip
    file.write_bytes(broken[content] if isinstance(content, str) else content)
    again, computed = composed(teacher, data)
    assert computed
    assert torch.equal(whole.targets, again.targets)
    assert file.read_bytes() == intact


def test_a_place_that_cannot_be_written_is_no_failure(
    teacher: Classifier, data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COMPRESSION_HOME", str(tmp_path / "file"))
    lesson, computed = composed(teacher, data)
    assert computed
    assert torch.equal(lesson.targets, logits_of(teacher, data.splits["train"].texts))


def test_what_was_not_used_for_longest_goes_first(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def keep(name: str) -> Callable[[], bool]:
        asked = []
        kept_logits.kept([name], 100, lambda: asked.append(name) or torch.zeros(100, 2))
        time.sleep(0.02)
        return bool(asked)

    keep("a")
    size = next(cache.iterdir()).stat().st_size
    monkeypatch.setattr(kept_logits, "MAX_BYTES", 2 * size)
    keep("b")
    assert not keep("a")  # used again: newer than b now
    keep("c")
    assert len(list(cache.iterdir())) == 2
    assert not keep("a")
    assert keep("b")


def test_a_fresh_process_finds_the_same_and_loads_no_sklearn(
    teacher: Classifier, data: Data, tiny_teacher: Path, tiny_data: Path, fresh_process: Callable[..., Any]
) -> None:
    code = """
import json, sys, torch
from pathlib import Path
from compression.config import RunConfig
from compression.data.sources import load_data
from compression.methods.lesson import compose
from compression.models.classifier import load_classifier
from compression.recipe import parse
torch.set_num_threads(int(sys.argv[3]))
config = parse({"device": "cpu", "training": {"precision": "fp32"}})
data, teacher, seen = load_data(sys.argv[2]), load_classifier(Path(sys.argv[1]), torch.device("cpu")), []
found = compose(config, data, teacher, seen.append, teacher_digest="it")
print(json.dumps([len(seen), "sklearn.linear_model" in sys.modules, found.targets.tolist()]))
"""
    lesson, _ = composed(teacher, data)
    found = fresh_process(code, tiny_teacher, tiny_data, torch.get_num_threads())
    assert found == [0, False, lesson.targets.tolist()]


def test_an_n_gram_model_takes_its_share(teacher: Classifier, data: Data) -> None:
    plain, _ = composed(teacher, data, recombined=10)
    mixed, _ = composed(teacher, data, recombined=10, ngram_weight=0.25)
    ngrams = ngram_targets(data.splits["train"], plain.texts[64:], 0)
    assert torch.allclose(mixed.targets, 0.75 * plain.targets + 0.25 * ngrams)
    known = torch.tensor(data.splits["train"].labels)
    assert (ngrams[:64].argmax(-1) == known).float().mean() > 0.9


def test_an_n_gram_model_does_not_repeat_a_rows_own_label() -> None:
    """The row that is labelled against all others like it is read as they are."""
    rows = tiny.urls(40)
    texts, labels = tuple(text for text, _ in rows), [label for _, label in rows]
    labels[0] = 1 - labels[0]
    logits = ngram_targets(Split(texts, tuple(labels)), (), 0)
    assert logits[0].argmax().item() == 1 - labels[0]


def test_an_n_gram_model_needs_rows_to_leave_out(teacher: Classifier, data: Data) -> None:
    rows = Split(("http://a.example/", "http://b.example/", "http://c.test/"), (0, 0, 1))
    with pytest.raises(DataError, match="two training rows of each class"):
        ngram_targets(rows, (), 0)

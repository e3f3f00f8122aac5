"""Changed vocabularies on disk: standard folders, read anywhere, the same in every process."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tiny
import torch
import vocabularies

from compression.artefacts.folder import load, save
from compression.config import VocabularyConfig
from compression.methods.vocabulary import change_vocabulary
from compression.models.classifier import Classifier, load_classifier, logits_of
from compression.models.tokenizers import trained

CPU = torch.device("cpu")
TEXTS = [text for text, _ in tiny.urls(16)] + ["http://пример.test/", "x" * 300]

READ = """
import json, sys
from transformers import AutoModelForSequenceClassification, AutoTokenizer
found, texts = [], json.loads(sys.argv[1])
for folder in sys.argv[2:]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    inputs = tokenizer(texts, truncation=True, padding=True, return_tensors="pt")
    found.append([tokenizer(texts, truncation=True)["input_ids"], model(**inputs).logits.tolist()])
assert "compression" not in sys.modules
print(json.dumps(found))
"""

LEARN = """
import json, sys
sys.path.insert(0, "tests")
import tiny, vocabularies
from compression.models.tokenizers import trained
texts = [text for text, _ in tiny.urls(64)] + ["http://пример.test/ж"] * 2
print(json.dumps(trained(vocabularies.word_piece(), texts, 300, 1).get_vocab()))
"""


def test_plain_transformers_reads_the_same(tmp_path: Path, fresh_process: Callable[..., Any]) -> None:
    kinds = [("WordPiece", "distilbert", "trim"), ("BPE", "roberta", "trim"), ("Unigram", "xlm-roberta", "trim")]
    changed: dict[Path, Classifier] = {}
    for kind, architecture, method in [*kinds, ("BPE", "roberta", "train")]:
        folder = tmp_path / f"{kind}-{method}"
        student = load_classifier(vocabularies.save_model(tmp_path / "m", kind, architecture), CPU)
        changed[folder] = change_vocabulary(student, TEXTS[:8], VocabularyConfig(method=method))
        save(changed[folder], folder)
    answers = fresh_process(READ, json.dumps(TEXTS), *changed)
    for (folder, classifier), (ids, logits) in zip(changed.items(), answers, strict=True):
        assert ids == classifier.tokenize(TEXTS), folder.name
        torch.testing.assert_close(torch.tensor(logits), logits_of(classifier, TEXTS), rtol=0, atol=1e-5)
        again = load(folder, CPU)
        assert torch.equal(logits_of(again, TEXTS), logits_of(classifier, TEXTS))
        assert again.max_length == classifier.max_length


def test_the_same_texts_give_the_same_tokens_in_every_process(fresh_process: Callable[..., Any]) -> None:
    texts = [text for text, _ in tiny.urls(64)] + ["http://пример.test/ж"] * 2
    here = trained(vocabularies.word_piece(), texts, 300, 1).get_vocab()
    assert fresh_process(LEARN) == here

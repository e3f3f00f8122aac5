"""The linear student from lesson to folder to another process."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch

from compression.methods.linear import SCHEMES, distill_linear, load_linear, save_linear
from compression.models.classifier import Classifier
from compression.predict.predictor import Predictor

TEXTS, LABELS = zip(*tiny.urls(120), strict=True)

READ = """
import json, sys
from pathlib import Path
from compression.methods.linear import load_linear
from compression.predict.predictor import Predictor
texts = json.loads(sys.argv[1])
print(json.dumps({name: Predictor(load_linear(Path(name))).probabilities(texts).tolist() for name in sys.argv[2:]}))
"""


@pytest.fixture(scope="module")
def student() -> Classifier:
    targets = torch.tensor([[1.5, -1.5] if label == 0 else [-1.5, 1.5] for label in LABELS])
    return distill_linear(TEXTS, targets, LABELS, features=2048, temperature=2.0, soft_weight=0.5)


def test_it_tells_new_urls_apart(student: Classifier) -> None:
    texts, labels = zip(*tiny.urls(40, offset=500), strict=True)
    verdicts = Predictor(student).probabilities(texts) >= 0.5
    assert verdicts.tolist() == [label == 1 for label in labels]


def test_another_process_reads_the_same_in_every_scheme(
    tmp_path: Path, student: Classifier, fresh_process: Callable[..., Any]
) -> None:
    for scheme in SCHEMES:
        save_linear(student, tmp_path / scheme, scheme)
    found = fresh_process(READ, json.dumps(TEXTS), *(tmp_path / scheme for scheme in SCHEMES))
    for scheme in SCHEMES:
        here = Predictor(load_linear(tmp_path / scheme)).probabilities(TEXTS)
        assert found[str(tmp_path / scheme)] == here.tolist()
    assert found[str(tmp_path / "none")] == Predictor(student).probabilities(TEXTS).tolist()


def test_transformers_does_not_misread_it(tmp_path: Path, student: Classifier) -> None:
    from transformers import AutoModelForSequenceClassification

    save_linear(student, tmp_path, "packed-int8")
    with pytest.raises(ValueError, match="hashed-ngrams"):
        AutoModelForSequenceClassification.from_pretrained(tmp_path, local_files_only=True)

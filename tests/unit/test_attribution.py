"""Why a model says what it says: weights by hand, completeness, spans, and a deletion check on real URLs."""

import copy
import csv
import random
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import torch

from compression.artefacts.folder import load, save_onnx
from compression.data.batching import collate
from compression.methods import bnb
from compression.models.classifier import Classifier, logits_of
from compression.models.linear import linear_classifier
from compression.predict.attribution import MOST, integrated_gradients, occlusion, reasons
from compression.schemes import Nf4, OnnxInt8

CPU = torch.device("cpu")
URL = "https://www.Login7.example/verify?a=b"


@pytest.fixture(scope="module")
def classifier(tiny_teacher: Path) -> Classifier:
    return load(tiny_teacher, CPU)


def log_odds(classifier: Classifier, ids: list[int]) -> float:
    with torch.inference_mode():
        safe, not_safe = classifier.model(input_ids=torch.tensor([ids])).logits[0]
    return float(not_safe - safe)


def test_a_weight_is_what_masking_this_token_takes_away(classifier: Classifier) -> None:
    found = occlusion(classifier, URL)
    (ids,) = classifier.tokenize([URL])
    assert found.hidden == "mask"
    assert len(found.tokens) == len(ids) - 2  # without [CLS] and [SEP]
    assert found.log_odds == pytest.approx(log_odds(classifier, ids), abs=1e-5)
    for place in (1, 5, len(ids) - 2):
        masked = [*ids[:place], classifier.tokenizer.mask_token_id, *ids[place + 1 :]]
        assert found.tokens[place - 1].weight == pytest.approx(found.log_odds - log_odds(classifier, masked), abs=1e-5)
    nothing = [ids[0], *[classifier.tokenizer.mask_token_id] * (len(ids) - 2), ids[-1]]
    assert found.baseline == pytest.approx(log_odds(classifier, nothing), abs=1e-5)
    assert any(abs(token.weight) > 1e-3 for token in found.tokens)


def test_tokens_say_where_in_the_url_they_stand(classifier: Classifier) -> None:
    tokens = occlusion(classifier, URL).tokens
    assert all(token.span and URL[slice(*token.span)].lower() == token.text.removeprefix("##") for token in tokens)
    (word,) = [token for token in tokens if token.text == "login"]
    assert word.span == (12, 17)


def test_the_bundled_spelling_drops_what_no_token_stands_for() -> None:
    from compression.catalog import BUNDLED_TEACHER

    found = occlusion(load(BUNDLED_TEACHER, CPU), "HTTPS://www.Münster.example/a/")
    assert "".join("HTTPS://www.Münster.example/a/"[slice(*token.span)] for token in found.tokens if token.span) == (
        "Münster.example/a"
    )


def test_without_a_mask_token_the_unknown_one_hides_and_without_both_the_token_goes(classifier: Classifier) -> None:
    (ids,) = classifier.tokenize([URL])
    tokenizer = copy.deepcopy(classifier.tokenizer)
    tokenizer.mask_token = None
    unmasked = replace(classifier, tokenizer=tokenizer)
    found = occlusion(unmasked, URL)
    changed = [*ids[:3], tokenizer.unk_token_id, *ids[4:]]
    assert found.hidden == "unknown"
    assert found.tokens[2].weight == pytest.approx(found.log_odds - log_odds(classifier, changed), abs=1e-5)
    tokenizer.unk_token = None
    found = occlusion(unmasked, URL)
    assert found.hidden == "removed"
    assert found.tokens[2].weight == pytest.approx(found.log_odds - log_odds(classifier, ids[:3] + ids[4:]), abs=1e-5)


def test_a_long_url_has_neighbours_hidden_together(classifier: Classifier) -> None:
    url = "http://a.test/" + "-012345" * 20
    alone = occlusion(classifier, url, most=1000).tokens
    assert len(alone) == classifier.max_length - 2
    found = occlusion(classifier, url, most=10).tokens
    assert len(found) == 9
    assert found[0].text == "http://a.t"
    assert [token.span for token in found[:2]] == [(0, 10), (10, 17)]
    assert found[-1].span == (59, 65)  # what is cut off is no piece
    roomy = replace(classifier, max_length=80)
    assert reasons(roomy, "/" * (MOST - 2)).gradients is not None
    assert reasons(roomy, "/" * MOST).gradients is None


def test_other_classes_and_no_tokens(tmp_path: Path) -> None:
    names = {0: "benign", 1: "malware", 2: "phishing"}
    folder = tiny.save_model(tmp_path / "three", num_labels=3, id2label=names)
    classifier = load(folder, CPU, "malware,phishing")
    safe, not_safe = logits_of(classifier, [URL])[0]
    assert occlusion(classifier, URL).log_odds == pytest.approx(float(not_safe - safe), abs=1e-5)
    empty = reasons(classifier, " ")
    assert empty.occlusion.tokens == ()
    assert empty.gradients is not None


@pytest.mark.parametrize("architecture", ["bert", "distilbert", "roberta", "electra", "mpnet"])
def test_gradients_sum_to_the_difference_of_the_log_odds(architecture: str, tmp_path: Path) -> None:
    classifier = load(tiny.save_model(tmp_path / architecture, architecture), CPU)
    found = integrated_gradients(classifier, URL, steps=64)
    assert found is not None
    difference = found.log_odds - found.baseline
    assert sum(token.weight for token in found.tokens) == pytest.approx(difference, abs=0.01)
    assert [token.span for token in found.tokens] == [token.span for token in occlusion(classifier, URL).tokens]
    assert all(parameter.grad is None for parameter in classifier.model.parameters())


def test_a_model_of_ngrams_has_its_words_hidden() -> None:
    classifier = linear_classifier(4096)
    whole, rest = map(set, classifier.tokenize([URL, "https://.example/verify?a=b"]))
    classifier.model.weight.data[[bucket - 1 for bucket in whole - rest]] = 1.0  # what only touches "login7" counts
    found = occlusion(classifier, URL)
    assert found.hidden == "n-grams"
    assert [token.text for token in found.tokens] == ["login7", ".", "example", "/", "verify", "?", "a", "=", "b"]
    assert [URL[slice(*token.span)].lower() for token in found.tokens if token.span] == [t.text for t in found.tokens]
    assert found.log_odds > 1
    assert found.tokens[0].weight == pytest.approx(found.log_odds)  # without it nothing is left but the bias, zero
    assert found.tokens[4].weight < 0  # without "verify" the rest weighs more
    assert found.baseline == 0
    assert integrated_gradients(classifier, URL) is None
    assert reasons(classifier, "http://").occlusion.tokens == ()


def test_onnx_and_bitsandbytes_have_occlusion_only(classifier: Classifier, tiny_teacher: Path, tmp_path: Path) -> None:
    save_onnx(classifier, OnnxInt8(), tmp_path / "onnx")
    for other in (load(tmp_path / "onnx", CPU), bnb.load_quantized(tiny_teacher, Nf4(), CPU)):
        found = reasons(other, URL)
        assert found.gradients is None
        assert [token.text for token in found.occlusion.tokens] == [t.text for t in occlusion(classifier, URL).tokens]


@pytest.mark.real
def test_without_its_heaviest_tokens_a_real_verdict_moves_most(real_data: Path, real_teacher: Path) -> None:
    classifier = load(real_teacher, CPU)
    with (real_data / "validation.csv").open(encoding="utf-8") as file:
        urls = [row["text"] for row in csv.DictReader(file)]
    short = [(url, ids) for url, ids in zip(urls, classifier.tokenize(urls), strict=True) if 10 <= len(ids) <= 20][:100]
    rng = random.Random(1)
    rows: list[list[int]] = []  # of each URL the whole, without its three heaviest tokens, without three random ones
    for url, ids in short:
        weights = [abs(token.weight) for token in occlusion(classifier, url).tokens]
        ranked = sorted(range(1, len(ids) - 1), key=lambda place: -weights[place - 1])
        for gone in ([], ranked[:3], rng.sample(ranked, 3)):
            rows.append([id_ for place, id_ in enumerate(ids) if place not in gone])
    with torch.inference_mode():
        logits = classifier.model(**collate(rows, classifier.tokenizer.pad_token_id)).logits
    whole, heaviest, at_random = torch.softmax(logits, dim=-1)[:, 1].reshape(-1, 3).T
    assert len(whole) == 100
    assert float((heaviest - whole).abs().mean()) > 1.5 * float((at_random - whole).abs().mean())

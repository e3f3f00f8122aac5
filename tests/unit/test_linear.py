import json
from math import log, sqrt
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from safetensors.torch import load_file, save_file

from compression.artefacts.weight import size_bytes, size_stored_bytes
from compression.catalog import LABELS
from compression.data.batching import collate
from compression.errors import ConfigError, ModelError, RunCancelled
from compression.methods.distill import distillation_loss
from compression.methods.linear import SCHEMES, STRENGTHS, distill_linear, is_linear, load_linear, save_linear
from compression.models.classes import not_safe_classes
from compression.models.classifier import Classifier, logits_of
from compression.models.linear import buckets, linear_classifier, term_frequencies

FEATURES = 4096
TEXTS, LABELS_OF = zip(*tiny.urls(120), strict=True)
TARGETS = torch.tensor([[2.0, -2.0] if label == 0 else [-2.0, 2.0] for label in LABELS_OF])


def with_weights(features: int = FEATURES, seed: int = 0, share: float = 1.0) -> Classifier:
    """A classifier of random weights; only a `share` of them is not zero."""
    classifier = linear_classifier(features)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        drawn = torch.randn(features, generator=generator) * (torch.rand(features, generator=generator) < share)
        classifier.model.weight.copy_(drawn)
        classifier.model.bias.fill_(0.25)
    return classifier


def fnv1a(data: bytes) -> int:
    found = 0x811C9DC5
    for byte in data:
        found = (found ^ byte) * 0x01000193 % 2**32
    return found


def distill(**changes: object) -> Classifier:
    options: dict = {"features": FEATURES, "soft_weight": 1.0} | changes
    return distill_linear(options.pop("texts", TEXTS), TARGETS, options.pop("labels", LABELS_OF), **options)


def test_buckets_are_the_published_hash_of_every_run_of_two_to_five_characters() -> None:
    assert [fnv1a(b""), fnv1a(b"a"), fnv1a(b"foobar")] == [0x811C9DC5, 0xE40C292C, 0xBF9CF968]  # RFC 9923, appendix C
    marked = b"\x02a.bc\x03"
    expected = [
        (h ^ h >> 16) % FEATURES + 1
        for start in range(len(marked))
        for size in range(2, 6)
        if start + size <= len(marked)
        for h in [fnv1a(marked[start : start + size])]
    ]
    assert next(buckets(["http://www.A.bc/"], FEATURES)).tolist() == expected


def test_buckets_never_change() -> None:
    """A stored model means nothing else: these numbers stay whatever happens to spelling, hash or libraries."""
    assert next(buckets(["https://www.Exämple.org/?a=1&amp;b"], 65_536)).tolist()[:6] == [
        27164,
        14827,
        61026,
        64983,
        15955,
        62629,
    ]


def test_hashes_spread_evenly() -> None:
    found = np.unique(np.concatenate(list(buckets([f"{n * 7919:x}.example" for n in range(3000)], 2**20))))
    filled = np.bincount(found % 16)
    assert filled.max() < 1.1 * filled.min()


@pytest.mark.parametrize("text", ["", "/", "https://", "x", "\x02\x03", "ä" * 5000])
def test_any_text_has_an_answer(text: str) -> None:
    assert torch.isfinite(logits_of(with_weights(), [text])).all()


def test_how_an_address_is_typed_does_not_matter() -> None:
    logits = logits_of(with_weights(), ["https://www.Shop.example/A/", "shop.example/a", "HTTP://shop.example/a//"])
    assert torch.equal(logits[0], logits[1])
    assert torch.equal(logits[0], logits[2])


def test_the_score_is_sublinear_counts_of_length_one_times_the_weights() -> None:
    classifier = with_weights()
    ids, mask = torch.tensor([[7, 3, 7, 7, 0], [5, 1, 0, 9, 9]]), torch.tensor([[1, 1, 1, 1, 0], [1, 1, 0, 0, 0]])
    weight, value = classifier.model.weight, 1 + log(3)
    logits = classifier.model(ids, mask).logits
    first = (value * weight[6] + weight[2]) / sqrt(value**2 + 1) + 0.25
    second = (weight[4] + weight[0]) / sqrt(2) + 0.25
    assert torch.allclose(logits, torch.stack([torch.stack([-s / 2, s / 2]) for s in (first, second)]))


def test_what_is_fitted_is_what_answers() -> None:
    classifier = with_weights()
    scores = term_frequencies(TEXTS, FEATURES) @ classifier.model.weight.detach().double().numpy() + 0.25
    logits = logits_of(classifier, TEXTS)
    assert np.allclose((logits[:, 1] - logits[:, 0]).numpy(), scores, atol=1e-6)
    assert torch.allclose(logits, torch.cat([logits_of(classifier, [text]) for text in TEXTS]), atol=1e-7)


def test_it_stands_where_a_transformer_stands() -> None:
    classifier = with_weights()
    model, tokenizer = classifier.model, classifier.tokenizer
    assert not_safe_classes(model.config, None, "it") == (1,) == classifier.not_safe
    assert list(model.config.id2label.values()) == list(LABELS.values())
    assert len(tokenizer) == model.config.vocab_size == FEATURES + 1
    assert sum(p.numel() for p in model.parameters()) == FEATURES + 1
    assert model.get_memory_footprint() == 4 * (FEATURES + 1)
    assert model.device == torch.device("cpu")
    assert not model.training
    assert set(model.state_dict()) == {"weight", "bias"}
    assert classifier.tokenize(["a.bc/def"], 5)[0] == classifier.tokenize(["a.bc/def"])[0][:5]


def test_it_learns_by_gradient_as_well() -> None:
    classifier = with_weights()
    ids = torch.tensor([[1, 2, 2]])
    classifier.model(ids, torch.ones_like(ids)).logits[0, 1].backward()
    assert classifier.model.weight.grad.nonzero().flatten().tolist() == [0, 1]


def test_student_learns_the_soft_targets_and_not_the_labels() -> None:
    wrong = [1 - label for label in LABELS_OF]
    logits = logits_of(distill(labels=wrong), TEXTS)
    assert torch.equal(logits.argmax(1), TARGETS.argmax(1))
    assert torch.equal(logits_of(distill(labels=[-1] * len(TEXTS), soft_weight=0.0), TEXTS), logits)  # none known
    assert torch.equal(logits_of(distill(labels=wrong, soft_weight=0.0), TEXTS).argmax(1), torch.tensor(wrong))


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_solution_is_where_loss_and_penalty_pull_equally(temperature: float) -> None:
    """Forty rows are too few to choose a penalty from: it is 0.3 / 2 · ‖weight / idf‖² beside the summed loss."""
    texts, targets, labels = TEXTS[:40], TARGETS[:40], LABELS_OF[:40]
    options: dict = {"temperature": temperature, "soft_weight": 0.7}
    student = distill_linear(texts, targets, labels, features=FEATURES, **options)
    documents = np.bincount(term_frequencies(texts, FEATURES).indices, minlength=FEATURES)
    idf = torch.from_numpy(np.log(41 / (1 + documents)) + 1)
    inputs = collate(student.tokenize(texts), 0)
    logits = student.model(**inputs).logits
    loss = 40 * distillation_loss(logits, targets, torch.tensor(labels), **options).total
    (loss + 0.15 * (student.model.weight / idf).square().sum()).backward()
    assert student.model.weight.grad.abs().max() < 1e-3
    assert student.model.bias.grad.abs().item() < 1e-3
    assert student.model.weight[torch.from_numpy(documents == 0)].count_nonzero() == 0


def test_penalty_is_chosen_and_everything_repeats() -> None:
    first, again, other = distill(), distill(), distill(seed=1)
    assert torch.equal(first.model.weight, again.model.weight)
    assert torch.isfinite(other.model.weight).all()


def test_one_text_is_enough_and_none_is_refused() -> None:
    one = distill_linear(TEXTS[1:2], TARGETS[1:2], [1], features=1024)
    assert logits_of(one, TEXTS[1:2]).argmax() == 1
    with pytest.raises(ConfigError, match="no text"):
        distill_linear([], torch.empty(0, 2), [], features=1024)


def test_it_says_how_far_it_is_and_can_be_stopped() -> None:
    seen: list = []
    distill(report=seen.append)
    assert sorted({event.step for event in seen}) == list(range(len(STRENGTHS) + 1))
    assert {event.steps for event in seen} == {len(STRENGTHS) + 1}

    def stop(event: object) -> None:
        raise RunCancelled

    with pytest.raises(RunCancelled):
        distill(report=stop)


# Folders


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("share", [1.0, 0.1])
def test_every_scheme_has_the_size_it_claims_and_stays_what_it_is(tmp_path: Path, scheme: str, share: float) -> None:
    bits = {"none": 32, "fp16": 16, "bf16": 16, "packed-int8": 8.25, "packed-int4": 4.25, "ternary": 1.85}
    classifier = with_weights(65_536, share=share)
    save_linear(classifier, tmp_path / "m", scheme)
    stored = (tmp_path / "m" / "packed.safetensors").stat().st_size
    sparse = {"packed-int8": 1.25 + 8 * share, "packed-int4": 1.25 + 4 * share, "ternary": 1.25 + share}
    claimed = 65_536 * min(bits[scheme], sparse.get(scheme, 32)) / 8  # bits a bucket; sparse: one says what is kept
    assert claimed * 0.85 < stored < claimed * 1.05 + 400
    assert is_linear(tmp_path / "m")

    loaded = load_linear(tmp_path / "m")
    assert loaded.model.config.compression_scheme == (None if scheme == "none" else scheme)
    save_linear(loaded, tmp_path / "again", scheme)
    assert torch.equal(load_linear(tmp_path / "again").model.weight, loaded.model.weight)
    error = (loaded.model.weight - classifier.model.weight).square().sum() / classifier.model.weight.square().sum()
    bound = {"none": 0, "fp16": 1e-6, "bf16": 1e-5, "packed-int8": 1e-3, "packed-int4": 0.02, "ternary": 0.3}[scheme]
    assert error <= bound
    assert torch.equal(loaded.model.bias, classifier.model.bias)


def test_a_bucket_without_weight_has_none_in_any_scheme(tmp_path: Path) -> None:
    classifier = with_weights(share=0.5)
    for scheme in SCHEMES:
        save_linear(classifier, tmp_path / scheme, scheme)
        weight = load_linear(tmp_path / scheme).model.weight
        assert not weight[classifier.model.weight == 0].any()


def test_no_weights_at_all_can_be_stored(tmp_path: Path) -> None:
    for scheme in SCHEMES:
        save_linear(linear_classifier(1001), tmp_path / scheme, scheme)
        assert not load_linear(tmp_path / scheme).model.weight.any()


def test_bytes_are_counted_as_the_contract_says(tmp_path: Path) -> None:
    for scheme, weight in (("none", 4), ("fp16", 2)):
        save_linear(with_weights(), tmp_path / scheme, scheme)
        assert 0 < size_bytes(tmp_path / scheme) - weight * FEATURES < 800
        assert size_bytes(tmp_path / scheme) == size_stored_bytes(tmp_path / scheme)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("features", 2**40),
        ("features", -1),
        ("features", True),
        ("features", "many"),
        ("features", FEATURES + 1),
        ("features", FEATURES - 8),
        ("ngrams", [1, 7]),
        ("spelling", 2),
        ("model_type", "bert"),
        ("compression", {"scheme": "pickle"}),
        ("compression", {"scheme": ["none"]}),
        ("compression", {"scheme": "ternary"}),
        ("compression", None),
        ("compression_scheme", "fp16"),
    ],
)
@pytest.mark.parametrize("scheme", ["none", "packed-int4"])
def test_a_config_that_does_not_fit_its_weights_is_refused(
    tmp_path: Path, scheme: str, key: str, value: object
) -> None:
    save_linear(with_weights(), tmp_path, scheme)
    path = tmp_path / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(ModelError, match=r"Save (it|the model) again"):
        load_linear(tmp_path)


@pytest.mark.parametrize(
    "broken",
    [
        {"weight": None},
        {"bias": None},
        {"weight.scales": None},
        {"weight": torch.zeros(7, dtype=torch.uint8)},
        {"weight": torch.zeros(10**6, dtype=torch.uint8)},
        {"weight": torch.zeros(FEATURES // 2)},
        {"weight.scales": torch.full((1, FEATURES // 64), torch.inf, dtype=torch.float16)},
        {"weight.scales": torch.zeros(3, dtype=torch.float16)},
        {"bias": torch.tensor([torch.nan])},
        {"bias": torch.zeros(2)},
        {"weight.mask": torch.zeros(3, dtype=torch.uint8)},
        {"weight.mask": torch.zeros(FEATURES // 8, dtype=torch.uint8)},
        {"stray": torch.zeros(1)},
        {"weight.mask": torch.zeros(FEATURES // 8)},
    ],
    ids=str,
)
def test_weights_that_are_none_are_refused(tmp_path: Path, broken: dict[str, torch.Tensor | None]) -> None:
    save_linear(with_weights(), tmp_path, "packed-int4")
    path = tmp_path / "packed.safetensors"
    tensors = {name: tensor for name, tensor in (load_file(path) | broken).items() if tensor is not None}
    save_file(tensors, path)
    with pytest.raises(ModelError, match=r"Save (it|the model) again"):
        load_linear(tmp_path)


def test_a_folder_that_is_none_is_refused(tmp_path: Path, tiny_teacher: Path) -> None:
    assert not is_linear(tmp_path)
    assert not is_linear(tiny_teacher)
    with pytest.raises(ModelError, match="cannot be read"):
        load_linear(tmp_path)
    save_linear(with_weights(), tmp_path)
    (tmp_path / "packed.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0nonsense")
    with pytest.raises(ModelError, match="cannot be read"):
        load_linear(tmp_path)

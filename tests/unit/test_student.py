"""Students: known before they are built, refused with the reason, and made of the layers they claim."""

import threading
from pathlib import Path

import pytest
import tiny
import torch

from compression.config import Pretrained, RandomWeights, TeacherLayers
from compression.errors import CompressionError, ConfigError, ModelError
from compression.measure.size import estimate, weight_bytes
from compression.models.classifier import (
    ARCHITECTURES,
    LOADING,
    count_parameters,
    load_classifier,
    locate,
    logits_of,
    read_config,
)
from compression.models.student import build_student, evenly_spaced, layers_path, plan_student
from compression.recipe import parse
from compression.schemes import Nf4, NoQuantization

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("layers", "of", "picked"),
    [(1, 6, [0]), (2, 6, [0, 5]), (3, 6, [0, 2, 5]), (4, 12, [0, 4, 7, 11]), (3, 3, [0, 1, 2])],
)
def test_layers_are_evenly_spaced(layers: int, of: int, picked: list[int]) -> None:
    assert evenly_spaced(layers, of) == picked


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_all_layers_copied_is_the_teacher(tmp_path: Path, architecture: str) -> None:
    teacher = load_classifier(tiny.save_model(tmp_path / "t", architecture), CPU)
    student = build_student(TeacherLayers(), teacher, max_length=64, seed=0)
    texts = [text for text, _ in tiny.urls(8)]
    assert torch.equal(logits_of(student, texts), logits_of(teacher, texts))


def test_copied_layers_are_the_teachers(tmp_path: Path) -> None:
    teacher = load_classifier(tiny.save_model(tmp_path / "t", num_hidden_layers=4), CPU)
    student = build_student(TeacherLayers(layers=2), teacher, max_length=64, seed=0)
    mine, theirs = (model.get_submodule(layers_path(model)) for model in (student.model, teacher.model))
    for new, old in enumerate((0, 3)):
        for a, b in zip(mine[new].parameters(), theirs[old].parameters(), strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize("architecture", ["bert", "roberta", "mpnet"])
def test_fewer_positions_read_short_texts_as_before(tmp_path: Path, architecture: str) -> None:
    """Where positions start after the padding index, two more rows than tokens are needed."""
    teacher = load_classifier(tiny.save_model(tmp_path / "t", architecture), CPU)
    student = build_student(TeacherLayers(positions=40), teacher, max_length=64, seed=0)
    assert student.max_length == student.tokenizer.model_max_length == 40
    assert student.model.config.max_position_embeddings == 40 + 2 * (architecture != "bert")
    texts = ["http://a.test/", "http://login.test/x"]
    assert torch.equal(logits_of(student, texts), logits_of(teacher, texts))
    assert torch.isfinite(logits_of(student, ["/" * 200])).all()


def test_a_pretrained_base_keeps_its_first_positions(tmp_path: Path, tiny_teacher: Path) -> None:
    base = tiny.save_model(tmp_path / "base", "distilbert", seed=5)
    teacher = load_classifier(tiny_teacher, CPU)
    with pytest.raises(ConfigError, match=r"positions = 90, but the base has 80"):
        build_student(Pretrained(base=str(base), positions=90), teacher, 64, 0)
    student = build_student(Pretrained(base=str(base), positions=16), teacher, 64, 0)
    name = "distilbert.embeddings.position_embeddings"
    theirs = load_classifier(base, CPU).model.get_submodule(name).weight[:16]
    assert torch.equal(student.model.get_submodule(name).weight, theirs)
    with pytest.raises(ConfigError, match=r"hidden_size = 32, but the base has 64. Leave it empty"):
        build_student(Pretrained(base=str(base), hidden_size=32), teacher, 64, 0)


def test_random_weights_have_any_number_of_positions(tiny_teacher: Path) -> None:
    student = build_student(RandomWeights(positions=100), load_classifier(tiny_teacher, CPU), 64, 0)
    assert student.model.config.max_position_embeddings == 100


def test_fewer_features_mean_fewer_heads_of_the_same_size(tiny_teacher: Path) -> None:
    teacher = read_config(tiny_teacher)
    assert plan_student(TeacherLayers(hidden_size=32), teacher).num_attention_heads == 2
    assert plan_student(TeacherLayers(hidden_size=32, heads=4), teacher).num_attention_heads == 4
    assert plan_student(TeacherLayers(), teacher).num_attention_heads == 4


def test_swapped_labels_are_put_right(tmp_path: Path) -> None:
    swapped = load_classifier(tiny.save_model(tmp_path / "s", id2label={0: "phishing", 1: "benign"}), CPU)
    plain = load_classifier(tiny.save_model(tmp_path / "p"), CPU)  # the same weights
    texts = [text for text, _ in tiny.urls(8)]
    assert torch.equal(logits_of(swapped, texts), logits_of(plain, texts).flip(1))
    student = build_student(TeacherLayers(), swapped, max_length=64, seed=0)
    assert torch.equal(logits_of(student, texts), logits_of(swapped, texts))
    assert student.model.config.id2label == {0: "Safe", 1: "Not Safe"}


def test_pretrained_starts_from_the_first_layers_of_its_base(tmp_path: Path, tiny_teacher: Path) -> None:
    base = tiny.save_model(tmp_path / "base", "distilbert", seed=5, num_hidden_layers=3)
    student = build_student(
        Pretrained(base=str(base), layers=2, heads=2), load_classifier(tiny_teacher, CPU), max_length=48, seed=0
    )
    original = load_classifier(base, CPU)
    assert student.model.config.num_attention_heads == 2
    assert student.max_length == student.tokenizer.model_max_length == 48
    for name in ("distilbert.embeddings.word_embeddings", "distilbert.transformer.layer.1.ffn.lin1"):
        assert torch.equal(student.model.get_submodule(name).weight, original.model.get_submodule(name).weight)


def test_random_weights_follow_the_seed(tiny_teacher: Path) -> None:
    teacher = load_classifier(tiny_teacher, CPU)
    texts = [text for text, _ in tiny.urls(4)]
    first, again, other = (
        logits_of(build_student(RandomWeights(hidden_size=32, heads=2), teacher, 64, seed), texts) for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"layers": 3}, "student.layers = 3, but the teacher has 2"),
        ({"hidden_size": 128}, "student.hidden_size = 128, but the teacher has 64"),
        ({"intermediate_size": 256}, "student.intermediate_size = 256, but the teacher has 128"),
        ({"hidden_size": 40}, "student.hidden_size = 40 is no multiple of 16"),
        ({"hidden_size": 40, "heads": 3}, "student.heads = 3 does not divide the hidden size 40"),
        ({"positions": 81}, "student.positions = 81, but the teacher has 80"),
        ({"heads": 3}, "student.heads = 3 does not divide the hidden size 64"),
        ({"init": "random", "hidden_size": 100, "heads": 3}, "student.heads = 3 does not divide the hidden size 100"),
        ({"init": "pretrained", "base": "/nowhere"}, "There is no folder /nowhere"),
        ({"init": "pretrained", "base": "someone/model"}, "Hugging Face Hub"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_reason(tiny_teacher: Path, settings: dict, sentence: str) -> None:
    config = parse({"teacher": str(tiny_teacher), "student": settings})
    with pytest.raises(CompressionError, match=sentence.replace(".", r"\.")):
        estimate(config)


def test_article_shapes_have_the_articles_parameters() -> None:
    from transformers import BertConfig, DistilBertConfig

    assert count_parameters(BertConfig(num_labels=2)) == 109_483_778
    student = DistilBertConfig(n_layers=4, n_heads=8, num_labels=2)
    assert count_parameters(student) == pytest.approx(52.78e6, abs=5e3)
    assert sum(weight_bytes(student, NoQuantization()).values()) == pytest.approx(211e6, rel=0.002)
    assert 62.5e6 < sum(weight_bytes(student, Nf4(double=True)).values()) < 63.8e6


def test_plan_does_not_touch_the_teacher(tiny_teacher: Path) -> None:
    teacher = read_config(tiny_teacher)
    plan_student(RandomWeights(layers=1, hidden_size=32, heads=2), teacher)
    assert (teacher.num_hidden_layers, teacher.hidden_size) == (2, 64)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"model_type": "gpt2"}, "type 'gpt2'"),
        ({"auto_map": {"AutoConfig": "evil.Config"}}, "code of its own"),
        ({"num_labels": 4, "id2label": {str(n): f"c{n}" for n in range(4)}}, "4 classes"),
        ({"hidden_size": "many"}, "config"),
    ],
)
def test_unusable_models_are_refused(tmp_path: Path, change: dict, sentence: str) -> None:
    import json

    num_labels = change.pop("num_labels", 2)
    labels = change.pop("id2label", {0: "Safe", 1: "Not Safe"})
    folder = tiny.save_model(tmp_path / "m", id2label=labels, num_labels=num_labels)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelError, match=sentence):
        load_classifier(folder, CPU)


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = tiny.save_model(tmp_path / "m")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"no \.safetensors"):
        locate(str(folder))


def test_a_heads_refusal_names_its_key(tiny_teacher: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        plan_student(TeacherLayers(heads=5), read_config(tiny_teacher))
    assert refused.value.key == "student.heads"


def without_head(folder: Path) -> Path:
    """The model in `folder` without the weights of its classifier: a bare pretrained encoder."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    save_file({k: v for k, v in weights.items() if not k.startswith("classifier")}, folder / "model.safetensors")
    return folder


def test_an_untrained_head_never_answers(tmp_path: Path) -> None:
    """Its verdicts would be random, and other ones in every process."""
    folder = without_head(tiny.save_model(tmp_path / "m"))
    with pytest.raises(ModelError, match="lacks trained weights"):
        load_classifier(folder, CPU)
    assert load_classifier(folder, CPU, new_head=True)


def test_broken_weights_are_no_verdict(tmp_path: Path) -> None:
    classifier = load_classifier(tiny.save_model(tmp_path / "m"), CPU)
    classifier.model.classifier.bias.data.fill_(float("nan"))
    with pytest.raises(ModelError, match="no numbers"):
        logits_of(classifier, ["http://a.test/"])


def test_random_weights_are_random_while_another_thread_loads_a_model(tiny_teacher: Path) -> None:
    """transformers switches off initialization for the whole process while it loads."""
    from transformers import initialization

    teacher, made, loading = load_classifier(tiny_teacher, CPU), [], threading.Event()

    def load() -> None:
        with LOADING, initialization.no_init_weights():
            loading.set()
            started.wait(0.2)

    started = threading.Event()
    loader = threading.Thread(target=load)
    loader.start()
    loading.wait(10)
    made.append(build_student(RandomWeights(), teacher, max_length=64, seed=0))
    loader.join()
    assert made[0].model.get_input_embeddings().weight.std() > 0.01


def test_another_quantizers_model_is_refused(tmp_path: Path) -> None:
    import json

    path = tiny.save_model(tmp_path / "m") / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"quantization_config": {"quant_method": "gptq"}}))
    with pytest.raises(ModelError, match="quantized by a method"):
        load_classifier(path.parent, CPU)

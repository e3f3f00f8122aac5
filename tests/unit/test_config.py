"""Every recipe key can be set, every recipe key can be broken, and the refusal says which and what would be legal."""

import pickle

import pytest

from compression.catalog import PRESETS
from compression.config import RunConfig
from compression.errors import ConfigError
from compression.recipe import bounds, choices, flatten, keys, legal, nest, parse

# key: (a legal value other than the default, an illegal one)
EXAMPLES = {
    "teacher": ("somewhere/model", ""),
    "data": ("urls.csv", ""),
    "columns.text": ("address", ""),
    "columns.label": ("kind", ""),
    "columns.positive": ("evil", ""),
    "splits.train": ("training", ""),
    "splits.validation": ("dev", ""),
    "splits.test": ("holdout", ""),
    "labels.not_safe": ("phishing, malware", ""),
    "seed": (7, -1),
    "device": ("cpu", "tpu"),
    "fine_tuning.epochs": (3, -1),
    "fine_tuning.learning_rate": (1e-4, 0),
    "fine_tuning.train": ("head", "tail"),
    "fine_tuning.last_layers": (2, 0),
    "fine_tuning.patience": (1, 0),
    "training.bucketing": (False, "perhaps"),
    "training.precision": ("fp32", "fp8"),
    "student.init": ("random", "magic"),
    "student.base": (None, "folder"),  # only a pretrained student has one
    "student.layers": (3, 0),
    "student.heads": (4, 0),
    "student.hidden_size": (128, 8),
    "student.intermediate_size": (256, "wide"),
    "student.positions": (64, 4),
    "student.width": ("truncate", "magic"),
    "student.features": (None, 12),  # only a linear student has them
    "vocabulary.method": ("trim", "forget"),
    "vocabulary.size": (2_000, 10),
    "vocabulary.min_count": (2, 0),
    "distillation.epochs": (2, 0),
    "distillation.batch_size": (16, 100_000),
    "distillation.learning_rate": (1e-3, 0),
    "distillation.schedule": ("constant", "cosine"),
    "distillation.averaging": (True, "perhaps"),
    "distillation.temperature": (4.0, float("nan")),
    "distillation.temperature_end": (1.0, 0),
    "distillation.soft_weight": (0.25, 1.5),
    "distillation.soft_weight_end": (0.9, -1),
    "distillation.hidden_weight": (1.0, -1),
    "distillation.attention_weight": (1.0, float("inf")),
    "distillation.layer_map": ("1,3", "first"),
    "distillation.ngram_weight": (0.4, 2),
    "distillation.generated": (1_000, -1),
    "distillation.recombined": (1_000, 1e9),
    "distillation.unlabelled": ("more.csv", ""),
    "distillation.max_length": (64, 4),
    "structured.heads": (0.5, 1),
    "structured.neurons": (0.5, 1),
    "structured.layers": (1, -1),
    "structured.importance": ("magnitude", "looks"),
    "structured.epochs": (2, -1),
    "structured.learning_rate": (1e-3, 0),
    "pruning.sparsity": (0.5, 1),
    "pruning.scope": ("layer", "street"),
    "pruning.importance": ("fisher", "taylor"),
    "pruning.schedule": ("gradual", "never"),
    "pruning.epochs": (2, -1),
    "pruning.learning_rate": (1e-3, 0),
    "qat.start": ("student", "teacher"),
    "qat.epochs": (3, 0),
    "qat.learning_rate": (1e-3, 0),
    "quantization.scheme": ("fp16", "int3"),
    "quantization.double": (False, "maybe"),
    "quantization.embeddings": (True, "maybe"),
    "controls.without_teacher": (True, "maybe"),
    "controls.seeds": (5, 6),
}
# What must be set too for the example to be legal.
BESIDE = {
    "structured.heads": [("quantization", "packed-int4")],
    "qat.start": [("quantization", "packed-int4")],
}


def test_every_key_has_an_example() -> None:
    assert set(EXAMPLES) == set(keys())


@pytest.mark.parametrize("key", keys())
def test_key_can_be_set(key: str) -> None:
    value = EXAMPLES[key][0]
    assert flatten(parse(nest([(key, value), *BESIDE.get(key, [])])))[key] == value


@pytest.mark.parametrize("key", keys())
def test_key_can_be_set_as_text(key: str) -> None:
    value = EXAMPLES[key][0]
    if value is not None:
        assert flatten(parse(nest([(key, str(value)), *BESIDE.get(key, [])])))[key] == value


@pytest.mark.parametrize("key", keys())
def test_illegal_value_is_refused_by_name(key: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse(nest([(key, EXAMPLES[key][1])]))
    assert refused.value.key == key
    assert str(refused.value).startswith(f"{key} = ")
    assert "legal is" in str(refused.value)


@pytest.mark.parametrize("value", [float("inf"), "inf", "nan", "", [], {}, "1e400"])
def test_numbers_are_finite_numbers(value: object) -> None:
    with pytest.raises(ConfigError, match=r"distillation\.temperature"):
        parse({"distillation": {"temperature": value}})


def test_unknown_keys_are_refused_wherever_they_stand() -> None:
    for recipe in ({"tempreture": 2}, {"distillation": {"tempreture": 2}}, {"student": {"init": "random", "depth": 2}}):
        with pytest.raises(ConfigError, match="is not a recipe key"):
            parse(recipe)
    with pytest.raises(ConfigError, match="is not a recipe key"):
        nest([("student.depth", 2)])


def test_values_of_any_type_are_refused_in_words() -> None:
    for recipe in ({"quantization": {"scheme": []}}, {"student": {"init": {}}}, {"student": []}, {"quantization": 4}):
        with pytest.raises(ConfigError, match="is not possible"):
            parse(recipe)


def test_a_section_must_be_a_section() -> None:
    with pytest.raises(ConfigError, match=r"distillation is a section with the keys distillation\.epochs"):
        parse({"distillation": 3})


def test_scheme_alone_sets_the_scheme() -> None:
    assert parse(nest([("quantization", "nf4")])).quantization.scheme == "nf4"


def test_double_quantization_belongs_to_four_bit() -> None:
    with pytest.raises(ConfigError, match=r"quantization\.double = True .* with quantization\.scheme = int8"):
        parse({"quantization": {"scheme": "int8", "double": True}})


def test_switching_scheme_drops_what_the_new_one_lacks() -> None:
    preset = PRESETS["quick"].settings
    assert parse(preset, nest([("quantization", "int8")])).quantization.scheme == "int8"
    assert parse(preset, nest([("quantization", "fp4")])).quantization.double is True


def test_a_scheme_brings_its_own_default_for_embeddings() -> None:
    preset = PRESETS["quick"].settings
    assert parse(preset, nest([("quantization", "nf4")])).quantization.embeddings is False
    assert parse(preset, nest([("quantization", "packed-int4")])).quantization.embeddings is True
    chosen = [("quantization", "packed-int4"), ("quantization.embeddings", "false")]
    assert parse(preset, nest(chosen)).quantization.embeddings is False


CLASHING = {
    "qat.start": [("qat.start", "student"), ("quantization", "nf4")],
    "structured.heads": [("structured.heads", 0.5), ("quantization", "int8")],
    "pruning.epochs": [("pruning.sparsity", 0.5), ("pruning.schedule", "gradual"), ("pruning.epochs", 0)],
    "distillation.attention_weight": [("distillation.attention_weight", 1), ("vocabulary.method", "trim")],
    "vocabulary.method": [("student.init", "linear"), ("vocabulary.method", "train"), ("quantization", "none")],
    "quantization.scheme": [("student.init", "linear"), ("quantization", "onnx-int8")],
}


@pytest.mark.parametrize("key", CLASHING)
def test_steps_that_cannot_go_together_are_refused_with_the_reason(key: str) -> None:
    with pytest.raises(ConfigError, match=r"is not possible: .* Use|Choose") as refused:
        parse(nest(CLASHING[key]))
    assert refused.value.key == key


def test_what_pruning_made_is_not_trained_away() -> None:
    stacked = [("qat.start", "initialization"), ("quantization", "ternary"), ("pruning.sparsity", 0.5)]
    with pytest.raises(ConfigError, match="would forget what was pruned"):
        parse(nest(stacked))
    assert parse(nest([("qat.start", "student"), *stacked[1:]])).pruning.sparsity == 0.5


def test_switching_init_keeps_the_shape_and_drops_the_base() -> None:
    student = parse(PRESETS["article"].settings, nest([("student.init", "random")])).student
    assert (student.init, student.layers, student.base) == ("random", 4, None)


def test_pretrained_needs_a_base() -> None:
    with pytest.raises(ConfigError, match=r"student\.base is missing: .* with student\.init = pretrained"):
        parse({"student": {"init": "pretrained"}})


def test_later_layers_win() -> None:
    config = parse(PRESETS["quick"].settings, {"distillation": {"epochs": 7}}, nest([("distillation.epochs", "9")]))
    assert config.distillation.epochs == 9
    assert config.student.layers == 3  # what the upper layers do not say stays


@pytest.mark.parametrize("name", PRESETS)
def test_recipes_survive_json_dotted_keys_and_pickle(name: str) -> None:
    config = parse(PRESETS[name].settings)
    assert RunConfig.model_validate_json(config.model_dump_json()) == config
    assert parse(nest(flatten(config).items())) == config
    assert pickle.loads(pickle.dumps(config)) == config


def test_the_article_preset_is_the_article() -> None:
    flat = flatten(parse(PRESETS["article"].settings))
    expected = {
        "student.init": "pretrained",
        "student.layers": 4,
        "student.heads": 8,
        "distillation.temperature": 2.0,
        "distillation.soft_weight": 0.5,
        "distillation.learning_rate": 1e-4,
        "distillation.batch_size": 32,
        "distillation.epochs": 5,
        "distillation.schedule": "constant",
        "distillation.max_length": 512,
        "training.bucketing": False,
        "quantization.scheme": "nf4",
        "quantization.double": True,
    }
    assert {key: flat[key] for key in expected} == expected


def test_ranges_are_told_in_words_and_numbers() -> None:
    assert legal("distillation.epochs") == "a whole number from 1 to 100"
    assert bounds("distillation.soft_weight") == (0, 1)
    assert choices("quantization.scheme")[:6] == ("none", "fp16", "bf16", "int8", "nf4", "fp4")
    assert choices("quantization.scheme")[6:] == ("onnx-int8", "onnx-int4", "packed-int8", "packed-int4", "ternary")
    assert all(legal(key) for key in keys())


def test_errors_pickle_with_their_key() -> None:
    error = pickle.loads(pickle.dumps(ConfigError("no", "seed")))
    assert (str(error), error.key) == ("no", "seed")


@pytest.mark.parametrize("name", [name for name in PRESETS if name != "article"])  # whose models are on the Hub
def test_every_preset_can_be_planned_with_the_bundled_teacher(name: str) -> None:
    from compression.measure.size import estimate

    planned = estimate(parse(PRESETS[name].settings))
    assert 0 < planned.compressed_bytes < planned.student_bytes <= planned.teacher_bytes

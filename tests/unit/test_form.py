"""The form and the recipe: one address each, both ways, refused in the words of the page."""

import contextlib
from typing import Any

import pytest

from compression.catalog import PRESETS
from compression.config import RunConfig
from compression.errors import CompressionError, ConfigError, DataError
from compression.recipe import bounds, choices, keys, nest, parse
from compression.ui import form, urls
from compression.ui.words import LANGUAGES, friendly, say

OTHER: dict[str, Any] = {
    "teacher": "/models/mine",
    "data": "urls.csv",
    "columns.text": "address",
    "columns.label": "verdict",
    "columns.positive": "bad",
    "splits.train": "training",
    "splits.validation": "dev",
    "splits.test": "holdout",
    "labels.not_safe": "phishing, malware",
    "seed": 7,
    "device": "cpu",
    "fine_tuning.epochs": 3,
    "fine_tuning.learning_rate": 0.001,
    "fine_tuning.train": "last-layers",
    "fine_tuning.last_layers": 2,
    "fine_tuning.patience": 5,
    "training.bucketing": False,
    "training.precision": "fp32",
    "student.init": "random",
    "student.base": "/models/encoder",
    "student.layers": "3",
    "student.heads": "4",
    "student.hidden_size": "128",
    "student.intermediate_size": "256",
    "student.positions": "64",
    "student.width": "truncate",
    "student.features": "4096",
    "vocabulary.method": "trim",
    "vocabulary.size": "4000",
    "vocabulary.min_count": 2,
    "distillation.epochs": 2,
    "distillation.batch_size": 8,
    "distillation.learning_rate": 0.001,
    "distillation.schedule": "constant",
    "distillation.averaging": True,
    "distillation.temperature": 3.5,
    "distillation.temperature_end": "1",
    "distillation.soft_weight": 0.25,
    "distillation.soft_weight_end": "1",
    "distillation.hidden_weight": 0.5,
    "distillation.attention_weight": 0.25,
    "distillation.layer_map": "2,5",
    "distillation.ngram_weight": 0.4,
    "distillation.generated": 1000,
    "distillation.recombined": 500,
    "distillation.unlabelled": "more.csv",
    "distillation.max_length": 64,
    "structured.heads": 0.25,
    "structured.neurons": 0.5,
    "structured.layers": 1,
    "structured.importance": "fisher",
    "structured.epochs": 0,
    "structured.learning_rate": 0.001,
    "pruning.sparsity": 0.5,
    "pruning.scope": "layer",
    "pruning.importance": "fisher",
    "pruning.schedule": "gradual",
    "pruning.epochs": 3,
    "pruning.learning_rate": 0.001,
    "qat.start": "student",
    "qat.epochs": 5,
    "qat.learning_rate": 0.001,
    "quantization.scheme": "fp4",
    "quantization.double": False,
    "quantization.embeddings": True,
    "controls.without_teacher": True,
    "controls.seeds": 3,
}
# What must be chosen for a control to have a meaning.
CHOSEN: dict[str, dict[str, Any]] = {
    "fine_tuning": {"fine_tuning.epochs": 1},
    "fine_tuning.last_layers": {"fine_tuning.epochs": 1, "fine_tuning.train": "last-layers"},
    "student.base": {"student.init": "pretrained"},
    "student.width": {"student.hidden_size": "128"},
    "student.features": {"student.init": "linear", "quantization.scheme": "none"},
    "vocabulary": {"vocabulary.method": "train"},
    "distillation.layer_map": {"distillation.hidden_weight": 1},
    "structured": {"structured.neurons": 0.5, "quantization.scheme": "packed-int4"},
    "pruning": {"pruning.sparsity": 0.5},
    "qat": {"quantization.scheme": "packed-int8", "qat.start": "student"},
}


def chosen_for(key: str) -> dict[str, Any]:
    return CHOSEN.get(key, CHOSEN.get(key.rpartition(".")[0], {}))


def quick(**changes: Any) -> dict[str, Any]:
    return {**form.preset_values("quick"), **{key.replace("__", "."): value for key, value in changes.items()}}


@pytest.mark.parametrize("key", keys())
def test_every_recipe_key_is_on_the_form_with_words_in_every_language(key: str) -> None:
    for language in LANGUAGES:
        for address in (key, f"{key}.info", *(f"{key}={choice}" for choice in choices(key))):
            assert say(address, language)


def test_every_language_says_the_same_things() -> None:
    for words in LANGUAGES.values():
        assert words.keys() == LANGUAGES["en"].keys()


@pytest.mark.parametrize("key", keys())
def test_every_control_reaches_the_recipe(key: str) -> None:
    values = quick(**chosen_for(key)) | {key: OTHER[key]}
    assert form.applies(key, values)
    config = form.to_config(values)
    section, _, name = key.rpartition(".")
    reached = getattr(getattr(config, section) if section else config, name)
    number = isinstance(OTHER[key], str) and OTHER[key].isdigit()
    assert reached == (int(OTHER[key]) if number else OTHER[key])


@pytest.mark.parametrize("name", PRESETS)
def test_recipe_to_form_and_back_is_the_same_recipe(name: str) -> None:
    config = parse(PRESETS[name].settings)
    assert form.to_config(form.to_values(config)) == config


@pytest.mark.parametrize("key", [key for key in keys() if bounds(key)[1] < float("inf")])
@pytest.mark.parametrize("value", [-1, 1e12, "many", float("nan"), [], {}])
def test_numbers_the_browser_should_not_have_sent_are_refused_by_label(key: str, value: Any) -> None:
    with pytest.raises(ConfigError) as refused:
        form.to_config(quick(**chosen_for(key)) | {key: value})
    assert str(refused.value).startswith(f"{say(key)}: please give ")


@pytest.mark.parametrize("key", keys())
@pytest.mark.parametrize("value", [None, [], {"a": 1}, 10**400, "x" * 100_000])
def test_nothing_sent_in_place_of_a_value_does_more_than_a_sentence(key: str, value: Any) -> None:
    values = quick(**{key: value})
    with contextlib.suppress(CompressionError):  # and nothing else
        form.to_config(values)
    assert form.preset_of(values) in PRESETS


def test_a_pretrained_student_needs_its_encoder() -> None:
    with pytest.raises(ConfigError, match="Pretrained encoder: please fill this in"):
        form.to_config(quick(student__init="pretrained", student__base=" "))


def test_emptied_fields_follow_the_teacher() -> None:
    student = form.to_config(quick(student__layers="  ", student__heads="")).student
    assert student.layers is None
    assert student.heads is None


def test_controls_without_a_meaning_are_hidden_and_not_read() -> None:
    values = quick(quantization__scheme="int8", quantization__double=True, student__base="left over")
    assert not form.applies("quantization.double", values)
    assert not form.applies("student.base", values)
    config = form.to_config(values)
    assert config.quantization.scheme == "int8"
    assert config.student.base is None
    assert form.applies("quantization.double", quick(quantization__scheme="nf4"))
    assert form.applies("student.base", quick(student__init="pretrained"))


def test_the_preset_shown_is_the_one_the_form_still_is() -> None:
    assert form.preset_of(form.preset_values("quick")) == "quick"
    assert form.preset_of(form.preset_values("article")) == "article"
    assert form.preset_of(quick(distillation__epochs=5)) == "custom"
    assert form.preset_of(quick(distillation__epochs=0)) == "custom"


@pytest.mark.parametrize(
    "place", ["/etc/passwd", "./model", "~/model", "..\\model", "a/b/c", "urls.CSV", "compression/ui"]
)
@pytest.mark.parametrize("key", ["teacher", "data"])
def test_a_hosted_page_reads_no_local_files(monkeypatch: pytest.MonkeyPatch, key: str, place: str) -> None:
    config = parse(nest([(key, place)]))
    form.refuse_local_paths(config)  # at home one's own files are welcome
    monkeypatch.setenv("SPACE_ID", "someone/lab")
    with pytest.raises(ConfigError, match="cannot read local files"):
        form.refuse_local_paths(config)
    form.refuse_local_paths(RunConfig())
    form.refuse_local_paths(parse(nest([(key, "someone/model")])))


@pytest.mark.parametrize(
    ("typed", "cleaned"),
    [
        ("  http://a.example ", "http://a.example"),
        ("http://\u202eelgoog.example\u2066", "http://elgoog.example"),
        ("http://e\u0301.example", "http://\u00e9.example"),
        ("http://a.example/\x00\x1b[31m\r\n", "http://a.example/[31m"),
    ],
)
def test_a_url_is_cleaned_before_a_model_reads_it(typed: str, cleaned: str) -> None:
    assert urls.clean(typed) == cleaned


@pytest.mark.parametrize("typed", ["", "  ", "\u200b\u202e", None, 7, "a" * 2049, "\u200b" * 100_000])
def test_what_is_no_url_gets_a_sentence(typed: object) -> None:
    with pytest.raises(DataError):
        urls.clean(typed)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://evil.example/a.php?u=http://b.example", "hxxp://evil[.]example/a.php?u=http[:]//b.example"),
        ("HTTPS://A.EXAMPLE", "HXXPS://A[.]EXAMPLE"),
        ("evil.example/login", "evil[.]example/login"),
        ("ftp://a.b@c.example:21/x", "fxp://a[.]b@c[.]example:21/x"),
    ],
)
def test_a_defanged_url_is_no_link(url: str, shown: str) -> None:
    assert urls.defang(url) == shown


@pytest.mark.parametrize(
    ("engine", "page"),
    [
        ("student.layers = 40, but the teacher has 3.", "“Layers: 40”, but the teacher has 3."),
        ("Or use student.init = random.", "Or use “The student starts from: Random weights”."),
        ("fine_tuning.train = head is quick.", "“What learns: Only the head” is quick."),
        ("See model.safetensors in a.example.", "See model.safetensors in a.example."),
    ],
)
def test_the_engines_sentences_speak_of_labels_on_the_page(engine: str, page: str) -> None:
    assert friendly(engine) == page

"""Which controls show beside the values of the others, and that what is hidden changes nothing."""

from typing import Any

import pytest

from compression.config import RunConfig
from compression.errors import ConfigError
from compression.recipe import keys, parse
from compression.ui import form
from compression.ui.words import friendly


def quick(**changes: Any) -> dict[str, Any]:
    return {**form.preset_values("quick"), **changes}


def whole_recipes() -> list[dict[str, Any]]:
    """Settings that use every step, and the linear student that uses few."""
    everything = {
        "fine_tuning": {"epochs": 2, "train": "head"},
        "student": {"init": "teacher-layers", "layers": 2, "hidden_size": 64, "width": "truncate", "positions": 96},
        "vocabulary": {"method": "train", "size": 2000, "min_count": 3},
        "distillation": {"hidden_weight": 0.5, "layer_map": "1,3", "generated": 100, "unlabelled": "a/b"},
        "structured": {"heads": 0.5, "layers": 1},
        "pruning": {"sparsity": 0.4, "schedule": "gradual"},
        "qat": {"start": "student", "epochs": 3},
        "quantization": {"scheme": "packed-int4", "embeddings": False},
        "controls": {"without_teacher": True, "seeds": 3},
    }
    linear = {"student": {"init": "linear", "features": 4096}, "quantization": "packed-int8"}
    resting = {"vocabulary": {"size": 500}, "pruning": {"epochs": 9}, "qat": {"epochs": 7}, "quantization": "none"}
    return [everything, linear, resting]


@pytest.mark.parametrize("settings", whole_recipes(), ids=["everything", "linear", "resting"])
def test_every_step_of_a_recipe_goes_to_the_form_and_back(settings: dict[str, Any]) -> None:
    config = parse(settings)
    assert form.to_config(form.to_values(config)) == config


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("vocabulary.size", {"vocabulary.size": "many"}),
        ("pruning.epochs", {"pruning.epochs": -1}),
        ("structured.heads", {"student.init": "linear", "structured.heads": 0.5, "quantization.scheme": "none"}),
        ("vocabulary.method", {"student.init": "linear", "vocabulary.method": "trim", "quantization.scheme": "fp16"}),
        ("qat.start", {"qat.start": "student", "quantization.scheme": "nf4"}),
        ("student.features", {"student.features": "few"}),
    ],
)
def test_what_is_hidden_never_stands_in_the_way(key: str, values: dict[str, Any]) -> None:
    values = quick(**values)
    assert not form.applies(key, values)
    assert recipe_value(form.to_config(values), key) == recipe_value(parse({}), key)


def recipe_value(config: RunConfig, key: str) -> Any:
    section, _, name = key.rpartition(".")
    return getattr(getattr(config, section), name)


@pytest.mark.parametrize(
    ("shown", "values"),
    [
        ({"student.features"}, {"student.init": "linear"}),
        ({"quantization.embeddings", "qat.start"}, {"quantization.scheme": "ternary"}),
        ({"quantization.embeddings", "quantization.double"}, {"quantization.scheme": "fp4"}),
        ({"quantization.embeddings"}, {"quantization.scheme": "onnx-int8"}),
        (set(), {"quantization.scheme": "bf16"}),
        ({"structured.importance", "structured.epochs", "structured.learning_rate"}, {"structured.layers": 1}),
    ],
)
def test_controls_appear_with_what_gives_them_a_meaning(shown: set[str], values: dict[str, Any]) -> None:
    others = {"student.features", "quantization.embeddings", "quantization.double", "qat.start", "structured.epochs"}
    values = quick(**{"quantization.scheme": "none"} | values)
    assert {key for key in others | shown if form.applies(key, values)} == shown


def test_a_linear_student_has_no_shape_and_no_vocabulary() -> None:
    values = quick(**{"student.init": "linear"})
    gone = [key for key in keys() if key.startswith(("vocabulary.", "structured."))]
    gone += [
        f"student.{name}" for name in ("layers", "heads", "hidden_size", "intermediate_size", "positions", "width")
    ]
    assert not [key for key in gone if form.applies(key, values)]


def test_what_a_recipe_uses_is_unfolded() -> None:
    assert not any(form.folds(form.preset_values("quick")).values())
    used = form.folds(form.to_values(parse(whole_recipes()[0])))
    assert all(used.values())


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"structured.heads": 0.5}, "“Heads to remove: 0.5” is not possible: no standard model has fewer heads"),
        (
            {"pruning.sparsity": 0.5, "pruning.schedule": "gradual", "pruning.epochs": 0},
            "Use at least one epoch, or “When: At once”.",
        ),
        (
            {"distillation.attention_weight": 1, "vocabulary.method": "trim"},
            "“Weight of attention maps: 1.0” is not possible: attention maps can be compared only where",
        ),
    ],
)
def test_steps_that_cannot_go_together_are_refused_with_the_reason(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError) as refused:
        form.to_config(quick(**values))
    assert sentence in friendly(str(refused.value))


def test_a_map_of_layers_that_is_none_gets_an_example() -> None:
    with pytest.raises(ConfigError, match=r"Which layers to imitate: please give .* like 2,5"):
        form.to_config(quick(**{"distillation.hidden_weight": 1, "distillation.layer_map": "first"}))

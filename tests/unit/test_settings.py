"""How much a host allows: what the environment says, and what is said when it says nonsense."""

import re
from pathlib import Path

import pytest

from compression.config import RunConfig
from compression.errors import ConfigError
from compression.recipe import nest, parse
from compression.settings import HOSTED, PREFIX, Limits, limits
from compression.ui import form

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_a_host_of_ones_own_is_generous_and_a_space_is_strict() -> None:
    own, hosted = limits({}), limits({"SPACE_ID": "someone/lab"})
    assert own == Limits()
    assert all(getattr(hosted, name) <= getattr(own, name) for name in Limits.model_fields)
    assert hosted.waiting < own.waiting


def test_a_variable_sets_its_limit_on_a_space_too() -> None:
    environment = {"SPACE_ID": "someone/lab", "COMPRESSION_MAX_QUEUE": "7", "COMPRESSION_MAX_ROWS": "", "PATH": "/bin"}
    assert limits(environment).queue == 7
    assert limits(environment).rows == HOSTED["rows"]


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "1e3", "nan", "9" * 30, " "])
def test_a_variable_that_is_no_whole_number_is_refused(value: str) -> None:
    with pytest.raises(ConfigError, match=r"^The variable COMPRESSION_MAX_EPOCHS is .{1,45}\. Give a whole number"):
        limits({"COMPRESSION_MAX_EPOCHS": value})


def test_a_variable_that_sets_nothing_is_refused_with_what_was_meant() -> None:
    with pytest.raises(ConfigError, match=r"MAX_EPOCH sets nothing\. Use COMPRESSION_MAX_EPOCHS"):
        limits({"COMPRESSION_MAX_EPOCH": "3"})
    with pytest.raises(ConfigError, match=r"sets nothing\. Use COMPRESSION_MAX_PARAMETERS or "):
        limits({"COMPRESSION_MAX_FUN": "3"})


@pytest.mark.parametrize(
    ("limit", "settings", "key"),
    [
        ({"sequence_length": 64}, {"distillation.max_length": 128}, "distillation.max_length"),
        ({"epochs": 7}, {"distillation.epochs": 8}, "distillation.epochs"),
        ({"epochs": 7}, {"fine_tuning.epochs": 4}, "distillation.epochs"),
        ({"epochs": 7}, {"structured.neurons": 0.5, "structured.epochs": 4}, "distillation.epochs"),
        ({"epochs": 7}, {"pruning.sparsity": 0.5, "pruning.epochs": 4}, "distillation.epochs"),
        (
            {"epochs": 7},
            {"qat.start": "student", "qat.epochs": 4, "quantization": "packed-int4"},
            "distillation.epochs",
        ),
        ({"rows": 90}, {"distillation.generated": 60, "distillation.recombined": 40}, "distillation.generated"),
        ({"rows": 90}, {"distillation.recombined": 91}, "distillation.recombined"),
    ],
)
def test_a_recipe_beyond_a_limit_is_refused_with_the_key(
    limit: dict[str, int], settings: dict[str, object], key: str
) -> None:
    config = parse(nest(settings.items()))
    with pytest.raises(ConfigError, match=r"are asked for, and this host allows .*Ask for fewer") as refused:
        Limits(**limit).check(config)
    assert refused.value.key == key
    Limits().check(config)


def test_steps_that_a_recipe_does_not_take_count_no_epochs() -> None:
    Limits(epochs=4).check(parse(nest([("structured.epochs", 9), ("pruning.epochs", 9), ("qat.epochs", 9)])))


def test_too_many_rows_are_refused() -> None:
    Limits(rows=5).check_rows(5)
    with pytest.raises(ConfigError, match="data: 6 rows are asked for, and this host allows 5"):
        Limits(rows=5).check_rows(6)


@pytest.mark.parametrize("preset", list(form.filling_presets()))
def test_every_preset_is_allowed_on_a_space(preset: str) -> None:
    limits({"SPACE_ID": "someone/lab"}).check(form.to_config(form.preset_values(preset)))


def test_the_readme_has_each_variable_with_both_its_values() -> None:
    rows = re.findall(rf"^\| `{PREFIX}(\w+)` \| [^|]+ \| ([\d,]+) \| ([\d,]+) \|$", README, re.MULTILINE)
    table = {name.lower(): tuple(int(value.replace(",", "")) for value in values) for name, *values in rows}
    own, hosted = Limits(), Limits(**HOSTED)
    assert table == {name: (getattr(own, name), getattr(hosted, name)) for name in Limits.model_fields}
    assert len(rows) == len(table)
    assert RunConfig().distillation.max_length <= hosted.sequence_length

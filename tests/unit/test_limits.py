"""What this host cannot do of a recipe, said while it is edited and again when Run is pressed, in the same words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from compression.measure import limits
from compression.recipe import nest, parse
from compression.runs.store import RunStore
from compression.runs.worker import Runs
from compression.ui import form
from compression.ui.handlers import Handlers
from compression.ui.words import say


@pytest.fixture
def act(tmp_path: Path) -> Iterator[Handlers]:
    store = RunStore(tmp_path)
    yield Handlers(Runs(store, lambda config, report, folder: pytest.fail("nothing is run here")))
    store.close()


def alerts(updates: dict[str, Any], part: str) -> str:
    return updates[part] if 'role="alert"' in updates[part] else ""


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"distillation.max_length": 512}, "the student has positions for 128 tokens"),
        ({"training.precision": "fp16", "device": "cpu"}, "fp16”"),
        ({"student.init": "random", "student.heads": "8", "student.hidden_size": "2048"}, "GB to train"),
    ],
    ids=["positions", "precision", "memory"],
)
def test_what_run_would_refuse_stands_above_the_estimate(
    act: Handlers, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], sentence: str
) -> None:
    monkeypatch.setattr(limits, "free_memory", lambda: 500_000_000)
    values = {**form.preset_values("quick"), **settings}
    shown = act.assess(values)
    refused = act.start(None, values)["message"]
    assert sentence in alerts(shown, "estimate")
    assert shown["estimate"].startswith(refused)
    assert say("estimate.title") in shown["estimate"]


def test_a_teacher_that_is_compressed_already_is_refused_at_once(
    act: Handlers, tiny_teacher: Path, tmp_path: Path
) -> None:
    import torch

    from compression.artefacts.folder import save
    from compression.methods.quantize import quantize
    from compression.schemes import Fp16

    save(quantize(tiny_teacher, Fp16(), torch.device("cpu")), tmp_path / "small")
    settings = {
        "teacher": str(tmp_path / "small"),
        "student.layers": "1",
        "student.heads": "",
        "distillation.max_length": 32,
    }
    assert "compressed already" in alerts(act.assess({**form.preset_values("quick"), **settings}), "estimate")


def test_a_scheme_this_host_cannot_run_is_said_beside_it_alone(act: Handlers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compression.methods.bnb.cpu_flags", lambda: ())
    values = {**form.preset_values("quick"), "device": "cpu"}
    shown = act.assess(values)
    assert "needs a CPU with AVX2" in alerts(shown, "unsupported")
    assert not alerts(shown, "estimate")
    assert "needs a CPU with AVX2" in act.start(None, values)["message"]
    assert not alerts(act.assess({**values, "quantization.scheme": "fp16"}), "unsupported")
    planned = limits.plan(parse(nest([("device", "cpu")])))
    assert set(limits.refused_schemes(planned)) == {"int8", "nf4", "fp4"}


def test_a_recipe_put_right_takes_every_refusal_away(act: Handlers) -> None:
    shown = act.assess(form.preset_values("quick"))
    assert not alerts(shown, "estimate")
    assert not alerts(shown, "unsupported")

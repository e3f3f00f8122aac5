"""Every step of a recipe on the page: folded until it is used, weighed before it runs, refused with the reason."""

import sys
from types import SimpleNamespace

import fakes
import pytest
from conftest import Site, Visit, screenshots
from playwright.sync_api import Page, expect

from compression.catalog import PRESETS, Preset
from compression.recipe import parse

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:gradio.queueing")  # Gradio's own use of pandas 3

FOLDS = {
    "Fine-tune the teacher first": "#fine_tuning-epochs",
    "Finer shape": "#student-positions",
    "More to learn from": "#distillation-generated",
    "Imitate inside": "#distillation-hidden_weight",
    "Finer settings": "#distillation-averaging",
    "Remove heads, neurons or layers": "#structured-heads",
    "Set single weights to zero": "#pruning-sparsity",
    "How sensitive is each layer?": "#measure",
    "Learn with the rounding in the loop": "#fold-qat p",
    "Controls: what did the teacher bring, and what was luck?": "#controls-seeds",
}
EVERYTHING = {
    "fine_tuning": {"epochs": 2, "train": "last-layers"},
    "student": {"init": "teacher-layers", "layers": 2, "hidden_size": 192, "positions": 96},
    "vocabulary": {"method": "train", "size": 2000},
    "distillation": {"hidden_weight": 1, "layer_map": "2,5", "generated": 1000, "ngram_weight": 0.3, "averaging": True},
    "structured": {"neurons": 0.5},
    "pruning": {"sparsity": 0.5, "schedule": "gradual"},
    "qat": {"start": "student", "epochs": 3},
    "quantization": {"scheme": "packed-int4", "embeddings": False},
    "controls": {"without_teacher": True, "seeds": 2},
}
LINEAR = {"student": {"init": "linear", "features": 4096}, "quantization": "packed-int8"}


@pytest.fixture(autouse=True)
def presets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two presets: one uses every step, one hardly any."""
    for name, settings in (("tiny", EVERYTHING), ("linear", LINEAR)):
        monkeypatch.setitem(PRESETS, name, Preset(name, settings))


def choose(page: Page, preset: str) -> None:
    page.locator("#preset").get_by_label(preset, exact=True).check()


def preset_name(name: str) -> str:
    return {"tiny": "Tiny (100×)", "linear": "Linear"}[name]


def test_what_is_folded_opens_and_the_estimate_follows(site: Site, visit: Visit) -> None:
    page = visit(site.url)
    for words, inside in FOLDS.items():
        expect(page.locator(inside)).to_be_hidden()
        page.get_by_role("button", name=words).click()
        expect(page.locator(inside).first).to_be_visible()

    estimate = page.locator("#estimate")
    expect(estimate).to_contain_text("embeddings 7.7 MB")
    expect(page.locator("#vocabulary-size")).to_have_count(0)
    page.locator("#vocabulary").get_by_label("Trim").check()
    expect(estimate).to_contain_text("embeddings 1.9 MB")
    expect(page.locator("#vocabulary-size")).to_be_visible()

    page.locator("#quantization-scheme").get_by_label("Packed INT4 (4 bits)").check()
    expect(estimate).to_contain_text("After Packed INT4 (4 bits)")
    expect(page.locator("#quantization-double")).to_have_count(0)
    expect(page.locator("#quantization-embeddings")).to_be_visible()
    page.locator("#qat-start").get_by_label("From the trained student").check()
    expect(page.locator("#qat-epochs")).to_be_visible()
    page.locator("#quantization-scheme").get_by_label("BF16 (16 bits)").check()
    for gone in ("#qat-start", "#qat-epochs", "#quantization-embeddings"):
        expect(page.locator(gone)).to_have_count(0)
    expect(page.locator("#estimate [role=alert]")).to_have_count(0)


def test_steps_that_cannot_go_together_are_refused_with_the_reason(site: Site, visit: Visit) -> None:
    page = visit(site.url)
    page.get_by_role("button", name="Remove heads, neurons or layers").click()
    page.locator("#structured-heads input[type=number]").fill("0.5")
    reason = "“Heads to remove: 0.5” is not possible: no standard model has fewer heads than its width asks for"
    expect(page.locator("#estimate [role=alert]")).to_contain_text(reason)
    page.locator("#run").click()
    expect(page.locator("#message [role=alert]")).to_contain_text(reason)
    expect(page.locator("#runs")).to_contain_text("No runs yet")
    page.locator("#quantization-scheme").get_by_label("ONNX INT4 (4 bits)").check()
    expect(page.locator("#estimate [role=alert]")).to_have_count(0)


@pytest.mark.parametrize("preset", ["tiny", "linear"])
def test_a_preset_reaches_the_run_as_it_is_and_shows_what_it_uses(site: Site, visit: Visit, preset: str) -> None:
    site.pipeline.gate.set()
    page = visit(site.url)
    choose(page, preset_name(preset))
    shown = expect(page.locator("#student-layers"))
    shown.to_be_visible() if preset == "tiny" else shown.to_have_count(0)
    names = ("fine-tuning", "inside", "structured", "pruning", "qat", "controls")
    for fold in (f"#fold-{name}" for name in names):
        control = page.locator(f"{fold} input").first
        expect(control).to_be_visible() if preset == "tiny" else expect(control).to_be_hidden()
    page.locator("#run").click()
    expect(page.locator("#summary .headline")).to_be_visible()
    assert site.pipeline.configs == [parse(PRESETS[preset].settings)]

    choose(page, "Quick")
    expect(page.locator("#fold-qat input")).to_have_count(0)
    expect(page.locator("#vocabulary-size")).to_have_count(0)
    page.reload()
    expect(page.locator("#preset").get_by_label(preset_name(preset), exact=True)).to_be_checked()


def test_the_run_is_drawn_as_a_staircase(site: Site, visit: Visit) -> None:
    site.pipeline.gate.set()
    page = visit(site.url)
    page.locator("#run").click()
    expect(page.locator("#progress .stages li.done")).to_have_count(len(fakes.STAIRS))
    expect(page.locator("#staircase .js-plotly-plot .barlayer .point")).to_have_count(len(fakes.STAIRS) - 1)
    page.locator("#staircase").get_by_text("The same as a table").click()
    rows = page.locator("#staircase table.steps tbody tr")
    expect(rows).to_have_count(len(fakes.STAIRS) - 1)
    expect(rows.last).to_have_text("Quantize4.106.514.0×96.8 %+0.51.5")


def test_each_layers_sensitivity_is_measured_and_drawn(
    site: Site, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = SimpleNamespace(sensitivity=fakes.sensitivity)
    monkeypatch.setitem(sys.modules, "compression.measure.sensitivity", fake)
    page = visit(site.url)
    page.get_by_role("button", name="How sensitive is each layer?").click()
    expect(page.locator("#sensitivity")).to_contain_text("A bar for each part appears here")
    page.locator("#measure").click()
    expect(page.locator("#sensitivity .js-plotly-plot .barlayer .point")).to_have_count(6)
    page.locator("#sensitivity").get_by_text("The same as a table").click()
    expect(page.locator("#sensitivity tbody tr")).to_have_count(8)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_all_of_it_fits(site: Site, visit: Visit, monkeypatch: pytest.MonkeyPatch, theme: str, width: int) -> None:
    whole = fakes.result
    monkeypatch.setattr(fakes, "result", lambda *given: fakes.with_control(whole(*given)))
    site.pipeline.gate.set()
    page = visit(f"{site.url}?__theme={theme}", width=width, theme=theme)
    choose(page, "Tiny (100×)")
    page.locator("#run").click()
    expect(page.locator("#summary")).to_contain_text("the TF-IDF control is 6.0 MB")
    expect(page.locator("#summary")).to_contain_text("0.4 points less than the teacher on 1,978 test URLs")
    expect(page.locator("#latency .js-plotly-plot .main-svg").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if folder := screenshots():
        folder.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=folder / f"everything-{width}-{theme}.png", full_page=True)

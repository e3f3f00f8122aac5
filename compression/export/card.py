"""The model card of a run's student or compressed model: everything it says comes from what the run measured."""

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath
from typing import Literal

from compression.catalog import BUNDLED
from compression.config import RunConfig
from compression.hub import is_hub_id
from compression.links import to_command
from compression.measure.evidence import Evidence
from compression.measure.intervals import Interval, Intervals, of_counts
from compression.measure.paired import in_words
from compression.recipe import flatten, nest, parse
from compression.result import Metrics, ModelReport, Result

Which = Literal["student", "compressed"]

_SCHEMES = {
    "none": "not quantized (fp32)",
    "fp16": "stored in FP16",
    "bf16": "stored in BF16",
    "int8": "quantized to 8 bits (bitsandbytes LLM.int8)",
    "nf4": "quantized to 4 bits (bitsandbytes NF4)",
    "fp4": "quantized to 4 bits (bitsandbytes FP4)",
    "onnx-int8": "quantized to 8 bits (ONNX Runtime, dynamic)",
    "onnx-int4": "quantized to 4 bits (ONNX Runtime, blocks)",
    "packed-int8": "quantized to 8 bits (packed)",
    "packed-int4": "quantized to 4 bits (packed)",
    "ternary": "quantized to three levels (packed)",
}
_NEEDS_BITSANDBYTES = ("int8", "nf4", "fp4")
_PLACES = ("teacher", "data", "student.base", "distillation.unlabelled")  # settings that may name a file


def card(
    result: Result, which: Which, repo_id: str, *, plain: bool = True, sure: Evidence | None = None, more: str = ""
) -> str:
    """The text of the README.md to put beside the model `which` of the run in the repository, or folder, `repo_id`.

    A file or folder of the machine that ran it is named by its last part alone: where it lay is nobody's business.
    `plain` says whether transformers' own classes read the model; `sure` is the run's evidence, which adds intervals
    and comparisons; `more` is Markdown about using the model.
    """
    result = result.model_copy(update={"config": published(result.config)})
    name = repo_id.rpartition("/")[2]
    parts = [
        f"---\n{_front_matter(result, which)}\n---",
        f"# {name}",
        _what_it_is(result, which),
        f"## Use\n\n{_usage(result, which, repo_id, plain)}{more}",
        f"## Data and teacher\n\n{_sources(result)}",
        f"## Method\n\n{_recipe(result.config)}",
        f"## Quality\n\n{_quality(result, which, sure)}",
        f"## Size and speed\n\n{_size_and_speed(result, which)}",
        f"## Limits\n\n{_limits(result)}",
        f"## Make it again\n\n{_reproduction(result)}",
    ]
    return "\n\n".join(parts) + "\n"


def is_plain(folder: Path) -> bool:
    """Whether transformers' own classes read the model in `folder`."""
    return (folder / "model.safetensors").is_file()


def published(config: RunConfig) -> RunConfig:
    """The recipe as strangers may read it: files and folders of the machine that ran it by their last part."""
    settings = {
        key: _public(value) if key in _PLACES and value is not None else value for key, value in flatten(config).items()
    }
    return parse(nest(settings.items()))


def _front_matter(result: Result, which: Which) -> str:
    from huggingface_hub import ModelCardData

    config = result.config
    tags = ["phishing", "url-classification", "knowledge-distillation", "compression-lab"]
    if which == "compressed" and config.quantization.scheme != "none":
        tags.append(config.quantization.scheme)
    return ModelCardData(
        library_name="transformers",
        pipeline_tag="text-classification",
        tags=tags,
        base_model=_hub_id(config.teacher),
        datasets=[data] if (data := _hub_id(config.data)) else None,
        metrics=["accuracy", "precision", "recall", "f1", "roc_auc"],
    ).to_yaml()


def _what_it_is(result: Result, which: Which) -> str:
    model, teacher, scheme = result.models[which], result.models["teacher"], result.config.quantization.scheme
    state = f", then {_SCHEMES[scheme]}" if which == "compressed" else ""
    return (
        f"A small text classifier that reads a URL and says `Safe` or `Not Safe` (phishing): a student distilled from "
        f"a larger teacher{state}. It has {model.parameters:,} parameters and takes {_megabytes(model)}, "
        f"{_ratio(teacher, model)} the teacher."
    )


def _usage(result: Result, which: Which, repo_id: str, plain: bool) -> str:
    if not plain:
        return (
            "No standard class reads its weights; Compression Lab, from whose folder this runs, does:\n\n"
            "```bash\n"
            f"python -m compression classify {repo_id} http://example.com/login\n```"
        )
    packed = which == "compressed" and result.config.quantization.scheme in _NEEDS_BITSANDBYTES
    also = "\n\nLoading it needs the packages `bitsandbytes` and `accelerate`." if packed else ""
    return (
        "```python\nfrom transformers import AutoModelForSequenceClassification, AutoTokenizer\n\n"
        f'model = AutoModelForSequenceClassification.from_pretrained("{repo_id}")\n'
        f'tokenizer = AutoTokenizer.from_pretrained("{repo_id}")\n'
        'logits = model(**tokenizer("http://example.com/login", truncation=True, return_tensors="pt")).logits\n'
        "print(model.config.id2label[int(logits.argmax())])\n```" + also
    )


def _sources(result: Result) -> str:
    named = {"data": result.config.data, "teacher": result.config.teacher, "base": result.config.student.base}
    rows = [
        (key, _code(value), _code(result.inputs.get(key, "–"))) for key, value in named.items() if value is not None
    ]
    return _table(("", "name", "SHA-256 of what was read"), rows) + _not_safe(result.config)


def _not_safe(config: RunConfig) -> str:
    """What was made of a teacher's own classes, where the recipe says."""
    if config.labels.not_safe is None:
        return ""
    classes = _code(config.labels.not_safe)
    return f"\n\nOf the teacher's classes, {classes} count as `Not Safe`, with the sum of their probabilities."


def _recipe(config: RunConfig) -> str:
    rows = [(_code(key), _code(str(value))) for key, value in flatten(config).items() if value is not None]
    return _table(("setting", "value"), rows) + "\n\nA shape that is not listed follows the teacher."


def _quality(result: Result, which: Which, sure: Evidence | None) -> str:
    rows = []
    for called, name in (("this model", which), ("teacher", "teacher")):
        for split, metrics in result.models[name].metrics.items():
            resampled = sure.intervals.get(name) if sure and split == "test" else None
            rows.append((f"{called}, {split}", *_figures(metrics, resampled or of_counts(metrics))))
    headers = ("", "accuracy", "precision", "recall", "F1", "ROC AUC", "URLs")
    return (
        _table(headers, rows) + "\n\nIn brackets: 95 % intervals, Wilson's for accuracy, precision and recall, by "
        "resampling the URLs for F1 and ROC AUC. The positive class is `Not Safe`. All figures come from the saved and "
        "reloaded model. Validation may have guided the choice of the recipe: read the test rows."
        + _compared(which, sure)
    )


def _figures(metrics: Metrics, within: Intervals) -> list[str]:
    names = ("accuracy", "precision", "recall", "f1", "roc_auc")
    return [*(_figure(getattr(metrics, name), getattr(within, name)) for name in names), f"{metrics.examples:,}"]


def _compared(which: Which, sure: Evidence | None) -> str:
    """This model against each other one on the same test URLs."""
    called = {"teacher": "the teacher", "student": "the student", "control": "a linear model of n-grams"}
    pairs = {} if sure is None else sure.pairs
    told = [
        in_words(by, "this model", called[other])
        for (name, other), by in pairs.items()
        if name == which and other in called
    ]
    return (
        "\n\nOn the test URLs, by McNemar's exact test:\n\n" + "\n".join(f"- {line}" for line in told) if told else ""
    )


def _size_and_speed(result: Result, which: Which) -> str:
    teacher, environment = result.models["teacher"], result.environment
    rows = [
        (
            name,
            f"{model.parameters:,}",
            f"{model.size_bytes / 1e6:.2f}",
            f"{teacher.size_bytes / model.size_bytes:.1f}×",
            f"{model.latency_ms.p50:.1f}",
            f"{model.latency_ms.p95:.1f}",
        )
        for name, model in (("this model", result.models[which]), ("teacher", teacher))
    ]
    where = _plain(environment.device)
    if environment.cpu not in environment.device:
        where += f" (CPU: {_plain(environment.cpu)})"
    return (
        _table(("", "parameters", "MB", "smaller than the teacher", "ms p50", "ms p95"), rows)
        + f"\n\nMB is 10⁶ bytes of the whole folder. Milliseconds are for one URL, tokenizing included, on {where}, "
        f"{environment.threads} threads."
    )


def _limits(result: Result) -> str:
    limits = [
        "It reads the text of an address and nothing else: not the page, its age or who owns the domain.",
        f"Its figures hold for URLs like those it was tested on ({result.models['teacher'].metrics['test'].examples:,} "
        "of them). Phishing changes; measure it on your own URLs before you rely on it.",
        "Do not let it block anything on its own: at any accuracy some safe sites are refused and some traps trusted.",
        f"Addresses are cut after {result.config.distillation.max_length} tokens.",
        "No licence is stated here: it follows from the teacher's and the data's. Add it before you publish this.",
    ]
    if result.config.data == BUNDLED:
        limits.insert(1, "The URLs it learned from and was tested on were generated: real ones give other figures.")
    return "\n".join(f"- {limit}" for limit in limits)


def _reproduction(result: Result) -> str:
    environment = result.environment
    versions = ", ".join(f"{_plain(name)} {_plain(version)}" for name, version in environment.packages.items())
    line = to_command(result.config)
    fence = "```" + "`" * line.count("`")
    return (
        f"With Compression Lab:\n\n{fence}bash\n{line}\n{fence}\n\n"
        f"It was made on {_plain(environment.created)} with Python {_plain(environment.python)}, {versions}. "
        "Another machine rounds differently."
    )


def _hub_id(source: str) -> str | None:
    """The repository a recipe's source names on the Hub, without its revision; None for what lies elsewhere."""
    return source.partition("@")[0] if source != BUNDLED and is_hub_id(source) else None


def _public(source: str) -> str:
    """A recipe's source as strangers may read it: a path shrinks to its last part."""
    if source == BUNDLED or is_hub_id(source):
        return source
    return PurePath(source.replace("\\", "/")).name or "…"


def _ratio(teacher: ModelReport, model: ModelReport) -> str:
    times = teacher.size_bytes / model.size_bytes
    return f"{times:.1f} times smaller than" if times >= 1 else f"{1 / times:.1f} times larger than"


def _megabytes(model: ModelReport) -> str:
    return f"{model.size_bytes / 1e6:.2f} MB"


def _figure(value: float | None, within: Interval | None) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" + (f" ({within[0]:.4f} to {within[1]:.4f})" if within else "")


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(text: str) -> str:
    """Text as code in a table's cell, whatever is in it."""
    return f"`{_plain(text)}`"


def _plain(text: str) -> str:
    """Text without what Markdown or HTML would make something of."""
    return " ".join("".join(" " if letter in "`|<>[]" else letter for letter in text).split()) or "–"

"""The model card of a run's student or compressed model: everything it says comes from the run's result."""

import shlex
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Literal

from compression.catalog import BUNDLED
from compression.config import RunConfig
from compression.hub import is_hub_id
from compression.recipe import flatten
from compression.result import Metrics, ModelReport, Result

Which = Literal["student", "compressed"]

_SCHEMES = {
    "none": "not quantized (fp32)",
    "fp16": "stored in FP16",
    "int8": "quantized to 8 bits (bitsandbytes LLM.int8)",
    "nf4": "quantized to 4 bits (bitsandbytes NF4)",
    "fp4": "quantized to 4 bits (bitsandbytes FP4)",
}
_NEEDS_BITSANDBYTES = ("int8", "nf4", "fp4")


def card(result: Result, which: Which, repo_id: str) -> str:
    """The text of the README.md to put beside the model `which` of the run in the repository `repo_id`.

    A file or folder of the machine that ran it is named by its last part alone: where it lay is nobody's business.
    """
    name = repo_id.rpartition("/")[2]
    parts = [
        f"---\n{_front_matter(result, which)}\n---",
        f"# {name}",
        _what_it_is(result, which),
        f"## Use\n\n{_usage(result, which, repo_id)}",
        f"## Data and teacher\n\n{_sources(result)}",
        f"## Method\n\n{_recipe(result.config)}",
        f"## Quality\n\n{_quality(result.models[which], result.models['teacher'])}",
        f"## Size and speed\n\n{_size_and_speed(result, which)}",
        f"## Limits\n\n{_limits(result)}",
        f"## Make it again\n\n{_reproduction(result)}",
    ]
    return "\n\n".join(parts) + "\n"


def command(config: RunConfig) -> str:
    """The command line that runs the recipe; files and folders of the machine that ran it by their last part."""
    default = flatten(RunConfig())
    words = ["python", "-m", "compression", "run", "--preset", "custom"]
    for key, value in flatten(config).items():
        if key in ("teacher", "data"):
            words += [f"--{key}", _public(value)]
        elif value != default[key]:
            given = "null" if value is None else _public(value) if key == "student.base" else str(value)
            words += ["--set", f"{key}={given}"]
    return shlex.join([*words, "--output", "out"])


def interval(metrics: Metrics) -> tuple[float, float]:
    """The 95 % Wilson interval of the accuracy, from the counts in the confusion matrix."""
    from scipy.stats import binomtest

    (right_safe, _), (_, right_phishing) = metrics.confusion
    found = binomtest(right_safe + right_phishing, metrics.examples).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


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


def _usage(result: Result, which: Which, repo_id: str) -> str:
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
        (key, _code(_public(value)), _code(result.inputs.get(key, "–")))
        for key, value in named.items()
        if value is not None
    ]
    return _table(("", "name", "SHA-256 of what was read"), rows) + _not_safe(result.config)


def _not_safe(config: RunConfig) -> str:
    """What was made of a teacher's own classes, where the recipe says."""
    if config.labels.not_safe is None:
        return ""
    classes = _code(config.labels.not_safe)
    return f"\n\nOf the teacher's classes, {classes} count as `Not Safe`, with the sum of their probabilities."


def _recipe(config: RunConfig) -> str:
    rows = [
        (_code(key), _code(_public(value) if key in ("teacher", "data", "student.base") else str(value)))
        for key, value in flatten(config).items()
        if value is not None
    ]
    return _table(("setting", "value"), rows) + "\n\nA shape that is not listed follows the teacher."


def _quality(model: ModelReport, teacher: ModelReport) -> str:
    rows = []
    for name, report in (("this model", model), ("teacher", teacher)):
        for split, metrics in report.metrics.items():
            low, high = interval(metrics)
            figures = (metrics.precision, metrics.recall, metrics.f1, metrics.roc_auc)
            accuracy = f"{metrics.accuracy:.4f} ({low:.4f} to {high:.4f})"
            rows.append((f"{name}, {split}", accuracy, *map(_figure, figures), f"{metrics.examples:,}"))
    headers = ("", "accuracy (95 % interval)", "precision", "recall", "F1", "ROC AUC", "URLs")
    return (
        _table(headers, rows) + "\n\nThe positive class is `Not Safe`. All figures come from the saved and reloaded "
        "model; the interval is Wilson's. Validation may have guided the choice of the recipe: read the test rows."
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
    line = command(result.config)
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


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _code(text: str) -> str:
    """Text as code in a table's cell, whatever is in it."""
    return f"`{_plain(text)}`"


def _plain(text: str) -> str:
    """Text without what Markdown or HTML would make something of."""
    return " ".join("".join(" " if letter in "`|<>[]" else letter for letter in text).split()) or "–"

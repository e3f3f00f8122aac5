"""What can be chosen: teachers, student bases, data sets, schemes and presets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compression.errors import ConfigError

BUNDLED = "bundled"
ASSETS = Path(__file__).resolve().parent.parent / "assets"
BUNDLED_TEACHER = ASSETS / "teacher"
EXAMPLES = ASSETS / "examples"
LABELS = {0: "Safe", 1: "Not Safe"}
# What the splits of a data set may be called, the best name first.
SPLIT_NAMES = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev", "development", "eval", "evaluation"),
    "test": ("test", "testing", "holdout", "eval", "evaluation"),
}

# What the page offers by name; anything else is typed: a Hub id, or a path.
ARTICLE_TEACHER = "shawhin/bert-phishing-classifier_teacher"
ARTICLE_DATA = "shawhin/phishing-site-classification"
ARTICLE_BASE = "distilbert-base-uncased"
TEACHERS = (BUNDLED, ARTICLE_TEACHER)
DATA_SETS = (BUNDLED, ARTICLE_DATA)
BASES = (ARTICLE_BASE, "google-bert/bert-base-uncased")


@dataclass(frozen=True)
class Preset:
    """A named recipe: `settings` go under everything the user says."""

    name: str
    settings: dict[str, Any]


# Soft targets alone would do; the labels help a little. Hosts and paths put together anew are texts without labels.
_LEARNING = {"temperature": 2.0, "soft_weight": 0.9, "averaging": True, "recombined": 15_000, "max_length": 128}
_NARROW = {"init": "teacher-layers", "width": "pca", "positions": 128}

PRESETS = {
    "quick": Preset(
        "quick",
        {
            "student": {"init": "teacher-layers", "layers": 3},
            "distillation": {"epochs": 2, "learning_rate": 3e-4, "soft_weight": 0.7},
            "quantization": {"scheme": "nf4", "double": True},
        },
    ),
    "article": Preset(
        "article",
        {
            "teacher": ARTICLE_TEACHER,
            "data": ARTICLE_DATA,
            "student": {"init": "pretrained", "base": ARTICLE_BASE, "layers": 4, "heads": 8},
            "training": {"bucketing": False, "precision": "fp32"},
            "distillation": {
                "epochs": 5,
                "batch_size": 32,
                "learning_rate": 1e-4,
                "schedule": "constant",
                "temperature": 2.0,
                "soft_weight": 0.5,
                "max_length": 512,
            },
            "quantization": {"scheme": "nf4", "double": True},
        },
    ),
    # The article's idea with everything it left out: 76 % of its 62.7 MB are embeddings that nobody compressed.
    "article-completed": Preset(
        "article-completed",
        {
            "student": {"init": "teacher-layers", "layers": 4, "positions": 128},
            "vocabulary": {"method": "trim", "size": 5_000},
            "distillation": _LEARNING | {"epochs": 3, "learning_rate": 2e-4, "batch_size": 32},
            "quantization": {"scheme": "nf4", "double": True, "embeddings": True},
        },
    ),
    "balanced": Preset(
        "balanced",
        {
            "student": {"init": "teacher-layers", "layers": 4, "intermediate_size": 768, "positions": 128},
            "vocabulary": {"method": "trim", "size": 4_000},
            "distillation": _LEARNING | {"epochs": 3, "learning_rate": 3e-4, "batch_size": 32},
            "quantization": {"scheme": "packed-int4", "embeddings": True},
        },
    ),
    "tiny": Preset(
        "tiny",
        {
            "student": _NARROW | {"layers": 3, "hidden_size": 192, "intermediate_size": 384},
            "vocabulary": {"method": "train", "size": 2_500},
            "distillation": _LEARNING | {"epochs": 4, "learning_rate": 1e-3, "batch_size": 64, "generated": 5_000},
            "quantization": {"scheme": "packed-int4", "embeddings": True},
        },
    ),
    "smallest": Preset(
        "smallest",
        {
            "student": _NARROW | {"layers": 2, "hidden_size": 128, "intermediate_size": 256},
            "vocabulary": {"method": "train", "size": 2_000},
            "distillation": _LEARNING | {"epochs": 6, "learning_rate": 2e-3, "batch_size": 64, "generated": 5_000},
            "quantization": {"scheme": "packed-int4", "embeddings": True},
        },
    ),
    "linear": Preset(
        "linear",
        {
            "student": {"init": "linear", "features": 65_536},
            "distillation": {"temperature": 1.0, "soft_weight": 0.5},
            "quantization": {"scheme": "packed-int4", "embeddings": True},
        },
    ),
    "custom": Preset("custom", {}),
}


@dataclass(frozen=True)
class ReferencePoint:
    """A published figure to draw beside a run's own; size in bytes, accuracy as a fraction."""

    name: str
    size_bytes: int
    accuracy: float


# The article's own validation figures (450 URLs of its own data set): not comparable, only a landmark.
ARTICLE_POINTS = (
    ReferencePoint("teacher", 438_000_000, 0.893),
    ReferencePoint("student", 211_000_000, 0.9289),
    ReferencePoint("student, NF4", 62_700_000, 0.9356),
)


def preset_settings(name: str) -> dict[str, Any]:
    """The settings of a preset, its name in any case. Raises ConfigError where there is none."""
    if name.casefold() not in PRESETS:
        raise ConfigError(f"There is no preset {name[:80]!r}. Use one of: {', '.join(PRESETS)}.")
    return PRESETS[name.casefold()].settings

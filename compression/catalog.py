"""What can be chosen: teachers, student bases, data sets, schemes and presets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

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

STAGES = ("load", "student", "distill", "quantize", "evaluate")


@dataclass(frozen=True)
class Preset:
    """A named recipe: `settings` go under everything the user says."""

    name: str
    settings: dict[str, Any]


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
    ReferencePoint("Article: teacher", 438_000_000, 0.893),
    ReferencePoint("Article: student", 211_000_000, 0.9289),
    ReferencePoint("Article: student, NF4", 62_700_000, 0.9356),
)

"""The steps of a run, each a plain function that reads models from folders and writes the next ones to folders.

    load        teacher                ▶ how good it is
    fine-tune   base       → teacher     where the recipe makes its teacher first
    student     teacher    → student     built, not yet trained
    vocabulary  student    → student     with other tokens
    distill     student    → student     trained
    structured  student    → student     without some heads, neurons, layers; trained on
    prune       student    → student     with zeros; trained on
    qat         student    → compressed  trained on with the scheme's rounding in the loop
    quantize    student    → compressed  rounded

Which of them a recipe takes is `steps`; `assess.evaluate` measures what came out. Arguments and results pickle, and no
model stays in memory in between: any step can be handed to another process (`models/device.py` does, where a GPU is
lent). A step's `report` gets its events, and stops it by raising. Every step measures what it made on validation, from
its saved and reloaded folder. Structures go before single weights: zeros of what is removed afterwards are wasted.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compression.artefacts import folder as artefact
from compression.artefacts.parts import bytes_by_part
from compression.artefacts.weight import count_weights, size_bytes
from compression.config import Linear, RunConfig
from compression.data.sources import Data
from compression.events import Event, Notice, Progress, Report, ignore
from compression.measure.quality import quality
from compression.methods import linear
from compression.methods import qat as aware
from compression.methods import quantize as quantization
from compression.methods import structured as removal
from compression.methods.importance import weight_importance
from compression.methods.lesson import compose
from compression.methods.prune import matrices, sparsify, stored, what_zeros_save
from compression.methods.training import Lesson, train
from compression.methods.vocabulary import change_vocabulary
from compression.models.classifier import Classifier
from compression.models.device import resolve
from compression.models.student import build_student
from compression.models.teacher import TeacherRecipe, load_base, train_teacher
from compression.predict.predictor import Predictor
from compression.result import Metrics
from compression.schemes import NoQuantization, OnnxInt4, OnnxInt8, Trainable

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Folders:
    """Where the models of a run are; `base` is what the teacher is fine-tuned from, `initial` the untrained student,
    `untaught` the one without a teacher."""

    base: Path
    teacher: Path
    student: Path
    initial: Path
    compressed: Path
    untaught: Path


@dataclass(frozen=True)
class Work:
    """What every step is given: the recipe, its data, where models are, and how good the teacher was on validation."""

    config: RunConfig
    data: Data
    folders: Folders
    teacher: Metrics | None = None

    def load(self, folder: Path) -> Classifier:
        """The model in a folder, on the recipe's device; the teacher with its own classes."""
        classes = not_safe(self.config) if folder == self.folders.teacher else None
        return artefact.load(folder, resolve(self.config.device), classes)

    def lesson(self, report: Report, stage: str) -> Lesson:
        """What a student learns from."""
        first = "distill" if self.config.vocabulary.method == "keep" else "vocabulary"

        def said(event: Event) -> None:
            if stage == first or not isinstance(event, Notice):  # what is to be known of the lesson is said once
                report(event)

        digest = artefact.digest(self.folders.teacher)
        return compose(self.config, self.data, self.load(self.folders.teacher), said, stage, teacher_digest=digest)


@dataclass(frozen=True)
class Made:
    """What a step made: weights before packing, bytes of the folder, and how good it is on validation."""

    parameters: int
    size_bytes: int
    parts: dict[str, int]  # the same bytes by what they belong to
    validation: Metrics
    probabilities: tuple[float, ...]  # of Not Safe, of the validation URLs


Stage = Callable[..., Made]
# Which of the run's models a step makes.
MAKES = {"load": "teacher", "fine-tune": "teacher", "qat": "compressed", "quantize": "compressed"} | dict.fromkeys(
    ("student", "vocabulary", "distill", "structured", "prune"), "student"
)


def steps(config: RunConfig) -> dict[str, Stage]:
    """The steps the recipe takes between its inputs and the evaluation, by name, in order."""
    removes = config.structured.heads or config.structured.neurons or config.structured.layers
    linear_student = isinstance(config.student, Linear)
    taken: dict[str, tuple[Stage, object]] = {
        "fine-tune": (fine_tune, config.fine_tuning.epochs),
        "load": (load, not config.fine_tuning.epochs),
        "student": (student, not linear_student),
        "vocabulary": (vocabulary, config.vocabulary.method != "keep"),
        "distill": (distill_linear if linear_student else distill, True),
        "structured": (structured, removes),
        "prune": (prune, config.pruning.sparsity),
        "qat": (qat, config.qat.start != "none"),
        "quantize": (quantize, config.qat.start == "none"),
    }
    return {name: stage for name, (stage, wanted) in taken.items() if wanted}


def load(work: Work, report: Report = ignore) -> Made:
    """The teacher in its folder, measured. Raises ModelError."""
    return _made(work, work.folders.teacher, report, "load")


def fine_tune(work: Work, report: Report = ignore) -> Made:
    """A teacher fine-tuned from the base on the labels, as it was after its best epoch."""
    config, settings = work.config, work.config.fine_tuning
    recipe = TeacherRecipe(
        epochs=settings.epochs,
        batch_size=config.distillation.batch_size,
        learning_rate=settings.learning_rate,
        train=settings.train,
        last_layers=settings.last_layers,
        patience=settings.patience,
        max_length=config.distillation.max_length,
        seed=config.seed,
        device=config.device,
        precision=config.training.precision,
    )
    stage, train_split = "fine-tune", work.data.splits["train"]
    validate = _validating(work, report, stage)
    teacher, _ = train_teacher(load_base(work.folders.base, recipe), train_split, validate, recipe, report, stage)
    return _saved(work, teacher, work.folders.teacher, report, stage)


def student(work: Work, report: Report = ignore) -> Made:
    """The student before it has learnt anything: what cutting layers and width alone costs."""
    config = work.config
    assert not isinstance(config.student, Linear)
    teacher, texts = work.load(work.folders.teacher), work.data.splits["train"].texts
    learner = build_student(config.student, teacher, config.distillation.max_length, config.seed, texts)
    return _saved(work, learner, work.folders.student, report, "student")


def vocabulary(work: Work, report: Report = ignore) -> Made:
    """The student with a trimmed or a new vocabulary, as the texts it will learn from need it."""
    texts = work.lesson(report, "vocabulary").texts
    changed = change_vocabulary(work.load(work.folders.student), texts, work.config.vocabulary)
    return _saved(work, changed, work.folders.student, report, "vocabulary")


def distill(work: Work, report: Report = ignore) -> Made:
    """The student, taught by the teacher."""
    settings, folders = work.config.distillation, work.folders
    if work.config.qat.start == "initialization":
        artefact.copy(folders.student, folders.initial)
    learner = work.load(folders.student)
    hints = settings.hidden_weight or settings.attention_weight
    teacher = work.load(folders.teacher) if hints else None
    _learn(work, learner, report, "distill", settings.epochs, settings.learning_rate, teacher=teacher)
    return _saved(work, learner, folders.student, report, "distill")


def distill_linear(work: Work, report: Report = ignore) -> Made:
    """A linear student of hashed n-grams, fitted to the teacher's soft targets."""
    settings, lesson = work.config.distillation, work.lesson(report, "distill")
    assert isinstance(work.config.student, Linear)
    learner = linear.distill_linear(
        lesson.texts,
        lesson.targets,
        lesson.labels,
        features=work.config.student.features,
        temperature=settings.temperature,
        soft_weight=settings.soft_weight,
        seed=work.config.seed,
        report=report,
    )
    return _saved(work, learner, work.folders.student, report, "distill")


def structured(work: Work, report: Report = ignore) -> Made:
    """The student without its least important heads, neurons and layers, trained on."""
    settings, rows = work.config.structured, work.data.splits["train"]
    learner = work.load(work.folders.student)
    smaller = removal.remove(learner, settings, rows.texts, rows.labels, work.config.seed, report)
    if settings.epochs:
        _learn(work, smaller, report, "structured", settings.epochs, settings.learning_rate)
    return _saved(work, smaller, work.folders.student, report, "structured")


def prune(work: Work, report: Report = ignore) -> Made:
    """The student with its least important weights at zero, trained on."""
    settings, rows = work.config.pruning, work.data.splits["train"]
    learner = work.load(work.folders.student)

    def learn(before_step: Callable[[int, int], None] | None) -> None:
        rate = settings.learning_rate
        _learn(work, learner, report, "prune", settings.epochs, rate, before_step=before_step)

    names, seed = matrices(learner.model), work.config.seed
    scores = weight_importance(settings.importance, learner, names, rows.texts, rows.labels, seed)
    sparsify(learner, settings, scores, learn)
    report(Notice(text=what_zeros_save(stored(learner.model))))
    return _saved(work, learner, work.folders.student, report, "prune")


def qat(work: Work, report: Report = ignore) -> Made:
    """The student, or its initialization, trained with the scheme's rounding in the loop, and packed."""
    settings, scheme, folders = work.config.qat, work.config.quantization, work.folders
    assert isinstance(scheme, Trainable)
    anew = settings.start == "initialization"
    learner = aware.prepare(work.load(folders.initial if anew else folders.student), scheme)
    _learn(work, learner, report, "qat", settings.epochs, settings.learning_rate)
    return _saved(work, aware.convert(learner, scheme), folders.compressed, report, "qat")


def quantize(work: Work, report: Report = ignore) -> Made:
    """The student in the recipe's scheme, without further training; without a scheme, byte for byte."""
    scheme, folders = work.config.quantization, work.folders
    match scheme:
        case NoQuantization():
            artefact.copy(folders.student, folders.compressed)
        case OnnxInt8() | OnnxInt4():
            artefact.save_onnx(artefact.load(folders.student, resolve("cpu")), scheme, folders.compressed)
        case _:
            device = resolve(work.config.device)
            artefact.save(quantization.quantize(folders.student, scheme, device, artefact.load), folders.compressed)
    return _made(work, folders.compressed, report, "quantize")


def measure_quality(classifier: Classifier, data: Data, split: str, report: Report, stage: str) -> Metrics:
    """Metrics of the classifier on one of the data's splits."""
    return quality(data.splits[split].labels, probabilities_on(Predictor(classifier), data, split, report, stage))


def probabilities_on(predictor: Predictor, data: Data, split: str, report: Report, stage: str) -> "np.ndarray":
    """Probability of Not Safe of every URL of a split, (rows,), reported as it goes."""
    doing = "Reading all URLs" if split == "all" else f"Reading the {split} URLs"
    return predictor.probabilities(
        data.splits[split].texts,
        lambda step, steps: report(Progress(stage=stage, doing=doing, step=step, steps=steps)),
    )


def not_safe(config: RunConfig) -> str | None:
    """Which of the teacher's classes mean Not Safe; one that was fine-tuned here has the two standard ones."""
    return None if config.fine_tuning.epochs else config.labels.not_safe


def _learn(
    work: Work, learner: Classifier, report: Report, stage: str, epochs: int, learning_rate: float, **more: Any
) -> None:
    """Trains `learner` in place on the recipe's lesson, each epoch measured on validation beside the teacher."""
    lesson, validate = work.lesson(report, stage), _validating(work, report, stage)
    more |= {"stage": stage, "epochs": epochs, "learning_rate": learning_rate, "teacher_metrics": work.teacher}
    train(learner, lesson, validate, work.config, report, **more)


def _validating(work: Work, report: Report, stage: str) -> Callable[[Classifier], Metrics]:
    return lambda classifier: measure_quality(classifier, work.data, "validation", report, stage)


def _saved(work: Work, learner: Classifier, folder: Path, report: Report, stage: str) -> Made:
    artefact.save(learner, folder)
    return _made(work, folder, report, stage)


def _made(work: Work, folder: Path, report: Report, stage: str) -> Made:
    """The model in a folder, reloaded and measured."""
    probabilities = probabilities_on(Predictor(work.load(folder)), work.data, "validation", report, stage)
    return Made(
        parameters=count_weights(folder),
        size_bytes=size_bytes(folder),
        parts=bytes_by_part(folder),
        validation=quality(work.data.splits["validation"].labels, probabilities),
        probabilities=tuple(probabilities.tolist()),
    )

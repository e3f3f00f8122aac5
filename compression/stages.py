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
No step writes over a model that it or a later one reads, so one that was cut off can be taken again.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from compression.artefacts import folder as artefact
from compression.artefacts.parts import bytes_by_part
from compression.artefacts.weight import count_weights, size_bytes
from compression.config import Linear, RunConfig
from compression.data.sources import Data
from compression.events import Notice, Progress, Report, ignore
from compression.measure.quality import quality
from compression.methods import linear
from compression.methods import qat as aware
from compression.methods import quantize as quantization
from compression.methods import structured as removal
from compression.methods.importance import weight_importance
from compression.methods.prune import matrices, sparsify, stored, what_zeros_save
from compression.methods.training import train
from compression.methods.vocabulary import change_vocabulary
from compression.models.classifier import Classifier
from compression.models.device import resolve
from compression.models.student import build_student
from compression.models.teacher import TeacherRecipe, load_base, train_teacher
from compression.predict.predictor import Predictor
from compression.result import Metrics
from compression.schemes import NoQuantization, OnnxInt4, OnnxInt8, Trainable
from compression.step import Made, Work

if TYPE_CHECKING:
    import numpy as np


Stage = Callable[..., Made]


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
    return _made(work, report, "load")


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
    base = load_base(work.folders.base, recipe)
    teacher, _ = train_teacher(base, train_split, validate, recipe, report, stage, work.checkpoint)
    return _saved(work, teacher, report, stage)


def student(work: Work, report: Report = ignore) -> Made:
    """The student before it has learnt anything: what cutting layers and width alone costs."""
    config = work.config
    assert not isinstance(config.student, Linear)
    teacher, texts = work.load(work.folders.teacher), work.data.splits["train"].texts
    learner = build_student(config.student, teacher, config.distillation.max_length, config.seed, texts)
    return _saved(work, learner, report, "student")


def vocabulary(work: Work, report: Report = ignore) -> Made:
    """The student with a trimmed or a new vocabulary, as the texts it will learn from need it."""
    texts = work.lesson(report, "vocabulary").texts
    changed = change_vocabulary(work.load(work.folders.student), texts, work.config.vocabulary)
    return _saved(work, changed, report, "vocabulary")


def distill(work: Work, report: Report = ignore) -> Made:
    """The student, taught by the teacher."""
    settings, folders = work.config.distillation, work.folders
    learner = work.load(folders.student)
    hints = settings.hidden_weight or settings.attention_weight
    teacher = work.load(folders.teacher) if hints else None
    _learn(work, learner, report, "distill", settings.epochs, settings.learning_rate, teacher=teacher)
    return _saved(work, learner, report, "distill")


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
    return _saved(work, learner, report, "distill")


def structured(work: Work, report: Report = ignore) -> Made:
    """The student without its least important heads, neurons and layers, trained on."""
    settings, rows = work.config.structured, work.data.splits["train"]
    learner = work.load(work.folders.student)
    smaller = removal.remove(learner, settings, rows.texts, rows.labels, work.config.seed, report)
    if settings.epochs:
        _learn(work, smaller, report, "structured", settings.epochs, settings.learning_rate)
    return _saved(work, smaller, report, "structured")


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
    return _saved(work, learner, report, "prune")


def qat(work: Work, report: Report = ignore) -> Made:
    """The student, or its initialization, trained with the scheme's rounding in the loop, and packed."""
    settings, scheme, folders = work.config.qat, work.config.quantization, work.folders
    assert isinstance(scheme, Trainable)
    anew = settings.start == "initialization"
    learner = aware.prepare(work.load(folders.initial if anew else folders.student), scheme)
    _learn(work, learner, report, "qat", settings.epochs, settings.learning_rate)
    return _saved(work, aware.convert(learner, scheme), report, "qat")


def quantize(work: Work, report: Report = ignore) -> Made:
    """The student in the recipe's scheme, without further training; without a scheme, byte for byte."""
    scheme, student = work.config.quantization, work.folders.student
    match scheme:
        case NoQuantization():
            artefact.copy(student, work.into)
        case OnnxInt8() | OnnxInt4():
            artefact.save_onnx(artefact.load(student, resolve("cpu")), scheme, work.into)
        case _:
            device = resolve(work.config.device)
            artefact.save(quantization.quantize(student, scheme, device, artefact.load), work.into)
    return _made(work, report, "quantize")


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


def _learn(
    work: Work, learner: Classifier, report: Report, stage: str, epochs: int, learning_rate: float, **more: Any
) -> None:
    """Trains `learner` in place on the recipe's lesson, each epoch measured on validation beside the teacher."""
    lesson, validate = work.lesson(report, stage), _validating(work, report, stage)
    more |= {
        "stage": stage,
        "epochs": epochs,
        "learning_rate": learning_rate,
        "teacher_metrics": work.teacher,
        "checkpoint": work.checkpoint,
    }
    train(learner, lesson, validate, work.config, report, **more)


def _validating(work: Work, report: Report, stage: str) -> Callable[[Classifier], Metrics]:
    return lambda classifier: measure_quality(classifier, work.data, "validation", report, stage)


def _saved(work: Work, learner: Classifier, report: Report, stage: str) -> Made:
    artefact.save(learner, work.into)
    return _made(work, report, stage)


def _made(work: Work, report: Report, stage: str) -> Made:
    """The model that belongs where the step's does, reloaded and measured."""
    probabilities = probabilities_on(Predictor(work.load(work.into)), work.data, "validation", report, stage)
    return Made(
        parameters=count_weights(work.into),
        size_bytes=size_bytes(work.into),
        parts=bytes_by_part(work.into),
        validation=quality(work.data.splits["validation"].labels, probabilities),
        probabilities=tuple(probabilities.tolist()),
    )

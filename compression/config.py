"""The sections of a recipe: frozen pydantic models, every legal range stated once, on its field.

`RunConfig` is what `config.json` holds, what `--set key=value` addresses and what the page's form fills. The `init`
of a student and the `scheme` of a quantization are discriminators: they decide which class, and with it which method
handles the section.
"""

from typing import Annotated, Literal

from pydantic import Field

from compression.schemes import Nf4, NotTrue, Part, QuantizationConfig

Precision = Literal["auto", "fp32", "bf16", "fp16"]
Device = Literal["auto", "cpu", "cuda"]
Schedule = Literal["constant", "one-cycle"]
Importance = Literal["magnitude", "fisher", "taylor"]


class ColumnsConfig(Part):
    """Settles which columns hold the URL and the label, where detection cannot."""

    text: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    label: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    positive: Annotated[str | None, Field(min_length=1, max_length=500)] = None  # several with commas between


class SplitsConfig(Part):
    """Settles which split of a Hub data set, or which file of a folder, plays which part, where its name does not."""

    train: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    validation: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    test: Annotated[str | None, Field(min_length=1, max_length=200)] = None


class LabelsConfig(Part):
    """Settles which of the teacher's classes mean Not Safe (names or numbers, commas between), beyond detection."""

    not_safe: Annotated[str | None, Field(min_length=1, max_length=500)] = None


class FineTuningConfig(Part):
    """A teacher made first: `teacher` is fine-tuned on the labels; 0 epochs take it as it is."""

    epochs: Annotated[int, Field(ge=0, le=100), NotTrue] = 0
    learning_rate: Annotated[float, Field(gt=0, le=0.1), NotTrue] = 5e-5
    train: Literal["all", "last-layers", "head"] = "all"  # head: the article's frozen encoder
    last_layers: Annotated[int, Field(ge=1, le=48), NotTrue] = 1  # how many learn with train = last-layers
    patience: Annotated[int, Field(ge=1, le=100), NotTrue] = 2  # epochs without a better one before it stops


class TrainingConfig(Part):
    """How batches are made and in which precision the student trains."""

    bucketing: bool = True
    precision: Precision = "auto"


class _Shape(Part):
    """The student's shape; what is None follows the teacher (or the pretrained base)."""

    layers: Annotated[int | None, Field(ge=1, le=48), NotTrue] = None
    heads: Annotated[int | None, Field(ge=1, le=64), NotTrue] = None
    hidden_size: Annotated[int | None, Field(ge=16, le=2048), NotTrue] = None
    intermediate_size: Annotated[int | None, Field(ge=16, le=8192), NotTrue] = None
    positions: Annotated[int | None, Field(ge=8, le=512), NotTrue] = None


class TeacherLayers(_Shape):
    """A student made of evenly spaced layers of the teacher, its width cut where a smaller one is asked for."""

    init: Literal["teacher-layers"] = "teacher-layers"
    base: None = None
    width: Literal["pca", "truncate"] = "pca"
    features: None = None


class Pretrained(_Shape):
    """A student that starts from the first layers of a pretrained encoder, with that encoder's tokenizer."""

    init: Literal["pretrained"] = "pretrained"
    base: Annotated[str, Field(min_length=1, max_length=500)]
    width: None = None
    features: None = None


class RandomWeights(_Shape):
    """A student of the teacher's architecture with random weights, of any shape."""

    init: Literal["random"] = "random"
    base: None = None
    width: None = None
    features: None = None


class Linear(Part):
    """No encoder at all: a linear model of hashed character n-grams; `features` is its number of buckets."""

    init: Literal["linear"] = "linear"
    base: None = None
    layers: None = None
    heads: None = None
    hidden_size: None = None
    intermediate_size: None = None
    positions: None = None
    width: None = None
    features: Annotated[int, Field(ge=1_024, le=1_048_576), NotTrue] = 65_536


StudentConfig = Annotated[TeacherLayers | Pretrained | RandomWeights | Linear, Field(discriminator="init")]


class VocabularyConfig(Part):
    """The student's tokens: the ones it starts with, only those the data needs, or a new WordPiece vocabulary."""

    method: Literal["keep", "trim", "train"] = "keep"
    size: Annotated[int | None, Field(ge=64, le=100_000), NotTrue] = None  # at most; None: all that the data needs
    min_count: Annotated[int, Field(ge=1, le=1_000), NotTrue] = 1  # times a token must occur to be kept


class DistillationConfig(Part):
    """Loss and hyperparameters; `soft_weight` is the article's α and weights the teacher's soft targets.

    `*_end` is where a linear schedule over the training arrives (None: constant). The texts are the training split's
    and, without labels, those `generated` by the grammar, `recombined` from training URLs, and `unlabelled` ones.
    """

    epochs: Annotated[int, Field(ge=1, le=100), NotTrue] = 4
    batch_size: Annotated[int, Field(ge=1, le=512), NotTrue] = 32
    learning_rate: Annotated[float, Field(gt=0, le=0.1), NotTrue] = 3e-4
    schedule: Schedule = "one-cycle"
    averaging: bool = False  # end with the mean of the weights over the second half of the steps
    temperature: Annotated[float, Field(gt=0, le=50), NotTrue] = 2.0
    temperature_end: Annotated[float | None, Field(gt=0, le=50), NotTrue] = None
    soft_weight: Annotated[float, Field(ge=0, le=1), NotTrue] = 0.5
    soft_weight_end: Annotated[float | None, Field(ge=0, le=1), NotTrue] = None
    hidden_weight: Annotated[float, Field(ge=0, le=1_000), NotTrue] = 0.0
    attention_weight: Annotated[float, Field(ge=0, le=1_000), NotTrue] = 0.0
    layer_map: Annotated[str | None, Field(pattern=r"^\d{1,2}(,\d{1,2})*$", max_length=200)] = None  # '2,5': teacher's
    ngram_weight: Annotated[float, Field(ge=0, le=1), NotTrue] = 0.0  # of an n-gram model among the teachers
    generated: Annotated[int, Field(ge=0, le=200_000), NotTrue] = 0
    recombined: Annotated[int, Field(ge=0, le=200_000), NotTrue] = 0
    unlabelled: Annotated[str | None, Field(min_length=1, max_length=500)] = None
    max_length: Annotated[int, Field(ge=8, le=512), NotTrue] = 128


class StructuredConfig(Part):
    """Structured pruning: shares of heads and feed-forward neurons, and layers, taken out of the distilled student."""

    heads: Annotated[float, Field(ge=0, le=0.9), NotTrue] = 0.0
    neurons: Annotated[float, Field(ge=0, le=0.95), NotTrue] = 0.0
    layers: Annotated[int, Field(ge=0, le=47), NotTrue] = 0
    importance: Importance = "taylor"
    epochs: Annotated[int, Field(ge=0, le=100), NotTrue] = 1  # of distillation after it
    learning_rate: Annotated[float, Field(gt=0, le=0.1), NotTrue] = 1e-4


class PruningConfig(Part):
    """Unstructured pruning: this share of the single weights of all matrices becomes zero."""

    sparsity: Annotated[float, Field(ge=0, le=0.99), NotTrue] = 0.0
    scope: Literal["global", "layer"] = "global"
    importance: Literal["magnitude", "fisher"] = "magnitude"
    schedule: Literal["one-shot", "gradual"] = "one-shot"
    epochs: Annotated[int, Field(ge=0, le=100), NotTrue] = 1  # of distillation after it, or while it goes on
    learning_rate: Annotated[float, Field(gt=0, le=0.1), NotTrue] = 1e-4


class QatConfig(Part):
    """Quantization-aware training: distillation goes on with the scheme's rounding in the loop."""

    start: Literal["none", "student", "initialization"] = "none"
    epochs: Annotated[int, Field(ge=1, le=100), NotTrue] = 2
    learning_rate: Annotated[float, Field(gt=0, le=0.1), NotTrue] = 1e-4


class ControlsConfig(Part):
    """What is trained beside the student, to tell what its teacher brought and how far chance moves it."""

    without_teacher: bool = False  # the same student on the labels alone: a second training
    seeds: Annotated[int, Field(ge=1, le=5), NotTrue] = 1  # trainings in all, each with a seed of its own


class RunConfig(Part):
    """A whole recipe. Two equal recipes on one machine give the same numbers."""

    teacher: Annotated[str, Field(min_length=1, max_length=500)] = "bundled"
    data: Annotated[str, Field(min_length=1, max_length=500)] = "bundled"
    columns: ColumnsConfig = ColumnsConfig()
    splits: SplitsConfig = SplitsConfig()
    labels: LabelsConfig = LabelsConfig()
    seed: Annotated[int, Field(ge=0, le=2**32 - 1), NotTrue] = 0
    device: Device = "auto"
    fine_tuning: FineTuningConfig = FineTuningConfig()
    training: TrainingConfig = TrainingConfig()
    student: StudentConfig = TeacherLayers()
    vocabulary: VocabularyConfig = VocabularyConfig()
    distillation: DistillationConfig = DistillationConfig()
    structured: StructuredConfig = StructuredConfig()
    pruning: PruningConfig = PruningConfig()
    qat: QatConfig = QatConfig()
    quantization: QuantizationConfig = Nf4()
    controls: ControlsConfig = ControlsConfig()

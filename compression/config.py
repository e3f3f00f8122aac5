"""The sections of a recipe: frozen pydantic models, every legal range stated once, on its field.

`RunConfig` is what `config.json` holds, what `--set key=value` addresses and what the page's form fills. The `init`
of a student and the `scheme` of a quantization are discriminators: they decide which class, and with it which method
handles the section.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Precision = Literal["auto", "fp32", "bf16", "fp16"]
Device = Literal["auto", "cpu", "cuda"]
Schedule = Literal["constant", "one-cycle"]
No = Annotated[Literal[False], BeforeValidator(lambda value: False if str(value).casefold() == "false" else value)]


def _refuse_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")
    return value


NotTrue = BeforeValidator(_refuse_bool)  # for numbers: pydantic would read true as 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ColumnsConfig(_Part):
    """Settles which columns hold the URL and the label, where detection cannot."""

    text: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    label: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    positive: Annotated[str | None, Field(min_length=1, max_length=500)] = None  # several with commas between


class SplitsConfig(_Part):
    """Settles which split of a Hub data set, or which file of a folder, plays which part, where its name does not."""

    train: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    validation: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    test: Annotated[str | None, Field(min_length=1, max_length=200)] = None


class LabelsConfig(_Part):
    """Settles which of the teacher's classes mean Not Safe (names or numbers, commas between), beyond detection."""

    not_safe: Annotated[str | None, Field(min_length=1, max_length=500)] = None


class TrainingConfig(_Part):
    """How batches are made and in which precision the student trains."""

    bucketing: bool = True
    precision: Precision = "auto"


class _Shape(_Part):
    """The student's shape; what is None follows the teacher (or the pretrained base)."""

    layers: Annotated[int | None, Field(ge=1, le=48), NotTrue] = None
    heads: Annotated[int | None, Field(ge=1, le=64), NotTrue] = None
    hidden_size: Annotated[int | None, Field(ge=16, le=2048), NotTrue] = None
    intermediate_size: Annotated[int | None, Field(ge=16, le=8192), NotTrue] = None


class TeacherLayers(_Shape):
    """A student made of evenly spaced layers of the teacher, at the teacher's width."""

    init: Literal["teacher-layers"] = "teacher-layers"
    base: None = None


class Pretrained(_Shape):
    """A student that starts from the first layers of a pretrained encoder, with that encoder's tokenizer."""

    init: Literal["pretrained"] = "pretrained"
    base: Annotated[str, Field(min_length=1, max_length=500)]


class RandomWeights(_Shape):
    """A student of the teacher's architecture with random weights, of any shape."""

    init: Literal["random"] = "random"
    base: None = None


StudentConfig = Annotated[TeacherLayers | Pretrained | RandomWeights, Field(discriminator="init")]


class DistillationConfig(_Part):
    """Loss and hyperparameters; `soft_weight` is the article's α and weights the teacher's soft targets."""

    epochs: Annotated[int, Field(ge=1, le=100), NotTrue] = 4
    batch_size: Annotated[int, Field(ge=1, le=512), NotTrue] = 32
    learning_rate: Annotated[float, Field(gt=0, le=0.1), NotTrue] = 3e-4
    schedule: Schedule = "one-cycle"
    temperature: Annotated[float, Field(gt=0, le=50), NotTrue] = 2.0
    soft_weight: Annotated[float, Field(ge=0, le=1), NotTrue] = 0.5
    max_length: Annotated[int, Field(ge=8, le=512), NotTrue] = 128


class NoQuantization(_Part):
    """The student as it is, in fp32."""

    scheme: Literal["none"] = "none"
    double: No = False


class Fp16(_Part):
    """All weights in half precision."""

    scheme: Literal["fp16"] = "fp16"
    double: No = False


class Int8(_Part):
    """bitsandbytes LLM.int8(): 8-bit matrices with outlier columns kept in fp16 at run time."""

    scheme: Literal["int8"] = "int8"
    double: No = False


class Nf4(_Part):
    """bitsandbytes NormalFloat 4-bit matrices; `double` also quantizes the quantization constants."""

    scheme: Literal["nf4"] = "nf4"
    double: bool = True


class Fp4(_Part):
    """bitsandbytes 4-bit float matrices; `double` also quantizes the quantization constants."""

    scheme: Literal["fp4"] = "fp4"
    double: bool = True


QuantizationConfig = Annotated[NoQuantization | Fp16 | Int8 | Nf4 | Fp4, Field(discriminator="scheme")]


class RunConfig(_Part):
    """A whole recipe. Two equal recipes on one machine give the same numbers."""

    teacher: Annotated[str, Field(min_length=1, max_length=500)] = "bundled"
    data: Annotated[str, Field(min_length=1, max_length=500)] = "bundled"
    columns: ColumnsConfig = ColumnsConfig()
    splits: SplitsConfig = SplitsConfig()
    labels: LabelsConfig = LabelsConfig()
    seed: Annotated[int, Field(ge=0, le=2**32 - 1), NotTrue] = 0
    device: Device = "auto"
    training: TrainingConfig = TrainingConfig()
    student: StudentConfig = TeacherLayers()
    distillation: DistillationConfig = DistillationConfig()
    quantization: QuantizationConfig = Nf4()

"""How the weights of the finished student are stored: one frozen pydantic model a scheme, told apart by `scheme`.

`embeddings` says whether the embedding tables are quantized too (fp16 otherwise), `double` whether the scales are.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

No = Annotated[Literal[False], BeforeValidator(lambda value: False if str(value).casefold() == "false" else value)]


def _refuse_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("true and false are no numbers")
    return value


NotTrue = BeforeValidator(_refuse_bool)  # for numbers: pydantic would read true as 1


class Part(BaseModel):
    """A section of a recipe: immutable, and refusing what it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class NoQuantization(Part):
    """The student as it is, in fp32."""

    scheme: Literal["none"] = "none"
    double: No = False
    embeddings: No = False


class Fp16(Part):
    """All weights in half precision."""

    scheme: Literal["fp16"] = "fp16"
    double: No = False
    embeddings: No = False


class Bf16(Part):
    """All weights in bfloat16."""

    scheme: Literal["bf16"] = "bf16"
    double: No = False
    embeddings: No = False


class Int8(Part):
    """bitsandbytes LLM.int8(): 8-bit matrices with outlier columns kept in fp16 at run time."""

    scheme: Literal["int8"] = "int8"
    double: No = False
    embeddings: bool = False


class Nf4(Part):
    """bitsandbytes NormalFloat 4-bit matrices; `double` also quantizes the quantization constants."""

    scheme: Literal["nf4"] = "nf4"
    double: bool = True
    embeddings: bool = False


class Fp4(Part):
    """bitsandbytes 4-bit float matrices; `double` also quantizes the quantization constants."""

    scheme: Literal["fp4"] = "fp4"
    double: bool = True
    embeddings: bool = False


class OnnxInt8(Part):
    """ONNX Runtime dynamic INT8: 8-bit matrices, activations rounded to 8 bits as they come."""

    scheme: Literal["onnx-int8"] = "onnx-int8"
    double: No = False
    embeddings: bool = True


class OnnxInt4(Part):
    """ONNX Runtime 4-bit blocks (MatMulNBits)."""

    scheme: Literal["onnx-int4"] = "onnx-int4"
    double: No = False
    embeddings: bool = True


class PackedInt8(Part):
    """8-bit weights, one scale a row, packed by this package."""

    scheme: Literal["packed-int8"] = "packed-int8"
    double: No = False
    embeddings: bool = True


class PackedInt4(Part):
    """4-bit weights in blocks with a scale each, packed by this package."""

    scheme: Literal["packed-int4"] = "packed-int4"
    double: No = False
    embeddings: bool = True


class Ternary(Part):
    """Weights of −1, 0 and 1 with a scale, five to a byte (BitNet b1.58)."""

    scheme: Literal["ternary"] = "ternary"
    double: No = False
    embeddings: bool = True


QuantizationConfig = Annotated[
    NoQuantization | Fp16 | Bf16 | Int8 | Nf4 | Fp4 | OnnxInt8 | OnnxInt4 | PackedInt8 | PackedInt4 | Ternary,
    Field(discriminator="scheme"),
]

Trainable = PackedInt8 | PackedInt4 | Ternary  # what quantization-aware training can have in the loop

"""What matrices and tables weigh in the ONNX schemes, on cases small enough to count by hand."""

import pytest

from compression.methods.onnx import Onnx, matrix_bytes, table_bytes
from compression.schemes import OnnxInt4, OnnxInt8


@pytest.mark.parametrize(
    ("scheme", "outputs", "inputs", "expected"),
    [
        (OnnxInt8(), 2, 128, 2 * 128 + 2 * 4 + 2),  # weights, a scale and a zero point an output
        (OnnxInt4(), 2, 128, 2 * 64 + 4 * 4 + 2),  # two blocks an output; two 4-bit zero points share a byte
        (OnnxInt4(), 2, 100, 2 * 64 + 4 * 4 + 2),  # the last block is filled up
        (OnnxInt4(), 2, 192, 2 * 96 + 6 * 4 + 2 * 2),  # three zero points of an output fill two bytes
    ],
)
def test_matrices(scheme: Onnx, outputs: int, inputs: int, expected: int) -> None:
    assert matrix_bytes(scheme, outputs, inputs) == expected


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        (OnnxInt8(), 10 * 128 + 4 + 1),  # one scale and zero point for all of it
        (OnnxInt4(), 10 * 64 + 20 * 4 + 10),
        (OnnxInt8(embeddings=False), 10 * 128 * 2),
        (OnnxInt4(embeddings=False), 10 * 128 * 2),
    ],
)
def test_tables(scheme: Onnx, expected: int) -> None:
    assert table_bytes(scheme, 10, 128) == expected

"""Codes packed to the bits they claim, and weights as the tensors that stand for them on disk.

A weight `W` on a grid becomes, by what is appended to its name:

    W          uint8, codes, as many to a byte as fit: 1 of int8, 2 of int4, 5 of ternary
    W.scales   fp16, (rows, blocks of a row)
    W.mask     uint8, a bit a weight, 1 where its code is not zero: W then holds only the codes of those ("stored
               sparse"). Written where that takes fewer bytes; ternary codes that are left are signs, 8 to a byte
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from compression.errors import ModelError
from compression.methods.grids import Grid, pack, packed_bytes, restore, round_to, unpack

if TYPE_CHECKING:
    import torch

CODES, SCALES, MASK = "", ".scales", ".mask"
_SIGNS = 2  # levels of a ternary code that is not zero


def encode(weight: "torch.Tensor", grid: Grid) -> "dict[str, torch.Tensor]":
    """The tensors that stand for a (rows, columns) weight, by what is appended to its name. A rounded one is exact."""
    codes, scales = round_to(weight, grid)
    dense, sparse = pack(codes.int() - grid.lowest, grid.levels), _sparse(codes.flatten(), grid)
    smaller = sparse if sum(part.numel() for part in sparse.values()) < dense.numel() else {CODES: dense}
    return {SCALES: scales} | smaller


def decode(parts: "Mapping[str, torch.Tensor]", shape: tuple[int, int], grid: Grid) -> "torch.Tensor":
    """The weight, (rows, columns) float32, that `encode` made these tensors of.

    Raises ModelError, before anything is made of them, if their sizes are not those of a weight of this shape.
    """
    import torch

    (rows, columns), weights = shape, shape[0] * shape[1]
    expect(parts, SCALES, torch.float16, (rows, grid.blocks(columns)))
    if MASK not in parts:
        expect(parts, CODES, torch.uint8, (packed_bytes(weights, grid.levels),))
        codes = unpack(parts[CODES], grid.levels, weights).int() + grid.lowest
    else:
        expect(parts, MASK, torch.uint8, (packed_bytes(weights, 2),))
        mask = unpack(parts[MASK], 2, weights).bool()
        count, levels = int(mask.sum()), _levels_left(grid)
        expect(parts, CODES, torch.uint8, (packed_bytes(count, levels),))
        left = unpack(parts[CODES], levels, count).int()
        codes = torch.zeros(weights, dtype=torch.int32, device=left.device)
        codes[mask] = 2 * left - 1 if levels == _SIGNS else left + grid.lowest
    return restore(codes.view(rows, columns), parts[SCALES], grid)


def encoded_bytes(shape: tuple[int, int], grid: Grid, zeros: float) -> list[int]:
    """Bytes of each tensor `encode` makes of a weight of this shape if `zeros` is the share of its codes that are 0."""
    weights = shape[0] * shape[1]
    dense = [packed_bytes(weights, grid.levels)]
    sparse = [packed_bytes(weights, 2), packed_bytes(round(weights * (1 - zeros)), _levels_left(grid))]
    return [2 * shape[0] * grid.blocks(shape[1]), *min(dense, sparse, key=sum)]


def expect(
    parts: "Mapping[str, torch.Tensor]", part: str, dtype: "torch.dtype", shape: tuple[int, ...]
) -> "torch.Tensor":
    """That part of a weight, if it is there with this type and shape. Raises ModelError if not."""
    found = parts.get(part)
    if found is None or found.dtype != dtype or tuple(found.shape) != shape:
        raise ModelError("The packed weights do not fit the model's config. Save the model again.")
    return found


def _sparse(codes: "torch.Tensor", grid: Grid) -> "dict[str, torch.Tensor]":
    mask, levels = codes != 0, _levels_left(grid)
    left = codes[mask].int()
    digits = (left + 1) // 2 if levels == _SIGNS else left - grid.lowest
    return {MASK: pack(mask, 2), CODES: pack(digits, levels)}


def _levels_left(grid: Grid) -> int:
    """Levels of the codes that are not zero, counted so that a byte holds as many as it can."""
    return _SIGNS if grid.levels == 3 else grid.levels

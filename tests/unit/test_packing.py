"""Weights as tensors on disk: exact, in as few bytes as they can be, and refused where their sizes lie."""

import pytest
import torch

from compression.errors import ModelError
from compression.methods.grids import GRIDS, restore, round_to
from compression.methods.packing import CODES, MASK, SCALES, decode, encode, encoded_bytes

SHAPE = (48, 100)
every_scheme = pytest.mark.parametrize("scheme", GRIDS)


def weight(zeros: float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(SHAPE, generator=generator) * (torch.rand(SHAPE, generator=generator) >= zeros)


def stored_bytes(parts: dict[str, torch.Tensor]) -> int:
    return sum(part.numel() * part.element_size() for part in parts.values())


@every_scheme
@pytest.mark.parametrize("zeros", [0.0, 0.5, 1.0])
def test_what_is_stored_is_the_rounded_weight(scheme: str, zeros: float) -> None:
    grid = GRIDS[scheme]
    expected = restore(*round_to(weight(zeros), grid), grid)
    parts = encode(expected, grid)
    assert torch.equal(decode(parts, SHAPE, grid), expected)


def test_int4_is_half_a_byte_a_weight_and_its_scales() -> None:
    assert stored_bytes(encode(weight(), GRIDS["packed-int4"])) == 48 * 100 // 2 + 48 * 2 * 2


def test_ternary_is_a_fifth_of_a_byte_where_few_are_zero() -> None:
    parts = encode(weight().sign(), GRIDS["ternary"])
    assert MASK not in parts
    assert stored_bytes(parts) == 48 * 100 // 5 + 48 * 2


@every_scheme
def test_zeros_are_left_out_exactly_where_that_is_smaller(scheme: str) -> None:
    grid = GRIDS[scheme]
    dense, sparse = encode(weight().sign(), grid), encode(weight(0.8), grid)
    assert MASK not in dense
    left = int((round_to(weight(0.8), grid)[0] != 0).sum())
    codes = {"packed-int8": left, "packed-int4": -(-left // 2), "ternary": -(-left // 8)}[scheme]
    assert stored_bytes(sparse) == 48 * 100 // 8 + codes + 2 * 48 * grid.blocks(100)


@every_scheme
@pytest.mark.parametrize("zeros", [0.0, 0.8])
def test_bytes_are_known_beforehand(scheme: str, zeros: float) -> None:
    grid = GRIDS[scheme]
    share = float((round_to(weight(zeros), grid)[0] == 0).float().mean())
    assert sum(encoded_bytes(SHAPE, grid, share)) == stored_bytes(encode(weight(zeros), grid))


def _without(name: str) -> object:
    return lambda parts: {key: part for key, part in parts.items() if key != name}


@every_scheme
@pytest.mark.parametrize(
    "change",
    [
        _without(SCALES),
        _without(CODES),
        lambda parts: parts | {CODES: parts[CODES][:-1]},
        lambda parts: parts | {SCALES: parts[SCALES][:-1]},
        lambda parts: parts | {SCALES: parts[SCALES].float()},
        lambda parts: parts | {CODES: parts[CODES].float()},
        lambda parts: parts | {MASK: torch.full((48 * 100 // 8,), 255, dtype=torch.uint8), CODES: parts[CODES][:9]},
        lambda parts: parts | {MASK: torch.zeros(1, dtype=torch.uint8)},
    ],
)
@pytest.mark.parametrize("zeros", [0.0, 0.8])
def test_sizes_that_lie_are_refused(scheme: str, zeros: float, change: object) -> None:
    grid = GRIDS[scheme]
    with pytest.raises(ModelError, match="do not fit"):
        decode(change(encode(weight(zeros), grid)), SHAPE, grid)  # type: ignore[operator]

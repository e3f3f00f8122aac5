"""The grids by hand on small cases, what was rounded rounds to itself, and bits packed as densely as they claim."""

import pytest
import torch

from compression.methods.grids import GRIDS, Grid, fake_quantize, pack, packed_bytes, restore, round_to, unpack

INT8, INT4, TERNARY = (GRIDS[name] for name in ("packed-int8", "packed-int4", "ternary"))
every_grid = pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)


def random_weight(rows: int = 50, columns: int = 100, size: float = 1.0, zeros: float = 0.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    weight = size * torch.randn(rows, columns, generator=generator)
    return weight * (torch.rand(rows, columns, generator=generator) >= zeros)


def test_int8_puts_a_rows_largest_magnitude_at_127() -> None:
    codes, scales = round_to(torch.tensor([[0.0, -2.0, 1.0, 0.5], [127.0, 1.4, 1.6, -126.0]]), INT8)
    assert codes.tolist() == [[0, -127, 64, 32], [127, 1, 2, -126]]
    assert scales.dtype == torch.float16
    assert scales.flatten().tolist() == pytest.approx([2 / 127, 1.0], rel=1e-3)


def test_int4_puts_the_extreme_at_minus_8_whatever_its_sign() -> None:
    codes, scales = round_to(torch.tensor([[8.0, 1.0, -7.0, 2.4], [-8.0, 0.0, 6.6, -1.0]]), INT4)
    assert codes.tolist() == [[-8, -1, 7, -2], [-8, 0, 7, -1]]
    assert scales.tolist() == [[-1.0], [1.0]]


def test_int4_clips_an_extreme_that_costs_the_others_more() -> None:
    weight = torch.full((1, 64), 0.45)
    weight[0, 0] = 1.0
    codes, scales = round_to(weight, INT4)
    assert scales.item() == pytest.approx(-0.9 / 8, rel=1e-3)  # 0.45 is then exactly four steps
    assert (codes[0, 1:] == -4).all()


def test_int4_has_a_scale_for_64_weights_and_one_for_what_is_left() -> None:
    weight = torch.cat([torch.full((1, 64), 8.0), torch.full((1, 5), 0.5)], dim=1)
    codes, scales = round_to(weight, INT4)
    assert scales.tolist() == [[-1.0, -0.0625]]
    assert (codes == -8).all()
    assert INT4.blocks(69) == 2


def test_ternary_is_the_mean_of_what_is_large() -> None:
    """Mean magnitude 2.5, so all above 1.75 is large; their mean is 3, and half of that divides 0 from ±1."""
    codes, scales = round_to(torch.tensor([[4.0, -1.0, 2.0, -3.0, 0.0]]), TERNARY)
    assert scales.tolist() == [[3.0]]
    assert codes.tolist() == [[1, 0, 1, -1, 0]]


def test_pruned_weights_do_not_shrink_the_ternary_scale() -> None:
    dense, pruned = torch.tensor([[4.0, -3.0]]), torch.tensor([[4.0, -3.0, 0.0, 0.0, 0.0, 0.0]])
    assert torch.equal(round_to(dense, TERNARY)[1], round_to(pruned, TERNARY)[1])


@every_grid
@pytest.mark.parametrize("zeros", [0.0, 0.7])
@pytest.mark.parametrize("size", [0.0, 1e-9, 1e-7, 1e-5, 1.0, 1e4, 1e7])
def test_what_was_rounded_rounds_to_itself(grid: Grid, size: float, zeros: float) -> None:
    """Also where fp16 scales run out of digits, or of range: what was trained on the grid must be what is stored."""
    weight = random_weight(size=size, zeros=zeros)
    codes, scales = round_to(weight, grid)
    again, same = round_to(restored := restore(codes, scales, grid), grid)
    assert torch.equal(again, codes)
    assert torch.equal(same, scales)
    assert restored.isfinite().all()
    assert (restored[weight == 0] == 0).all()
    assert int(codes.min()) >= grid.lowest
    assert int(codes.max()) <= grid.highest


@every_grid
def test_the_error_is_within_half_a_step(grid: Grid) -> None:
    weight = random_weight()
    codes, scales = round_to(weight, grid)
    inner = (codes > grid.lowest) & (codes < grid.highest)
    step = scales.float().abs().max()
    assert (restore(codes, scales, grid) - weight)[inner].abs().max() <= step / 2 + 1e-6


@every_grid
def test_fake_quantization_is_the_rounding_with_the_gradient_of_doing_nothing(grid: Grid) -> None:
    weight = random_weight().requires_grad_()
    rounded = fake_quantize(weight, grid)
    assert torch.equal(rounded, restore(*round_to(weight, grid), grid))
    upstream = torch.arange(weight.numel()).float().view_as(weight)
    rounded.backward(upstream)
    assert torch.equal(weight.grad, upstream)


def test_broken_weights_stay_broken() -> None:
    weight = torch.tensor([[1.0, float("nan")]])
    assert not fake_quantize(weight, INT8).isfinite().any()


@pytest.mark.parametrize(("levels", "a_byte"), [(2, 8), (3, 5), (16, 2), (255, 1)])
@pytest.mark.parametrize("count", [0, 1, 7, 40, 41])
def test_packing_and_back(levels: int, a_byte: int, count: int) -> None:
    digits = torch.randint(0, levels, (count,), generator=torch.Generator().manual_seed(count), dtype=torch.uint8)
    packed = pack(digits, levels)
    assert packed.dtype == torch.uint8
    assert packed.numel() == packed_bytes(count, levels) == -(-count // a_byte)
    assert torch.equal(unpack(packed, levels, count), digits)


def test_five_ternary_digits_are_a_byte() -> None:
    assert pack(torch.tensor([2, 2, 2, 2, 2]), 3).tolist() == [3**5 - 1]
    assert pack(torch.tensor([1, 0, 0, 0, 2, 1]), 3).tolist() == [1 + 2 * 81, 1]

"""Rounding weights to values that few bits can name, and packing those bits: packed-int8, packed-int4, ternary.

A weight is code · scale; a row, or a block of a row, shares one fp16 scale. What was rounded rounds to itself, and a
zero stays zero. Chosen by squared error on the matrices of a fine-tuned MiniLM (share of the weights' own square):

- int4, absmax over −7..7:      blocks of 32 1.03 %, of 64 1.32 %
- int4, the extreme at −8:      blocks of 32 0.81 %, of 64 1.02 %
- the same, or clipped at 90 %: blocks of 32 0.78 %, of 64 0.95 % at 4.25 bits a weight (taken; 32 cost 4.5 bits)
- ternary, scale = mean |w| of a row (BitNet b1.58): 28.5 %; as here: 20.9 %, in blocks of 64 20.1 % (for 0.25 bits)
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log2
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_LARGEST = 65504.0  # of fp16
_CLIPS = (1.0, 0.9)  # of a block's extreme weight: the better one becomes the end of its grid
_THRESHOLD = 0.7  # of the mean magnitude


@dataclass(frozen=True)
class Grid:
    """Codes from `lowest` to `highest`; `block` weights of a row share a scale, or all of them (None)."""

    lowest: int
    highest: int
    block: int | None
    scales: "Callable[[torch.Tensor, Grid], torch.Tensor]"  # of blocks (…, block), as (…) float32

    @property
    def levels(self) -> int:
        """Number of codes."""
        return self.highest - self.lowest + 1

    def blocks(self, columns: int) -> int:
        """Number of scales of a row of so many weights; the last block may be shorter."""
        return -(-columns // (self.block or columns))


def round_to(weight: "torch.Tensor", grid: Grid) -> "tuple[torch.Tensor, torch.Tensor]":
    """A weight's nearest codes, (rows, columns) int8 like the weight, and their scales, (rows, blocks) float16."""
    import torch

    codes, scales = _rounded(weight, grid)
    return codes.flatten(1)[:, : weight.shape[1]].to(torch.int8), scales


def restore(codes: "torch.Tensor", scales: "torch.Tensor", grid: Grid) -> "torch.Tensor":
    """The weight that codes and scales stand for, (rows, columns) float32."""
    weight = _in_blocks(codes.float(), grid) * scales.float().unsqueeze(-1)
    return weight.flatten(1)[:, : codes.shape[1]].contiguous()


def fake_quantize(weight: "torch.Tensor", grid: Grid) -> "torch.Tensor":
    """`restore(round_to(weight))`, with the gradient of doing nothing.

    Source: the straight-through estimator, Bengio et al. 2013, arXiv:1308.3432, §4.
    """
    codes, scales = _rounded(weight, grid)
    rounded = (codes * scales.float().unsqueeze(-1)).flatten(1)[:, : weight.shape[1]]
    return rounded + (weight - weight.detach())  # exactly `rounded`: what is added is 0, and only carries the gradient


def pack(digits: "torch.Tensor", levels: int) -> "torch.Tensor":
    """Digits 0 … levels − 1, as many to a byte as fit (5 of base 3, 8 of base 2), (bytes,) uint8."""
    import torch
    from torch.nn.functional import pad

    flat, a_byte = digits.flatten().to(torch.uint8), per_byte(levels)
    rows = pad(flat, (0, -flat.numel() % a_byte)).view(-1, a_byte)
    return (rows * _places(levels, flat.device)).sum(1, dtype=torch.uint8)


def unpack(packed: "torch.Tensor", levels: int, count: int) -> "torch.Tensor":
    """The first `count` digits in (bytes,) uint8, (count,) uint8: what was given to `pack`."""
    return (packed.unsqueeze(1) // _places(levels, packed.device) % levels).flatten()[:count]


def per_byte(levels: int) -> int:
    """How many digits of so many levels, 256 at most, fit in a byte."""
    return int(8 / log2(levels))


def packed_bytes(count: int, levels: int) -> int:
    """Bytes of `count` packed digits."""
    return -(-count // per_byte(levels))


def _rounded(weight: "torch.Tensor", grid: Grid) -> "tuple[torch.Tensor, torch.Tensor]":
    """Codes, (rows, blocks, block) float32, and scales, (rows, blocks) float16."""
    blocks = _in_blocks(weight.detach().float(), grid)
    scales = grid.scales(blocks, grid).clamp(-_LARGEST, _LARGEST).half() + 0.0  # and no negative zero
    return _codes(blocks, scales.float(), grid), scales


def _in_blocks(weight: "torch.Tensor", grid: Grid) -> "torch.Tensor":
    """(rows, columns) as (rows, blocks, block), zeros behind the last column."""
    from torch.nn.functional import pad

    rows, columns = weight.shape
    block = grid.block or columns
    return pad(weight, (0, -columns % block)).view(rows, -1, block)


def _codes(blocks: "torch.Tensor", scales: "torch.Tensor", grid: Grid) -> "torch.Tensor":
    scales = scales.masked_fill(scales == 0, float("inf")).unsqueeze(-1)  # a scale of 0 means that all codes are 0
    return (blocks / scales).round_().clamp_(grid.lowest, grid.highest)


def _absmax(blocks: "torch.Tensor", grid: Grid) -> "torch.Tensor":
    """Puts each block's largest magnitude at the highest code."""
    return _fp16_towards_zero(blocks.abs().amax(-1) / grid.highest)


def _least_error(blocks: "torch.Tensor", grid: Grid) -> "torch.Tensor":
    """Puts each block's weight of largest magnitude, whatever its sign, at the lowest code, or that weight clipped:
    whichever has the smaller squared error in the block."""
    import torch

    extreme = blocks.gather(-1, blocks.abs().argmax(-1, keepdim=True)).squeeze(-1)
    choices = torch.stack([_fp16_towards_zero(extreme * clip / grid.lowest) for clip in _CLIPS])
    errors = torch.stack([(_codes(blocks, s, grid) * s.unsqueeze(-1) - blocks).square().sum(-1) for s in choices])
    return choices.gather(0, errors.argmin(0, keepdim=True)).squeeze(0)


def _fp16_towards_zero(scales: "torch.Tensor") -> "torch.Tensor":
    """Float32 that fp16 can hold; never larger, so that what a scale was made from gets the last code again."""
    import torch

    nearest = scales.half()
    larger = nearest.float().abs() > scales.abs()
    return (nearest.view(torch.int16) - larger.to(torch.int16)).view(torch.float16).float()  # one step, sign aside


def _mean_of_large(blocks: "torch.Tensor", grid: Grid) -> "torch.Tensor":
    """Mean magnitude of the weights above 0.7 of the mean magnitude; zeros, which may be pruned, do not count.

    Source: Ternary Weight Networks, Li et al. 2016, arXiv:1605.04711, §2.2, one scale a row.
    """
    magnitudes = blocks.abs()
    mean = magnitudes.sum(-1, keepdim=True) / (magnitudes > 0).sum(-1, keepdim=True).clamp(min=1)
    large = magnitudes > _THRESHOLD * mean
    return (magnitudes * large).sum(-1) / large.sum(-1).clamp(min=1)


def _places(levels: int, device: "torch.device") -> "torch.Tensor":
    """What a digit counts at each place of a byte, (digits,) uint8."""
    import torch

    return torch.tensor([levels**place for place in range(per_byte(levels))], dtype=torch.uint8, device=device)


GRIDS = {  # by scheme
    "packed-int8": Grid(-127, 127, None, _absmax),
    "packed-int4": Grid(-8, 7, 64, _least_error),
    "ternary": Grid(-1, 1, None, _mean_of_large),
}

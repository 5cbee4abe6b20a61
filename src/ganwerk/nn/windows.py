"""Convolutions as one matrix product over the windows of a picture.

On small pictures with many channels a processor's matrix product is several times faster than its
convolution, above all backwards. The two functions here are each other's adjoint, so each one's
gradient is the other: correct under double backward.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Grid(NamedTuple):
    """Where the windows lie: pictures of size (height, width), square windows."""

    height: int
    width: int
    kernel: int
    stride: int
    padding: int

    @property
    def rows(self) -> int:
        return (self.height + 2 * self.padding - self.kernel) // self.stride + 1

    @property
    def columns(self) -> int:
        return (self.width + 2 * self.padding - self.kernel) // self.stride + 1


class Windows(torch.autograd.Function):
    """(B, C, H, W) to (B * rows * columns, kernel * kernel * C): each window as a row, its channels
    innermost."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, grid: Grid) -> Tensor:
        ctx.grid, ctx.batch = grid, x.shape[0]
        p = grid.padding
        padded = F.pad(x, (p, p, p, p)).permute(0, 2, 3, 1).contiguous()
        picture, line, pixel, channel = padded.stride()
        shape = (x.shape[0], grid.rows, grid.columns, grid.kernel, grid.kernel, padded.shape[3])
        strides = (picture, line * grid.stride, pixel * grid.stride, line, pixel, channel)
        return padded.as_strided(shape, strides).reshape(
            x.shape[0] * grid.rows * grid.columns, grid.kernel**2 * padded.shape[3]
        )

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return Overlap.apply(gradients[0], ctx.grid, ctx.batch), None


class Overlap(torch.autograd.Function):
    """The adjoint: windows as rows to pictures (B, C, H, W), summed in float32 where they meet."""

    @staticmethod
    def forward(ctx: Any, windows: Tensor, grid: Grid, batch: int) -> Tensor:
        ctx.grid = grid
        channels = windows.shape[1] // grid.kernel**2
        parts = windows.view(batch, grid.rows, grid.columns, grid.kernel, grid.kernel, channels)
        p, s = grid.padding, grid.stride
        dtype = torch.float32 if windows.dtype == torch.bfloat16 else windows.dtype
        padded = windows.new_zeros(
            (batch, grid.height + 2 * p, grid.width + 2 * p, channels), dtype=dtype
        )
        for i in range(grid.kernel):
            for j in range(grid.kernel):
                rows, columns = slice(i, i + s * grid.rows, s), slice(j, j + s * grid.columns, s)
                padded[:, rows, columns] += parts[:, :, :, i, j]
        inside = padded[:, p : p + grid.height, p : p + grid.width]
        return inside.to(windows.dtype).permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return Windows.apply(gradients[0], ctx.grid), None, None


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int) -> Tensor:
    """F.conv2d: x (B, C, H, W), weight (O, C, k, k), bias (O,), to (B, O, rows, columns)."""
    grid = Grid(x.shape[2], x.shape[3], weight.shape[2], stride, padding)
    by_window = weight.permute(0, 2, 3, 1).reshape(weight.shape[0], -1)
    y = F.linear(Windows.apply(x, grid), by_window, bias)
    return y.view(x.shape[0], grid.rows, grid.columns, -1).permute(0, 3, 1, 2)


def convolve_transposed(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: int, padding: int
) -> Tensor:
    """F.conv_transpose2d: x (B, C, h, w), weight (C, O, k, k), bias (O,), to (B, O, H, W)."""
    kernel = weight.shape[2]
    height, width = ((n - 1) * stride + kernel - 2 * padding for n in x.shape[2:])
    grid = Grid(height, width, kernel, stride, padding)
    by_window = weight.permute(0, 2, 3, 1).reshape(weight.shape[0], -1)
    windows = x.permute(0, 2, 3, 1).reshape(-1, weight.shape[0]) @ by_window
    y = Overlap.apply(windows, grid, x.shape[0])
    return y if bias is None else y + bias[:, None, None]

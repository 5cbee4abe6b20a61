"""Noise, biases and LeakyReLU over channels, fast in the memory layout that convolutions like."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def noisy_activation(
    x: Tensor, noise: Tensor, strength: Tensor, bias: Tensor, slope: float
) -> Tensor:
    """LeakyReLU(x + strength * noise + bias), x (B, C, H, W), noise (B or 1, 1, H, W), strength a
    number, bias (C,).

    The sum is one matrix product with two columns, noise and ones: with 16 channels in bfloat16 a
    sum that repeats one number along the channels takes fifteen times as long, and its gradient,
    too, is here a matrix product. What is changed in place is its result, not a view of it, whose
    gradient would be copied.
    """
    count, channels, height, width = x.shape
    flat = noise.expand(count, 1, height, width).reshape(-1)
    columns = torch.stack([flat, torch.ones_like(flat)], dim=1).to(x.dtype)
    rows = torch.stack([strength.expand(channels), bias]).to(x.dtype)
    pixels = x.permute(0, 2, 3, 1).reshape(-1, channels)
    active = F.leaky_relu(torch.addmm(pixels, columns, rows), slope, inplace=True)
    return active.view(count, height, width, channels).permute(0, 3, 1, 2)

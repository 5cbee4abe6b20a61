"""Spectral normalisation of a whole network."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, register_parametrization

from ganwerk.errors import ConfigError

FIRST_ITERATIONS = 15


class SpectralNorm(nn.Module):
    """Divides a weight (O, ...) by its largest singular value, the weight seen as a matrix of O
    rows. Miyato et al. 2018, Spectral normalization for GANs, equation 8 and algorithm 1.

    Unlike torch's, it leaves a weight of zeros as it is: residual branches begin so. The singular
    vectors are buffers that move by `iterations` of power iteration in each training pass.
    """

    left: Tensor
    right: Tensor

    def __init__(self, weight: Tensor, iterations: int) -> None:
        super().__init__()
        self.iterations = iterations
        rows = weight.detach().flatten(1)
        for name, length in zip(("left", "right"), rows.shape, strict=True):
            drawn = torch.randn(length, dtype=rows.dtype)
            self.register_buffer(name, F.normalize(drawn, dim=0))
        self.settle(rows)

    def settle(self, weight: Tensor) -> None:
        """Find the vectors of this weight (O, ...), from where they are."""
        self._iterate(weight.detach().flatten(1), FIRST_ITERATIONS)

    @torch.no_grad()
    def _iterate(self, rows: Tensor, count: int) -> None:
        for _ in range(count):
            self.right.copy_(_unit(rows.T @ self.left, self.right))
            self.left.copy_(_unit(rows @ self.right, self.left))

    def forward(self, weight: Tensor) -> Tensor:
        rows = weight.flatten(1)
        if self.training:
            self._iterate(rows.detach(), self.iterations)
        # Copies, because a later pass moves the buffers while this one's gradient is still wanted.
        largest = torch.dot(self.left.clone(), rows @ self.right.clone())
        return weight / torch.where(largest > 0, largest, 1.0)


def _unit(vector: Tensor, instead: Tensor) -> Tensor:
    """The vector with length 1; the other one where it is 0."""
    length = vector.norm()
    return torch.where(length > 0, vector / length, instead)


def normalise_spectrum(net: nn.Module, iterations: int) -> nn.Module:
    """Let no convolution or matrix product of `net` stretch its input.

    Raises ConfigError if a layer is normalised already.
    """
    for name, module in list(net.named_modules()):
        if isinstance(module, nn.Conv2d | nn.Linear):
            if is_parametrized(module):
                raise ConfigError(
                    f"D's layer {name} has spectral norm already.",
                    "Leave out the remedy, or set network.discriminator_norm to none.",
                )
            register_parametrization(module, "weight", SpectralNorm(module.weight, iterations))
    return net

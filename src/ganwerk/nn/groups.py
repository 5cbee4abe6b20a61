"""Discriminators that see several samples at once, so that sameness gives a generator away.

Shape legend: B batch, F features of a sample before the verdict, n samples per group. Groups are
consecutive samples. What is left over at the end of a batch (never in training, where the batch is
a multiple of n) makes a smaller group.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm
from torch.nn.utils.parametrize import is_parametrized

from ganwerk.errors import ConfigError
from ganwerk.nn.equalised import EqualConv2d, EqualLinear
from ganwerk.nn.init import WEIGHTED
from ganwerk.nn.layers import Linear, LogitHead
from ganwerk.nn.types import Discriminator, Scales

SLOPE = 0.2
TINY = 1e-8  # under the root, so that its derivative is finite where all samples are alike
STD_HIDDEN = 16


def in_groups(features: Tensor, size: int, find: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply `find`, (groups, n, F) to (groups, n, K), to groups of `size`; 0 for the whole batch.

    (B, F) to (B, K).
    """
    count = features.shape[0]
    size = min(size or count, count)
    whole = count - count % size
    found = find(features[:whole].view(-1, size, features.shape[1])).flatten(0, 1)
    if whole == count:
        return found
    return torch.cat([found, find(features[whole:].unsqueeze(0)).flatten(0, 1)])


class MinibatchDiscrimination(nn.Module):
    """How close a sample is to the others of its group. Salimans et al. 2016, Improved techniques
    for training GANs, section 3.2.

    M = f T with the tensor T (F, kernels, dim); o_b(i) = sum over j != i of
    exp(-||M_ib - M_jb||_1); the verdict is a linear map of features and o. A group that is smaller
    than it should be counts as if it were full. (B, F) to (B,).
    """

    def __init__(self, features: int, kernels: int, dim: int, group: int) -> None:
        super().__init__()
        self.kernels, self.dim, self.group = kernels, dim, group
        self.tensor = Linear(features, kernels * dim, bias=False)
        self.verdict = nn.Linear(kernels, 1, bias=False)

    @torch.no_grad()
    def silence(self) -> None:
        """Begin without influence on the verdict."""
        self.verdict.weight.zero_()

    def closeness(self, features: Tensor) -> Tensor:
        """o: (B, F) to (B, kernels), each from 0 to n - 1."""
        return in_groups(self.tensor(features), self.group, self._closeness)

    def _closeness(self, rows: Tensor) -> Tensor:
        """Each pair once: sample i meets i + 1, then i + 2 ... round the group; both count it."""
        count = rows.shape[1]
        m = rows.unflatten(2, (self.kernels, self.dim)).permute(1, 3, 0, 2).contiguous()
        others = m.new_zeros(count, rows.shape[0], self.kernels)
        for ahead in range(1, count // 2 + 1):
            close = torch.exp(-(m - m.roll(-ahead, 0)).abs().sum(1))
            others = others + close
            if 2 * ahead < count:  # halfway round, both ends are the same pair
                others = others + close.roll(ahead, 0)
        full = (self.group - 1) / max(count - 1, 1) if self.group else 1.0
        return others.transpose(0, 1) * full

    def forward(self, features: Tensor) -> Tensor:
        return self.verdict(self.closeness(features))[:, 0]


class MinibatchStddev(nn.Module):
    """How much the samples of a group differ: the standard deviation of each feature over the
    group, averaged over the features. Karras et al. 2018, Progressive growing of GANs, section 3.

    There the number becomes a feature map before the last two layers, which may bend it; here it
    passes a small hidden layer of its own on its way to the verdict. (B, F) to (B,).
    """

    def __init__(self, group: int) -> None:
        super().__init__()
        self.group = group
        self.head = nn.Sequential(
            nn.Linear(1, STD_HIDDEN), nn.LeakyReLU(SLOPE), nn.Linear(STD_HIDDEN, 1)
        )

    @torch.no_grad()
    def silence(self) -> None:
        """Begin without influence on the verdict."""
        for parameter in self.head[-1].parameters():
            parameter.zero_()

    def deviation(self, features: Tensor) -> Tensor:
        """(B, F) to (B, 1), the same number for all samples of a group."""
        return group_deviation(features, self.group)

    def forward(self, features: Tensor) -> Tensor:
        return self.head(self.deviation(features))[:, 0]


def group_deviation(features: Tensor, size: int) -> Tensor:
    """(B, F) to (B, 1): the mean over the features of their standard deviation over each group of
    `size`, the same number for all samples of a group."""
    return in_groups(features, size, _deviation)


def _deviation(rows: Tensor) -> Tensor:
    # Written out: torch's variance of short columns takes ten times as long.
    variance = (rows - rows.mean(dim=1, keepdim=True)).square().mean(dim=1)
    spread = (variance + TINY).sqrt().mean(dim=1)
    return spread[:, None, None].expand(-1, rows.shape[1], 1)


def group_size_of(net: nn.Module) -> int:
    """How many samples of a batch this discriminator sees together; see nn.types.Discriminator."""
    return cast(Discriminator, net).group_size


def add_group(net: nn.Module, layer: Callable[[int], nn.Module], group: int) -> nn.Module:
    """Let the verdict of `net` also depend on `layer(features)`, which compares `group` samples.

    Raises ConfigError if the network does not end in a LogitHead.
    """
    verdict = next((m for m in net.modules() if isinstance(m, LogitHead)), None)
    if verdict is None:
        raise ConfigError(
            f"The discriminator {type(net).__name__} has no LogitHead to add a group layer to.",
            "End it with ganwerk.nn.layers.LogitHead.",
        )
    verdict.groups.append(layer(verdict.psi.in_features))
    before = group_size_of(net)
    cast(Discriminator, net).group_size = math.lcm(before, group) if before and group else 0
    return net


class Packed(nn.Module):
    """Judges packs of `size` samples, of which all are real or all are fake. Lin et al. 2018,
    PacGAN: the power of two samples in generative adversarial networks.

    The samples of a pack lie side by side in the channels (pictures) or coordinates (vectors); the
    first layer of `net` is widened for them, all others stay. (B, ...) to logits (B / size,); an
    incomplete last pack is filled up from the first samples.
    """

    def __init__(self, net: nn.Module, size: int) -> None:
        super().__init__()
        if any(isinstance(m, nn.Embedding) for m in net.modules()):
            raise ConfigError(
                "Packing judges pictures of different classes together, so D cannot know a class.",
                "Train without classes (--unconditional), or take minibatch-stddev instead.",
            )
        if hasattr(net, "entries"):
            raise ConfigError(
                f"The discriminator {type(net).__name__} has an entry for each resolution, and "
                "packing widens only one.",
                "Take minibatch-stddev instead, or another network.",
            )
        self.net, self.size = net, size
        _widen(net, size)

    @property
    def group_size(self) -> int:
        """Whole packs, in the groups that the inner network needs."""
        return self.size * group_size_of(self.net)

    def forward(self, scales: Scales, labels: Tensor | None = None) -> Tensor:
        return self.net(tuple(self._pack(scale) for scale in scales), None)

    def _pack(self, samples: Tensor) -> Tensor:
        count = samples.shape[0]
        if count % self.size:
            packs = -(-count // self.size)
            index = torch.arange(packs * self.size, device=samples.device) % count
            samples = samples[index]
        return samples.reshape(-1, self.size * samples.shape[1], *samples.shape[2:])


def _widen(net: nn.Module, factor: int) -> None:
    """Replace the first weighted layer by one with `factor` times its inputs."""
    path, layer = next(
        ((p, m) for p, m in net.named_modules() if isinstance(m, WEIGHTED)), ("", net)
    )
    kind = type(layer).__bases__[0] if is_parametrized(layer) else type(layer)
    if isinstance(layer, nn.Conv2d) and layer.groups == 1:
        wide: nn.Module = kind(
            layer.in_channels * factor, layer.out_channels, layer.kernel_size,
            layer.stride, layer.padding, layer.dilation, bias=layer.bias is not None,
        )  # fmt: skip
    elif isinstance(layer, nn.Linear):
        wide = kind(layer.in_features * factor, layer.out_features, layer.bias is not None)
    else:
        raise ConfigError(
            f"The discriminator {type(net).__name__} does not begin with a layer that packing "
            "can widen.",
            "Begin it with a convolution or a matrix product.",
        )
    if is_parametrized(layer):
        wide = spectral_norm(wide)
    if isinstance(layer, EqualConv2d | EqualLinear) and isinstance(wide, type(layer)):
        wide.scale = layer.scale / math.sqrt(factor)
    parent, _, name = path.rpartition(".")
    setattr(net.get_submodule(parent), name, wide)

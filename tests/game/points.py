"""Players for vectors (B, 2) and for pictures (B, C, 16, 16), small enough for a test."""

from __future__ import annotations

import torch
from torch import nn

from ganwerk.game.optimisers import Adam
from ganwerk.game.recipe import Recipe, adapt
from ganwerk.game.remedies import apply_remedies
from ganwerk.game.start import start
from ganwerk.nn.layers import Conv2d, LogitHead
from ganwerk.nn.types import Batch

BATCH = 16


class PointG(nn.Module):
    """z (B, 4) to points (B, 2)."""

    latent_dim = 4

    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))

    def forward(self, z, labels=None):
        return (self.net(z),)


class PointD(nn.Module):
    """Points (B, 2) to logits (B,)."""

    group_size = 1

    def __init__(self):
        super().__init__()
        self.hidden = nn.Sequential(nn.Linear(2, 16), nn.Tanh())
        self.verdict = LogitHead(16, 0)

    def forward(self, scales, labels=None):
        return self.verdict(self.hidden(scales[-1]), labels)


class PictureG(nn.Module):
    """z (B, 4) to pictures (B, 3, 8, 8)."""

    latent_dim = 4

    def __init__(self):
        super().__init__()
        self.net = nn.Linear(4, 3 * 8 * 8)

    def forward(self, z, labels=None):
        return (self.net(z).tanh().view(-1, 3, 8, 8),)


class PictureD(nn.Module):
    """Pictures (B, 3, 8, 8) to logits (B,)."""

    group_size = 1

    def __init__(self):
        super().__init__()
        self.conv = Conv2d(3, 4, 4, 4)
        self.verdict = LogitHead(16, 0)

    def forward(self, scales, labels=None):
        h = nn.functional.leaky_relu(self.conv(scales[-1]), 0.2)
        return self.verdict(h.flatten(1), labels)


def points(i):
    """Batch i of points on two blobs."""
    random = torch.Generator().manual_seed(i)
    side = torch.randint(2, (BATCH, 1), generator=random) * 2.0 - 1
    return Batch(side + 0.1 * torch.randn(BATCH, 2, generator=random))


def pictures(i):
    """Batch i of pictures with a bright half."""
    random = torch.Generator().manual_seed(i)
    images = -torch.ones(BATCH, 3, 8, 8)
    images[:, :, :, :4] = torch.rand(BATCH, 3, 1, 1, generator=random)
    return Batch(images)


def adam(net, rate):
    return Adam(net.parameters(), rate, 0.5, 0.99)


def game(remedies=(), *, base=None, players=(PointG, PointD), make=adam, rate=1e-2, dtype=None):
    """(state, recipe) of a training with these remedies before its first step."""
    recipe = apply_remedies(base or Recipe(), remedies)
    torch.manual_seed(0)
    g, d = players[0](), adapt(recipe, players[1]())
    if dtype is not None:
        g, d = g.to(dtype), d.to(dtype)
    state = start(recipe, g, d, make, g_rate=rate, d_rate=rate, seed=1, horizon_images=20 * BATCH)
    return state, recipe


def flat(net):
    return torch.cat([p.detach().flatten() for p in net.parameters()])

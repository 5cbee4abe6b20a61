"""What a generator with styles adds to a game: noise, mixed styles, their mean, smoothness."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import cast

import torch
from torch import Tensor, nn

from ganwerk.errors import ConfigError
from ganwerk.game.latents import Latents
from ganwerk.game.recipe import Inputs, LatentDraw, Recipe, Remedy, add, remember
from ganwerk.game.rounds import StepResult
from ganwerk.game.state import TrainState
from ganwerk.nn.types import Batch, Fakes, Styled

MEAN_MEMORY = 0.995  # of the mean style, per step
LENGTH_MEMORY = 0.99  # of the mean path length, per time it is due; Karras et al. 2020, appendix B


def styled(
    distribution: Latents, mixing: float, path_weight: float = 0.0, path_every: int = 4
) -> Remedy:
    """The game of a generator with styles.

    mixing: the share of pictures whose layers, from a random one on, take the style of another
    latent. path_weight: of the path length penalty, due in each path_every-th step; 0: none.
    """

    def remedy(recipe: Recipe) -> Recipe:
        draw = styled_draw(distribution, mixing)
        recipe = add(replace(recipe, draw=draw), observers=MeanStyle(distribution))
        if not path_weight:
            return recipe
        penalty = PathLength(draw, path_weight, path_every)
        return add(remember(recipe, "path-length", penalty.mean), g_penalties=penalty)

    return remedy


def styled_draw(distribution: Latents, mixing: float) -> LatentDraw:
    """Latents with the reals' labels, as in an ordinary game, and noise, all from the step's random
    numbers; mixing as in `styled` (Karras et al. 2019, section 3.1)."""

    def inputs(generator: nn.Module, batch: Batch, random: torch.Generator) -> Inputs:
        net, count = cast(Styled, generator), len(batch.images)
        z = distribution.draw(count, net.latent_dim, random)
        other = distribution.draw(count, net.latent_dim, random)
        foreign = foreign_layers(count, net.style_layers, mixing, random)
        return z, other, foreign, *net.fresh_noise(count, random)

    def synthesise(generator: nn.Module, inputs: Inputs, labels: Tensor | None) -> Fakes:
        net = cast(Styled, generator)
        z, other, foreign, *noise = inputs
        styles = net.mapping(z, labels)[:, None].expand(-1, net.style_layers, -1)
        if mixing > 0:
            others = net.mapping(other, labels)[:, None]
            styles = torch.where(foreign[:, :, None], others, styles)
        return Fakes(net.synthesis(styles, tuple(noise)), labels, styles)

    return LatentDraw(inputs, synthesise)


def foreign_layers(count: int, layers: int, share: float, random: torch.Generator) -> Tensor:
    """(count, layers) bool: which layers take another style. In a share of the rows all from a
    random one on, 1 to layers - 1; in the others none."""
    device = random.device
    chosen = torch.rand(count, 1, generator=random, device=device) < share
    cut = torch.randint(1, layers, (count, 1), generator=random, device=device)
    return chosen & (torch.arange(layers, device=device) >= cut)


@dataclass(frozen=True, slots=True)
class MeanStyle:
    """Keeps the running mean of mapped styles, towards which pictures are truncated. Karras et al.
    2019, section 2.1 and appendix B."""

    distribution: Latents

    @torch.no_grad()
    def __call__(self, state: TrainState, report: StepResult) -> None:
        net, labels = cast(Styled, state.g_net), report.played.labels
        z = self.distribution.draw(report.batch, net.latent_dim, report.played.random)
        mean = net.mapping(z, labels).mean(0)
        net.mean_style.lerp_(mean.to(net.mean_style.dtype), 1 - MEAN_MEMORY)


class MeanLength:
    """The running mean of path lengths, kept on the device."""

    def __init__(self) -> None:
        self.running = torch.zeros(())

    def take(self, lengths: Tensor) -> Tensor:
        """Let the mean take notice of some lengths, and return it."""
        old = self.running.to(lengths)
        self.running = lengths.detach().mean().lerp(old, LENGTH_MEMORY)
        return self.running

    def state_dict(self) -> dict[str, Tensor]:
        return {"mean": self.running}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        self.running = state["mean"].clone()

    def measures(self) -> dict[str, float]:
        return {"path_length": float(self.running)}


@dataclass(frozen=True, slots=True)
class PathLength:
    """weight * (|J^T y| - a)^2 for random pictures y, J the derivative of the picture by the style,
    a the running mean of |J^T y|: equal steps of the style change the picture equally. Karras et
    al. 2020, section 3.2, equation 4. Measured on half a batch of its own, as published."""

    draw: LatentDraw
    weight: float
    every: int
    mean: MeanLength = field(default_factory=MeanLength)
    name: str = "path-length"

    def check(self, generator: nn.Module) -> None:
        if not isinstance(generator, Styled):
            raise ConfigError(
                f"The generator {type(generator).__name__} has no styles to measure.",
                "Use --preset stylegan.",
            )

    def __call__(self, generator: nn.Module, batch: Batch, random: torch.Generator) -> Tensor:
        count = max(1, len(batch.images) // 2)
        labels = None if batch.labels is None else batch.labels[:count]
        fakes = self.draw(generator, Batch(batch.images[:count], labels), random)
        lengths = path_lengths(fakes, random)
        return self.weight * (lengths - self.mean.take(lengths)).square()


def path_lengths(fakes: Fakes, random: torch.Generator) -> Tensor:
    """(B,): the root of the mean over layers of |J^T y|^2, y of standard deviation 1 / root of the
    number of pixels."""
    picture, styles = fakes.scales[-1], cast(Tensor, fakes.styles)
    y = torch.randn(picture.shape, generator=random, device=random.device)
    y = y / math.sqrt(picture.shape[2] * picture.shape[3])
    total = (picture * y.to(picture.dtype)).sum()
    (gradient,) = torch.autograd.grad(total, styles, create_graph=True)
    return gradient.square().sum(2).mean(1).sqrt()

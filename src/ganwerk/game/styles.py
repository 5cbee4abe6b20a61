"""How a generator with styles is drawn from in training: fresh noise and mixed styles."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from ganwerk.game.latents import Latents
from ganwerk.game.recipe import Draw
from ganwerk.nn.types import Batch, Fakes, Styled


def styled_draw(distribution: Latents, mixing: float) -> Draw:
    """Latents with the reals' labels, as in an ordinary game, and noise, all from the step's random
    numbers. mixing: the share of pictures whose layers, from a random one on, take the style of
    another latent (Karras et al. 2019, section 3.1)."""

    def draw(generator: nn.Module, batch: Batch, random: torch.Generator) -> Fakes:
        styled = cast(Styled, generator)
        count, labels = len(batch.images), batch.labels
        z = distribution.draw(count, styled.latent_dim, random)
        styles = styled.mapping(z, labels)
        styled.track(styles)
        layered = styles[:, None].expand(-1, styled.style_layers, -1)
        if mixing > 0:
            other = distribution.draw(count, styled.latent_dim, random)
            layered = mixed(layered, styled.mapping(other, labels), mixing, random)
        noise = styled.fresh_noise(count, random)
        return Fakes(styled.synthesis(layered, noise), labels, layered)

    return draw


def mixed(styles: Tensor, others: Tensor, share: float, random: torch.Generator) -> Tensor:
    """styles (B, L, W), of which a share take others (B, W) from a random layer on, 1 to L - 1."""
    count, layers, _ = styles.shape
    chosen = torch.rand(count, 1, generator=random, device=random.device) < share
    cut = torch.randint(1, layers, (count, 1), generator=random, device=random.device)
    foreign = chosen & (torch.arange(layers, device=random.device) >= cut)
    return torch.where(foreign[:, :, None], others[:, None], styles)

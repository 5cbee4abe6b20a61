"""Unrolled GAN: G plays against D as it will be some updates later.

Metz, Poole, Pfau, Sohl-Dickstein 2017, Unrolled generative adversarial networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from ganwerk.errors import ConfigError
from ganwerk.game.lookahead import flat, look_ahead
from ganwerk.game.losses import Loss
from ganwerk.game.recipe import Recipe, Remedy, add, claim
from ganwerk.game.rounds import Critic, Round, requiring_grad
from ganwerk.game.state import TrainState
from ganwerk.game.verdicts import (
    any_needs_input_gradient,
    discriminate,
    discriminator_loss,
    due_penalties,
)
from ganwerk.nn.types import Batch, Fakes, Scales

MOST_STEPS = 10
Objective = Literal["own", "value"]


def unrolled(steps: int = 5, first_order: bool = False, objective: Objective = "own") -> Remedy:
    """G's loss is taken against D after `steps` more updates, and differentiated through them.

    The updates are those D would really make: its loss, its due penalties, its optimiser with the
    moments it has now, its constraints; on the pictures of this step (section 2). D itself
    learns as ever. first_order: cut the gradient through the updates, as some ports did by
    mistake; only to see the difference. objective: 'own' keeps G's loss; 'value' lets G minimise
    the value of the game at the unrolled D, reals included, as the authors' code does.
    Raises ConfigError unless 0 <= steps <= 10.
    """
    if not 0 <= steps <= MOST_STEPS:
        raise ConfigError(
            f"Unrolling {steps} steps is not possible.", f"Choose 0 to {MOST_STEPS} steps."
        )

    def remedy(recipe: Recipe) -> Recipe:
        # What looks ahead of an optimiser must know it: nothing else may change it.
        foreseen = {"optimiser": recipe.optimiser} if steps else {}
        opponent = Unrolled(steps, first_order)
        claimed = claim(recipe, by="unrolled", opponent=opponent, **foreseen)
        if steps and not first_order:
            claimed = add(claimed, checks=can_be_differentiated)
        return replace(claimed, loss=of_value(recipe.loss)) if objective == "value" else claimed

    return remedy


def can_be_differentiated(recipe: Recipe, d_net: nn.Module) -> None:
    """A gradient penalty inside an unrolled update takes third derivatives, which torch does not
    have for batch norm. Raises ConfigError for such a pair."""
    penalties = [penalty.name for penalty in recipe.d_penalties if penalty.needs_input_gradient]
    normed = any(isinstance(module, nn.modules.batchnorm._BatchNorm) for module in d_net.modules())
    if penalties and normed:
        raise ConfigError(
            f"Unrolling through the penalty {penalties[0]} is not possible while D has batch norm.",
            "Set network.discriminator_norm to none or spectral, or leave out one of the remedies.",
        )


def of_value(loss: Loss) -> Loss:
    """The game in which G minimises what D maximises."""
    return replace(loss, generator=lambda real, fake: -loss.discriminator(real, fake), paired=True)


@dataclass(frozen=True, slots=True)
class Unrolled:
    """An opponent: D, `steps` updates ahead."""

    steps: int
    first_order: bool = False

    def __call__(
        self, state: TrainState, batch: Batch, fakes: Fakes, played: Round, recipe: Recipe
    ) -> Critic:
        if not self.steps:
            return played.critic
        net = Weightless(state.d_net)
        ahead = look_ahead(state.d_optimiser, net.parameters)
        weights = flat(net.parameters).requires_grad_(True)
        real = recipe.to_scales(batch.images)
        fake = fakes.detach().scales if self.first_order else fakes.scales
        for update in range(1, self.steps + 1):
            critic = replace(played.critic, net=net.on(weights))
            penalties = due_penalties(recipe.d_penalties, state.step + update)
            if any_needs_input_gradient(penalties):
                real, fake = (
                    requiring_grad(real),
                    requiring_grad(fake) if self.first_order else fake,
                )
            # Apart, because only the fakes carry G's graph.
            seen = discriminate(
                critic, real, fake, batch.labels, True, played.random, played.progress
            )
            total = discriminator_loss(seen, recipe, penalties)[0]
            (gradient,) = torch.autograd.grad(total, weights, create_graph=not self.first_order)
            weights = ahead.step(weights, gradient)
            for constrain in recipe.constraints:
                weights = constrain.ahead(weights)
            if self.first_order:
                weights = weights.detach().requires_grad_(True)
        return replace(played.critic, net=net.on(weights))


class Weightless:
    """A network as a function of its weights that learn, which come as one vector.

    Its buffers are copies, so that neither running means nor singular vectors move.
    """

    def __init__(self, net: nn.Module) -> None:
        named = {name: p for name, p in net.named_parameters() if p.requires_grad}
        self.net, self.names = net, list(named)
        self.parameters: Sequence[nn.Parameter] = list(named.values())
        self.sizes = [p.numel() for p in self.parameters]
        self.buffers = {name: buffer.clone() for name, buffer in net.named_buffers()}

    def on(self, weights: Tensor) -> Call:
        """The network with these weights (N,)."""
        pieces = zip(weights.split(self.sizes), self.parameters, strict=True)
        views = [piece.view(p.shape) for piece, p in pieces]
        return Call(self.net, dict(zip(self.names, views, strict=True)) | self.buffers)


@dataclass(frozen=True, slots=True)
class Call:
    """A network with other weights than its own."""

    net: nn.Module
    tensors: dict[str, Tensor]

    def __call__(self, scales: Scales, labels: Tensor | None) -> Tensor:
        return torch.func.functional_call(self.net, self.tensors, (scales, labels))

"""Breakages that no setting makes: faults in the code around the game, planted for one run.

Each is a context manager around a training: plant(state) is called with its first weights, and
parts of ganwerk may be replaced meanwhile. They run in a process of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from unittest.mock import patch

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganwerk.data import Feeder
from ganwerk.game.state import TrainState
from ganwerk.nn.types import Batch

Plant = Callable[[TrainState], None]


def _weighted(net: nn.Module) -> list[nn.Module]:
    return [m for m in net.modules() if isinstance(getattr(m, "weight", None), nn.Parameter)
            and m.get_parameter("weight").dim() in (2, 4)]  # fmt: skip


def frozen_d(state: TrainState) -> None:
    """All but D's last layer stays as it was drawn."""
    for module in _weighted(state.d_net)[:-1]:
        module.requires_grad_(False)


def frozen_g(state: TrainState) -> None:
    """All but G's last layer stays as it was drawn."""
    for module in _weighted(state.g_net)[:-1]:
        module.requires_grad_(False)


def still_d(state: TrainState) -> None:
    """D does not learn at all but for its first layer."""
    for module in _weighted(state.d_net)[1:]:
        module.requires_grad_(False)


def dead_relu(state: TrainState) -> None:
    """Large negative biases kill most units of G's first layers."""
    with torch.no_grad():
        for module in list(state.g_net.modules()):
            bias = getattr(module, "bias", None)
            if isinstance(module, nn.BatchNorm2d) and isinstance(bias, nn.Parameter):
                bias[: int(0.9 * len(bias))] = -10.0
                module.weight[: int(0.9 * len(bias))] = 0.01


def loud_output(state: TrainState) -> None:
    """G's last layer is far too strong: its output is driven to the limits."""
    with torch.no_grad():
        _weighted(state.g_net)[-1].get_parameter("weight").mul_(60.0)
    _weighted(state.g_net)[-1].requires_grad_(False)


def huge_d(state: TrainState) -> None:
    """D's weights begin thirty times too large."""
    with torch.no_grad():
        for module in _weighted(state.d_net):
            module.get_parameter("weight").mul_(6.0)


def _output(state: TrainState, change: Callable[[Tensor], Tensor]) -> None:
    """What both generators draw passes through `change`."""

    def hook(_: nn.Module, __: object, scales: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (*scales[:-1], change(scales[-1]))

    for net in (state.g_net, state.ema.net):
        net.register_forward_hook(hook)


def chessboard(state: TrainState) -> None:
    """A pattern of one pixel lies over all that is drawn."""
    side = 16
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    board = ((x + y) % 2).float() * 2 - 1
    _output(state, lambda p: (p + 0.12 * board).clamp(-1, 1))


def blurred(state: TrainState) -> None:
    """All that is drawn is blurred."""

    def blur(pictures: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(pictures, (2, 2, 2, 2), mode="replicate"), 5, 1)

    _output(state, blur)


def noisy_border(state: TrainState) -> None:
    """G cannot draw its border: there is always a constant that no real picture has."""

    def border(pictures: Tensor) -> Tensor:
        out = torch.full_like(pictures, 0.35)
        out[:, :, 1:-1, 1:-1] = pictures[:, :, 1:-1, 1:-1]
        return out

    _output(state, border)


def deaf(state: TrainState) -> None:
    """G hardly hears its random input."""

    def quiet(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        z = inputs[0]
        return (z * 0.02 + 0.5, *inputs[1:])

    for net in (state.g_net, state.ema.net):
        net.register_forward_pre_hook(quiet)


def unclassed(state: TrainState) -> None:
    """G is told a class and does not listen: always the first."""

    def first(_: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, Tensor | None]:
        z, labels = inputs[0], inputs[1] if len(inputs) > 1 else None
        return (z, None if labels is None else labels * 0)

    for net in (state.g_net, state.ema.net):
        net.register_forward_pre_hook(first)


def _changed_batches(change: Callable[[Batch, int], Batch], both: bool = False) -> ExitStack:
    stack, batch, take = ExitStack(), Feeder.batch, Feeder.take
    stack.enter_context(patch.object(Feeder, "batch", lambda f, i: change(batch(f, i), i)))
    if both:
        stack.enter_context(
            patch.object(Feeder, "take", lambda f, index: change(take(f, index), 0))
        )
    return stack


def unnormalised() -> ExitStack:
    """Reals come as 0 to 255 where -1 to 1 was meant."""
    return _changed_batches(lambda b, _: Batch((b.images + 1) * 127.5, b.labels), both=True)


def half_range() -> ExitStack:
    """Reals come in 0 to 0.1: a hundredth of the contrast is left."""
    return _changed_batches(lambda b, _: Batch((b.images + 1) * 0.05, b.labels), both=True)


def same_batches() -> ExitStack:
    """The feeder gives the same four batches again and again."""
    batch = Feeder.batch
    stack = ExitStack()
    stack.enter_context(patch.object(Feeder, "batch", lambda f, i: batch(f, i % 4)))
    return stack


def some_classes() -> ExitStack:
    """Only dark pictures get through: half of the kinds never reach D."""
    batch = Feeder.batch

    def chosen(feeder: Feeder, i: int) -> Batch:
        parts = [batch(feeder, 2 * i), batch(feeder, 2 * i + 1)]
        images = torch.cat([p.images for p in parts])
        half = len(images) // 2
        order = images.flatten(1).mean(1).argsort()[:half]
        labels = [p.labels for p in parts if p.labels is not None]
        return Batch(images[order], torch.cat(labels)[order] if labels else None)

    stack = ExitStack()
    stack.enter_context(patch.object(Feeder, "batch", chosen))
    return stack


def shuffled_labels() -> ExitStack:
    """The classes of the reals are mixed up anew in each batch."""

    def mix(batch: Batch, i: int) -> Batch:
        if batch.labels is None:
            return batch
        order = torch.from_numpy(np.random.default_rng(i).permutation(len(batch.labels)))
        return Batch(batch.images, batch.labels[order])

    return _changed_batches(mix)


def broken_picture() -> ExitStack:
    """After a while a picture holds a number that is none."""

    def spoil(batch: Batch, i: int) -> Batch:
        images = batch.images.clone()
        if i > 300:
            images[0] = torch.nan
        return Batch(images, batch.labels)

    return _changed_batches(spoil)


def early_schedule() -> ExitStack:
    """The rates fall to a thousandth after an eighth of the run."""
    scale = TrainState.scale_rates

    def late(state: TrainState, factors: Iterable[tuple[float, float]]) -> None:
        scale(state, [*factors, (1e-4, 1e-4)] if state.progress > 0.12 else factors)

    stack = ExitStack()
    stack.enter_context(patch.object(TrainState, "scale_rates", late))
    return stack


def wrong_sign() -> ExitStack:
    """G climbs where it should go down."""
    from ganwerk.game import step

    original = step.generator_loss
    stack = ExitStack()
    stack.enter_context(patch.object(step, "generator_loss", lambda *a: -original(*a)))
    return stack

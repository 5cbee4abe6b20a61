"""How much memory a step takes, and how to make it fit."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import torch
from torch import Tensor, nn

from ganwerk.config import build
from ganwerk.config.remedies import UnrolledSettings
from ganwerk.config.schema import Settings
from ganwerk.errors import ConfigError, MachineError
from ganwerk.game.start import check_micro
from ganwerk.game.state import TrainState
from ganwerk.nn.sizes import allowed_resolutions
from ganwerk.nn.types import Batch

GRAPHS_ALIVE = 3.0  # activations of a step, counted in forward passes of both players
AHEAD_GRAPHS = 3.5  # per update that G looks ahead, counted in forward passes of D; measured


def dummy_batch(settings: Settings, device: torch.device, count: int) -> Batch:
    side = settings.data.resolution
    images = torch.rand(count, settings.data.channels, side, side, device=device) * 2 - 1
    labels = torch.zeros(count, dtype=torch.int64, device=device)
    return Batch(images, labels if settings.data.conditional else None)


def smallest_micro_batch(state: TrainState) -> int:
    """How many pictures both networks can be tried with: a group of those that D compares."""
    return max(2, state.d_group_size)


def step_memory(state: TrainState, settings: Settings) -> int:
    """About how many bytes a step takes: weights, moments and the activations of both players.

    Counted on a few pictures, so that it is known before any memory is taken.
    """
    counted = {state.g_net: 0, state.d_net: 0}

    def counter(net: nn.Module) -> Callable[..., None]:
        def count(_module: nn.Module, _inputs: object, output: object) -> None:
            if isinstance(output, Tensor):
                counted[net] += output.numel() * output.element_size()

        return count

    hooks = [
        module.register_forward_hook(counter(net))
        for net in counted
        for module in net.modules()
        if not list(module.children())
    ]
    least = smallest_micro_batch(state)
    batch = dummy_batch(settings, state.device, least)
    try:
        with evaluating(state), torch.no_grad():
            z = torch.randn(least, settings.latent.dim, device=state.device)
            state.d_net(state.g_net(z, batch.labels), batch.labels)
    finally:
        for hook in hooks:
            hook.remove()
    g_bytes, d_bytes = (count / least * settings.budget.batch for count in counted.values())
    ahead = max((r.steps for r in settings.remedy if isinstance(r, UnrolledSettings)), default=0)
    activations = GRAPHS_ALIVE * (g_bytes + d_bytes) + AHEAD_GRAPHS * ahead * d_bytes
    parameters = sum(p.numel() for n in (state.g_net, state.d_net) for p in n.parameters())
    return int(activations + parameters * 4 * 5)  # weight, gradient, two moments, average


def too_large(settings: Settings, needed: int, free: int) -> MachineError:
    """The error that says what would fit instead."""
    batch = settings.budget.batch
    smaller = max(2, 2 ** int(batch * free / needed).bit_length() // 2)
    side = settings.data.resolution * (free / needed) ** 0.5
    fits = max((s for s in allowed_resolutions() if s <= side), default=16)
    return MachineError(
        f"A step at {settings.data.resolution} px with batch {batch} needs about "
        f"{needed / 2**30:.1f} GiB of memory; {free / 2**30:.1f} GiB are free.",
        f"What fits: --batch {min(smaller, batch // 2)}, or --resolution {fits}.",
    )


def at_once(settings: Settings, micro: int) -> Settings:
    """The same training with batches of what passes through the networks at a time."""
    if not micro:
        return settings
    return settings.model_copy(
        update={"budget": settings.budget.model_copy(update={"batch": micro})}
    )


def one_part(settings: Settings) -> Settings:
    """The same training with batches of one of its parts (see game.team)."""
    if settings.budget.parts == 1:
        return settings
    size = settings.budget.batch // settings.budget.parts
    budget = settings.budget.model_copy(update={"batch": size, "parts": 1})
    return settings.model_copy(update={"budget": budget})


def fitting_micro_batch(state: TrainState, settings: Settings, free_bytes: int) -> tuple[int, int]:
    """How many pictures of a batch to compute at a time (0: all), and the memory that takes.

    What was asked for, else all if that fits, else the largest part that does, where the game
    allows parts. Raises ConfigError if it does not, MachineError if nothing fits.
    """
    whole, asked = settings.budget.batch, settings.budget.micro_batch or 0
    recipe = build.recipe(settings)
    if asked:
        check_micro(replace(recipe, micro_batch=asked), state.g_net, state.d_net)
    if asked and whole % asked:
        raise ConfigError(
            f"Parts of {asked} pictures do not divide a batch of {whole}.",
            "Choose a divisor of the batch for budget.micro_batch.",
        )
    least = step_memory(state, at_once(settings, 1))
    each = step_memory(state, at_once(settings, 2)) - least
    held = whole * picture_bytes(settings)

    def needed(micro: int) -> int:
        return least + (micro - 1) * each + held

    if needed(asked or whole) <= free_bytes:
        return asked, needed(asked or whole)
    for micro in divisors(whole):
        if micro < smallest_micro_batch(state) or micro % max(1, state.d_group_size):
            continue
        if needed(micro) <= free_bytes:
            with suppress(ConfigError):
                check_micro(replace(recipe, micro_batch=micro), state.g_net, state.d_net)
                return micro, needed(micro)
    raise too_large(settings, needed(asked or whole), free_bytes)


def picture_bytes(settings: Settings) -> int:
    """Of a picture of the batch, which is held whole, in float32."""
    return 4 * settings.data.channels * settings.data.resolution**2


def divisors(number: int) -> list[int]:
    """All below `number`, the largest first.

    >>> divisors(12)
    [6, 4, 3, 2, 1]
    """
    small = [n for n in range(1, math.isqrt(number) + 1) if number % n == 0]
    return sorted({number // n for n in small} | set(small), reverse=True)[1:]


@contextmanager
def evaluating(state: TrainState) -> Iterator[None]:
    """Both networks do not count what they are shown in this block."""
    nets = (state.g_net, state.d_net)
    modes = [net.training for net in nets]
    try:
        for net in nets:
            net.eval()
        yield
    finally:
        for net, mode in zip(nets, modes, strict=True):
            net.train(mode)

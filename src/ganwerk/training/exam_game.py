"""The doctor's look at the game: what D says of pictures it never saw, and how the players move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from ganwerk.game.recipe import Recipe
from ganwerk.game.state import TrainState
from ganwerk.nn.types import Batch, Scales

DEAD = 1e-4
Scores = dict[str, float]


@contextmanager
def looking(net: nn.Module) -> Iterator[None]:
    """As it draws and judges outside of training: no statistics of a norm move."""
    was_training = net.training
    net.eval()
    try:
        yield
    finally:
        net.train(was_training)


def judgement(
    state: TrainState, recipe: Recipe, train: Batch, held_out: Batch | None, fake: Batch
) -> Scores:
    """What D says of pictures it trains on, of real ones it never saw, and of drawn ones (B each).

    d_gap: between real and drawn ones in deviations (Cohen's d), on held-out pictures where there
    are any. d_right: how often D ranks a real picture above a drawn one, 0.5 is chance. d_spread:
    deviation of its logits; d_size: mean size of them. overfit: how far D takes held-out pictures
    for drawn ones: 0 as those it trains on, 1 as drawn ones. d_slope: of D at real pictures.
    g_signal: how strongly G's loss pulls at its pictures. border: share of the gap that closes when
    drawn pictures get the border of real ones.
    """
    with looking(state.d_net):
        with torch.no_grad():
            known = _logits(state, recipe, train)
            fresh = known if held_out is None else _logits(state, recipe, held_out)
            swapped = _logits(state, recipe, Batch(_bordered(fake, train), fake.labels))
        slope = _slope(state, recipe, train)
        drawn, loss_slope = _pull(state, recipe, fake, known)
    spread = float(torch.cat([fresh - fresh.mean(), drawn - drawn.mean()]).std())
    gap, gap_known = float(fresh.mean() - drawn.mean()), float(known.mean() - drawn.mean())
    apart = gap_known > 0.3 * max(spread, 1e-6)
    found = {
        "d_gap": gap / max(spread, 1e-6),
        "d_right": float((fresh[:, None] > drawn[None]).float().mean()),
        "d_spread": float(torch.cat([known, drawn]).std()),
        "d_size": float(torch.cat([known, drawn]).abs().mean()),
        "d_slope": slope,
        "g_signal": loss_slope,
        "border": float(swapped.mean() - drawn.mean()) / gap_known if apart else 0.0,
    }
    if held_out is not None:
        lost = float(known.mean() - fresh.mean())
        found["overfit"] = min(2.0, lost / gap_known) if apart else 0.0
    return found


def _logits(state: TrainState, recipe: Recipe, batch: Batch) -> Tensor:
    net = state.d_net
    logits: Tensor = net(recipe.to_scales(batch.images), batch.labels)
    return logits.float().flatten().cpu()


def _slope(state: TrainState, recipe: Recipe, batch: Batch) -> float:
    scales = _leaves(recipe.to_scales(batch.images))
    logits = state.d_net(scales, batch.labels).float()
    return _mean_norm(torch.autograd.grad(logits.sum(), scales))


def _pull(
    state: TrainState, recipe: Recipe, fake: Batch, real_logits: Tensor
) -> tuple[Tensor, float]:
    """D's logits of drawn pictures, and the mean size of the gradient of G's loss at them."""
    scales = _leaves(recipe.to_scales(fake.images))
    logits = state.d_net(scales, fake.labels).float().flatten()
    opposite = real_logits.to(logits.device)[: len(logits)]
    loss = recipe.loss.generator(opposite, logits[: len(opposite)])
    return logits.detach().cpu(), _mean_norm(torch.autograd.grad(loss.sum(), scales))


def _leaves(scales: Scales) -> Scales:
    return tuple(scale.detach().clone().requires_grad_(True) for scale in scales)


def _mean_norm(gradients: tuple[Tensor, ...]) -> float:
    flat = torch.cat([g.float().flatten(1) for g in gradients], 1)
    return float(flat.norm(dim=1).mean())


def _bordered(inside: Batch, border: Batch) -> Tensor:
    """The pictures of one batch within the borders of another, a sixteenth of the side wide."""
    pictures, frame = inside.images.clone(), border.images
    width = max(1, pictures.shape[-1] // 16)
    count = min(len(pictures), len(frame))
    kept = pictures[:count, :, width:-width, width:-width].clone()
    pictures[:count] = frame[:count]
    pictures[:count, :, width:-width, width:-width] = kept
    return pictures


@torch.no_grad()
def dead_channels(net: nn.Module, scales_or_latents: tuple[object, ...]) -> float:
    """Share of the channels of weighted layers that say the same of every input."""
    quiet: list[Tensor] = []

    def look(module: nn.Module, _: object, out: object) -> None:
        if isinstance(out, Tensor) and out.dim() in (2, 4) and out.shape[1] > 1:
            dims = (0, 2, 3) if out.dim() == 4 else (0,)
            deviation = out.float().std(dims)
            quiet.append(deviation <= DEAD * deviation.max().clamp_min(1e-12))

    hooks = [
        module.register_forward_hook(look)
        for module in net.modules()
        if isinstance(weight := getattr(module, "weight", None), Tensor) and weight.dim() in (2, 4)
    ]
    try:
        with looking(net):
            net(*scales_or_latents)
    finally:
        for hook in hooks:
            hook.remove()
    return float(torch.cat(quiet).float().mean()) if quiet else 0.0


class Movement:
    """How far the weights of both players move in one step; None until a step was seen."""

    def __init__(self) -> None:
        self._before: dict[str, list[Tensor]] = {}
        self.found: Scores = {}

    def arm(self, state: TrainState) -> None:
        """Remember the weights: the next step is measured."""
        nets = {"g": state.g_net, "d": state.d_net}
        self._before = {
            k: [p.detach().clone() for p in net.parameters()] for k, net in nets.items()
        }

    @torch.no_grad()
    def measure(self, state: TrainState) -> None:
        """g_update, d_update: length of the step over the length of the weights. g_still, d_still:
        share of the weights that did not move at all."""
        for name, net in (("g", state.g_net), ("d", state.d_net)):
            before = self._before.get(name)
            if before is None:
                return
            now = [p.detach() for p in net.parameters()]
            steps = torch._foreach_sub(now, before)
            moved, size = (_length(part) for part in (steps, before))
            still = sum(int((s == 0).sum()) for s in steps) / max(1, sum(s.numel() for s in steps))
            self.found |= {f"{name}_update": moved / max(size, 1e-12), f"{name}_still": still}
        self._before = {}


def _length(tensors: list[Tensor] | tuple[Tensor, ...]) -> float:
    norms = torch.stack([n.float() for n in torch._foreach_norm(list(tensors))])
    return float(norms.norm())

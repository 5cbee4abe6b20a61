"""ganwerk's own loop, and a loop written by hand with all of its tricks.

Their difference is what the framework itself costs. Both are endless iterators like those in
bench/plain.py.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch
from torch import Tensor

from bench.plain import Steps, gradient_square
from bench.task import Task
from ganwerk.config import build
from ganwerk.config.remedies import PenaltySettings
from ganwerk.data import split
from ganwerk.game.losses import LOSSES
from ganwerk.game.recipe import add
from ganwerk.game.state import TrainState
from ganwerk.game.step import train_step
from ganwerk.training.play import TELL_SECONDS
from ganwerk.training.prepare import feeder_of
from ganwerk.training.probe import apply_choices, computing
from ganwerk.training.record import Recorder

FAR_IMAGES = 1e9  # the end of the schedules: speed is measured at the first learning rate


def _state(task: Task) -> TrainState:
    classes = len(task.pictures.class_names)
    state = build.state(task.settings, classes, task.device, FAR_IMAGES)
    apply_choices(state, task.choices)
    return state


def ganwerk(task: Task) -> Steps:
    """What training/play.py does from step to step, without pictures and checkpoints."""
    settings, pictures = task.settings, task.pictures
    train, _ = split(len(pictures), pictures.labels, settings.run.seed)
    feeder = feeder_of(settings, pictures, train)
    state = _state(task)
    recipe = build.recipe(settings)
    recorder = Recorder(recipe.loss)
    recipe = add(recipe, observers=recorder)
    told = begun = time.perf_counter()
    while True:
        with computing(task.choices):
            train_step(state, feeder.batch, recipe)
        now = time.perf_counter()
        state.seconds = now - begun
        if now - told >= TELL_SECONDS:
            recorder.take(state)
            told = now
        yield settings.budget.batch * settings.game.d_steps


class Batches:
    """Pictures as bytes in the device's memory; a batch is one gather and one conversion."""

    def __init__(self, task: Task) -> None:
        self.store = torch.from_numpy(task.pictures.images).to(task.device)
        self.labels: Tensor | None = None
        if task.class_count and task.pictures.labels is not None:
            self.labels = torch.from_numpy(task.pictures.labels).to(task.device)
        self.size, self.mirror = task.settings.budget.batch, task.settings.data.mirror
        self.device = task.device

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor | None]]:
        while True:
            order = torch.randperm(len(self.store), device=self.device)
            for index in order.split(self.size):
                if len(index) < self.size:
                    continue
                raw = self.store[index]
                if self.mirror:
                    flip = torch.nonzero(torch.rand(self.size, device=self.device) < 0.5)[:, 0]
                    raw[flip] = raw[flip].flip(3)
                real = raw.float().mul_(1 / 127.5).sub_(1)
                yield real, None if self.labels is None else self.labels[index]


class ByHand:
    """One network, one game, no framework: fused Adam, one call of D for reals and fakes where
    their samples do not see each other, no gradient that nobody needs."""

    def __init__(self, task: Task) -> None:
        state, settings = _state(task), task.settings
        self.g, self.d = state.g_net, state.d_net
        self.together = state.d_group_size == 1
        rates = settings.optimiser
        betas = (rates.beta1, rates.beta2)
        self.g_weights, self.d_weights = list(self.g.parameters()), list(self.d.parameters())
        self.g_adam = torch.optim.Adam(
            self.g_weights, rates.generator_rate, betas, eps=1e-8, fused=True
        )
        self.d_adam = torch.optim.Adam(
            self.d_weights, rates.discriminator_rate, betas, eps=1e-8, fused=True
        )
        self.loss = LOSSES[settings.game.loss]
        self.penalties = [r for r in settings.remedy if isinstance(r, PenaltySettings)]
        self.half_life = settings.average.half_life_images
        self.average = [w.detach().clone() for w in self.g_weights] if self.half_life else []
        self.buffers = [b.clone() for b in self.g.buffers()]
        self.random = torch.Generator(task.device).manual_seed(0)
        self.task, self.images, self.step = task, 0, 0

    def draw(self, count: int, labels: Tensor | None) -> Tensor:
        z = torch.randn(
            count, self.task.settings.latent.dim, generator=self.random, device=self.task.device
        )
        picture: Tensor = self.g(z, labels)[-1]
        return picture

    def judge(self, real: Tensor, fake: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        if not self.together or real.requires_grad:
            return self.d((real,), labels), self.d((fake,), labels)
        twice = None if labels is None else torch.cat([labels, labels])
        real_logits, fake_logits = self.d((torch.cat([real, fake]),), twice).split(len(real))
        return real_logits, fake_logits

    def train(self, real: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor]:
        fake = self.draw(len(real), labels)
        return self.train_d(real, fake.detach(), labels), self.train_g(real, fake, labels)

    def train_d(self, real: Tensor, fake: Tensor, labels: Tensor | None) -> Tensor:
        due = [p for p in self.penalties if self.step % p.every == 0]
        if due:
            real, fake = real.requires_grad_(), fake.requires_grad_()
        self.d_adam.zero_grad(set_to_none=True)
        real_logits, fake_logits = self.judge(real, fake, labels)
        total = loss = self.loss.discriminator(real_logits, fake_logits).mean()
        for penalty in due:
            at = (real_logits, real) if penalty.kind == "r1" else (fake_logits, fake)
            total = total + penalty.every * penalty.weight / 2 * gradient_square(*at)
        total.backward(inputs=self.d_weights)
        self.d_adam.step()
        return loss.detach()

    def train_g(self, real: Tensor, fake: Tensor, labels: Tensor | None) -> Tensor:
        self.g_adam.zero_grad(set_to_none=True)
        fake_logits = real_logits = self.d((fake,), labels)
        if self.loss.paired:
            with torch.no_grad():
                real_logits = self.d((real,), labels)
        loss = self.loss.generator(real_logits, fake_logits).mean()
        loss.backward(inputs=self.g_weights)
        self.g_adam.step()
        return loss.detach()

    @torch.no_grad()
    def remember(self, count: int) -> None:
        self.step, self.images = self.step + 1, self.images + count
        if not self.average:
            return
        half_life = min(self.half_life, self.task.settings.average.ramp * self.images)
        weights: list[Tensor] = [w.detach() for w in self.g_weights]
        torch._foreach_lerp_(self.average, weights, 1 - 0.5 ** (count / half_life))
        for mine, theirs in zip(self.buffers, self.g.buffers(), strict=True):
            mine.copy_(theirs)


def by_hand(task: Task) -> Steps:
    """The same training as `ganwerk`, for these settings only."""
    player = ByHand(task)
    losses: list[tuple[Tensor, Tensor]] = []
    for real, labels in Batches(task):
        with computing(task.choices):
            losses.append(player.train(real, labels))
        player.remember(len(real))
        if len(losses) == 64:
            torch.stack([torch.stack(pair) for pair in losses]).mean(0).tolist()
            losses.clear()
        yield len(real)

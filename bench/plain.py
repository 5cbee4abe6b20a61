"""Training loops as tutorials write them: the baselines of the throughput table.

Each function is an endless iterator: one step of both players per `next`, which gives the number
of pictures that were used. Their pictures come from a DataLoader that makes each one a PIL image,
then a tensor, then normalises it. They are held in memory here; the usual ImageFolder would also
read and decode a file for each picture in each epoch, so these baselines are on the fast side.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from bench import plain_nets
from bench.task import Task
from ganwerk.config.remedies import PenaltySettings
from ganwerk.game.losses import LOSSES

Steps = Iterator[int]


class PlainPictures(Dataset[tuple[Tensor, int]]):
    """Pictures one by one, as torchvision's data sets give them."""

    def __init__(self, task: Task) -> None:
        pictures, channels = task.pictures, task.settings.data.channels
        assert isinstance(pictures.images, np.ndarray)  # no task reads shards
        images = np.ascontiguousarray(pictures.images.transpose(0, 2, 3, 1))
        self.images = images[..., 0] if channels == 1 else images
        self.labels = np.zeros(len(images), int) if pictures.labels is None else pictures.labels
        flip = [transforms.RandomHorizontalFlip()] if task.settings.data.mirror else []
        half = (0.5,) * channels
        self.transform = transforms.Compose(
            [*flip, transforms.ToTensor(), transforms.Normalize(half, half)]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, place: int) -> tuple[Tensor, int]:
        picture = self.transform(Image.fromarray(self.images[place]))
        return picture, int(self.labels[place])


def batches(task: Task) -> Iterator[tuple[Tensor, Tensor]]:
    """Epoch after epoch of full batches on the device."""
    loader = DataLoader(
        PlainPictures(task), batch_size=task.settings.budget.batch, shuffle=True, drop_last=True
    )
    while True:
        for images, labels in loader:
            yield images.to(task.device), labels.to(task.device)


def _adam(net: nn.Module, rate: float, task: Task) -> torch.optim.Adam:
    optimiser = task.settings.optimiser
    return torch.optim.Adam(
        net.parameters(), lr=rate, betas=(optimiser.beta1, optimiser.beta2), eps=1e-8
    )


def _optimisers(g: nn.Module, d: nn.Module, task: Task) -> tuple[torch.optim.Adam, ...]:
    rates = task.settings.optimiser
    return _adam(g, rates.generator_rate, task), _adam(d, rates.discriminator_rate, task)


def _listing_nets() -> tuple[nn.Module, nn.Module]:
    generator = nn.Sequential(
        nn.Linear(100, 256), nn.LeakyReLU(0.2),
        nn.Linear(256, 512), nn.LeakyReLU(0.2),
        nn.Linear(512, 784), nn.Tanh(),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Linear(784, 512), nn.LeakyReLU(0.2),
        nn.Linear(512, 256), nn.LeakyReLU(0.2),
        nn.Linear(256, 1), nn.Sigmoid(),
    )  # fmt: skip
    return generator, discriminator


def listing(task: Task) -> Steps:
    """The first GAN of every tutorial: perceptrons, sigmoid and BCELoss."""
    device = task.device
    generator, discriminator = (net.to(device) for net in _listing_nets())
    g_optimiser, d_optimiser = _optimisers(generator, discriminator, task)
    criterion = nn.BCELoss()
    d_total = g_total = 0.0
    for images, _ in batches(task):
        real = images.view(len(images), -1)
        ones = torch.ones(len(real), 1, device=device)
        zeros = torch.zeros(len(real), 1, device=device)
        fake = generator(torch.randn(len(real), 100, device=device))

        d_optimiser.zero_grad()
        d_loss = criterion(discriminator(real), ones)
        d_loss = d_loss + criterion(discriminator(fake.detach()), zeros)
        d_loss.backward()
        d_optimiser.step()

        g_optimiser.zero_grad()
        g_loss = criterion(discriminator(fake), ones)
        g_loss.backward()
        g_optimiser.step()

        d_total, g_total = d_total + d_loss.item(), g_total + g_loss.item()
        yield len(real)


def dcgan(task: Task) -> Steps:
    """PyTorch's DCGAN tutorial: D learns from reals and fakes in turn, G from the same fakes."""
    generator, discriminator = (n.to(task.device) for n in plain_nets.players(task.settings, 0))
    g_optimiser, d_optimiser = _optimisers(generator, discriminator, task)
    criterion = nn.BCELoss()
    d_total = g_total = 0.0
    for real, _ in batches(task):
        ones = torch.ones(len(real), device=task.device)
        zeros = torch.zeros(len(real), device=task.device)

        discriminator.zero_grad()
        real_loss = criterion(discriminator(real, None).sigmoid(), ones)
        real_loss.backward()
        fake = generator(_latents(task, len(real)), None)
        fake_loss = criterion(discriminator(fake.detach(), None).sigmoid(), zeros)
        fake_loss.backward()
        d_optimiser.step()

        generator.zero_grad()
        g_loss = criterion(discriminator(fake, None).sigmoid(), ones)
        g_loss.backward()
        g_optimiser.step()

        d_total, g_total = d_total + (real_loss + fake_loss).item(), g_total + g_loss.item()
        yield len(real)


def auto(task: Task) -> Steps:
    """The game that `auto` chooses, written plainly: G draws anew for its own update, penalties
    are computed by autograd in the same steps, the average is updated weight by weight."""
    settings, loss = task.settings, LOSSES[task.settings.game.loss]
    nets = plain_nets.players(settings, task.class_count)
    generator, discriminator = (net.to(task.device) for net in nets)
    g_optimiser, d_optimiser = _optimisers(generator, discriminator, task)
    average = copy.deepcopy(generator).requires_grad_(False)
    keep = 0.5 ** (settings.budget.batch / max(settings.average.half_life_images, 1))
    penalties = [r for r in settings.remedy if isinstance(r, PenaltySettings)]
    d_total = g_total = 0.0
    for step, (real, classes) in enumerate(batches(task)):
        labels = classes if task.class_count else None

        d_optimiser.zero_grad()
        fake = generator(_latents(task, len(real)), labels).detach()
        due = [p for p in penalties if step % p.every == 0]
        points = {"r1": real.requires_grad_(bool(due)), "r2": fake.requires_grad_(bool(due))}
        logits = {"r1": discriminator(real, labels), "r2": discriminator(fake, labels)}
        d_loss = loss.discriminator(logits["r1"], logits["r2"]).mean()
        for penalty in due:
            slope = gradient_square(logits[penalty.kind], points[penalty.kind])
            d_loss = d_loss + penalty.every * penalty.weight / 2 * slope
        d_loss.backward()
        d_optimiser.step()

        g_optimiser.zero_grad()
        fake = generator(_latents(task, len(real)), labels)
        real_logits = discriminator(real.detach(), labels).detach()
        g_loss = loss.generator(real_logits, discriminator(fake, labels)).mean()
        g_loss.backward()
        g_optimiser.step()

        _update(average, generator, keep)
        d_total, g_total = d_total + d_loss.item(), g_total + g_loss.item()
        yield len(real)


def gradient_square(logits: Tensor, pictures: Tensor) -> Tensor:
    """The mean of ||grad D(x)||^2 over the batch."""
    gradient = torch.autograd.grad(logits.sum(), pictures, create_graph=True)[0]
    return gradient.square().flatten(1).sum(1).mean()


@torch.no_grad()
def _update(average: nn.Module, net: nn.Module, keep: float) -> None:
    for old, new in zip(average.parameters(), net.parameters(), strict=True):
        old.mul_(keep).add_(new, alpha=1 - keep)


def _latents(task: Task, count: int) -> Tensor:
    return torch.randn(count, task.settings.latent.dim, device=task.device)

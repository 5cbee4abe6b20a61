"""Stacked MNIST: three digits, one in each colour channel, make 1,000 modes that can be counted.

Metz et al. 2017, Unrolled GANs, section 3.3.1; Lin et al. 2018, PacGAN, section 4.2.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ganwerk.data.cache import cache_home
from ganwerk.data.sources import ArraySource
from ganwerk.errors import DataError
from ganwerk.game.counters import step_seed
from ganwerk.game.recipe import Recipe
from ganwerk.game.state import TrainState
from ganwerk.lab.game import DATA, begin, generated, moments, play, rules_of
from ganwerk.lab.judge import Digits, open_judge, read, train_judge
from ganwerk.lab.method import Method, parse
from ganwerk.lab.setting import GameSetting
from ganwerk.lab.trial import Facts, Tell, Trial
from ganwerk.lab.truth import reverse_kl
from ganwerk.nn import init
from ganwerk.nn.dcgan import DcganDiscriminator, DcganGenerator
from ganwerk.nn.layers import Conv2d, ConvTranspose2d, Linear, LogitHead
from ganwerk.nn.types import Batch, Scales
from ganwerk.values import PictureShape, ProgressCallback

MODES = 1_000
SIDE = 28
FRAMES = 8
JUDGED = 25_600  # as in both papers
JUDGED_BETWEEN = 5_120
SHOWN = 64
SLOPE = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class StackedSetting(GameSetting):
    """d_channels: of D's three convolutions; none for the ordinary DCGAN, both players of `width`.

    d_norm: whether the small D has batch norm, which hides from it how bright all pictures are.
    data_root: the folder that holds MNIST's files, '' for where ganwerk keeps them.
    """

    d_channels: tuple[int, ...] = (2, 4, 8)
    d_norm: bool = True
    width: int = 64
    data_root: str = ""


class TinyGenerator(nn.Module):
    """z (B, Z) to (B, 3, 28, 28): 4 x 4 x 64, then 3 x 3 transposed convolutions of 32, 16 and 8
    channels with batch norm and ReLU. Metz et al. 2017, appendix."""

    def __init__(self, latent_dim: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.first = Linear(latent_dim, 64 * 16)
        self.enter = nn.Sequential(nn.BatchNorm2d(64), nn.ReLU())
        self.stages = nn.Sequential(
            *_up(64, 32, to_even=False), *_up(32, 16), *_up(16, 8), Conv2d(8, 3, 3, padding=1)
        )

    def forward(self, z: Tensor, labels: Tensor | None = None) -> Scales:
        h = self.first(z).view(-1, 64, 4, 4).contiguous(memory_format=torch.channels_last)
        return (self.stages(self.enter(h)).tanh(),)


def _up(before: int, after: int, to_even: bool = True) -> list[nn.Module]:
    larger = ConvTranspose2d(before, after, 3, 2, 1, output_padding=int(to_even))
    return [larger, nn.BatchNorm2d(after), nn.ReLU()]


class TinyDiscriminator(nn.Module):
    """(B, 3, 28, 28) to logits: 3 x 3 convolutions of stride 2 with batch norm (or none) and
    LeakyReLU 0.3, a quarter or a half as wide as G. Metz et al. 2017, appendix."""

    def __init__(self, channels: Sequence[int], norm: bool = True) -> None:
        super().__init__()
        self.group_size = 0 if norm else 1
        layers: list[nn.Module] = []
        for before, after in zip((3, *channels), channels, strict=False):
            layers.append(Conv2d(before, after, 3, 2, 1))
            layers += [nn.BatchNorm2d(after)] if norm else []
            layers.append(nn.LeakyReLU(SLOPE))
        self.stages = nn.Sequential(*layers)
        self.verdict = LogitHead(channels[-1] * 16, classes=0)

    def forward(self, scales: Scales, labels: Tensor | None = None) -> Tensor:
        x = scales[-1].contiguous(memory_format=torch.channels_last)
        logits: Tensor = self.verdict(self.stages(x).flatten(1), labels)
        return logits


def players(setting: StackedSetting) -> tuple[nn.Module, nn.Module]:
    """G and D before their first weights."""
    if setting.d_channels:
        d_net = TinyDiscriminator(setting.d_channels, setting.d_norm)
        return TinyGenerator(setting.latent_dim), d_net
    shape = PictureShape(SIDE, 3)
    return (
        DcganGenerator(shape, setting.latent_dim, 0, width=setting.width),
        DcganDiscriminator(shape, 0, width=setting.width),
    )


def game(setting: StackedSetting, chosen: Method, seed: int) -> tuple[TrainState, Recipe]:
    """Players before their first step, and the rules. Raises ConfigError."""
    rules = rules_of(setting, chosen)
    # The published weights are small: without batch norm in D its logits would all but vanish
    how = init.dcgan if setting.d_channels and setting.d_norm else init.he
    g, d = (net.to(memory_format=torch.channels_last) for net in players(setting))
    return begin(setting, rules, seed, g, d, how), rules


def digits(root: str, progress: ProgressCallback) -> tuple[Tensor, Tensor]:
    """MNIST's training pictures (60,000, 28, 28) uint8 and labels. Raises DataError."""
    from ganwerk.data.opening import open_source  # games of points begin without it

    folder = Path(root) if root else None
    source = open_source(
        "mnist", root=folder, cache=cache_home(None), download=True, progress=progress
    )
    assert isinstance(source, ArraySource)
    arrays = source.load()
    if arrays.labels is None:
        raise DataError(f"The digits in {root} have no labels.", "Put the label file beside them.")
    return torch.from_numpy(arrays.images[:, 0].copy()), torch.from_numpy(arrays.labels.values)


def as_input(pixels: Tensor) -> Tensor:
    """uint8 to [-1, 1], -1 for 0."""
    return pixels.float() / 127.5 - 1


def stacks(pictures: Tensor, count: int, seed: int) -> Callable[[int], Batch]:
    """Batch i of the game with this seed: three random digits per picture."""
    random = torch.Generator()

    def batch(index: int) -> Batch:
        random.manual_seed(step_seed(seed, DATA + index))
        chosen = torch.randint(len(pictures), (count, 3), generator=random)
        return Batch(as_input(pictures[chosen]))

    return batch


def ready(root: Path | None, progress: ProgressCallback) -> None:
    """See that digits and classifier are there: find or download MNIST, train the classifier once.

    Raises DataError.
    """
    pictures, labels = digits(str(root or ""), progress)
    if open_judge() is None:
        train_judge(as_input(pictures)[:, None], labels, progress)


@cache
def loaded(root: str) -> tuple[Tensor, Digits]:
    """The digits and the classifier, once per process."""
    pictures, _ = digits(root, lambda _: None)
    judge = open_judge()
    assert judge is not None, "the classifier is trained before the games begin"
    return pictures, judge


def count_modes(judge: Digits, pictures: Tensor) -> Tensor:
    """How often each of the 1,000 numbers was drawn: (1000,) int64."""
    seen = read(judge, pictures)
    return torch.bincount(seen @ torch.tensor([100, 10, 1]), minlength=MODES)


def trial(base: StackedSetting, text: str, seed: int, tell: Tell) -> Trial:
    """Train, counting modes now and then. Raises ConfigError, DataError, DivergedError."""
    chosen = parse(text)
    setting = chosen.applied(base)
    pictures, judge = loaded(setting.data_root)
    state, rules = game(setting, chosen, seed)
    batches = stacks(pictures, setting.batch, seed)
    looks = moments(setting.steps, FRAMES)
    modes, shown = [], []
    watched, start = 0.0, time.perf_counter()
    hits = torch.zeros(MODES, dtype=torch.int64)
    for step in play(state, rules, batches, looks, tell):
        paused = time.perf_counter()
        drawn = generated(state, setting, JUDGED if step == setting.steps else JUDGED_BETWEEN)
        hits = count_modes(judge, drawn)
        modes.append(int((hits > 0).sum()))
        shown.append(drawn[:SHOWN])
        watched += time.perf_counter() - paused
    facts: Facts = {
        "modes": modes[-1],
        "reverse_kl": reverse_kl(hits),
        "steps": setting.steps,
        "images": state.images,
        "seconds": time.perf_counter() - start - watched,
    }
    pixels = (torch.stack(shown) * 127.5 + 128).clamp(0, 255).byte()
    arrays = {"steps": np.array(looks), "modes": np.array(modes), "pictures": pixels.numpy()}
    return Trial(facts, arrays)

"""Small runs to steer: conditional, without classes, and one with styles."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from ganwerk.control.perception import Perception
from ganwerk.control.steered import Steered
from ganwerk.nn.style import Noise
from ganwerk.sampling.sample import Sampler


@pytest.fixture(scope="session")
def run(tmp_path_factory, trained):
    """Ten classes of digits, 16 px."""
    return trained(tmp_path_factory.mktemp("runs") / "digits", budget__images=160)


@pytest.fixture(scope="session")
def plain(tmp_path_factory, trained):
    """The same without classes."""
    folder = tmp_path_factory.mktemp("runs") / "plain"
    return trained(folder, budget__images=160, data__conditional=False)


@pytest.fixture(scope="session")
def perception():
    return Perception.by("compact", torch.device("cpu"))


@pytest.fixture
def photo(run, tmp_path):
    """A picture that the run itself can draw."""
    path = tmp_path / "seven.png"
    Image.fromarray(Steered.open(run).sampler.draw([777])[0, ..., 0]).save(path)
    return path


class TinyStyled(nn.Module):
    """Four style layers of six numbers; layers 1 and 2 draw 8 px, 3 and 4 draw 16 px."""

    style_layers, style_size, style_resolutions = 4, 6, (8, 8, 16, 16)

    def __init__(self, latent_dim: int, classes: int) -> None:
        super().__init__()
        self.latent_dim = latent_dim
        self.map = nn.Linear(latent_dim + classes, 6)
        self.classes = classes
        self.affine = nn.ModuleList(nn.Linear(6, 3) for _ in range(4))
        self.register_buffer("mean_style", torch.full((6,), 0.25))
        self.noises = nn.ModuleList(Noise(side) for side in self.style_resolutions)
        for number, noise in enumerate(self.noises):
            noise.begin(torch.Generator().manual_seed(number))

    def mapping(self, latents, labels=None):
        if self.classes:
            if not labels.is_floating_point():
                labels = F.one_hot(labels, self.classes).float()
            latents = torch.cat([latents, 3 * labels], 1)
        return torch.tanh(self.map(latents))

    def synthesis(self, styles, noise=None):
        y, x = torch.meshgrid(torch.linspace(-1, 1, 16), torch.linspace(-1, 1, 16), indexing="ij")
        picture = torch.zeros(1, 1, 16, 16)
        for number, affine in enumerate(self.affine):
            a, b, c = affine(styles[:, number])[:, :, None, None, None].unbind(1)
            given = self.noises[number].fixed if noise is None else noise[number]
            grain = 0.1 * F.interpolate(given, (16, 16))
            picture = picture + torch.sin(a + 2**number * (b * x + c * y)) / 2 + grain
        return (picture,)

    def fresh_noise(self, count, random):
        return tuple(
            torch.randn(count, 1, side, side, generator=random) for side in self.style_resolutions
        )

    def track(self, styles):
        raise AssertionError("only training tracks the mean style")

    def forward(self, latents, labels=None):
        styles = self.mapping(latents, labels)[:, None].expand(-1, self.style_layers, -1)
        return self.synthesis(styles)


@pytest.fixture
def styled(run):
    """A generator with styles and ten classes."""
    return steered_by_styles(run, classes=10)


@pytest.fixture
def classless(plain):
    """A generator with styles and no classes."""
    return steered_by_styles(plain, classes=0)


def steered_by_styles(run, classes):
    torch.manual_seed(1)
    before = Sampler.open(run)
    net = TinyStyled(before.settings.latent.dim, classes).eval().requires_grad_(False)
    names = before.class_names
    return Steered(Sampler(net, before.settings, names, [1] * len(names), torch.device("cpu")))

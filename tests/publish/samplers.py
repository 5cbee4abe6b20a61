"""Generators of every preset, untrained but with weights that all matter, made in no time."""

from __future__ import annotations

import torch

from ganwerk.config import auto, build, load
from ganwerk.sampling.sample import Sampler
from ganwerk.values import DataFacts, MachineFacts, Origin, PictureShape
from tests.runs import SMALL

MACHINE = MachineFacts("cpu", "a processor", 2, 8 << 30, 6 << 30)
TINY = {
    "auto": {"network.generator_width": 8, "network.discriminator_width": 8,
             "network.max_width": 16, "latent.dim": 8},
    "listing": {"network.generator_widths": [16, 24], "network.discriminator_widths": [16]},
}  # fmt: skip
STYLE = {"network.style_size": 12, "latent.dim": 12}


def sampler(preset: str, classes: int = 0, channels: int = 3, **changes: object) -> Sampler:
    """A sampler at 16 px with random weights, noise strengths and running statistics too."""
    names = tuple(f"kind {i}" for i in range(classes))
    counts = tuple(range(10, 10 + classes))
    facts = DataFacts(sum(counts) or 100, PictureShape(16, channels), names, counts)
    sizes = TINY.get(preset) or SMALL[preset] | (STYLE if "style" in preset else {"latent.dim": 8})
    wanted = sizes | {"data.conditional": bool(classes)}
    wanted |= {key.replace("__", "."): value for key, value in changes.items()}
    draft = load.collect(preset=preset, flags={k: (v, k) for k, v in wanted.items()})
    draft.give("data.where", "x", Origin("a test"))
    auto.decide(draft, facts, MACHINE)
    settings = load.settle(draft)
    net, _ = build.players(settings, classes, torch.device("cpu"))
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, tensor in [*net.named_parameters(), *net.named_buffers()]:
            if not tensor.is_floating_point():
                continue
            drawn = torch.randn(tensor.shape, generator=random)
            if "running_var" in name:
                tensor.copy_(drawn.abs() + 0.5)
            else:
                tensor.add_(0.2 * drawn)
    net.eval().requires_grad_(False)
    return Sampler(net, settings, names, counts, torch.device("cpu"), images=1234)

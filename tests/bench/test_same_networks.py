"""The plain networks of the throughput table are ganwerk's: same weights, same numbers."""

from __future__ import annotations

import pytest
import torch

from bench import plain_nets
from ganwerk.config import auto, build, load
from ganwerk.config.schema import Settings
from ganwerk.values import DataFacts, MachineFacts, Origin, PictureShape

CPU = MachineFacts("cpu", "CPU", 2, 8 << 30, 4 << 30)
NARROW = ("network.generator_width=8", "network.discriminator_width=8", "network.max_width=16")
CASES = {
    "auto at 32 px": ("auto", 32, ()),
    "auto at 64 px": ("auto", 64, ()),
    "folded": ("auto", 32, ("network.up=folded",)),
    "strided dcgan": ("dcgan", 32, ()),
    "resnet": ("r3", 32, ()),
    "resnet, two blocks": ("r3", 28, ("network.generator_blocks=2",)),
    "pooled dcgan": ("wgan-gp", 32, ()),
}


def settings_of(preset: str, resolution: int, sets: tuple[str, ...]) -> Settings:
    facts = DataFacts(400, PictureShape(resolution, 3), ("a", "b"), (200, 200))
    draft = load.collect(preset=preset, sets=(*NARROW, *sets))
    draft.give("data.where", "noise", Origin("test"))
    auto.decide(draft, facts, CPU)
    return load.settle(draft)


@pytest.mark.parametrize("case", CASES)
def test_plain_network_computes_what_ganwerk_computes(case: str) -> None:
    settings = settings_of(*CASES[case])
    classes = 2 if settings.data.conditional else 0
    ours = build.players(settings, 2, torch.device("cpu"))
    plain = plain_nets.players(settings, classes)
    for mine, theirs in zip(ours, plain, strict=True):
        theirs.load_state_dict(mine.state_dict())
    labels = torch.tensor([0, 1, 1]) if classes else None
    z = torch.randn(3, settings.latent.dim)
    picture = ours[0](z, labels)[-1]
    torch.testing.assert_close(plain[0](z, labels), picture, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        plain[1](picture, labels), ours[1]((picture,), labels), rtol=1e-4, atol=1e-4
    )

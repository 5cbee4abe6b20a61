"""Settings by name: as published where a paper is named, ganwerk's own where none is.

A preset leaves the method open; `methods` is what is compared when nobody says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from ganwerk.lab.method import PLAIN
from ganwerk.lab.setting import GameSetting, PointSetting
from ganwerk.lab.stacked import StackedSetting


@dataclass(frozen=True, slots=True)
class Preset:
    """about: one line for help."""

    setting: GameSetting
    about: str
    methods: tuple[str, ...]


COLLAPSE = PointSetting(
    problem="ring",
    source="Metz et al. 2017, Unrolled GANs, and its authors' notebook, at a quarter of the batch",
    steps=2_000,
    batch=128,
    latent_dim=16,
    g_rate=1e-3,
    d_rate=1e-4,
    d_scale=0.25,
)
UNROLLED_PAPER = PointSetting(
    problem="ring",
    source="Metz et al. 2017, Unrolled GANs, appendix A",
    steps=25_000,
    batch=512,
    latent_dim=256,
    d_widths=(128,),
    g_rate=1e-4,
    d_rate=1e-4,
    d_scale=0.25,
    gain=0.8,
)
UNROLLED_NOTEBOOK = replace(
    UNROLLED_PAPER,
    problem="ring-1",
    source="github.com/poolio/unrolled_gan, but for its eighth mode, which lies on the first",
    d_widths=(128, 128),
    g_activation="tanh",
    d_activation="tanh",
    g_rate=1e-3,
    d_scale=1.0,
    gain=1.4,
)
PACGAN = PointSetting(
    problem="ring-1",
    source="Lin et al. 2018, PacGAN, section 4.1 (the games of VEEGAN, the networks of ALI)",
    steps=400_000,
    batch=100,
    latent_dim=2,
    g_widths=(400, 400, 400, 400),
    d_widths=(200, 200, 200),
    d_activation="maxout",
    g_norm=True,
    init="dcgan",
    g_rate=1e-4,
    d_rate=1e-4,
    beta1=0.8,
)
BEST_RING = PointSetting(
    problem="ring",
    source="ganwerk",
    steps=5_000,
    batch=256,
    latent_dim=2,
    g_widths=(128, 128, 128),
    g_rate=2e-3,
    d_rate=2e-3,
    beta1=0.0,
    beta2=0.99,
    d_scale=2.0,
    average_images=100_000,
    decay="cosine",
    hold=0.4,
)
BEST_GRID = replace(BEST_RING, problem="grid", steps=6_000, d_scale=0.5, loss="relativistic")
STACKED_QUARTER = StackedSetting(
    problem="stacked",
    source="Metz et al. 2017, Unrolled GANs, section 3.3.1, with larger steps and fewer of them",
    steps=2_000,
    batch=64,
    latent_dim=256,
    g_rate=1e-3,
    d_rate=2e-3,
    beta1=0.5,
    beta2=0.99,
)
STACKED_BEST = replace(
    STACKED_QUARTER, source="ganwerk", steps=3_000, d_norm=False, average_images=5_000
)
STACKED_FULL = StackedSetting(
    problem="stacked",
    source="ganwerk",
    steps=4_000,
    batch=64,
    latent_dim=64,
    d_channels=(),
    width=32,
    g_rate=1e-3,
    d_rate=1e-3,
    beta1=0.0,
    beta2=0.99,
    average_images=10_000,
)

UNROLLED = tuple(f"unrolled:steps={k}" for k in (1, 5, 10))
RING: dict[str, Preset] = {
    "collapse": Preset(
        COLLAPSE,
        "D ten times slower than G: the plain game collapses within seconds",
        (PLAIN, UNROLLED[1]),
    ),
    "unrolled": Preset(UNROLLED_PAPER, "the Unrolled GAN paper's, long", (PLAIN, *UNROLLED)),
    "notebook": Preset(
        UNROLLED_NOTEBOOK, "the Unrolled GAN's notebook, long", (PLAIN, UNROLLED[1])
    ),
    "pacgan": Preset(PACGAN, "VEEGAN's and PacGAN's, very long", (PLAIN, "packing:size=4")),
    "best": Preset(BEST_RING, "ganwerk's best for the ring", ("r1:weight=0.02",)),
}
GRID: dict[str, Preset] = {
    "best": Preset(
        BEST_GRID,
        "ganwerk's best for the grid",
        (PLAIN, "r1:weight=0.1+r2:weight=0.1"),
    ),
    "collapse": Preset(
        replace(COLLAPSE, problem="grid"), "D ten times slower than G", (PLAIN, UNROLLED[1])
    ),
    "pacgan": Preset(
        replace(PACGAN, problem="grid"),
        "VEEGAN's and PacGAN's, very long",
        (PLAIN, "packing:size=4"),
    ),
}
STACKED: dict[str, Preset] = {
    "quarter": Preset(STACKED_QUARTER, "D a quarter as wide as G", (PLAIN, *UNROLLED)),
    "half": Preset(
        replace(STACKED_QUARTER, d_channels=(4, 8, 16)), "D half as wide as G", (PLAIN, *UNROLLED)
    ),
    "best": Preset(
        STACKED_BEST,
        "ganwerk's best with D a quarter as wide as G",
        (PLAIN, "loss=relativistic+r1:weight=0.1+r2:weight=0.1+packing:size=2"),
    ),
    "full": Preset(STACKED_FULL, "an ordinary DCGAN", ("r1:weight=0.1,every=8",)),
}


def stacked(data_root: Path | None) -> dict[str, Preset]:
    """The presets of stacked MNIST, with its files in this folder."""
    return {
        name: replace(
            preset,
            setting=replace(cast(StackedSetting, preset.setting), data_root=str(data_root or "")),
        )
        for name, preset in STACKED.items()
    }

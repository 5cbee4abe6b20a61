"""What is played: breakages, healthy games, networks. Written before any threshold was set."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from bench.doctor import breaks
from bench.doctor.breaks import Plant

FAILS = ("GW301", "GW302", "GW304", "GW305", "GW402", "GW403", "GW603", "GW604")
"""Ways in which a game gets nowhere. Which of them it is depends on the moment."""
NARROW = ("GW201", "GW202", "GW203", "GW204")


@dataclass(frozen=True)
class Case:
    """codes: findings that are right if it really failed; () of a healthy game. flags: settings.
    images: share of the usual budget. pictures: how many, 0 for all."""

    name: str
    codes: tuple[str, ...] = ()
    preset: str | None = None
    remedies: tuple[str, ...] = ()
    flags: dict[str, Any] = field(default_factory=dict)
    plant: Plant | None = None
    around: Callable[[], ExitStack] | None = None
    images: float = 1.0
    pictures: int = 0
    classes: bool | None = None


NETWORKS: dict[str, dict[str, Any]] = {
    "small": {"network.generator_width": 16, "network.discriminator_width": 16,
              "network.max_width": 64, "latent.dim": 32},
    "wide": {"network.generator_width": 32, "network.discriminator_width": 32,
             "network.max_width": 96, "latent.dim": 64},
    "mlp": {"network.kind": "mlp", "network.generator_widths": [128, 256],
            "network.discriminator_widths": [256, 128], "latent.dim": 32},
}  # fmt: skip

G, D = "optimiser.generator_rate", "optimiser.discriminator_rate"
PLAIN = ("none",)
NS = {"game.loss": "non-saturating", "optimiser.beta1": 0.5, "optimiser.beta2": 0.999,
      G: 2e-4, D: 2e-4}  # fmt: skip


def _rates(g: float, d: float, **more: Any) -> dict[str, Any]:
    return {G: 2e-3 * g, D: 2e-3 * d} | more


BROKEN = (
    Case("d-rate-10", (*FAILS, *NARROW, "GW401"), flags=_rates(1, 10)),
    Case("g-rate-10", (*FAILS, *NARROW, "GW401"), flags=_rates(10, 1)),
    Case("rates-10", (*FAILS, *NARROW, "GW401"), flags=_rates(10, 10)),
    Case("rates-100th", ("GW604", "GW602"), flags=_rates(0.01, 0.01)),
    Case("d-rate-100th", ("GW302", "GW604", "GW301", *NARROW), flags=_rates(1, 0.003)),
    Case("g-rate-100th", ("GW604", "GW301", "GW602"), flags=_rates(0.003, 1)),
    Case("no-penalty-200", ("GW303", "GW301", "GW102", "GW501", *NARROW), remedies=PLAIN,
         flags=NS, pictures=200),
    Case("few-200", ("GW303", "GW501", "GW102", "GW202", "GW203"), pictures=200, images=2),
    Case("few-100-wide-steps", ("GW303", "GW501", "GW301", "GW102", *NARROW), pictures=100,
         remedies=PLAIN, flags=NS | {"game.d_steps": 3}),
    Case("clipped", (*FAILS, *NARROW, "GW404"), remedies=("none", "weight-clip:bound=0.5"),
         flags={"game.loss": "wasserstein", "optimiser.kind": "rmsprop", G: 5e-3, D: 5e-3}),
    Case("clipped-tight", (*FAILS, *NARROW, "GW404"),
         remedies=("none", "weight-clip:bound=0.001"),
         flags={"game.loss": "wasserstein", "optimiser.kind": "rmsprop", G: 5e-5, D: 5e-5}),
    Case("minimax-strong-d", (*FAILS, *NARROW), remedies=PLAIN,
         flags=NS | {"game.loss": "minimax", "game.d_steps": 4, D: 1e-3}),
    Case("batch-norm-d", (*NARROW, *FAILS, "GW401"), remedies=PLAIN, preset="dcgan",
         flags={"network.kind": "dcgan", "game.g_steps": 3}),
    Case("loud-output", ("GW503", *FAILS, *NARROW), plant=breaks.loud_output),
    Case("same-batches", ("GW303", "GW501", *NARROW), around=breaks.same_batches),
    Case("tiny-z", (*NARROW,), flags={"latent.dim": 1}),
    Case("deaf", (*NARROW,), plant=breaks.deaf),
    Case("dead-relu", ("GW305", *FAILS, *NARROW), plant=breaks.dead_relu),
    Case("frozen-d", ("GW305", "GW302", *FAILS, *NARROW), plant=breaks.frozen_d),
    Case("frozen-g", ("GW305", *FAILS, *NARROW), plant=breaks.frozen_g),
    Case("still-d", ("GW305", "GW302", *FAILS), plant=breaks.still_d),
    Case("huge-d", (*FAILS, *NARROW), plant=breaks.huge_d),
    Case("schedule-cut", ("GW601", "GW604", "GW602"), around=breaks.early_schedule),
    Case("swapped-labels", ("GW302", *FAILS),
         remedies=("none", "label-flipping:probability=0.49"), flags=NS),
    Case("g-steps-8", (*NARROW, *FAILS, "GW401"), remedies=PLAIN,
         flags=NS | {"game.g_steps": 8, G: 1e-3}),
    Case("weak-d", (*NARROW, *FAILS, "GW401"), remedies=PLAIN,
         flags=NS | {G: 2e-3, D: 2e-4}),
    Case("unnormalised", ("GW301", "GW304", *FAILS), around=breaks.unnormalised),
    Case("half-range", (*FAILS,), around=breaks.half_range),
    Case("border-shortcut", ("GW304", "GW301"), plant=breaks.noisy_border),
    Case("penalty-1000", ("GW302", "GW604", "GW504", *FAILS, *NARROW),
         remedies=("none", "r1:weight=1000", "r2:weight=1000")),
    Case("long-average", ("GW606",),
         flags={"average.half_life_images": 1e6, "average.ramp": 10.0}),
    Case("budget-tenth", ("GW602",), images=0.1),
    Case("broken-picture", ("GW403",), around=breaks.broken_picture),
    Case("rate-1", ("GW403", "GW402", "GW603", *FAILS, *NARROW), flags={G: 0.3, D: 0.3}),
    Case("momentum", ("GW401", *FAILS, *NARROW),
         remedies=PLAIN, flags=NS | {"optimiser.beta1": 0.95, G: 4e-3, D: 4e-3}),
    Case("some-kinds", ("GW203", "GW204"), around=breaks.some_classes),
    Case("shuffled-labels", ("GW205",), around=breaks.shuffled_labels),
    Case("unclassed", ("GW205",), plant=breaks.unclassed),
    Case("sgd", ("GW604", *FAILS), flags={"optimiser.kind": "sgd", G: 2e-3, D: 2e-3}),
    Case("wrong-sign", (*FAILS, *NARROW), around=breaks.wrong_sign),
    Case("chessboard", ("GW502",), plant=breaks.chessboard),
    Case("blurred", ("GW504",), plant=breaks.blurred),
    Case("much-noise", ("GW302", *FAILS, *NARROW),
         remedies=("none", "instance-noise:std=3,until=1.0")),
    Case("short-many-classes", ("GW202", "GW602", "GW203"), images=0.35,
         flags={"budget.batch": 8}),
)  # fmt: skip

HEALTHY = (
    Case("plain"),
    Case("plain-long", images=2.0),
    Case("plain-short", images=0.6),
    Case("no-classes", classes=False),
    Case("wgan-gp", remedies=("none", "wgan-gp:weight=10"),
         flags={"game.loss": "wasserstein", "game.d_steps": 3}, images=1.5),
    Case("hinge-spectral", remedies=("none", "spectral-norm"), flags={"game.loss": "hinge"}),
    Case("least-squares", remedies=("none", "r1"), flags={"game.loss": "least-squares"}),
    Case("non-saturating", remedies=("none", "r1"), flags={"game.loss": "non-saturating"}),
    Case("three-d-steps", flags={"game.d_steps": 3}, images=1.5),
    Case("ada-150", remedies=("ada",), pictures=150),
    Case("ada-400", remedies=("ada",), pictures=400),
    Case("constant-rates", flags={"schedule.kind": "constant"}),
    Case("two-rates", remedies=("two-rates",)),
    Case("batch-8", flags={"budget.batch": 8}),
    Case("batch-64", flags={"budget.batch": 64}, images=1.5),
    Case("stddev", remedies=("minibatch-stddev",)),
    Case("stylegan", preset="stylegan", images=0.5),
    Case("r3", preset="r3", images=0.4),
    Case("multi-scale", preset="multi-scale", images=0.6),
    Case("slow-rates", flags=_rates(0.4, 0.4)),
)  # fmt: skip

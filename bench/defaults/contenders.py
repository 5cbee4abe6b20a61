"""Who takes part in bench.defaults: settings of ganwerk, and the script of sixty lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Sets = Callable[[int], tuple[str, ...]]
"""Settings as on the command line, for pictures of so many px."""


def _none(px: int) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True)
class Contender:
    """preset, settings and remedies of ganwerk; no preset: the script, whose D sees pictures
    changed at random if it is `augmented`."""

    preset: str | None
    sets: Sets = _none
    remedies: tuple[str, ...] = ()
    augmented: bool = False


def _before(px: int) -> tuple[str, ...]:
    """`auto` as it was until 2026-11-29."""
    return (
        "network.up=upsample",
        "network.down=pool",
        "network.discriminator_features=256",
        f"network.generator_width={64 if px <= 32 else 32}",
        f"network.discriminator_width={64 if px <= 32 else 32}",
        "network.max_width=256",
        "game.loss=non-saturating",
        f"budget.batch={64 if px <= 32 else 32}",
        "optimiser.beta2=0.99",
        "schedule.warmup_images=0",
    )


def _wide(px: int) -> tuple[str, ...]:
    """Twice the channels that `auto` has on a processor."""
    return "network.generator_width=64", "network.discriminator_width=64"


def _auto(*sets: str, remedies: tuple[str, ...] = ()) -> Contender:
    return Contender("auto", lambda px: sets, remedies)


CONTENDERS: dict[str, Contender] = {
    "auto": _auto(),
    "auto-before": Contender("auto", _before, ("none", "r1")),
    "script": Contender(None),
    "script-diffaugment": Contender(None, augmented=True),
    "r3": Contender("r3"),
    "stylegan": Contender("stylegan"),
    "progressive": Contender("progressive"),
    "wgan-gp": Contender("wgan-gp"),
    "dcgan": Contender("dcgan"),
    "without-warmup": _auto("schedule.warmup_images=0"),
    "folded": _auto("network.up=folded"),
    "without-smooth": _auto("network.init=he"),
    "without-strides": _auto("network.up=upsample", "network.down=pool"),
    "without-r2": Contender("auto", _none, ("none", "r1")),
    "without-relativistic": _auto("game.loss=non-saturating"),
    "wide": Contender("auto", _wide),
    "without-features": _auto("network.discriminator_features=0"),
    "with-features": _auto("network.discriminator_features=256"),
    "batch-64": _auto("budget.batch=64"),
    "beta2-0.99": _auto("optimiser.beta2=0.99"),
    "with-stddev": _auto(remedies=("minibatch-stddev",)),
}
"""The last ones are `auto` with one part changed: what each part is worth."""

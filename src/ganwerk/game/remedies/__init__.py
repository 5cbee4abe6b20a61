"""Remedies against collapse and instability: each is a function Recipe -> Recipe.

>>> from ganwerk.game.recipe import Recipe
>>> from ganwerk.game.remedies import REMEDIES, cure
>>> recipe = cure(Recipe(), [REMEDIES["unrolled"](steps=5), REMEDIES["packing"](size=2)])

They work on pictures (B, C, H, W) and on vectors (B, d). A remedy fills slots of the recipe; those
that change D's network do so in `recipe.adapt`, before the first weights are drawn, and
`game.start.start` makes the training that the recipe needs. REMEDIES maps each name in settings
files to its constructor, whose keyword arguments are the settings of config.remedies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ganwerk.game.recipe import Recipe, Remedy
from ganwerk.game.remedies.augmented import ada, diffaugment
from ganwerk.game.remedies.averaging import ema, extra_gradient, optimistic
from ganwerk.game.remedies.balance import balance, skip, steps, two_rates
from ganwerk.game.remedies.groups import minibatch_discrimination, minibatch_stddev, packing
from ganwerk.game.remedies.labels import instance_noise, label_flipping, label_smoothing
from ganwerk.game.remedies.regular import (
    dragan,
    lecam,
    r1,
    r2,
    spectral_norm,
    weight_clip,
    wgan_gp,
)
from ganwerk.game.remedies.replay import replay
from ganwerk.game.remedies.unrolled import unrolled

REMEDIES: dict[str, Callable[..., Remedy]] = {
    "unrolled": unrolled,
    "replay": replay,
    "minibatch-discrimination": minibatch_discrimination,
    "minibatch-stddev": minibatch_stddev,
    "packing": packing,
    "two-rates": two_rates,
    "steps": steps,
    "skip": skip,
    "balance": balance,
    "r1": r1,
    "r2": r2,
    "wgan-gp": wgan_gp,
    "dragan": dragan,
    "weight-clip": weight_clip,
    "spectral-norm": spectral_norm,
    "instance-noise": instance_noise,
    "label-smoothing": label_smoothing,
    "label-flipping": label_flipping,
    "diffaugment": diffaugment,
    "ada": ada,
    "ema": ema,
    "optimistic": optimistic,
    "extra-gradient": extra_gradient,
    "lecam": lecam,
}


def remedy_of(settings: Any) -> Remedy:
    """The remedy of one [[remedy]] table, read and checked (a model of config.remedies)."""
    return REMEDIES[settings.kind](**settings.model_dump(exclude={"kind"}))


def apply_remedies(recipe: Recipe, remedies: Iterable[Remedy]) -> Recipe:
    """The recipe with these remedies, in order. Raises ConfigError if two exclude each other."""
    for remedy in remedies:
        recipe = remedy(recipe)
    return recipe

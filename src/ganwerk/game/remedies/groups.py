"""Remedies that let D compare samples with each other."""

from __future__ import annotations

from ganwerk.errors import ConfigError
from ganwerk.game.recipe import Change, Recipe, Remedy, add
from ganwerk.nn.groups import MinibatchDiscrimination, MinibatchStddev, Packed, add_group

PACK_RANK = 1  # after the layers inside the packed network


def minibatch_discrimination(kernels: int = 50, dim: int = 5, group: int = 16) -> Remedy:
    """D also sees how close each sample is to the others of its group of `group` samples (0: the
    whole batch). See nn.groups.MinibatchDiscrimination. Raises ConfigError for numbers below 1."""
    _at_least("minibatch-discrimination", kernels=(kernels, 1), dim=(dim, 1))
    _group("minibatch-discrimination", group)

    def layer(features: int) -> MinibatchDiscrimination:
        return MinibatchDiscrimination(features, kernels, dim, group)

    change = Change(lambda net: add_group(net, layer, group))
    return lambda recipe: add(recipe, d_changes=change)


def minibatch_stddev(group: int = 4) -> Remedy:
    """D also sees how much the samples of a group of `group` differ (0: the whole batch). See
    nn.groups.MinibatchStddev. Raises ConfigError for a group of 1 or below 0."""
    _group("minibatch-stddev", group)
    change = Change(lambda net: add_group(net, lambda _: MinibatchStddev(group), group))
    return lambda recipe: add(recipe, d_changes=change)


def packing(size: int = 2) -> Remedy:
    """D judges packs of `size` samples. See nn.groups.Packed. Raises ConfigError below 2."""
    _at_least("packing", size=(size, 2))

    def remedy(recipe: Recipe) -> Recipe:
        return add(recipe, d_changes=Change(lambda net: Packed(net, size), PACK_RANK))

    return remedy


def _group(name: str, group: int) -> None:
    if group == 1 or group < 0:
        raise ConfigError(
            f"The remedy {name} cannot have groups of {group}.",
            "A group has at least 2 samples; 0 is the whole batch.",
        )


def _at_least(remedy: str, **numbers: tuple[int, int]) -> None:
    for name, (value, least) in numbers.items():
        if value < least:
            raise ConfigError(
                f"The remedy {remedy} cannot have {name} = {value}.", f"The least is {least}."
            )

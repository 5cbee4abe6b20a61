"""Learning from what another run has learned: FreezeD.

Mo et al. 2020 (Freeze the discriminator: a simple baseline for fine-tuning GANs): the low layers of
D, which see edges and textures, stay as they came; only the upper ones learn the new pictures.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import nn

from ganwerk.errors import ConfigError
from ganwerk.game.recipe import Change
from ganwerk.nn.layers import LogitHead

AFTER_ALL = 1_000  # spectral norm and others put a layer's weights elsewhere: they go first


@runtime_checkable
class Listed(Protocol):
    """A discriminator that says itself which parts come first."""

    def low_layers(self) -> list[nn.Module]: ...


def frozen(count: int) -> Change:
    """D with its `count` lowest layers frozen. Raises ConfigError, when applied, if it has fewer
    below its verdict."""

    def freeze(d_net: nn.Module) -> nn.Module:
        low = low_layers(d_net)
        if count > len(low):
            raise ConfigError(
                f"{count} layers of D cannot be frozen: it has {len(low)} below its verdict.",
                f"Choose fewer: --freeze {len(low)}",
            )
        for layer in low[:count]:
            layer.requires_grad_(False)
        return d_net

    return Change(freeze, AFTER_ALL)


def low_layers(d_net: nn.Module) -> list[nn.Module]:
    """The parts of D below its verdict, from the picture up: a convolution, a stage, a block each.

    Remedies may have put D into another module; the parts are those of the network itself, as it
    lists them (`low_layers`) or in the order in which they were made.
    """
    own = next(
        net for net in d_net.modules() if any(isinstance(c, LogitHead) for c in net.children())
    )
    if isinstance(own, Listed):
        return own.low_layers()
    parts: list[nn.Module] = []
    for child in own.children():
        listed = isinstance(child, nn.Sequential | nn.ModuleList)
        parts += list(child.children()) if listed else [child]
    return [
        part
        for part in parts
        if not isinstance(part, LogitHead) and next(part.parameters(), None) is not None
    ]

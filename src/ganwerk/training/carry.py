"""A game that goes on with a changed D: all that was learned, in the shapes of the new networks.

What a remedy adds to D begins without influence, so that D judges as it did: layers that compare
samples add nothing at first, and a D that now sees packs looks at the first picture of each.
Spectral norm alone changes what D says at once. Moments come along, those of new weights are fresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor, nn

from ganwerk.errors import ConfigError
from ganwerk.game.state import TrainState
from ganwerk.nn.groups import MinibatchDiscrimination, MinibatchStddev, Packed
from ganwerk.nn.spectral import SpectralNorm
from ganwerk.training.transplant import Tensors, differences

INNER = "net."
PLAIN, ORIGINAL = "weight", "parametrizations.weight.original"
SQUARES = ("exp_avg_sq", "square_avg")
MOST_LISTED = 3


def carried(state: TrainState, tensors: Mapping[str, Tensor]) -> Tensors:
    """The tensors of a checkpoint (TrainState.tensors) in the shapes of `state`, whose recipe has
    changed since. Raises ConfigError where the networks differ in more than remedies add."""
    made = dict(tensors)
    before = _taken(made, "d.")
    made |= _under("d.", carried_net(state.d_net, before))
    moments = _taken(made, "d_optimiser.")
    made |= _under("d_optimiser.", _carried_moments(state.d_net, before, moments))
    for name, part in state.parts.items():
        if not any(key.startswith(f"part.{name}.") for key in made):
            made |= _under(f"part.{name}.", part.state_dict())
    return made


def carried_net(d_net: nn.Module, before: Mapping[str, Tensor]) -> Tensors:
    """The weights of D in the shapes of `d_net`. Raises ConfigError."""
    _quiet(d_net, before)
    own = d_net.state_dict()
    made: Tensors = {}
    for name, drawn in own.items():
        old = _found(name, d_net, before)
        made[name] = drawn if old is None else _widened(old, drawn)
    _settle_spectra(d_net, made, before)
    unused = {k: before[k] for k in _unused(own, d_net, before)}
    differing = differences(d_net, made | unused)
    if differing:
        shown = "; ".join(differing[:MOST_LISTED])
        raise ConfigError(
            f"D cannot go on with this change: {len(differing)} tensors have another shape "
            f"({shown}).",
            "Only what remedies add to D can be added to a D that has learned.",
        )
    return made


def _taken(tensors: dict[str, Tensor], prefix: str) -> Tensors:
    """What begins with `prefix`, taken out, without it."""
    names = [name for name in tensors if name.startswith(prefix)]
    return {name.removeprefix(prefix): tensors.pop(name) for name in names}


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> Tensors:
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def _quiet(d_net: nn.Module, before: Mapping[str, Tensor]) -> None:
    """Layers that compare samples and are new begin without influence."""
    for name, module in d_net.named_modules():
        if isinstance(module, MinibatchStddev | MinibatchDiscrimination):
            known = (_found(f"{name}.{key}", d_net, before) for key in module.state_dict())
            if all(tensor is None for tensor in known):
                module.silence()


def _names_before(name: str, d_net: nn.Module) -> Iterable[str]:
    """What a tensor of the new D may have been called: packing puts D into another module, spectral
    norm puts weights elsewhere."""
    inner = name.removeprefix(INNER) if isinstance(d_net, Packed) else name
    for one in dict.fromkeys((name, inner)):
        yield one
        if one.endswith(ORIGINAL):
            yield one.removesuffix(ORIGINAL) + PLAIN


def _found(name: str, d_net: nn.Module, before: Mapping[str, Tensor]) -> Tensor | None:
    return next((before[old] for old in _names_before(name, d_net) if old in before), None)


def _unused(own: Iterable[str], d_net: nn.Module, before: Mapping[str, Tensor]) -> set[str]:
    return set(before) - {old for name in own for old in _names_before(name, d_net)}


def _widened(old: Tensor, new: Tensor, *, again: bool = False) -> Tensor:
    """`old` with zeros, or itself `again`, for the inputs that `new` has more: (O, I, ...) to
    (O, n I, ...). As it is where that is not the difference."""
    times = _times(old, new)
    if times == 1:
        return old
    rest = old if again else torch.zeros_like(old)
    return torch.cat([old, *[rest] * (times - 1)], 1)


def _times(old: Tensor, new: Tensor) -> int:
    if old.dim() < 2 or old.dim() != new.dim() or not old.shape[1]:
        return 1
    alike = old.shape[0] == new.shape[0] and old.shape[2:] == new.shape[2:]
    whole = new.shape[1] % old.shape[1] == 0
    return new.shape[1] // old.shape[1] if alike and whole else 1


@torch.no_grad()
def _settle_spectra(d_net: nn.Module, made: Tensors, before: Mapping[str, Tensor]) -> None:
    """Singular vectors that are new are those of the weights that came along."""
    for name, module in d_net.named_modules():
        left = f"{name}.left"
        if isinstance(module, SpectralNorm) and _found(left, d_net, before) is None:
            weight = made[f"{name.rpartition('.')[0]}.original"]
            module.settle(weight.to(module.left.device))
            made[left], made[f"{name}.right"] = module.left, module.right


def _carried_moments(
    d_net: nn.Module, before: Mapping[str, Tensor], moments: Mapping[str, Tensor]
) -> Tensors:
    """Moments of weights that came along. A wider weight has the squares of its old part again:
    with zeros there its first steps would be ten times too long."""
    made: Tensors = {}
    for name, parameter in d_net.named_parameters():
        old_name = next((n for n in _names_before(name, d_net) if n in before), None)
        for key, value in moments.items():
            owner, _, kind = key.rpartition("/")
            if owner == old_name:
                made[f"{name}/{kind}"] = _widened(value, parameter, again=kind in SQUARES)
    return made

"""The weights of one network for another that differs in its classes alone.

Classes of the same name keep their embedding, new ones keep what was drawn for them. Where one of
the two networks knows no classes, the other's terms are folded in or begun at zero, such that the
network goes on as it was: D and, where the labelled latent enters a plain linear layer, G.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ganwerk.errors import ConfigError
from ganwerk.nn.layers import ConditionalLatent, Linear, LogitHead

MOST_LISTED = 8
Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Classes:
    """Of the network that the weights come from and of the one they are for; () for none."""

    before: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def kept(self) -> tuple[str, ...]:
        """Those that both know."""
        return tuple(name for name in self.after if name in self.before)

    @property
    def new(self) -> tuple[str, ...]:
        """Those that only the new one knows."""
        return tuple(name for name in self.after if name not in self.before)


def adapted(net: nn.Module, source: Mapping[str, Tensor], classes: Classes) -> Tensors:
    """The tensors of `source` in the shapes of `net`, whose own are the ones drawn for it. Whatever
    still differs is left as it is; see `differences`."""
    made: Tensors = dict(source)
    for name, module in net.named_modules():
        prefix = f"{name}." if name else ""
        if isinstance(module, ConditionalLatent):
            _latent(made, net, module, prefix, classes)
        elif isinstance(module, LogitHead):
            _verdict(made, module, prefix, classes)
    return made


def differences(net: nn.Module, made: Mapping[str, Tensor]) -> list[str]:
    """'name: 64 x 3 there, 64 x 1 here' for each tensor that would not fit."""
    here = net.state_dict()
    names = [*here, *(name for name in made if name not in here)]
    return [
        f"{name}: {_size(made.get(name))} there, {_size(here.get(name))} here"
        for name in names
        if _size(made.get(name)) != _size(here.get(name))
    ]


def refuse(differing: Sequence[str], where: str, classes: Classes) -> None:
    """Raises ConfigError with the list, if there is one."""
    if not differing:
        return
    shown = "; ".join(differing[:MOST_LISTED])
    more = len(differing) - MOST_LISTED
    rest = f"; and {more} more" if more > 0 else ""
    hint = (
        "Leave network, latent size, resolution and remedies of D as they are, and the classes "
        "too if the network's way of taking them differs."
    )
    if classes.before and not classes.after:
        hint = (
            "This network cannot forget its classes: add --conditional, with pictures in one "
            "sub-folder per class."
        )
    raise ConfigError(
        f"The weights of {where} do not fit: {len(differing)} tensors have another shape: "
        f"{shown}{rest}.",
        hint,
    )


def _size(tensor: Tensor | None) -> str:
    if tensor is None:
        return "absent"
    return " x ".join(map(str, tensor.shape)) or "a number"


def _rows(old: Tensor, drawn: Tensor, classes: Classes) -> Tensor:
    """The embedding (K, E) of the new classes."""
    rows = drawn.detach().clone()
    for name in classes.kept:
        rows[classes.after.index(name)] = old[classes.before.index(name)]
    return rows


def _latent(
    made: Tensors, net: nn.Module, module: ConditionalLatent, prefix: str, classes: Classes
) -> None:
    key = f"{prefix}embedding.weight"
    old = made.get(key)
    if module.embedding is not None and old is not None:
        if old.shape[1] == module.embedding.weight.shape[1]:
            made[key] = _rows(old, module.embedding.weight, classes)
        return
    entry = _entry(made, net, module, 0 if old is None else old.shape[1])
    if entry is None:
        return
    weight = made[f"{entry}.weight"]
    if old is not None:  # the mean class becomes part of the bias
        size = module.out_features
        made[f"{entry}.weight"] = weight[:, :size].contiguous()
        made[f"{entry}.bias"] = made[f"{entry}.bias"] + weight[:, size:] @ old.mean(0)
        del made[key]
    elif module.embedding is not None:  # the class begins without influence
        empty = weight.new_zeros(len(weight), module.out_features - weight.shape[1])
        made[f"{entry}.weight"] = torch.cat([weight, empty], 1)
        made[key] = module.embedding.weight.detach().clone()


def _entry(made: Tensors, net: nn.Module, module: ConditionalLatent, more: int) -> str | None:
    """The plain linear layer that takes what `module` gives, here and there: by its sizes."""
    embedded = 0 if module.embedding is None else module.embedding.embedding_dim
    there = module.out_features - embedded + more
    for name, layer in net.named_modules():
        weight = made.get(f"{name}.weight")
        plain = type(layer) in (Linear, nn.Linear) and f"{name}.bias" in made
        if plain and weight is not None and layer.in_features == module.out_features:
            return name if weight.shape == (layer.out_features, there) else None
    return None


def _verdict(made: Tensors, module: LogitHead, prefix: str, classes: Classes) -> None:
    key, psi = f"{prefix}embedding.weight", f"{prefix}psi.weight"
    old = made.get(key)
    if module.embedding is not None and old is not None:
        if old.shape[1] == module.embedding.weight.shape[1]:
            made[key] = _rows(old, module.embedding.weight, classes)
    elif module.embedding is not None:
        made[key] = torch.zeros_like(module.embedding.weight)
    elif old is not None and psi in made:  # the verdict on the mean class
        scale = module.scale / getattr(module.psi, "scale", 1.0)
        made[psi] = made[psi] + scale * old.mean(0)
        del made[key]

"""Places in the space of a generator, in memory and in a file."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from ganwerk.errors import DataError
from ganwerk.run.files import disk_errors, write_bytes
from ganwerk.sampling.space import Noise

KIND = "places"
MOST_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Places:
    """N places: styles (N, L, S) float32, one for each of L layers, and of a run that was taught K
    classes the shares (N, K) of each, which sum to 1. noise: (N, 1, h, w) for each layer, of places
    that have their own; None is the generator's fixed noise. On the CPU."""

    styles: Tensor
    shares: Tensor | None = None
    noise: Noise | None = None

    def __len__(self) -> int:
        return len(self.styles)

    def __getitem__(self, which: int | slice | Sequence[int]) -> Places:
        """Some of them; a single one still counts as N = 1."""
        chosen: slice | list[int]
        if isinstance(which, slice):
            chosen = which
        else:
            chosen = [which] if isinstance(which, int) else list(which)
        return self.map(lambda tensor: tensor[chosen])

    def map(self, change: Callable[[Tensor], Tensor]) -> Places:
        """The same change of all tensors."""
        shares = None if self.shares is None else change(self.shares)
        noise = None if self.noise is None else tuple(map(change, self.noise))
        return Places(change(self.styles), shares, noise)


def joined(parts: Sequence[Places]) -> Places:
    """All places of several of one run, in order: all with noise of their own, or none."""
    styles = torch.cat([part.styles for part in parts])
    shares = [part.shares for part in parts if part.shares is not None]
    noises = [part.noise for part in parts if part.noise is not None]
    noise = tuple(torch.cat(layer) for layer in zip(*noises, strict=True)) if noises else None
    return Places(styles, torch.cat(shares) if shares else None, noise)


def between(a: Places, b: Places, styles: Tensor, times: Tensor) -> Places:
    """The places on the way from a to b (N = 1 each) at `times` (T,), whose styles are given."""
    shares = noise = None
    if a.shares is not None and b.shares is not None:
        shares = torch.lerp(a.shares, b.shares, times[:, None])
    if a.noise is not None and b.noise is not None:
        t = times[:, None, None, None]
        # Half of one noise and half of another is weaker than either
        noise = tuple(
            standardised(torch.lerp(x, y, t)) for x, y in zip(a.noise, b.noise, strict=True)
        )
    return Places(styles, shares, noise)


def standardised(noise: Tensor) -> Tensor:
    """(N, 1, h, w) with mean 0 and variance 1 over each map."""
    noise = noise - noise.mean((1, 2, 3), keepdim=True)
    return noise * noise.square().mean((1, 2, 3), keepdim=True).clamp_min(1e-12).rsqrt()


HINT = "Name one that `ganwerk project` or `ganwerk directions` wrote."


def save_places(path: Path, places: Places, about: dict[str, object]) -> None:
    """A safetensors file with what is known about them as JSON. Raises MachineError."""
    tensors = {"styles": places.styles.contiguous()}
    if places.shares is not None:
        tensors["shares"] = places.shares.contiguous()
    for number, noise in enumerate(places.noise or ()):
        tensors[f"noise.{number:02d}"] = noise.contiguous()
    noted = {"kind": KIND, "about": json.dumps(about)}
    write_bytes(path, safetensors.torch.save(tensors, noted))


def load_places(
    path: Path, layers: int, size: int, classes: int, sides: Sequence[int] = ()
) -> Places:
    """The places in a file, for a run with so many layers, numbers per style, and classes. sides:
    of the noise of each layer, of a run that has noise.

    Raises DataError if it is none, or of a run of another shape.
    """
    try:
        with disk_errors(path, "read"):
            if path.stat().st_size > MOST_BYTES:
                raise DataError(f"{path} is far too large for a place.", HINT)
            content = path.read_bytes()
        found = safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise DataError(f"{path} is no safetensors file: {error}.", HINT) from error
    styles, shares = found.get("styles"), found.get("shares")
    flat = shares is None or shares.ndim == 2
    if styles is None or styles.ndim != 3 or not len(styles) or not flat:
        raise DataError(f"{path} holds no place.", HINT)
    there = (*styles.shape[1:], 0 if shares is None else shares.shape[1])
    if there != (layers, size, classes):
        raise DataError(
            f"The place {path} is of another run: {_words(*there)}; this one has "
            f"{_words(layers, size, classes)}.",
            "Project the picture with this run: ganwerk project RUN PHOTO",
        )
    for name, tensor in found.items():
        if not bool(tensor.isfinite().all()):
            raise DataError(f"{name} in {path} are not all finite.", "Project the picture again.")
    noise = tuple(found[name].float() for name in sorted(found) if name.startswith("noise."))
    wanted = [(len(styles), 1, side, side) for side in sides]
    if noise and [tuple(part.shape) for part in noise] != wanted:
        raise DataError(
            f"The noise in {path} is of another run.",
            "Project the picture with this run: ganwerk project RUN PHOTO",
        )
    return Places(styles.float(), None if shares is None else shares.float(), noise or None)


def _words(layers: int, size: int, classes: int) -> str:
    plural = "layer" if layers == 1 else "layers"
    return f"{layers} {plural} of {size} numbers and {classes or 'no'} classes"

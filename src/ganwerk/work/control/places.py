"""Places in the space of a generator, in memory and in a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from ganwerk.errors import DataError
from ganwerk.run.files import disk_errors, write_bytes

KIND = "places"


@dataclass(frozen=True, eq=False)
class Places:
    """N places: styles (N, L, S) float32, one for each of L layers, and of a run that was taught K
    classes the shares (N, K) of each, which sum to 1. On the CPU."""

    styles: Tensor
    shares: Tensor | None = None

    def __len__(self) -> int:
        return len(self.styles)

    def __getitem__(self, which: int | slice | Sequence[int]) -> Places:
        """Some of them; a single one still counts as N = 1."""
        chosen: slice | list[int]
        if isinstance(which, slice):
            chosen = which
        else:
            chosen = [which] if isinstance(which, int) else list(which)
        shares = None if self.shares is None else self.shares[chosen]
        return Places(self.styles[chosen], shares)


def joined(parts: Sequence[Places]) -> Places:
    """All places of several of one run, in order."""
    styles = torch.cat([part.styles for part in parts])
    shares = [part.shares for part in parts if part.shares is not None]
    return Places(styles, torch.cat(shares) if shares else None)


def save_places(path: Path, places: Places, about: dict[str, object]) -> None:
    """A safetensors file with what is known about them as JSON. Raises MachineError."""
    tensors = {"styles": places.styles.contiguous()}
    if places.shares is not None:
        tensors["shares"] = places.shares.contiguous()
    noted = {"kind": KIND, "about": json.dumps(about)}
    write_bytes(path, safetensors.torch.save(tensors, noted))


def load_places(path: Path, layers: int, size: int, classes: int) -> Places:
    """The places in a file, for a run with so many layers, numbers per style, and classes.

    Raises DataError if it is none, or of a run of another shape.
    """
    try:
        with disk_errors(path, "read"):
            content = path.read_bytes()
        found = safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise DataError(
            f"{path} is no safetensors file: {error}.", "Name one that `ganwerk project` wrote."
        ) from error
    styles, shares = found.get("styles"), found.get("shares")
    if styles is None or styles.ndim != 3 or not len(styles):
        raise DataError(f"{path} holds no place.", "Name one that `ganwerk project` wrote.")
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
    return Places(styles.float(), None if shares is None else shares.float())


def _words(layers: int, size: int, classes: int) -> str:
    plural = "layer" if layers == 1 else "layers"
    return f"{layers} {plural} of {size} numbers and {classes or 'no'} classes"

"""What a page and a sampler must know of a generator besides its graphs: space.json."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load as load_tensors
from torch import Tensor

import ganwerk
from ganwerk.errors import ConfigError
from ganwerk.publish.exported import FORMAT
from ganwerk.run.files import disk_errors
from ganwerk.sampling.sample import Sampler
from ganwerk.sampling.space import StyleSpace

FOLDER, VECTORS, ABOUT = "directions", "directions.safetensors", "directions.json"
"""Where `ganwerk directions` leaves what it found."""


def described(
    sampler: Sampler, run: Path, title: str, half: bool, sizes: dict[str, int]
) -> dict[str, Any]:
    """The values of space.json (see publish.exported). sizes: of the graphs, in bytes."""
    settings, space = sampler.settings, sampler.space
    counts = sampler.class_counts
    return {
        "format": FORMAT,
        "ganwerk": ganwerk.__version__,
        "name": title,
        "images": sampler.images,
        "latents": {"kind": settings.latent.kind, "dim": settings.latent.dim},
        "picture": {
            "resolution": settings.data.resolution,
            "channels": settings.data.channels,
        },
        "classes": [
            {"name": name, "count": count}
            for name, count in zip(sampler.class_names, counts, strict=False)
        ],
        "layers": list(space.resolutions),
        "size": space.size,
        "styled": isinstance(space, StyleSpace),
        "beside_classes": space.beside_classes,
        "middles": _middles(sampler),
        "directions": _directions(run / FOLDER, space.size, space.layers),
        "precision": "float16" if half else "float32",
        "bytes": sizes,
    }


@torch.no_grad()
def _middles(sampler: Sampler) -> list[list[float]] | None:
    """What truncation draws towards, see `Exported`."""
    space = sampler.space
    if isinstance(space, StyleSpace):
        return _short(space.class_means if sampler.class_names else space.net.mean_style[None])
    try:
        space.truncated(torch.zeros(1, 1, space.size), None, 0.5)
    except ConfigError:
        return None
    return []


def _directions(folder: Path, size: int, layers: int) -> dict[str, Any] | None:
    """The directions that were found for this run; None if none were, or for another network."""
    if not (folder / VECTORS).is_file() or not (folder / ABOUT).is_file():
        return None
    try:
        with disk_errors(folder, "read"):
            tensors = load_tensors((folder / VECTORS).read_bytes())
            about = json.loads((folder / ABOUT).read_text("utf-8"))
        moved = [layer - 1 for layer in about["layers"]]
        vectors, spreads, strength = tensors["vectors"], tensors["spreads"], about["strength"]
    except (SafetensorError, ValueError, KeyError, TypeError):
        return None
    fits = vectors.ndim == 2 and vectors.shape[1] == size and max(moved, default=0) < layers
    if not fits:
        return None
    return {
        "vectors": _short(vectors),
        "spreads": _short([spreads])[0],
        "layers": moved,
        "strength": strength,
    }


def _short(rows: Tensor | Iterable[Any]) -> list[list[float]]:
    """float32 numbers with the digits that tell them apart."""
    return [[float(str(np.float32(number))) for number in row] for row in rows]

"""Random numbers that are a function of counters: picture number s means the same everywhere.

No torch, so that pictures can be drawn from an export without it. `publish/page/latents.js` has
the same numbers in a browser; tests compare them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

SMALLEST = 2.0**-25  # half a step of float32's rand: keeps 0 away from the quantile function
LATENT_STREAM, CLASS_STREAM = 0, 1


def uniforms(seeds: Sequence[int], dim: int, stream: int = LATENT_STREAM) -> NDArray[np.float32]:
    """Counter-based uniform numbers (len(seeds), dim) in [0, 1): two rounds of SplitMix64
    (Steele et al. 2014) over (seed, stream, column), so no order of drawing matters."""
    rows = np.asarray(seeds, dtype=np.uint64)[:, None]
    columns = np.arange(dim, dtype=np.uint64)[None, :] + np.uint64(stream << 32)
    bits = mixed(mixed(rows) ^ (columns * np.uint64(0x9E3779B97F4A7C15)))
    return ((bits >> np.uint64(40)).astype(np.float64) * 2.0**-24).astype(np.float32)


def classes_for_seeds(seeds: Sequence[int], shares: Sequence[float]) -> NDArray[np.int64]:
    """A class (len(seeds),) for each picture number, drawn with the given shares."""
    u = uniforms(seeds, 1, CLASS_STREAM)[:, 0].astype(np.float64)
    edges = np.cumsum(np.asarray(shares, dtype=np.float64))
    drawn = np.searchsorted(edges / edges[-1], u, side="right")
    return np.minimum(drawn, len(shares) - 1).astype(np.int64)


def mixed(x: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """One round of SplitMix64, elementwise."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def step_seed(seed: int, step: int) -> int:
    """One 63-bit seed for everything random in step `step` of a run with `seed`."""
    both = mixed(mixed(np.asarray([seed], np.uint64)) ^ np.asarray([step], np.uint64))
    return int(both[0] >> np.uint64(1))

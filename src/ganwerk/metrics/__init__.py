"""How good a generator is: pure functions of arrays. No files, no settings, no printing.

Everything here takes pictures (N, C, H, W) uint8 or feature matrices (N, D), as numpy arrays or
tensors, and computes in float64 unless it says otherwise. What a number is worth, its floor and its
error, is in `ganwerk.metrics.scale`; `ganwerk.evaluation.evaluate` puts it all together for a run.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganwerk.metrics.bins import different_bins
    from ganwerk.metrics.classes import inception_score
    from ganwerk.metrics.diversity import ms_ssim, ms_ssim_of_pairs
    from ganwerk.metrics.frechet import (
        frechet_distance,
        frechet_distance_extrapolated,
        frechet_distance_of_moments,
        moments,
    )
    from ganwerk.metrics.kernel import kernel_distance, kernel_distance_of_subsets
    from ganwerk.metrics.memorisation import copying, power_of_copying
    from ganwerk.metrics.neighbours import neighbour_scores
    from ganwerk.metrics.patches import sliced_wasserstein
    from ganwerk.metrics.record import Protocol, Record, compare
    from ganwerk.metrics.search import nearest
    from ganwerk.metrics.smoothness import path_length

_HOME = {
    "Protocol": "record",
    "Record": "record",
    "compare": "record",
    "copying": "memorisation",
    "different_bins": "bins",
    "frechet_distance": "frechet",
    "frechet_distance_extrapolated": "frechet",
    "frechet_distance_of_moments": "frechet",
    "inception_score": "classes",
    "kernel_distance": "kernel",
    "kernel_distance_of_subsets": "kernel",
    "moments": "frechet",
    "ms_ssim": "diversity",
    "ms_ssim_of_pairs": "diversity",
    "nearest": "search",
    "neighbour_scores": "neighbours",
    "path_length": "smoothness",
    "power_of_copying": "memorisation",
    "sliced_wasserstein": "patches",
}

__all__ = [
    "Protocol",
    "Record",
    "compare",
    "copying",
    "different_bins",
    "frechet_distance",
    "frechet_distance_extrapolated",
    "frechet_distance_of_moments",
    "inception_score",
    "kernel_distance",
    "kernel_distance_of_subsets",
    "moments",
    "ms_ssim",
    "ms_ssim_of_pairs",
    "nearest",
    "neighbour_scores",
    "path_length",
    "power_of_copying",
    "sliced_wasserstein",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'ganwerk.metrics' has no attribute {name!r}")
    return getattr(import_module(f"ganwerk.metrics.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)

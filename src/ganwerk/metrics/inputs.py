"""What comes in, checked once: shapes, types, finite numbers, enough samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganwerk.errors import DataError

Array = NDArray[np.generic] | Tensor
CHANNELS = (1, 3, 4)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A measured value and its standard error."""

    value: float
    error: float


def _tensor(values: Array) -> Tensor:
    """On the CPU; a tensor may not share memory that must not be written, as of a map."""
    if isinstance(values, Tensor):
        return values.detach().cpu()
    array = np.asarray(values)
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def matrix(features: Array, name: str = "features", least: int = 2) -> Tensor:
    """A feature matrix (N, D) as a tensor on the CPU, in the type it came in: float32 or float64.

    Raises DataError for another shape or type, fewer than `least` rows, numbers not finite.
    """
    x = _tensor(features)
    if x.dim() != 2 or x.shape[1] == 0:
        raise DataError(
            f"The {name} have the shape {tuple(x.shape)}; a matrix (samples, features) is needed.",
            "Flatten what one picture gives into one row.",
        )
    if x.dtype not in (torch.float32, torch.float64):
        raise DataError(
            f"The {name} are of type {str(x.dtype).removeprefix('torch.')}; float32 or float64 is "
            "needed.",
            "Pictures are no features: extract them first, or convert with astype('float64').",
        )
    if len(x) < least:
        raise DataError(
            f"There are {len(x)} {name}; this measurement needs at least {least}.",
            "Use more pictures.",
        )
    if not bool(x.isfinite().all()):
        row = int((~x.isfinite()).any(1).nonzero()[0])
        raise DataError(
            f"The {name} have numbers that are not finite, first in row {row}.",
            "Look at that picture; a generator that gives such numbers has diverged.",
        )
    return x


def two_matrices(real: Array, fake: Array, least: int = 2) -> tuple[Tensor, Tensor]:
    """Features of real and of generated pictures, (N, D) and (M, D), checked and comparable.

    Raises DataError as `matrix`; for different D; and if all real rows are the same, because then
    there is nothing to compare with. All generated rows may be: that is a finding, not a mistake.
    """
    x, y = matrix(real, "real features", least), matrix(fake, "generated features", least)
    if x.shape[1] != y.shape[1]:
        raise DataError(
            f"Real pictures have {x.shape[1]} features and generated ones {y.shape[1]}.",
            "Use the same extractor for both.",
        )
    if bool((x == x[:1]).all()):
        raise DataError(
            f"All {len(x)} real pictures have the same features.",
            "Are the real pictures all alike, or is the extractor constant?",
        )
    return x, y


def pictures_of(pictures: Array, name: str = "pictures", least: int = 1) -> Tensor:
    """Pictures (N, C, H, W) as a uint8 tensor on the CPU.

    Raises DataError for another shape, type or number of channels, or for fewer than `least`.
    Floats are refused: whether 1.0 is white or nearly black cannot be known.
    """
    x = _tensor(pictures)
    if x.dim() != 4 or x.shape[1] not in CHANNELS:
        raise DataError(
            f"The {name} have the shape {tuple(x.shape)}; (N, C, H, W) with 1, 3 or 4 channels is "
            "needed.",
            "Pictures as (N, H, W, C) become that by transpose(0, 3, 1, 2).",
        )
    if x.dtype != torch.uint8:
        if x.is_floating_point() and not bool(x.isfinite().all()):
            raise DataError(
                f"The {name} have numbers that are not finite.",
                "A generator that gives such numbers has diverged: use an earlier checkpoint.",
            )
        raise DataError(
            f"The {name} are of type {str(x.dtype).removeprefix('torch.')}; uint8 from 0 to 255 is "
            "needed.",
            "Round and clip them as they would be saved.",
        )
    if len(x) < least:
        raise DataError(
            f"There are {len(x)} {name}; at least {least} are needed.", "Use more pictures."
        )
    return x


def same_shape(real: Tensor, fake: Tensor) -> None:
    """Raises DataError if the two sets of pictures differ in channels or size."""
    if real.shape[1:] != fake.shape[1:]:
        words = [f"{x.shape[1]} channels of {x.shape[3]} x {x.shape[2]} px" for x in (real, fake)]
        raise DataError(
            f"The two sets of pictures are not alike: {words[0]} and {words[1]}.",
            "Bring both to one size and one number of channels.",
        )

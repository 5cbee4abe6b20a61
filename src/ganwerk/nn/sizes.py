"""Which picture sizes a convolutional network can draw."""

from __future__ import annotations

from dataclasses import dataclass

from ganwerk.errors import ConfigError
from ganwerk.values import PictureShape

SMALLEST_START_PX, LARGEST_START_PX = 4, 7
SMALLEST_PX, LARGEST_PX = 16, 1024


def allowed_resolutions() -> tuple[int, ...]:
    """Sizes b * 2^k px with b from 4 to 7 and k >= 2: 16, 20, 24, 28, 32, 40 ... 1024."""
    starts = range(SMALLEST_START_PX, LARGEST_START_PX + 1)
    sizes = {b * 2**k for b in starts for k in range(2, 9)}
    return tuple(sorted(s for s in sizes if SMALLEST_PX <= s <= LARGEST_PX))


def doublings(resolution: int) -> tuple[int, int]:
    """(start, doublings) with start * 2**doublings == resolution and 4 <= start <= 7.

    Raises ConfigError for any other size, naming the two nearest that work.
    """
    if resolution not in allowed_resolutions():
        allowed = allowed_resolutions()
        near = sorted(sorted(allowed, key=lambda s: abs(s - resolution))[:2])
        raise ConfigError(
            f"A convolutional network cannot draw pictures of {resolution} px.",
            f"The nearest sizes that work are {near[0]} and {near[1]}: add --resolution {near[1]}. "
            "Pictures are resized to it. The mlp network draws any size from 16 to 1024.",
        )
    start, count = resolution, 0
    while start > LARGEST_START_PX:
        start, count = start // 2, count + 1
    return start, count


def widths_of(resolution: int, width: int, max_width: int) -> list[int]:
    """Channels per stage, coarse to fine: `width` at full resolution, doubled at each halving up to
    `max_width`."""
    _, count = doublings(resolution)
    return [min(max_width, width * 2 ** (count - i)) for i in range(count + 1)]


@dataclass(frozen=True)
class Sizes:
    """The stages of a convolutional network, coarse to fine, for pictures of `shape`.

    width, max_width: see `widths_of`. recompute_px: stages of this side and above keep no
    activations for the backward pass but compute them again; 0: none.
    """

    shape: PictureShape
    width: int
    max_width: int
    recompute_px: int = 0

    @property
    def start(self) -> int:
        """The side of the coarsest stage in px."""
        return doublings(self.shape.resolution)[0]

    @property
    def sides(self) -> list[int]:
        """Of each stage, in px."""
        start, count = doublings(self.shape.resolution)
        return [start * 2**i for i in range(count + 1)]

    @property
    def widths(self) -> list[int]:
        """Channels of each stage."""
        return widths_of(self.shape.resolution, self.width, self.max_width)

    @property
    def recomputed(self) -> list[bool]:
        """Which stages keep no activations."""
        return [bool(self.recompute_px) and side >= self.recompute_px for side in self.sides]

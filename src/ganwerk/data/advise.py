"""What resolution and how many channels suit a set, from a sample of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganwerk.data.decode import GREY_MODES, TRANSPARENT_MODES, UnreadableError, decode, open_picture
from ganwerk.data.sources import ArraySource, FileSource, Source

RESOLUTIONS = tuple(sorted(b * 2**k for b in (4, 5, 6, 7) for k in range(2, 7) if b * 2**k <= 256))
"""What every network can draw, px: 16, 20, 24, 28, 32, 40 ... 224, 256."""

ADVISED_MOST = 64
"""More is possible; more than this takes hours without a graphics card."""

HEADERS, LOOKED_AT, LOOKED_AT_PX = 500, 64, 128
"""How many files are opened for their size, how many decoded for their colours, and how large."""

GREY_SPREAD = 8
"""Channels that differ by at most this much (of 255) are grey; JPEG adds a little colour."""


@dataclass(frozen=True, slots=True)
class Advice:
    """resolution in px, channels 1, 3 or 4, each with its reason as a sentence."""

    resolution: int
    channels: int
    resolution_reason: str
    channels_reason: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def advice_from(values: Any) -> Advice | None:
    """The advice that `to_dict` wrote, or None for anything else."""
    try:
        advice = Advice(**values)
    except TypeError:
        return None
    whole = type(advice.resolution) is type(advice.channels) is int  # True is none
    numbers = whole and advice.resolution in RESOLUTIONS and advice.channels in (1, 3, 4)
    words = isinstance(advice.resolution_reason, str) and isinstance(advice.channels_reason, str)
    return advice if numbers and words else None


def advise(source: Source, images: NDArray[np.uint8] | None = None) -> Advice:
    """Looks at a sample, evenly spread over the set.

    images: the pictures (N, C, H, W) of an array source.
    """
    if isinstance(source, ArraySource) and images is not None:
        side = min(images.shape[2:])
        return _together(side, *_array_channels(images))
    assert isinstance(source, FileSource)
    sides, coloured = [], []
    for index in _spread(len(source.names), HEADERS):
        try:
            image = open_picture(source.read(index))
        except (OSError, UnreadableError):
            continue  # the decoding will name it
        sides.append(min(image.size))
        if image.mode not in GREY_MODES:
            see_through = image.mode in TRANSPARENT_MODES or "transparency" in image.info
            coloured.append((index, see_through))
    side = int(np.median(sides)) if sides else ADVISED_MOST
    return _together(side, *_file_channels(source, coloured, len(sides)))


def _together(side: int, channels: int, channels_reason: str) -> Advice:
    resolution, reason = _resolution(side)
    return Advice(resolution, channels, reason, channels_reason)


def _resolution(side: int) -> tuple[int, str]:
    fitting = [size for size in RESOLUTIONS if size <= min(side, ADVISED_MOST)]
    if not fitting:
        return RESOLUTIONS[0], f"the median picture's short side is {side} px, the least is 16."
    if side > ADVISED_MOST:
        return fitting[-1], (
            f"the median picture's short side is {side} px; {ADVISED_MOST} px train in minutes to "
            "hours on a processor, more is for patience or a graphics card."
        )
    return fitting[-1], f"the median picture's short side is {side} px."


def _array_channels(images: NDArray[np.uint8]) -> tuple[int, str]:
    sample = images[_spread(len(images), LOOKED_AT)]
    channels = int(images.shape[1])
    if channels == 4 and (sample[:, 3] == 255).all():
        channels = 3
    if channels == 3 and _spread_of_colours(sample) <= GREY_SPREAD:
        channels = 1
    return channels, {1: "all are grey.", 3: "they are in colour."}.get(
        channels, "they are in colour with transparent parts."
    )


def _file_channels(
    source: FileSource, coloured: list[tuple[int, bool]], opened: int
) -> tuple[int, str]:
    """The mode in the header is not enough: many grey pictures are stored as colour, and many
    without a transparent pixel with an alpha channel."""
    if not coloured:
        return (1, "all are grey.") if opened else (3, "none of the sample could be read.")
    looked = [coloured[index] for index in _spread(len(coloured), LOOKED_AT)]
    transparent = colourful = decoded = 0
    for index, see_through in looked:
        try:
            pixels = decode(source.read(index), LOOKED_AT_PX, 4, "crop").pixels
        except (OSError, UnreadableError):
            continue
        decoded += 1
        transparent += see_through and bool((pixels[3] < 255).any())
        colourful += _spread_of_colours(pixels[None]) > GREY_SPREAD
    share = transparent / max(1, decoded) * len(coloured) / opened
    if share >= 0.5:
        return 4, f"{share:.0%} of a sample have transparent parts."
    if not colourful and decoded and not transparent:
        return 1, f"all are grey, though some are stored as colour ({decoded} were looked at)."
    if transparent:
        return 3, "they are in colour; the few transparent parts are laid on white."
    return 3, "they are in colour."


def _spread_of_colours(images: NDArray[np.uint8]) -> int:
    """The largest difference between R, G and B anywhere in (N, 3 or 4, H, W)."""
    colours = images[:, :3]
    return int((colours.max(1) - colours.min(1)).max())


def _spread(count: int, most: int) -> list[int]:
    """At most `most` indices, evenly spread over 0 .. count-1."""
    indices: list[int] = np.unique(
        np.linspace(0, count - 1, min(count, most)).astype(np.int64)
    ).tolist()
    return indices

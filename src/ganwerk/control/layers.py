"""Style layers by name or number."""

from __future__ import annotations

import re

from ganwerk.errors import ConfigError, did_you_mean
from ganwerk.sampling.space import Space

NAMES = ("coarse", "middle", "fine", "all")
LARGEST_COARSE_PX, LARGEST_MIDDLE_PX = 8, 32  # Karras et al. 2019, figure 3


def band(resolution: int, largest: int) -> str:
    """'coarse', 'middle' or 'fine': what a layer that draws `resolution` px is called where the
    whole picture has `largest`.

    As in the paper from 64 px on; smaller pictures keep one doubling for 'fine' and one for
    'middle'.
    """
    if resolution <= min(LARGEST_COARSE_PX, largest // 4):
        return "coarse"
    return "middle" if resolution <= min(LARGEST_MIDDLE_PX, largest // 2) else "fine"


def chosen(space: Space, layers: str) -> list[int]:
    """The places of the layers that `layers` means: 'coarse', 'middle', 'fine', 'all', or numbers
    counted from 1: '3' or '2-5'. Raises ConfigError for layers that the generator does not have."""
    if layers == "all":
        return list(range(space.layers))
    if layers in NAMES:
        sides = space.resolutions
        named = [i for i, side in enumerate(sides) if band(side, max(sides)) == layers]
        if not named:
            raise ConfigError(
                f"There are no {layers} layers: the generator has {listed(space)}.",
                f"Choose from them: --layers 1-{space.layers}",
            )
        return named
    found = re.fullmatch(r"([0-9]+)(?: *- *([0-9]+))?", layers.strip())
    if not found:
        raise ConfigError(
            f"--layers cannot be '{layers}'.",
            f"{did_you_mean(layers, NAMES)} Or number them: --layers 1-{space.layers}",
        )
    first, last = int(found[1]), int(found[2] or found[1])
    if not 1 <= first <= last <= space.layers:
        raise ConfigError(
            f"There are no layers {layers}: the generator has {listed(space)}.",
            f"Choose from them: --layers 1-{space.layers}",
        )
    return list(range(first - 1, last))


def listed(space: Space) -> str:
    """'layers 1-2 at 4 px, 3-4 at 8 px ...'"""
    parts = []
    for side in sorted(set(space.resolutions)):
        numbers = [i + 1 for i, other in enumerate(space.resolutions) if other == side]
        span = f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else str(numbers[0])
        parts.append(f"{span} at {side} px")
    return "layers " + ", ".join(parts)

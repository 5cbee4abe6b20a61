"""May pictures be shown mirrored? Decided by measuring, not by guessing what they show.

A linear rule learns to tell pictures from their mirror images on one part of the set and is tested
on the other. Where it does no better than chance, mirroring adds true variety: landscapes, animals,
most objects. Where it succeeds, mirrored pictures would be a second, wrong kind: digits, letters.

One kind of success does no harm: light that always falls from the same side. It shows as one and
the same smooth pattern in all pictures, while the shapes alone (fine structure, its contrast evened
out) tell less. Such sets count as safe, and the reason says what was found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FEWEST, MOST = 100, 4000
"""Fewer pictures are not enough to measure it; more than MOST change nothing."""

TOLD_APART = 0.62
"""Up to this accuracy (chance is 0.5) a picture and its mirror image count as alike."""

COMMON_LIGHT = 0.25
SHAPES_TOLD_APART = 0.9
"""Light from one side: a common pattern makes up at least so much of the asymmetry, and the shapes
alone are told apart at most so often. (Measured: fruits on a turntable under one lamp 0.37 to 0.44
and 0.67 to 0.84; handwritten digits 0.05 and 0.85, one digit alone up to 0.38, but then 0.96.)"""

BLOCKS = 10
RIDGE = 0.1


@dataclass(frozen=True, slots=True)
class MirrorVerdict:
    """accuracy: how often a picture was told from its mirror image; None: not measured."""

    safe: bool
    reason: str
    accuracy: float | None


def mirror_verdict(thumbnails: NDArray[np.float32]) -> MirrorVerdict:
    """thumbnails: (N, 16, 16) grey, 0 to 255, in the order of the set."""
    count = len(thumbnails)
    if count < FEWEST:
        return MirrorVerdict(
            False, f"{count} pictures are too few to measure it ({FEWEST} are needed).", None
        )
    sample = thumbnails[np.linspace(0, count - 1, min(count, MOST)).astype(np.int64)]
    even = sample - sample.mean(axis=(1, 2), keepdims=True)
    even /= even.std(axis=(1, 2), keepdims=True) + 8
    odd = _odd_half(even)
    accuracy = _accuracy(odd)
    if accuracy <= TOLD_APART:
        return MirrorVerdict(
            True,
            f"pictures are told from their mirror images only {accuracy:.0%} of the time "
            "(chance: 50%).",
            accuracy,
        )
    shapes, common = _accuracy(_odd_half(_shapes(sample))), _common_share(odd)
    if common >= COMMON_LIGHT and shapes <= SHAPES_TOLD_APART:
        return MirrorVerdict(
            True,
            f"pictures are told from their mirror images {accuracy:.0%} of the time, but mostly by "
            f"light from one side ({common:.0%} of the difference is the same in all); by shapes "
            f"alone {shapes:.0%}.",
            accuracy,
        )
    return MirrorVerdict(
        False,
        f"pictures are told from their mirror images {accuracy:.0%} of the time (chance: 50%), so "
        "mirrored ones would look wrong.",
        accuracy,
    )


def _odd_half(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N, S, S) to (N, S*S/2): what changes sign under mirroring; one half says it all."""
    odd = (pictures - pictures[:, :, ::-1]) * np.float32(0.5)
    half: NDArray[np.float32] = odd[:, :, : pictures.shape[2] // 2]
    return half.reshape(len(pictures), -1)


def _accuracy(odd: NDArray[np.float32]) -> float:
    """How often a linear rule (Fisher's, with a ridge) tells an unseen picture from its mirror
    image. Trained and tested on alternating blocks, because neighbours may be frames of a film."""
    block = np.arange(len(odd)) * BLOCKS // len(odd) % 2
    right = 0.0
    for tested in (0, 1):
        seen, unseen = odd[block != tested].astype(np.float64), odd[block == tested]
        scatter = seen.T @ seen / len(seen)
        spread = np.trace(scatter) / len(scatter) + 1e-12
        rule = np.linalg.solve(scatter + RIDGE * spread * np.eye(len(scatter)), seen.mean(axis=0))
        score = unseen @ rule
        # A symmetric picture scores 0: nobody can tell, which is half right.
        right += float((score > 1e-9).sum() + 0.5 * (np.abs(score) <= 1e-9).sum())
    return right / len(odd)


def _shapes(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Fine structure with its contrast evened out, so that light and shade count little."""
    fine = pictures - _blurred(pictures)
    contrast = np.sqrt(_blurred(_blurred(_blurred(fine * fine))))
    evened: NDArray[np.float32] = fine / (contrast + 2)
    # Blurring at the border sees a slope where there is only light.
    return evened[:, 1:-1, 1:-1]


def _blurred(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Weighted 1 2 1 along both axes, edges repeated."""
    padded = np.pad(pictures, ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    sums = rows[:, :, :-2] + 2 * rows[:, :, 1:-1] + rows[:, :, 2:]
    blurred: NDArray[np.float32] = sums * np.float32(1 / 16)
    return blurred


def _common_share(odd: NDArray[np.float32]) -> float:
    """Which share of the asymmetry's energy is one pattern that all pictures have."""
    energy = float((odd**2).sum(axis=1).mean())
    return float((odd.mean(axis=0) ** 2).sum()) / max(energy, 1e-12)

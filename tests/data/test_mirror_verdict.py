from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganwerk.data.mirror import mirror_verdict

RNG = np.random.default_rng


def blobs(count: int, seed: int) -> NDArray[np.float32]:
    """Soft random shapes: every one is as likely as its mirror image."""
    coarse = RNG(seed).uniform(0, 255, (count, 4, 4)).astype(np.float32)
    return np.kron(coarse, np.ones((1, 4, 4), np.float32))


def letters(count: int, seed: int) -> NDArray[np.float32]:
    """An L here and there, on noise."""
    rng = RNG(seed)
    pictures = rng.uniform(0, 60, (count, 16, 16)).astype(np.float32)
    for picture, (top, left) in zip(pictures, rng.integers(1, 4, (count, 2)), strict=True):
        picture[top : top + 11, left : left + 2] = 255
        picture[top + 9 : top + 11, left : left + 8] = 255
    return pictures


def test_shapes_without_a_side_are_safe() -> None:
    verdict = mirror_verdict(blobs(600, 0))
    assert verdict.safe
    assert verdict.accuracy is not None
    assert 0.4 < verdict.accuracy < 0.62
    assert f"only {verdict.accuracy:.0%} of the time" in verdict.reason


def test_letters_are_not_safe() -> None:
    verdict = mirror_verdict(letters(400, 0))
    assert not verdict.safe
    assert verdict.accuracy is not None
    assert verdict.accuracy > 0.9
    assert "would look wrong" in verdict.reason


def test_light_from_one_side_is_safe_and_said() -> None:
    light = np.linspace(60, -60, 16, dtype=np.float32)
    verdict = mirror_verdict(np.clip(blobs(600, 1) * 0.4 + 77 + light, 0, 255))
    assert verdict.accuracy is not None
    assert verdict.accuracy > 0.9
    assert verdict.safe
    assert "light from one side" in verdict.reason


def test_symmetric_and_constant_pictures_tell_nothing() -> None:
    pictures = blobs(200, 2)
    verdict = mirror_verdict(pictures + pictures[:, :, ::-1])
    assert (verdict.safe, verdict.accuracy) == (True, 0.5)
    assert mirror_verdict(np.zeros((200, 16, 16), np.float32)).accuracy == 0.5


def test_too_few_pictures_are_not_safe() -> None:
    verdict = mirror_verdict(blobs(99, 0))
    assert (verdict.safe, verdict.accuracy) == (False, None)
    assert "99 pictures are too few" in verdict.reason

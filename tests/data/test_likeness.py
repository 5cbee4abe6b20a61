from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from picture_files import noise
from PIL import Image, ImageEnhance

from ganwerk.data.likeness import (
    exact_groups,
    grey_thumbnails,
    near_groups,
    row_digests,
)


def smooth(seed: int) -> Image.Image:
    """A picture with soft shapes, as photographs have."""
    small = Image.fromarray(noise(seed, 4, 4))
    return small.resize((64, 64), Image.Resampling.BICUBIC)


def stack(pictures: list[Image.Image]) -> NDArray[np.uint8]:
    return np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in pictures])


def test_thumbnails_are_means_of_areas() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 1, 64, 64), np.uint8)
    expected = images.reshape(3, 16, 4, 16, 4).mean((2, 4))
    assert np.allclose(grey_thumbnails(images), expected, atol=0.01)
    odd = np.random.default_rng(0).integers(0, 256, (2, 3, 20, 20), np.uint8)
    grey = np.tensordot([0.299, 0.587, 0.114], odd, (0, 1))
    expected = np.kron(grey, np.ones((4, 4))).reshape(2, 16, 5, 16, 5).mean((2, 4))
    assert np.allclose(grey_thumbnails(odd), expected, atol=0.01)


def test_thumbnails_lay_alpha_on_white() -> None:
    images = np.zeros((1, 4, 16, 16), np.uint8)
    images[:, 3, :, 8:] = 255
    thumbnail = grey_thumbnails(images)[0]
    assert np.allclose(thumbnail[:, :8], 255)
    assert np.allclose(thumbnail[:, 8:], 0)


def test_exact_copies() -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 3, 8, 8), np.uint8)
    images[4] = images[1]
    images[5] = images[1]
    images[2] = images[0]
    images[2, 0, 0, 0] ^= 1  # one bit is a difference
    assert exact_groups(row_digests(images)) == [[1, 4, 5]]


def test_copies_saved_again_are_near_and_others_are_not() -> None:
    pictures = [smooth(seed) for seed in range(60)]
    file = io.BytesIO()
    pictures[7].save(file, "JPEG", quality=60)
    pictures.append(Image.open(io.BytesIO(file.getvalue())))
    pictures.append(pictures[9].resize((40, 40)).resize((64, 64)))
    pictures.append(ImageEnhance.Brightness(pictures[11]).enhance(1.04))
    groups = near_groups(grey_thumbnails(stack(pictures)))
    assert groups == [[7, 60], [9, 61], [11, 62]]


def test_repeats_and_flat_pictures_are_left_out() -> None:
    pictures = stack([smooth(1), smooth(1), Image.new("RGB", (64, 64)), Image.new("RGB", (64, 64))])
    thumbnails = grey_thumbnails(pictures)
    assert near_groups(thumbnails) == [[0, 1]]
    assert near_groups(thumbnails, repeats=[1]) == []


def test_a_chain_of_frames_is_one_group() -> None:
    base = np.asarray(smooth(3)).astype(float)
    drift = np.asarray(smooth(4)).astype(float)
    frames = [
        Image.fromarray(np.rint(base + (drift - base) * step / 60).astype(np.uint8))
        for step in range(10)
    ]
    groups = near_groups(grey_thumbnails(stack([*frames, smooth(50)])))
    assert groups == [list(range(10))]

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganwerk.errors import ConfigError, DivergedError, MachineError
from ganwerk.run import Pixels, encode_picture, grid, refuse_existing, to_uint8, write_picture


def noise(*shape: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def test_the_ends_and_the_middle() -> None:
    images = torch.tensor([-1.0, 0.0, 1.0, -7.0, 7.0, -0.996, 0.9961]).reshape(1, 1, 1, 7)
    assert to_uint8(images).ravel().tolist() == [0, 128, 255, 0, 255, 1, 255]


@given(st.integers(0, 255))
def test_every_step_comes_back(step: int) -> None:
    images = torch.full((1, 3, 1, 1), step / 127.5 - 1)
    assert to_uint8(images).ravel().tolist() == [step] * 3


def test_channels_come_last_and_the_input_stays() -> None:
    images = torch.rand(2, 4, 5, 3, dtype=torch.float32) * 2 - 1
    before = images.clone()
    pixels = to_uint8(images.to(memory_format=torch.channels_last))
    assert pixels.shape == (2, 5, 3, 4)
    assert pixels.flags["C_CONTIGUOUS"]
    wanted = np.floor(np.clip(before.double().numpy() * 127.5 + 128, 0, 255))
    assert np.abs(pixels.transpose(0, 3, 1, 2).astype(int) - wanted).max() <= 1
    assert torch.equal(images, before)


def test_half_precision_and_gradients_are_fine() -> None:
    images = torch.zeros(1, 1, 2, 2, dtype=torch.bfloat16, requires_grad=True)
    assert to_uint8(images).ravel().tolist() == [128] * 4


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_picture_that_is_not_finite(value: float) -> None:
    with pytest.raises(DivergedError, match="values that are not finite") as caught:
        to_uint8(torch.full((1, 1, 2, 2), value))
    assert "--at" in caught.value.hint


def test_a_grid_row_by_row() -> None:
    images = np.stack([np.full((2, 3, 1), value, np.uint8) for value in (10, 20, 30)])
    sheet = grid(images, columns=2, padding_px=1)
    w = 255
    assert sheet[..., 0].tolist() == [
        [w, w, w, w, w, w, w, w, w],
        [w, 10, 10, 10, w, 20, 20, 20, w],
        [w, 10, 10, 10, w, 20, 20, 20, w],
        [w, w, w, w, w, w, w, w, w],
        [w, 30, 30, 30, w, w, w, w, w],
        [w, 30, 30, 30, w, w, w, w, w],
        [w, w, w, w, w, w, w, w, w],
    ]


def test_a_grid_is_about_square_and_never_wider_than_needed() -> None:
    images = noise(10, 4, 4, 3)
    assert grid(images, padding_px=0).shape == (12, 16, 3)
    assert grid(images[:3], columns=8, padding_px=0).shape == (4, 12, 3)
    assert np.array_equal(grid(images[:1], padding_px=0), images[0])


def test_a_grid_with_alpha_is_transparent_between() -> None:
    images = noise(3, 4, 4, 4)
    sheet = grid(images, columns=2, padding_px=2)
    assert sheet.shape == (14, 14, 4)
    assert np.array_equal(sheet[2:6, 8:12], images[1])
    assert sheet[0, 0].tolist() == sheet[10, 10].tolist() == [255, 255, 255, 0]


@pytest.mark.parametrize("kind", ["png", "webp"])
@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB"), (4, "RGBA")])
def test_pictures_come_back_pixel_for_pixel(
    tmp_path: Path, kind: str, channels: int, mode: str
) -> None:
    pixels = noise(7, 5, channels)
    path = tmp_path / "new" / f"x.{kind.upper()}"
    write_picture(path, pixels)
    with Image.open(path) as picture:
        assert picture.format == kind.upper()
        assert picture.size == (5, 7)
        assert np.array_equal(np.asarray(picture.convert(mode)).reshape(pixels.shape), pixels)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_jpeg_is_close(tmp_path: Path) -> None:
    pixels = np.full((16, 16, 3), (200, 100, 50), np.uint8)
    write_picture(tmp_path / "x", pixels, "jpg")
    with Image.open(tmp_path / "x") as picture:
        assert picture.format == "JPEG"
        assert np.abs(np.asarray(picture).astype(int) - pixels).max() <= 3


def test_grey_without_channel_axis() -> None:
    pixels = noise(3, 4)
    with Image.open(io.BytesIO(encode_picture(pixels, ".png"))) as picture:
        assert np.array_equal(np.asarray(picture), pixels)


def test_an_unknown_kind() -> None:
    with pytest.raises(ConfigError, match="cannot be written as 'wepb'") as caught:
        encode_picture(noise(2, 2, 3), "wepb")
    assert caught.value.hint == "Did you mean 'webp'?"


def test_jpeg_has_no_alpha() -> None:
    with pytest.raises(ConfigError, match="JPEG cannot hold transparency") as caught:
        encode_picture(noise(2, 2, 4), "jpg")
    assert "png or webp" in caught.value.hint


def test_a_picture_too_large_for_its_kind() -> None:
    with pytest.raises(ConfigError, match="can have 16383 px on a side; this one is 16384 x 1"):
        encode_picture(np.zeros((1, 16384, 3), np.uint8), "webp")
    assert encode_picture(np.zeros((1, 16384, 3), np.uint8), "png")


def test_a_full_disk_leaves_the_old_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.png"
    write_picture(path, noise(2, 2, 3))
    before = path.read_bytes()

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(MachineError, match=r"The disk is full: .*x\.png needs \d+ bytes"):
        write_picture(path, noise(4, 4, 3))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(MachineError, match=r"out: a part of this path is a file"):
        write_picture(tmp_path / "out" / "x.png", noise(2, 2, 3))


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    paths = [tmp_path / f"{n}.png" for n in range(5)]
    refuse_existing(paths)
    paths[1].touch()
    with pytest.raises(MachineError, match=r"1\.png exists already\.") as caught:
        refuse_existing(iter(paths))
    assert "--force" in caught.value.hint
    assert "--out" in caught.value.hint
    for path in paths[:4]:
        path.touch()
    with pytest.raises(MachineError, match=r"4 of 5 files exist already: .*2\.png, \.\.\."):
        refuse_existing(paths)

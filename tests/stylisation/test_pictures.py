"""Any picture in, settings out."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from ganwerk.data import decode
from ganwerk.errors import ConfigError, DataError
from ganwerk.stylisation import pictures
from ganwerk.stylisation.pictures import encode, kind_of, read, recorded, write


def saved(tmp_path, image, name, **rest):
    path = tmp_path / name
    image.save(path, **rest)
    return path


def gradient(mode="RGB"):
    line = np.linspace(0, 255, 20).astype(np.uint8)
    rgb = np.stack([np.tile(line, (10, 1)), np.full((10, 20), 60), np.full((10, 20), 200)], -1)
    return Image.fromarray(rgb.astype(np.uint8)).convert(mode)


@pytest.mark.parametrize("mode", ["L", "RGB", "P", "1", "LA", "RGBA"])
def test_modes(tmp_path, mode):
    found = read(saved(tmp_path, gradient(mode), "a.png"))
    assert found.colours.mode == "RGB"
    assert found.size == (10, 20)
    assert found.alpha is None


def test_cmyk_and_16_bits(tmp_path):
    cmyk = read(saved(tmp_path, gradient("CMYK"), "a.jpg", quality=100))
    distance = np.asarray(cmyk.colours, int) - np.asarray(gradient(), int)
    assert np.abs(distance).mean() < 12
    deep = Image.fromarray(np.linspace(0, 65535, 200).astype(np.uint16).reshape(10, 20))
    found = np.asarray(read(saved(tmp_path, deep, "b.png")).colours)
    assert (found.min(), found.max()) == (0, 255)


def test_alpha_is_kept_and_white_lies_under_it(tmp_path):
    image = gradient("RGBA")
    image.putalpha(Image.fromarray(np.tile(np.arange(20, dtype=np.uint8) * 12, (10, 1))))
    found = read(saved(tmp_path, image, "a.png"))
    assert found.alpha is not None
    assert found.colours.getpixel((0, 0)) == (255, 255, 255)


def test_exif_turns(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    assert read(saved(tmp_path, gradient(), "a.jpg", exif=exif)).size == (20, 10)


def test_a_profile_is_followed(tmp_path):
    """In a profile whose primaries are those of LAB, the same numbers are other colours."""
    lab = ImageCms.createProfile("LAB")
    srgb = ImageCms.createProfile("sRGB")
    as_lab = ImageCms.profileToProfile(gradient(), srgb, lab, outputMode="LAB")
    profile = ImageCms.ImageCmsProfile(lab).tobytes()
    path = saved(tmp_path, as_lab, "a.tif", icc_profile=profile)
    distance = np.asarray(read(path).colours, int) - np.asarray(gradient(), int)
    assert np.abs(distance).mean() < 4
    damaged = saved(tmp_path, gradient(), "b.png", icc_profile=b"nonsense")
    assert np.array_equal(np.asarray(read(damaged).colours), np.asarray(gradient()))


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tif"])
def test_settings_stand_inside(tmp_path, suffix):
    settings = {"strength": 0.5, "styles": ["Gemälde:1"], "note": "ä" * 3}
    path = tmp_path / f"a.{suffix}"
    write(path, np.asarray(gradient()), settings)
    assert recorded(path) == settings
    with Image.open(path) as made:
        assert made.size == (20, 10)


@pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
def test_alpha_is_written(tmp_path, suffix):
    pixels = np.dstack([np.asarray(gradient()), np.full((10, 20), 77, np.uint8)])
    write(tmp_path / f"a.{suffix}", pixels, {})
    with Image.open(tmp_path / f"a.{suffix}") as made:
        assert made.convert("RGBA").getpixel((0, 0))[3] == 77


def test_what_cannot_be_written(tmp_path):
    with pytest.raises(ConfigError, match="JPEG cannot hold transparency"):
        kind_of(tmp_path / "a.jpg", alpha=True)
    with pytest.raises(ConfigError, match="cannot hold 20000 px"):
        kind_of(tmp_path / "a.webp", (20_000, 10))
    with pytest.raises(DataError, match="no settings"):
        recorded(saved(tmp_path, gradient(), "plain.png"))
    assert encode(np.asarray(gradient()), "PNG", {})[:4] == b"\x89PNG"


def test_bad_input(tmp_path, monkeypatch):
    (tmp_path / "photo.jpg").write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        read(tmp_path / "photo.jpg")
    with pytest.raises(DataError, match="no photo") as error:
        read(tmp_path / "phota.jpg", "photo")
    assert "photo.jpg" in error.value.hint
    with pytest.raises(DataError, match="is a folder"):
        read(tmp_path)
    file = io.BytesIO()
    gradient().save(file, "PNG")
    (tmp_path / "cut.png").write_bytes(file.getvalue()[:50])
    with pytest.raises(DataError, match=r"cut\.png"):
        read(tmp_path / "cut.png")
    with pytest.raises(DataError, match="array of float64"):
        read(np.zeros((4, 4, 3)))
    monkeypatch.setattr(pictures, "MAX_PIXELS", 100)
    with pytest.raises(DataError, match="20 x 10 px, more than"):
        read(saved(tmp_path, gradient(), "bomb.png"))
    assert decode.MAX_PIXELS == 100_000_000


def test_faint_masks_are_not_rounded_away(tmp_path):
    """A px of 255 among ten thousand is less than half a grey level in the mean."""
    dots = np.zeros((200, 200), np.uint8)
    dots[50::100, 50::100] = 255
    found = read(saved(tmp_path, Image.fromarray(dots), "m.png")).brightness(2, 2)
    assert 0 < float(found.mean()) < 1 / 255

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from ganwerk.data import decode as module
from ganwerk.data.decode import UnreadableError, decode, quiet_pillow


def packed(image: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def solid(mode: str, colour: object, size: tuple[int, int] = (32, 32)) -> Image.Image:
    return Image.new(mode, size, colour)


def pixel(data: bytes, channels: int) -> list[int]:
    """The one colour of a picture that must be one colour."""
    pixels = decode(data, 16, channels, "crop").pixels
    assert pixels.shape == (channels, 16, 16)
    assert pixels.dtype == np.uint8
    flat = pixels.reshape(channels, -1)
    assert (flat == flat[:, :1]).all()
    return flat[:, 0].tolist()


RED = (255, 0, 0)


@pytest.mark.parametrize(
    ("image", "file_format", "channels", "expected"),
    [
        (solid("L", 77), "PNG", 1, [77]),
        (solid("L", 77), "PNG", 3, [77, 77, 77]),
        (solid("L", 77), "PNG", 4, [77, 77, 77, 255]),
        (solid("RGB", (10, 20, 30)), "PNG", 3, [10, 20, 30]),
        (solid("RGB", (10, 20, 30)), "BMP", 4, [10, 20, 30, 255]),
        (solid("RGB", RED), "PNG", 1, [76]),
        (solid("RGBA", (10, 20, 30, 255)), "PNG", 3, [10, 20, 30]),
        (solid("RGBA", (10, 20, 30, 0)), "PNG", 3, [255, 255, 255]),
        (solid("RGBA", (200, 100, 50, 255)), "WEBP", 4, [200, 100, 50, 255]),
        (solid("LA", (40, 255)), "PNG", 1, [40]),
        (solid("LA", (40, 0)), "PNG", 3, [255, 255, 255]),
        (solid("LA", (255, 128)), "PNG", 4, [255, 255, 255, 128]),
        (solid("1", 1), "PNG", 3, [255, 255, 255]),
        (solid("1", 0), "TIFF", 1, [0]),
        (solid("CMYK", (0, 255, 255, 0)), "TIFF", 3, [255, 0, 0]),
        (solid("I;16", 257 * 99), "PNG", 1, [99]),
        (solid("I;16", 257 * 99), "TIFF", 3, [99, 99, 99]),
        (solid("I", 257 * 99), "TIFF", 1, [99]),
        (solid("I", 99), "TIFF", 1, [99]),
        (solid("F", 0.6), "TIFF", 1, [153]),
        (solid("F", 99.0), "TIFF", 1, [99]),
    ],
    ids=lambda value: f"{value.mode}" if isinstance(value, Image.Image) else str(value),
)
def test_every_mode_has_its_colour(
    image: Image.Image, file_format: str, channels: int, expected: list[int]
) -> None:
    options = {"lossless": True} if file_format == "WEBP" else {}
    assert pixel(packed(image, file_format, **options), channels) == expected


def test_cmyk_jpeg_is_not_inverted() -> None:
    data = packed(solid("CMYK", (0, 255, 255, 0)), "JPEG", quality=95)
    red, green, blue = pixel(data, 3)
    assert red > 245
    assert max(green, blue) < 10


def test_float_beyond_a_byte_is_stretched() -> None:
    ramp = np.tile(np.linspace(-500, 1500, 32, dtype=np.float32), (32, 1))
    pixels = decode(packed(Image.fromarray(ramp), "TIFF"), 32, 1, "crop").pixels
    assert pixels.min() == 0
    assert pixels.max() == 255
    assert (np.diff(pixels[0, 0].astype(int)) >= 0).all()


def test_palette_with_a_transparent_entry() -> None:
    image = Image.new("P", (32, 32), 1)
    image.putpalette([255, 0, 0, 0, 0, 255])
    assert pixel(packed(image), 3) == [0, 0, 255]
    seen_through = packed(image, transparency=1)
    assert pixel(seen_through, 3) == [255, 255, 255]
    assert pixel(seen_through, 4)[3] == 0


def test_grey_and_colour_with_a_transparent_level() -> None:
    assert pixel(packed(solid("L", 7), transparency=7), 4)[3] == 0
    assert pixel(packed(solid("RGB", RED), transparency=RED), 1) == [255]


def test_alpha_weighs_the_colours_when_resizing() -> None:
    # Opaque red beside fully transparent green: no green may bleed into the edge.
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[:, :31] = (255, 0, 0, 255)
    pixels[:, 31:] = (0, 255, 0, 0)
    small = decode(packed(Image.fromarray(pixels)), 16, 4, "crop").pixels
    seen = small[3] > 0
    assert seen.any()
    assert (small[1][seen] <= 1).all()
    assert (small[0][seen] >= 250).all()


def marked(width: int, height: int) -> Image.Image:
    """Black with a white left third, so that turning shows."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, : width // 3] = 255
    return Image.fromarray(pixels)


def test_exif_rotation_is_followed() -> None:
    image = marked(48, 32)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise by 90 degrees: left becomes top
    found = decode(packed(image, exif=exif), 32, 1, "pad")
    assert (found.width, found.height) == (32, 48)
    columns = found.pixels[0][:, 16]
    assert columns[:6].min() > 200
    assert columns[-6:].max() < 50


def test_broken_exif_does_not_lose_the_picture() -> None:
    data = packed(solid("RGB", RED), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    with quiet_pillow():
        red, green, _ = pixel(data, 3)
    assert red > 245
    assert green < 10


def test_crop_takes_the_middle_and_changes_no_pixel_that_fits() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 49, 3), np.uint8)
    found = decode(packed(Image.fromarray(pixels)), 32, 3, "crop")
    assert (found.width, found.height, found.mode, found.format) == (49, 32, "RGB", "PNG")
    assert (found.pixels == pixels[:, 8:40].transpose(2, 0, 1)).all()


def test_pad_keeps_all_and_takes_the_colour_of_the_border() -> None:
    pixels = np.full((16, 32, 3), (9, 99, 199), np.uint8)
    pixels[4:12, 4:28] = 255
    found = decode(packed(Image.fromarray(pixels)), 32, 3, "pad").pixels
    assert (found[:, 8:24] == pixels.transpose(2, 0, 1)).all()
    assert (found[:, :8] == np.array([9, 99, 199]).reshape(3, 1, 1)).all()
    assert (found[:, 24:] == np.array([9, 99, 199]).reshape(3, 1, 1)).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (400, 1), (17, 5)])
@pytest.mark.parametrize("fit", ["crop", "pad"])
@pytest.mark.parametrize("mode", ["L", "RGBA"])
def test_odd_sizes(size: tuple[int, int], fit: module.Fit, mode: str) -> None:
    colour = 50 if mode == "L" else (50, 50, 50, 255)
    found = decode(packed(solid(mode, colour, size)), 20, 3, fit).pixels
    assert found.shape == (3, 20, 20)
    assert (found == 50).all()


def test_shrinking_is_antialiased() -> None:
    stripes = np.zeros((128, 128), np.uint8)
    stripes[:, ::2] = 255
    found = decode(packed(Image.fromarray(stripes)), 16, 1, "crop").pixels
    assert np.abs(found.astype(int) - 127).max() <= 4


def test_huge_jpeg_is_shrunk_while_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    data = packed(solid("RGB", RED, (1024, 1024)), "JPEG")
    monkeypatch.setattr(module, "MAX_PIXELS", 256 * 256)
    assert decode(data, 64, 3, "crop").width == 1024
    with pytest.raises(UnreadableError, match=r"is 1024 x 1024 px, more than"):
        decode(packed(solid("RGB", RED, (1024, 1024)), "PNG"), 64, 3, "crop")


def test_animation_gives_its_first_frame() -> None:
    frames = [solid("RGB", RED), solid("RGB", (0, 255, 0))]
    for file_format in ("GIF", "WEBP", "PNG"):
        options = {"lossless": True} if file_format == "WEBP" else {}
        data = packed(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
        assert pixel(data, 3) == [255, 0, 0]


def bomb() -> bytes:
    """A PNG of a few bytes that says it is 60,000 px wide and high."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (b"just text, no picture at all", "not a picture in a known format"),
        (packed(marked(200, 200), "JPEG")[:900], "truncated"),
        (packed(Image.effect_noise((64, 64), 50))[:600], "truncated"),
        (bomb(), "more than 100 million pixels"),
        (packed(solid("F", float("nan")), "TIFF"), "values that are not numbers"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EOF", "not a picture in a known"),
    ],
    ids=["empty", "text", "jpeg cut", "png cut", "bomb", "nan", "postscript is never run"],
)
def test_unreadable_with_its_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        decode(data, 32, 3, "crop")


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "TIFF", "WEBP", "BMP"])
def test_damaged_bytes_are_read_or_refused_never_worse(file_format: str) -> None:
    good = packed(Image.effect_noise((40, 40), 60).convert("RGB"), file_format)
    rng = np.random.default_rng(1)
    with quiet_pillow():
        for _ in range(30):
            data = bytearray(good)
            for place in rng.integers(0, len(data), 4):
                data[place] = int(rng.integers(256))
            try:
                assert decode(bytes(data), 16, 3, "crop").pixels.shape == (3, 16, 16)
            except UnreadableError as error:
                assert str(error)

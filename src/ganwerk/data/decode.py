"""The bytes of one file of any kind to one square uint8 picture.

What happens, in this order: open (first frame of an animation), refuse what is too large, shrink a
huge JPEG while decoding, turn by its EXIF tag, bring to 8 bits per channel, crop or pad to a
square, resize with an antialiasing filter (colours weighted by alpha), bring to the asked channels.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ganwerk.data.formats import FORMATS
from ganwerk.data.pictures import Fit

DECODER_VERSION = 1
"""Part of the cache's key. Raise it with any change of what a file is decoded to."""

MAX_PIXELS = 100_000_000
"""Larger pictures (after a JPEG's shrinking) are skipped: a small file can hold gigapixels."""

LARGE_PIXELS = 1 << 24
"""Larger pictures are decoded one at a time, or a few small files could fill the memory."""

WHITE = (255, 255, 255, 255)
MODE_OF_CHANNELS = {1: "L", 3: "RGB", 4: "RGBA"}
TRANSPARENT_MODES = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})
GREY_MODES = frozenset({"1", "L", "I", "I;16", "I;16B", "I;16L", "I;16N", "F"})


EXIF_ORIENTATION = 0x0112
EXIF_DESCRIPTION, EXIF_SOFTWARE = 0x010E, 0x0131
BEFORE_SOFTWARE = '{"content":'
"""How the description in a transfer's result begins; the first versions wrote no software tag."""

_LARGE = threading.Lock()

SIDEWAYS = range(5, 9)
"""Orientations that swap width and height."""


class UnreadableError(Exception):
    """One picture cannot be used; the text goes on from its name: 'is empty', 'is truncated'."""


class Decoded(NamedTuple):
    """pixels: (C, R, R) uint8; width, height: px of the file's picture, turned upright. several:
    whether the file holds more pictures; made_here: whether ganwerk wrote it."""

    pixels: NDArray[np.uint8]
    width: int
    height: int
    mode: str
    format: str
    several: bool = False
    made_here: bool = False


@contextmanager
def quiet_pillow() -> Iterator[None]:
    """Without Pillow's warnings about odd files: what matters is in the health report. For the
    thread that starts the decoding: Python's filters are the same for all threads."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\b")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        yield


@cache
def _decoders() -> tuple[str, ...]:
    """Those of FORMATS that this build of Pillow has."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def open_picture(data: bytes) -> Image.Image:
    """The picture in `data`, its header read and its pixels not. Raises UnreadableError."""
    if not data:
        raise UnreadableError("is empty")
    try:
        image = Image.open(io.BytesIO(data), formats=_decoders())
    except UnidentifiedImageError:
        raise UnreadableError("is not a picture in a known format, or is damaged") from None
    except Image.DecompressionBombError:
        raise UnreadableError(f"has more than {MAX_PIXELS // 10**6} million pixels") from None
    except Exception as error:
        raise UnreadableError(_reason(error)) from None
    if min(image.size) < 1:
        raise UnreadableError("has no pixels")
    return image


def decode(data: bytes, resolution: int, channels: int, fit: Fit) -> Decoded:
    """The file's content `data` as (channels, resolution, resolution) uint8.

    channels: 1, 3 or 4; without alpha, transparent parts are laid on white.
    Raises UnreadableError with the reason in plain words.
    """
    image = open_picture(data)
    width, height = image.size
    mode, file_format = image.mode, str(image.format)
    try:
        # Twice the resolution leaves the antialiasing filter enough to work with.
        image.draft(None, (2 * resolution, 2 * resolution))
        if image.width * image.height > MAX_PIXELS:
            raise UnreadableError(
                f"is {width} x {height} px, more than {MAX_PIXELS // 10**6} million pixels"
            )
        orientation, made_here = _exif(image)
        if orientation in SIDEWAYS:
            width, height = height, width
        with _LARGE if image.width * image.height > LARGE_PIXELS else nullcontext():
            upright = ImageOps.exif_transpose(image) if orientation != 1 else image
            pixels = standardise(upright, resolution, channels, fit)
        # The second picture of an MPO file is the same scene for the other eye.
        several = file_format != "MPO" and bool(getattr(image, "is_animated", False))
    except UnreadableError:
        raise
    except Exception as error:
        # Pillow's readers raise whatever the damaged bytes lead them to. One file never ends a
        # training: it is skipped and named in the health report.
        raise UnreadableError(_reason(error)) from None
    return Decoded(pixels, width, height, mode, file_format, several, made_here)


def standardise(image: Image.Image, resolution: int, channels: int, fit: Fit) -> NDArray[np.uint8]:
    """A decoded picture of any size and mode as (channels, resolution, resolution) uint8."""
    image = eight_bit(image)
    square = _cropped(image, resolution) if fit == "crop" else _padded(image, resolution)
    if square.mode == "RGBA" and channels != 4:
        square = Image.alpha_composite(Image.new("RGBA", square.size, WHITE), square)
    if square.mode != MODE_OF_CHANNELS[channels]:
        square = square.convert(MODE_OF_CHANNELS[channels])
    pixels = np.asarray(square)
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _exif(image: Image.Image) -> tuple[int, bool]:
    """The orientation, 1 (upright) to 8, and whether ganwerk described the picture. Unreadable EXIF
    data is no reason to lose the picture."""
    try:
        exif = image.getexif()
        orientation, description = exif.get(EXIF_ORIENTATION, 1), exif.get(EXIF_DESCRIPTION)
    except Exception:
        return 1, False
    made_here = exif.get(EXIF_SOFTWARE) == "ganwerk" or str(description).startswith(BEFORE_SOFTWARE)
    return orientation if orientation in range(2, 9) else 1, made_here


def eight_bit(image: Image.Image) -> Image.Image:
    """In mode L, RGB or RGBA."""
    if image.mode in ("L", "RGB", "RGBA") and "transparency" not in image.info:
        return image
    if image.mode in TRANSPARENT_MODES or "transparency" in image.info:
        if image.mode.startswith("I"):
            # A 16-bit grey PNG that names one level as transparent: the level is of no use here.
            image = _levels(image)
        # Premultiplied modes have no direct way to RGBA but their own straight one.
        straight = {"La": "LA", "RGBa": "RGBA"}.get(image.mode)
        return (image.convert(straight) if straight else image).convert("RGBA")
    if image.mode.startswith("I") or image.mode == "F":
        return _levels(image)
    return image.convert("L" if image.mode == "1" else "RGB")


def _levels(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and floating point grey to 8 bits.

    I;16: 0..65535. I: 0..255 and 0..65535 as they are, else stretched. F: 0..1 and 0..255 as they
    are, else stretched from the picture's minimum to its maximum.
    """
    values = np.asarray(image).astype(np.float64)
    if not np.isfinite(values).all():
        raise UnreadableError("holds values that are not numbers")
    low, high = float(values.min()), float(values.max())
    if image.mode.startswith("I;16"):
        values /= 257.0
    elif low >= 0 and image.mode == "F" and high <= 1:
        values *= 255.0
    elif low >= 0 and high <= 255:
        pass
    elif low >= 0 and image.mode == "I" and high <= 65535:
        values /= 257.0
    else:
        values = (values - low) * (255.0 / max(high - low, 1e-12))
    return Image.fromarray(np.rint(values).astype(np.uint8))


def _cropped(image: Image.Image, resolution: int) -> Image.Image:
    """The square in the middle, resized."""
    side = min(image.size)
    # Whole pixels: half a pixel would blur pictures that need no resizing.
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.resize(
        (resolution, resolution),
        Image.Resampling.LANCZOS,
        box=(left, top, left + side, top + side),
        reducing_gap=3.0,
    )


def _padded(image: Image.Image, resolution: int) -> Image.Image:
    """The whole picture, with bars in the median colour of its border."""
    scale = resolution / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    if size == (resolution, resolution):
        return small
    pixels = np.asarray(small)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    colour = np.median(border.reshape(len(border), -1), axis=0).astype(np.uint8)
    canvas = np.empty((resolution, resolution, *pixels.shape[2:]), np.uint8)
    canvas[:] = colour if pixels.ndim == 3 else colour[0]
    top, left = (resolution - size[1]) // 2, (resolution - size[0]) // 2
    canvas[top : top + size[1], left : left + size[0]] = pixels
    return Image.fromarray(canvas)


def _reason(error: Exception) -> str:
    text = str(error)
    if "truncated" in text.lower() or "unexpected end" in text.lower() or not text:
        return "is truncated or damaged"
    return f"is damaged ({text.splitlines()[0][:120]})"

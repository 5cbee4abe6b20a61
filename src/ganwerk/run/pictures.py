"""From a network's numbers to picture files. No torch of its own: tensors bring their methods."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganwerk.errors import ConfigError, DivergedError, MachineError, did_you_mean
from ganwerk.run.files import disk_errors, write_bytes

if TYPE_CHECKING:
    from torch import Tensor

Pixels = NDArray[np.uint8]

_FORMATS = {"png": "PNG", "webp": "WEBP", "jpg": "JPEG", "jpeg": "JPEG"}
_LARGEST_PX = {"WEBP": 16383, "JPEG": 65500}
_OPTIONS: dict[str, dict[str, Any]] = {
    # A quarter faster than the default 6, for files a tenth larger
    "PNG": {"compress_level": 1},
    "WEBP": {"lossless": True, "method": 0, "exact": True},
    "JPEG": {"quality": 95, "subsampling": 0},
}


def to_uint8(images: Tensor) -> Pixels:
    """Pictures (B, C, H, W) in [-1, 1], any float type and device, as (B, H, W, C) uint8.

    -1 becomes 0, 0 becomes 128, 1 becomes 255, rounded to the nearest step between:
    floor(clip(127.5 x + 128, 0, 255)). Values beyond [-1, 1] are clipped.
    Raises DivergedError if one is not finite.
    """
    images = images.detach().float()
    if not bool(images.isfinite().all()):
        raise DivergedError(
            "A generated picture has values that are not finite.",
            "The weights have diverged: use an earlier checkpoint with --at.",
        )
    steps = images.mul(127.5).add_(128.0).clamp_(0.0, 255.0).byte()
    pixels: Pixels = steps.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return pixels


def grid(images: Pixels, columns: int | None = None, padding_px: int = 2) -> Pixels:
    """Pictures (B, H, W, C), B >= 1, side by side on one (H', W', C), row by row.

    columns: how many in a row; None makes it about square. padding_px: the gap between and around
    them; it and empty places are white, or transparent if C is 4 (2 would be grey with alpha).
    """
    count, height, width, channels = images.shape
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    rows = math.ceil(count / columns)
    size = (rows * (height + padding_px) + padding_px, columns * (width + padding_px) + padding_px)
    sheet: Pixels = np.full((*size, channels), 255, np.uint8)
    if channels in (2, 4):
        sheet[..., -1] = 0
    for index, picture in enumerate(images):
        top = padding_px + index // columns * (height + padding_px)
        left = padding_px + index % columns * (width + padding_px)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def encode_picture(pixels: Pixels, kind: str) -> bytes:
    """The bytes of a picture file. `pixels`: (H, W) or (H, W, C), C 1 grey, 3 RGB, 4 RGBA.

    kind: 'png' or 'webp' (both lossless, alpha and all) or 'jpg' (quality 95).
    Raises ConfigError for another kind, for jpg with alpha, and for a picture that is too large.
    """
    kind = kind.lower().lstrip(".")
    if kind not in _FORMATS:
        raise ConfigError(
            f"Pictures cannot be written as '{kind}'.", did_you_mean(kind, ["png", "webp", "jpg"])
        )
    if kind in ("jpg", "jpeg") and pixels.ndim == 3 and pixels.shape[-1] == 4:
        raise ConfigError(
            "JPEG cannot hold transparency, and these pictures have it.",
            "Choose png or webp.",
        )
    if pixels.ndim == 3 and pixels.shape[-1] == 1:
        pixels = pixels[..., 0]
    name = _FORMATS[kind]
    if max(pixels.shape[:2]) > _LARGEST_PX.get(name, math.inf):
        raise ConfigError(
            f"A {kind} picture can have {_LARGEST_PX[name]} px on a side; this one is "
            f"{pixels.shape[1]} x {pixels.shape[0]}.",
            "Choose png, or draw fewer pictures into one.",
        )
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, name, **_OPTIONS[name])
    return file.getvalue()


def write_picture(path: str | Path, pixels: Pixels, kind: str | None = None) -> None:
    """Write one picture file in one step, in the place of an older one, making its folder.

    kind: as for `encode_picture`; None takes it from the name of the file.
    Raises ConfigError, MachineError.
    """
    path = Path(path)
    content = encode_picture(pixels, path.suffix if kind is None else kind)
    make_folder(path.parent)
    # Not durable: waiting for the disk would make thousands of samples slow, and a power cut costs
    # nothing that cannot be drawn again.
    write_bytes(path, content, durable=False)


def make_folder(folder: Path) -> None:
    """Make `folder` and those above it, if they are not there. Raises MachineError."""
    with disk_errors(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)


def refuse_existing(paths: Iterable[Path]) -> None:
    """Raises MachineError if one of `paths` exists: nothing is overwritten unasked."""
    paths = list(paths)
    taken = [path for path in paths if path.exists() or path.is_symlink()]
    if not taken:
        return
    if len(taken) == 1:
        message = f"{taken[0]} exists already."
    else:
        end = ", ..." if len(taken) > 3 else "."
        names = ", ".join(str(path) for path in taken[:3])
        message = f"{len(taken)} of {len(paths)} files exist already: {names}{end}"
    raise MachineError(message, "Overwrite with --force, or choose another place with --out.")

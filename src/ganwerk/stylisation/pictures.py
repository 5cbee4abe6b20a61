"""Pictures of any kind in, pictures with their settings out."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps
from torch import Tensor

from ganwerk.data.decode import (
    EXIF_DESCRIPTION,
    EXIF_SOFTWARE,
    MAX_PIXELS,
    TRANSPARENT_MODES,
    UnreadableError,
    eight_bit,
    open_picture,
    quiet_pillow,
)
from ganwerk.data.formats import is_hidden, is_picture_name
from ganwerk.data.sources import special_kind
from ganwerk.errors import ConfigError, DataError, did_you_mean
from ganwerk.run.files import from_json, write_bytes
from ganwerk.run.pictures import make_folder

WHITE = (255, 255, 255)
SUFFIXES = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".tif": "TIFF",
            ".tiff": "TIFF"}  # fmt: skip
_LARGEST_PX = {"WEBP": 16_383, "JPEG": 65_500}
_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 4}, "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 92}, "TIFF": {"compression": "tiff_deflate"},
}  # fmt: skip

Source = str | Path | Image.Image | NDArray[np.uint8]
"""A file, or a picture that is already in memory: (H, W), (H, W, 3) or (H, W, 4) uint8."""


@dataclass(frozen=True)
class Picture:
    """Upright, 8 bits per channel, sRGB; transparent parts lie on white. alpha: None if opaque."""

    name: str
    colours: Image.Image
    alpha: Image.Image | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.colours.height, self.colours.width

    def tensor(self, height: int, width: int) -> Tensor:
        """(1, 3, height, width) in [0, 1], in torch's default type."""
        return _tensor(self.colours, height, width)

    def brightness(self, height: int, width: int) -> Tensor:
        """(height, width) in [0, 1]: a mask."""
        grey = self.colours.convert("L").convert("F")  # else faint masks would be rounded away
        return _tensor(grey, height, width)[0, 0].clamp_(0, 1)


def _tensor(image: Image.Image, height: int, width: int) -> Tensor:
    if image.size != (width, height):
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    pixels = torch.from_numpy(np.array(image, np.float32)).to(torch.get_default_dtype()) / 255
    pixels = pixels[None] if pixels.ndim == 2 else pixels.permute(2, 0, 1)
    return pixels[None].contiguous()


def read(source: Source, what: str = "picture") -> Picture:
    """what: its part in the transfer, for errors. Raises DataError."""
    if isinstance(source, np.ndarray):
        source = _from_array(source, what)
    if isinstance(source, Image.Image):
        return _prepared(source, what)
    path = Path(source)
    try:
        if kind := special_kind(path.stat().st_mode):
            raise DataError(f"The {what} {path} is {kind}.", "Name a picture.")
        content = path.read_bytes()
    except OSError as error:
        raise _unread(path, what, error) from error
    try:
        with quiet_pillow():
            image = open_picture(content)
            _refuse_bomb(image, str(path))
            return _prepared(image, path.stem)
    except UnreadableError as error:
        raise DataError(
            f"The {what} {path} {error}.", "Give a PNG, JPEG, WebP, TIFF or another picture."
        ) from None
    except DataError:
        raise
    except Exception as error:  # Pillow's readers raise whatever damaged bytes lead them to
        raise DataError(
            f"The {what} {path} is damaged ({str(error)[:100]}).",
            "Export it again, or take another.",
        ) from None


def _unread(path: Path, what: str, error: OSError) -> DataError:
    if path.is_dir():
        return DataError(f"The {what} {path} is a folder.", "Name one picture.")
    if not path.exists():
        near = [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else []
        near = [name for name in near if is_picture_name(name)]
        hint = did_you_mean(path.name, near) if near else "Check the path."
        return DataError(f"There is no {what} {path}.", hint)
    return DataError(f"The {what} {path} cannot be read: {error.strerror}.", "Check permissions.")


def _refuse_bomb(image: Image.Image, name: str) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise DataError(
            f"{name} is {image.width} x {image.height} px, more than "
            f"{MAX_PIXELS // 10**6} million pixels.",
            "Make it smaller first.",
        )


def _from_array(pixels: NDArray[Any], what: str) -> Image.Image:
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or not pixels.size:
        raise DataError(
            f"The {what} is an array of {pixels.dtype} with shape {pixels.shape}.",
            "Give (H, W), (H, W, 3) or (H, W, 4) uint8.",
        )
    return Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels)


def _prepared(image: Image.Image, name: str) -> Picture:
    _refuse_bomb(image, name)
    if not min(image.size):
        raise DataError(f"{name} has no pixels.", "Give a picture of at least 1 x 1 px.")
    profile = image.info.get("icc_profile")
    image = ImageOps.exif_transpose(image)
    transparent = image.mode in TRANSPARENT_MODES or "transparency" in image.info
    alpha = None
    if transparent:
        straight = eight_bit(image)
        if straight.mode == "RGBA":
            alpha = straight.getchannel("A")
            white = Image.new("RGBA", straight.size, (*WHITE, 255))
            image = Image.alpha_composite(white, straight).convert("RGB")
    colours = _in_srgb(image, profile) if profile else None
    if colours is None:
        colours = eight_bit(image).convert("RGB")
    if alpha is not None and alpha.getextrema() == (255, 255):
        alpha = None
    return Picture(name, colours, alpha)


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image | None:
    """Through its ICC profile; None where the profile does not fit or is damaged."""
    if image.mode not in ("RGB", "CMYK", "L", "LAB"):
        return None
    try:
        with_profile = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, with_profile, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder, by name. Raises DataError if there are none."""
    try:
        found = sorted(
            path for path in folder.iterdir()
            if path.is_file() and is_picture_name(path.name) and not is_hidden(path.name)
        )  # fmt: skip
    except OSError as error:
        raise DataError(
            f"The folder {folder} cannot be read: {error.strerror}.", "Name a folder with pictures."
        ) from None
    if not found:
        raise DataError(f"There are no pictures in {folder}.", "Name a folder with PNG or JPEG.")
    return found


def kind_of(path: Path, shape: tuple[int, int] | None = None, *, alpha: bool = False) -> str:
    """Pillow's name of the format that the suffix asks for. Raises ConfigError for one that cannot
    be written, or cannot hold the picture."""
    kind = SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise ConfigError(
            f"Pictures cannot be written as '{path.suffix or path.name}'.",
            "End the name in .png, .jpg, .webp or .tif.",
        )
    if alpha and kind == "JPEG":
        raise ConfigError(
            "JPEG cannot hold transparency, and this photo has it.", "Choose .png, .webp or .tif."
        )
    if shape and max(shape) > _LARGEST_PX.get(kind, max(shape)):
        raise ConfigError(f"{kind} cannot hold {max(shape)} px on a side.", "Choose .png or .tif.")
    return kind


def encode(pixels: NDArray[np.uint8], kind: str, settings: Mapping[str, Any]) -> bytes:
    """The file's content, with the settings as JSON in its description. (H, W, 3 or 4) uint8."""
    image, options = Image.fromarray(pixels), dict(_OPTIONS[kind])
    text = json.dumps(settings, separators=(",", ":"))
    if kind == "TIFF":
        options["tiffinfo"] = {EXIF_DESCRIPTION: text, EXIF_SOFTWARE: "ganwerk"}
    else:
        exif = Image.Exif()
        exif[EXIF_DESCRIPTION], exif[EXIF_SOFTWARE] = text, "ganwerk"
        options["exif"] = exif.tobytes()
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def write(path: Path, pixels: NDArray[np.uint8], settings: Mapping[str, Any]) -> None:
    """In one step, in the place of an older file. Raises ConfigError, MachineError."""
    kind = kind_of(path, pixels.shape[:2], alpha=pixels.shape[-1] == 4)
    make_folder(path.parent)
    write_bytes(path, encode(pixels, kind, settings))


def recorded(path: Path) -> dict[str, Any]:
    """The settings inside a picture that ganwerk wrote. Raises DataError if there are none."""
    try:
        with Image.open(path) as image:
            found = from_json(image.getexif().get(EXIF_DESCRIPTION, "null"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise DataError(f"There are no settings in {path}.", "Was it written by ganwerk style?")
    return found


def to_pixels(picture: Tensor, alpha: Image.Image | None = None) -> NDArray[np.uint8]:
    """(1, 3, H, W) in [0, 1] as (H, W, 3) uint8, or with the alpha resized to it (H, W, 4)."""
    pixels: NDArray[np.uint8] = (
        picture[0].detach().float().cpu().mul(255).add_(0.5).clamp_(0, 255).byte()
        .permute(1, 2, 0).contiguous().numpy()
    )  # fmt: skip
    if alpha is None:
        return pixels
    size = (pixels.shape[1], pixels.shape[0])
    fitted = np.asarray(alpha.resize(size, Image.Resampling.LANCZOS))
    return np.dstack([pixels, fitted])

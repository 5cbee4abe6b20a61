"""Which files count as pictures, and which decoders may touch them."""

from __future__ import annotations

from posixpath import splitext

SUFFIX_FORMATS = {
    ".apng": "PNG",
    ".avif": "AVIF",
    ".bmp": "BMP",
    ".dds": "DDS",
    ".dib": "DIB",
    ".gif": "GIF",
    ".ico": "ICO",
    ".j2k": "JPEG2000",
    ".jfif": "JPEG",
    ".jp2": "JPEG2000",
    ".jpe": "JPEG",
    ".jpeg": "JPEG",
    ".jpg": "JPEG",
    ".jpx": "JPEG2000",
    ".pbm": "PPM",
    ".pcx": "PCX",
    ".pfm": "PPM",
    ".pgm": "PPM",
    ".png": "PNG",
    ".pnm": "PPM",
    ".ppm": "PPM",
    ".sgi": "SGI",
    ".tga": "TGA",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
"""File suffix (lower case) to Pillow's name of the format. Formats that start another program
(EPS: Ghostscript) or that are documents are left out on purpose."""

# MPO: what phones write into .jpg files that hold a second picture for 3D.
FORMATS = (*sorted(set(SUFFIX_FORMATS.values())), "MPO")
"""The decoders that may look at a file. A picture with a wrong but known suffix is still read."""


def suffix_of(name: str) -> str:
    """The lower-case suffix of a file name, with its dot; '' without one."""
    return splitext(name)[1].lower()


def is_picture_name(name: str) -> bool:
    """Whether the suffix is one of a picture."""
    return suffix_of(name) in SUFFIX_FORMATS


def is_hidden(name: str) -> bool:
    """Whether any part of the relative path `name` is hidden, or what macOS adds to zip files."""
    return any(part[:1] == "." or part == "__MACOSX" for part in name.split("/"))

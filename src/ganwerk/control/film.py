"""Moving pictures: frames to a file that a player or a browser shows."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganwerk.errors import ConfigError, did_you_mean
from ganwerk.run.files import write_bytes
from ganwerk.run.pictures import make_folder

Pixels = NDArray[np.uint8]
SUFFIXES = (".mp4", ".webp", ".gif")
CODEC = "libx264"
QUALITY = "17"  # constant rate factor: below 18 the loss cannot be seen
LARGEST_GIF_RATE = 50  # browsers slow down whatever is shown for less than 20 ms


def playable(path: Path) -> tuple[Path, tuple[str, ...]]:
    """Where a film meant for `path` goes, and what has to be said about it.

    Without a codec for MP4 it becomes a WebP animation beside it. Raises ConfigError for a suffix
    that is no film's.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ConfigError(
            f"A film cannot be written as '{path.suffix or path.name}'.",
            did_you_mean(suffix, [*SUFFIXES]),
        )
    reason = missing_codec() if suffix == ".mp4" else None
    if reason is None:
        return path, ()
    target = path.with_suffix(".webp")
    return target, (
        f"{path.name} cannot be written: {reason}. Writing {target.name} instead; for MP4: "
        "pip install 'ganwerk[video]'",
    )


def missing_codec() -> str | None:
    """Why H.264 cannot be encoded here, or None."""
    try:
        import av
    except ImportError:
        return "the package av is not installed"
    try:
        av.Codec(CODEC, "w")
    except av.codec.codec.UnknownCodecError:
        return f"the package av was built without {CODEC}"
    return None


def write_film(path: Path, frames: Iterable[Pixels], rate: float, side_px: int) -> None:
    """Frames (H, W, C) uint8, C 1, 3 or 4, one after the other at `rate` per second, enlarged to a
    height of `side_px`, endlessly where the format can. Transparent pictures lie on white.

    Raises ConfigError, MachineError; nothing half-written is left.
    """
    images = (enlarged(frame, side_px) for frame in frames)
    make_folder(path.parent)
    content = _ENCODERS[path.suffix.lower()](images, rate)
    write_bytes(path, content, durable=False)


def enlarged(frame: Pixels, side_px: int) -> Image.Image:
    """(H, W, C) as an RGB image of that height."""
    image = Image.fromarray(frame[..., 0] if frame.shape[-1] == 1 else frame)
    if image.mode == "RGBA":
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    image = image.convert("RGB")
    if image.height == side_px:
        return image
    width = max(1, round(image.width * side_px / image.height))
    return image.resize((width, side_px), Image.Resampling.BICUBIC)


def shown_px(resolution: int) -> int:
    """The side at which small pictures can be looked at: a whole multiple, from 256 px."""
    return resolution * max(1, -(-256 // resolution))


def _mp4(images: Iterator[Image.Image], rate: float) -> bytes:
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream: Any = None
        for image in images:
            if stream is None:
                stream = container.add_stream(CODEC, rate=Fraction(rate).limit_denominator(1000))
                # Players want colours at half the size, which takes even sides
                stream.width, stream.height = image.width & ~1, image.height & ~1
                stream.pix_fmt, stream.options = "yuv420p", {"crf": QUALITY}
            even = np.asarray(image)[: stream.height, : stream.width]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return file.getvalue()


def _durations(rate: float, step_ms: int) -> Iterator[int]:
    """How long each frame is shown, in ms, in whole steps that add up to the rate."""
    shown, number = 0, 0
    while True:
        number += 1
        until = round(1000 * number / rate / step_ms) * step_ms
        yield until - shown
        shown = until


def _animation(kind: str, images: Iterator[Image.Image], rate: float, **options: Any) -> bytes:
    file = io.BytesIO()
    first, *rest = images
    step = 10 if kind == "GIF" else 1
    times = [time for time, _ in zip(_durations(rate, step), [first, *rest], strict=False)]
    first.save(file, kind, save_all=True, append_images=rest, duration=times, loop=0, **options)
    return file.getvalue()


def _webp(images: Iterator[Image.Image], rate: float) -> bytes:
    return _animation("WEBP", images, rate, quality=90, method=4)


def _gif(images: Iterator[Image.Image], rate: float) -> bytes:
    """Of 256 colours per frame."""
    return _animation("GIF", (image.quantize(256) for image in images), rate)


_ENCODERS = {".mp4": _mp4, ".webp": _webp, ".gif": _gif}

"""What people look at afterwards: the optimisation as an animation, the losses as curves."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image
from torch import Tensor

from ganwerk.errors import ConfigError
from ganwerk.run.files import write_bytes
from ganwerk.run.pictures import make_folder
from ganwerk.style.pyramid import fitted, resized
from ganwerk.stylisation.events import Point
from ganwerk.stylisation.pictures import to_pixels

FRAMES, FRAME_PX, FRAME_SECONDS, LAST_SECONDS = 48, 480, 0.08, 2.0
_KINDS = {".webp": "WEBP", ".gif": "GIF", ".png": "PNG"}


class Film:
    """Frames at growing distances, as the picture changes less and less."""

    def __init__(self, steps: int) -> None:
        self._due = {max(1, round(steps * (i / FRAMES) ** 1.7)) for i in range(1, FRAMES + 1)}
        self._frames: list[Tensor] = []

    def after(self, step: int, picture: Callable[[], Tensor]) -> None:
        if step in self._due:
            frame = picture()
            self._frames.append(resized(frame, *_sides(frame)).clamp(0, 1))

    def write(self, path: Path, last: Tensor) -> None:
        """An animated WebP, GIF or PNG."""
        kind = film_kind(path)
        size = _sides(last)
        frames = [*self._frames, last]
        images = [Image.fromarray(to_pixels(resized(f, *size).clamp(0, 1))) for f in frames]
        times = [round(1000 * FRAME_SECONDS)] * (len(images) - 1) + [round(1000 * LAST_SECONDS)]
        file = io.BytesIO()
        images[0].save(file, kind, save_all=True, append_images=images[1:], duration=times, loop=0)
        make_folder(path.parent)
        write_bytes(path, file.getvalue(), durable=False)


def _sides(picture: Tensor) -> tuple[int, int]:
    height, width = picture.shape[-2:]
    return fitted(height, width, FRAME_PX)


def film_kind(path: Path) -> str:
    """Pillow's name of the format. Raises ConfigError for a suffix that cannot move."""
    kind = _KINDS.get(path.suffix.lower())
    if kind is None:
        raise ConfigError(
            f"An animation cannot be written as '{path.suffix}'.", "Choose .webp, .gif or .png."
        )
    return kind


def curves_kind(path: Path) -> str:
    """Matplotlib's name of the format. Raises ConfigError for a suffix it should not write."""
    kind = path.suffix.lower().lstrip(".")
    if kind not in ("png", "svg", "pdf"):
        raise ConfigError(
            f"Curves cannot be written as '{path.suffix}'.", "Choose .png, .svg or .pdf."
        )
    return kind


def write_curves(path: Path, trace: Sequence[Point]) -> None:
    """The losses over the closures, a line where a finer scale begins."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    steps = [point.step for point in trace]
    for name in ("content", "style", "strokes", "variation"):
        values = [max(getattr(point, name), 1e-12) for point in trace]
        axes.plot(steps, values, label=name, linewidth=1.2)
    for before, point in itertools.pairwise(trace):
        if point.scale_px != before.scale_px:
            axes.axvline(point.step, color="0.8", linewidth=1, zorder=0)
            axes.annotate(
                f"{point.scale_px} px", (point.step, 1), xycoords=("data", "axes fraction"),
                textcoords="offset points", xytext=(3, -10), fontsize=8, color="0.4",
            )  # fmt: skip
    axes.set(xlabel="closure", ylabel="loss, before weighting", yscale="log")
    axes.legend(frameon=False)
    file = io.BytesIO()
    figure.savefig(file, format=curves_kind(path), dpi=110)
    make_folder(path.parent)
    write_bytes(path, file.getvalue(), durable=False)

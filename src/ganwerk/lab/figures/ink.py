"""How the laboratory draws: one hand for all figures, in PNG and as moving WebP."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganwerk.run.files import write_bytes
from ganwerk.run.pictures import make_folder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure, SubFigure

WIDTH_INCHES = 9.0
DPI = 120
MOVING_DPI = 80
INK, FAINT, RULE = "#1f2430", "#6b7280", "#d5d9e0"
DATA, FAKE, JUDGE, EXTRA = "#2563a8", "#e0662b", "#2f8f5b", "#8a4fa3"
PALETTE = (FAKE, DATA, JUDGE, EXTRA, "#c8a415", "#c2375f", "#3aa6b9", "#7a5c3d", "#5b6270")
DENSITY = ("#ffffff", "#d6e6f4", "#7fb5dc", "#2f7ab8", "#123f73", "#07182f")
LETTERS_PER_INCH = 13.5
LAST_FRAME_MS = 2_500

_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10.5,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "lines.linewidth": 1.8,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "mathtext.fontset": "dejavusans",
}


@contextmanager
def paper(height_inches: float, width_inches: float = WIDTH_INCHES) -> Iterator[Figure]:
    """A figure in the laboratory's style. No window, no global state but the style."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):  # type: ignore[arg-type]
        yield Figure((width_inches, height_inches), layout="constrained")


def halves(figure: Figure, heights: Sequence[float]) -> tuple[SubFigure, SubFigure]:
    """The figure in an upper and a lower part, that high in relation."""
    upper, lower = figure.subfigures(2, 1, height_ratios=list(heights))  # type: ignore[misc]
    return upper, lower


def density_colours() -> Colormap:
    """White for nothing to dark blue for much."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("density", DENSITY)


def heading(figure: Figure, title: str, below: str = "") -> None:
    """What the figure shows, and in smaller letters how to read it."""
    figure.suptitle(title, x=0.01, ha="left", fontsize=13.5, fontweight="bold")
    if below:
        letters = int(figure.get_figwidth() * LETTERS_PER_INCH)
        lines = textwrap.fill(below, letters)
        figure.supxlabel(lines, x=0.01, ha="left", fontsize=9.5, color=FAINT)


def bare(axes: Axes) -> None:
    """A panel that is a picture: no ticks, a thin frame."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(RULE)


def write_png(path: Path, figure: Figure, dpi: int = DPI) -> None:
    """Raises MachineError."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    picture = Image.open(file).convert("RGB")
    small = io.BytesIO()
    # 256 colours are plenty for lines and text, and a third of the size
    picture.quantize(256, dither=Image.Dither.NONE).save(small, "PNG", optimize=True)
    make_folder(path.parent)
    write_bytes(path, small.getvalue(), durable=False)


def pixels(figure: Figure, dpi: int = MOVING_DPI) -> NDArray[np.uint8]:
    """The figure as (H, W, 3)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    seen: NDArray[np.uint8] = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    return seen[..., :3].copy()


def write_moving(path: Path, frames: Iterable[NDArray[np.uint8]], frame_ms: int) -> None:
    """Frames (H, W, 3) as an endless animation (.webp or .gif) that rests on the last one.

    Raises MachineError.
    """
    pictures = [Image.fromarray(frame) for frame in frames]
    times: Sequence[int] = [frame_ms] * (len(pictures) - 1) + [LAST_FRAME_MS]
    how: dict[str, Any] = {"quality": 70, "method": 4} if path.suffix == ".webp" else {}
    file = io.BytesIO()
    pictures[0].save(
        file, path.suffix.lstrip("."), save_all=True, append_images=pictures[1:],
        duration=times, loop=0, **how,
    )  # fmt: skip
    make_folder(path.parent)
    write_bytes(path, file.getvalue(), durable=False)

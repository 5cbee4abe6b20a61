"""Small line plots as SVG, coloured by the page's style sheet, so that they follow dark mode."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganwerk.report.markup import Html, el, joined
from ganwerk.report.wording import measured, short_count

Numbers = NDArray[np.float64]

WIDTH, HEIGHT = 560, 250
LEFT, RIGHT, TOP, BOTTOM = 48, 46, 12, 36
_MOST_POINTS = 240
_FEWEST_TO_SMOOTH = 16
_LABEL_GAP = 12


@dataclass(frozen=True, slots=True)
class Series:
    """Measurements over images seen. role: the colour, by its name in the style sheet."""

    name: str
    role: str
    images: Sequence[float]
    values: Sequence[float]


@dataclass(frozen=True, slots=True)
class Level:
    """A dashed line at a value that means something."""

    value: float
    role: str
    name: str


@dataclass(frozen=True, slots=True)
class Plot:
    """What one plot shows. marks: images from which it was resumed. treated: images where a
    treatment began, and what came of it. floor, ceiling: values that the vertical axis reaches at
    least."""

    title: str
    series: tuple[Series, ...]
    reading: str
    levels: tuple[Level, ...] = ()
    marks: tuple[float, ...] = ()
    treated: tuple[tuple[float, str], ...] = ()
    smooth: bool = True
    floor: float | None = None
    ceiling: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """A series as it is drawn: means over short stretches, their extremes, the smoothed line."""

    images: Numbers
    mean: Numbers
    low: Numbers
    high: Numbers
    line: Numbers


def curve(series: Series, smooth: bool, most: int = _MOST_POINTS) -> Curve:
    """At most `most` points of a series; its images must not fall."""
    images = np.asarray(series.images, np.float64)
    values = np.asarray(series.values, np.float64)
    span = images[-1] - images[0]
    place = np.minimum((images - images[0]) / (span or 1) * most, most - 1)
    starts = np.unique(place.astype(int), return_index=True)[1]
    counts = np.diff([*starts, len(values)])
    mean = np.add.reduceat(values, starts) / counts
    return Curve(
        np.add.reduceat(images, starts) / counts,
        mean,
        np.minimum.reduceat(values, starts),
        np.maximum.reduceat(values, starts),
        _smoothed(mean) if smooth and len(mean) >= _FEWEST_TO_SMOOTH else mean,
    )


def _smoothed(values: Numbers) -> Numbers:
    """A moving average with Gaussian weights, about a fortieth of the width to each side."""
    deviation = max(1.0, len(values) / 40)
    reach = min(round(3 * deviation), (len(values) - 1) // 2)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / deviation) ** 2)
    total = np.convolve(values, weights, "same")
    smoothed: Numbers = total / np.convolve(np.ones_like(values), weights, "same")
    return smoothed


@dataclass(frozen=True, slots=True)
class Frame:
    """From values to places in the drawing."""

    first: float
    last: float
    low: float
    high: float

    def x(self, images: float) -> float:
        share = (images - self.first) / ((self.last - self.first) or 1)
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        share = (value - self.low) / ((self.high - self.low) or 1)
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    def points(self, images: Numbers, values: Numbers) -> str:
        pairs = zip(images.tolist(), values.tolist(), strict=True)
        return "L".join(f"{self.x(at):.1f} {self.y(value):.1f}" for at, value in pairs)


def frame(plot: Plot, curves: Sequence[Curve]) -> Frame:
    """Room for the lines, their bulk of noise and the levels; rare peaks may leave the picture."""
    reach = [level.value for level in plot.levels]
    reach += [value for value in (plot.floor, plot.ceiling) if value is not None]
    for drawn in curves:
        reach += np.percentile(drawn.line, [1, 99]).tolist()
        reach += [float(np.percentile(drawn.low, 4)), float(np.percentile(drawn.high, 96))]
        reach.append(float(drawn.line[-1]))
    low, high = min(reach), max(reach)
    room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    return Frame(
        0.0,
        max(float(drawn.images[-1]) for drawn in curves),
        low if low == plot.floor else low - room,
        high if high == plot.ceiling else high + room,
    )


def ticks(low: float, high: float, about: int) -> list[float]:
    """Round values between low and high, about so many.

    >>> ticks(0, 1, 5)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    raw = (high - low) / about
    if not raw > 0:
        return [low]
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= raw * 0.8)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(i * step, 12) + 0.0 for i in range(first, last + 1)]


def draw(plot: Plot, name: str) -> Html:
    """The plot as a figure: title, legend, drawing, how to read it. name: unique on the page."""
    curves = [curve(series, plot.smooth) for series in plot.series]
    place = frame(plot, curves)
    shapes: list[Html] = [*_axes(place), *_marks(plot, place)]
    clipped: list[Html] = []
    for series, drawn in zip(plot.series, curves, strict=True):
        clipped += _lines(series, drawn, place)
    window = el(
        "clipPath",
        el("rect", x=LEFT, y=TOP - 4, width=WIDTH - LEFT - RIGHT, height=HEIGHT - TOP - BOTTOM + 8),
        id=f"window-{name}",
    )
    shapes += [window, el("g", *clipped, clip_path=f"url(#window-{name})")]
    shapes += _levels(plot, place)
    shapes.append(el("line", class_="cursor", x1=0, x2=0, y1=TOP, y2=HEIGHT - BOTTOM))
    return el(
        "figure",
        el("h3", plot.title),
        _legend(plot, curves),
        el(
            "svg",
            *shapes,
            viewBox=f"0 0 {WIDTH} {HEIGHT}",
            role="img",
            aria_label=f"{plot.title} over images seen",
        ),
        el("figcaption", plot.reading),
        class_="plot",
        data_plot=_for_the_cursor(curves, place),
    )


def _axes(place: Frame) -> list[Html]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    shapes = []
    heights = ticks(place.low, place.high, 4)
    for value, label in zip(heights, tick_labels(heights), strict=True):
        y = f"{place.y(value):.1f}"
        shapes += [
            el("line", class_="rule", x1=LEFT, x2=right, y1=y, y2=y),
            el("text", label, class_="tick", x=LEFT - 8, y=y, dy="0.32em", text_anchor="end"),
        ]
    for value in ticks(place.first, place.last, 5):
        x = f"{place.x(value):.1f}"
        shapes += [
            el("line", class_="notch", x1=x, x2=x, y1=bottom, y2=bottom + 4),
            el("text", short_count(value), class_="tick", x=x, y=bottom + 16, text_anchor="middle"),
        ]
    middle = (LEFT + right) / 2
    shapes += [
        el("line", class_="axis", x1=LEFT, x2=right, y1=bottom, y2=bottom),
        el("text", "images seen", class_="unit", x=middle, y=bottom + 31, text_anchor="middle"),
    ]
    return shapes


def tick_labels(values: Sequence[float]) -> list[str]:
    """All in one notation, that of the largest.

    >>> tick_labels([0, 0.00005, 0.0001])
    ['0', '0.5e−4', '1e−4']
    """
    largest = max(map(abs, values), default=0.0)
    if largest >= 10_000:
        labels = [short_count(value) for value in values]
    elif 0 < largest < 0.01:
        power = math.floor(math.log10(largest) + 1e-9)
        labels = [f"{value / 10.0**power:.4g}e{power}" if value else "0" for value in values]
    else:
        labels = [f"{value:.6g}" for value in values]
    return [label.replace("-", "−") for label in labels]


def _marks(plot: Plot, place: Frame) -> list[Html]:
    """Where the training was resumed, and where treated."""
    shapes = []
    named = [(images, "resumed", "mark", 8) for images in plot.marks]
    named += [(images, text, "mark treated", 19) for images, text in plot.treated]
    for images, text, kind, down in named:
        if place.first < images < place.last:
            x = f"{place.x(images):.1f}"
            shapes.append(el("line", class_=kind, x1=x, x2=x, y1=TOP, y2=HEIGHT - BOTTOM))
            shapes.append(el("text", text, class_="tick", x=x, y=TOP + down, dx=4))
    return shapes


def _lines(series: Series, drawn: Curve, place: Frame) -> list[Html]:
    over = place.points(drawn.images, drawn.high)
    under = place.points(drawn.images[::-1], drawn.low[::-1])
    role = series.role
    shapes = [el("path", class_=f"band {role}", d=f"M{over}L{under}Z")]
    if drawn.line is not drawn.mean:
        raw = place.points(drawn.images, drawn.mean)
        shapes.append(el("path", class_=f"raw {role}", d=f"M{raw}"))
    line = place.points(drawn.images, drawn.line)
    return [*shapes, el("path", class_=f"line {role}", d=f"M{line}")]


def _levels(plot: Plot, place: Frame) -> list[Html]:
    """The dashed lines, with their values on the right, pushed apart where they would overlap."""
    shapes, taken = [], math.inf
    for level in sorted(plot.levels, key=lambda level: level.value):
        y = place.y(level.value)
        taken = min(y, taken - _LABEL_GAP)
        right = WIDTH - RIGHT
        line = el(
            "line", class_=f"level {level.role}", x1=LEFT, x2=right, y1=f"{y:.1f}", y2=f"{y:.1f}"
        )
        shapes += [
            line,
            el(
                "text",
                measured(level.value),
                class_=f"value {level.role}",
                x=right + 6,
                y=f"{taken:.1f}",
                dy="0.32em",
            ),
        ]
    return shapes


def _legend(plot: Plot, curves: Sequence[Curve]) -> Html:
    """Colour, name and last value of each line; the script shows those at the cursor."""
    entries = [
        el(
            "span",
            el("i", class_=f"swatch {series.role}"),
            f"{series.name} ",
            el("b", measured(float(drawn.line[-1]))),
            class_="entry",
        )
        for series, drawn in zip(plot.series, curves, strict=True)
    ]
    for name in dict.fromkeys(level.name for level in plot.levels):
        entries.append(el("span", el("i", class_="swatch dashed"), name, class_="entry"))
    return el("p", joined(entries), class_="legend")


def _for_the_cursor(curves: Sequence[Curve], place: Frame) -> str:
    rounded = [
        {
            "x": [round(at) for at in drawn.images.tolist()],
            "y": [float(f"{value:.4g}") for value in drawn.line.tolist()],
        }
        for drawn in curves
    ]
    box = [place.first, place.last, LEFT, WIDTH - RIGHT, WIDTH]
    return json.dumps({"box": box, "lines": rounded}, separators=(",", ":"), allow_nan=False)

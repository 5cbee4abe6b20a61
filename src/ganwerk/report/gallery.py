"""The pictures: real next to generated, and the same seeds over time."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from ganwerk.report.facts import Facts
from ganwerk.report.images import (
    Layout,
    column_of,
    embed,
    on_nothing,
    open_grid,
    spread,
)
from ganwerk.report.markup import Html, el, joined
from ganwerk.report.wording import images, short_count

MOST_MOMENTS = 10
_STRIP_PICTURES = 8
_HERO = (1056, 350_000)
_SHOT = (720, 90_000)
_STRIP_CELL_PX = 64
_STRIP = (_STRIP_PICTURES * (_STRIP_CELL_PX + 2), 24_000)
_SMALL_PX = 300
_COLUMN_PX = 546


def _resolution(facts: Facts) -> int:
    side = facts.table("plan").get("resolution")
    if isinstance(side, int) and side > 0:
        return side
    return facts.settings.data.resolution if facts.settings else 0


def shown_picture(
    picture: Image.Image, limits: tuple[int, int], description: str, *, see_through: bool
) -> Html:
    """The picture; a small one is enlarged by whole pixels, so that they stay square."""
    shown = embed(picture, *limits)
    small = shown.width_px < _SMALL_PX
    widest = shown.width_px * max(1, _COLUMN_PX // shown.width_px)
    classes = ["small"] * small + ["see-through"] * see_through
    return el(
        "img",
        src=shown.uri,
        alt=description,
        width=shown.width_px,
        height=shown.height_px,
        class_=" ".join(classes) or None,
        style=f"max-width:{widest}px" if small else None,
    )


def _grid(facts: Facts, grid: Image.Image, limits: tuple[int, int], description: str) -> Html:
    whole = on_nothing(grid, Layout.of(grid, _resolution(facts)))
    return shown_picture(whole, limits, description, see_through=grid.mode == "RGBA")


def pictures_section(facts: Facts) -> Html:
    parts = []
    newest = next(filter(None, map(_opened, reversed(facts.grids))), None)
    real = open_grid(facts.real_path)
    if real is not None:
        shown = _grid(facts, real, _HERO, "A grid of real training pictures")
        parts.append(el("figure", el("h3", "Real"), shown))
    if newest is not None:
        seen, grid = newest
        shown = _grid(facts, grid, _HERO, f"Generated pictures after {images(seen)}")
        title = el("h3", "Generated ", el("span", f"after {images(seen)}", class_="soft"))
        parts.append(el("figure", title, shown))
    else:
        parts.append(el("div", "No pictures have been generated yet.", class_="empty"))
    layout = "pair" if len(parts) > 1 else "pair single"
    lead = (
        "Whether a training is good is seen here and nowhere else. Do the generated pictures show "
        "the variety of the real ones? Are the details as sharp? Do any repeat?"
    )
    return joined(
        [el("h2", "Pictures"), el("p", lead, class_="lead"), el("div", *parts, class_=layout)]
    )


def _opened(moment: tuple[int, Path]) -> tuple[int, Image.Image] | None:
    grid = open_grid(moment[1])
    return None if grid is None else (moment[0], grid)


def timeline_section(facts: Facts) -> Html:
    moments = [
        opened for opened in map(_opened, spread(facts.grids, MOST_MOMENTS)) if opened is not None
    ]
    if len(moments) < 2:
        return Html("")
    last = len(moments) - 1
    shots, strip = [], []
    for place, (seen, grid) in enumerate(moments):
        on = " on" if place == last else ""
        when = f"after {images(seen)}"
        shot = _grid(facts, grid, _SHOT, f"The same seeds {when}")
        shots.append(el("div", shot, class_=f"shot{on}", data_when=when))
        strip.append(_strip_figure(facts, seen, grid, on.strip() or None))
    controls = el(
        "div",
        el("button", "Play", type="button"),
        el("input", type="range", min=0, max=last, value=last, step=1, aria_label="Moment"),
        el("output", f"after {images(moments[-1][0])}"),
        class_="controls",
    )
    lead = (
        "The generator was given the same inputs each time, so every place in the grid is one "
        f"picture on its way. {_classes_in_columns(facts, moments[-1][1])}Normal: coarse shapes "
        "first, then details, then only small changes. Not normal: places that become "
        "alike, or a sudden step back."
    )
    film = el(
        "div",
        el("div", *shots, controls, class_="stage"),
        el("div", el("div", *strip, class_="strip")),
        class_="film",
    )
    return joined([el("h2", "Timeline"), el("p", lead, class_="lead"), film])


def _classes_in_columns(facts: Facts, grid: Image.Image) -> str:
    """Said where it is so: with many classes the columns mix them."""
    plan, layout = facts.table("plan"), Layout.of(grid, _resolution(facts))
    names = plan.get("classes")
    if not plan.get("conditional") or not isinstance(names, list) or not names or not layout:
        return ""
    if layout.columns % len(names):
        return "Each place keeps its class. "
    again = ", and again" if layout.columns > len(names) else ""
    return f"Each column is one class: {', '.join(map(str, names))}{again}. "


def _strip_figure(facts: Facts, seen: int, grid: Image.Image, on: str | None) -> Html:
    """Some places of a grid below each other, with the moment."""
    layout = Layout.of(grid, _resolution(facts))
    count = min(_STRIP_PICTURES, layout.rows * layout.columns) if layout else 0
    column = column_of(grid, layout, count, _STRIP_CELL_PX) if layout else grid
    shown = shown_picture(column, _STRIP, f"After {images(seen)}", see_through=grid.mode == "RGBA")
    return el("figure", shown, el("figcaption", short_count(seen)), class_=on)

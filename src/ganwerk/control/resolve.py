"""From a spec to a place, and `ganwerk draw`: any picture that the page shows, as a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch

from ganwerk.control.directions import Directions, find
from ganwerk.control.layers import chosen
from ganwerk.control.mix import crossed, require_styles
from ganwerk.control.places import Places, load_places, save_places
from ganwerk.control.spec import PictureSpec, Start, read
from ganwerk.control.steered import Steered
from ganwerk.errors import ConfigError, DataError, did_you_mean
from ganwerk.run import make_folder, refuse_existing, write_picture
from ganwerk.values import ignore_progress

KEPT, PROJECTED, PLACE = "places", "projected", "place.safetensors"
"""Where a run keeps places: places/NAME.safetensors, and projected/NAME/place.safetensors."""
DIRECTIONS = 8


class SpecResolver:
    """A generator that is asked by specs. path: its run, which keeps places."""

    def __init__(self, steered: Steered, path: Path) -> None:
        self.steered, self.path = steered, path

    @cached_property
    def directions(self) -> Directions:
        """Those that a spec can name: the first ones that `ganwerk directions` finds by itself."""
        steered = self.steered
        every = list(range(steered.space.layers))
        count = min(DIRECTIONS, steered.space.size)
        try:
            return find(steered, "factorise", every, count, ignore_progress)
        except ConfigError:  # no layer takes the style directly
            return find(steered, "pca", every, count, ignore_progress)

    def place(self, spec: PictureSpec) -> Places:
        """The one place that is wanted. Raises ConfigError, DataError."""
        found = self._started(spec.start, spec)
        for start, layers in spec.mixes:
            require_styles(self.steered, "Style mixing")
            other = self._started(start, spec)
            found = crossed(found, other, chosen(self.steered.space, layers))
        for number, amount in spec.moves:
            most = len(self.directions.vectors)
            if number > most:
                raise ConfigError(
                    f"There is no direction {number}.", f"Choose one from 1 to {most}: move=1:2"
                )
            found = self.directions.moved(self.steered, found, number - 1, amount)
        return found

    def _started(self, start: Start, spec: PictureSpec) -> Places:
        if isinstance(start, str):
            return self._truncated(self.kept(start), spec.truncation)
        if not spec.classes:
            return self.steered.places([start], (), spec.truncation)
        known, names = self.steered.classes, [name for name, weight in spec.classes if weight > 0]
        if len(names) == 1 or not known:
            return self.steered.places([start], names or [spec.classes[0][0]], spec.truncation)
        shares = torch.zeros(len(known))
        for name, weight in spec.classes:
            if name not in known:
                raise ConfigError(f"The class '{name}' is unknown.", did_you_mean(name, known))
            shares[known.index(name)] += weight
        if not float(shares.sum()) > 0:
            raise ConfigError("All classes have the share 0.", "Give one more: class=NAME:1")
        return self.steered.shared([start], shares / shares.sum(), spec.truncation)

    def _truncated(self, place: Places, psi: float) -> Places:
        if psi == 1:
            return place
        device = self.steered.sampler.device
        shares = None if place.shares is None else place.shares.to(device)
        with torch.no_grad():
            styles = self.steered.space.truncated(place.styles.to(device), shares, psi)
        return replace(place, styles=styles.cpu())

    def kept(self, name: str) -> Places:
        """A place that the run keeps. Raises DataError."""
        space = self.steered.space
        for path in (
            self.path / KEPT / f"{name}.safetensors", self.path / PROJECTED / name / PLACE
        ):  # fmt: skip
            if path.is_file():
                classes = len(self.steered.classes)
                found = load_places(path, space.layers, space.size, classes, space.noise_sides)
                return found[0]
        raise DataError(
            f"The run {self.path} keeps no place '{name}'.",
            "Project a picture first: ganwerk project RUN PHOTO",
        )

    def keep(self, spec: PictureSpec, name: str) -> Path:
        """Write the place of a spec into the run, where other commands can take it as a stop.
        Raises ConfigError, DataError, MachineError."""
        path = self.path / KEPT / f"{name}.safetensors"
        place = self.place(spec)
        make_folder(path.parent)
        save_places(path, place, {"run": str(self.path), "spec": str(spec)})
        return path

    def walked(self, stops: Sequence[PictureSpec], share: float) -> Places:
        """The place at this share, from 0 to 1, of the way through all stops, at even speed."""
        at = min(max(share, 0.0), 1.0) * (len(stops) - 1)
        leg = min(int(at), len(stops) - 2)
        ends = self.steered.joined([self.place(stops[leg]), self.place(stops[leg + 1])])
        return self.steered.leg(ends[0], ends[1], torch.tensor([float(at - leg)]))


@dataclass(frozen=True)
class Drawn:
    """The files, in the order of the specs."""

    paths: tuple[Path, ...]
    warnings: tuple[str, ...] = ()


def draw(
    run: Path,
    specs: Sequence[str],
    *,
    out: Path,
    at: str | int = "latest",
    force: bool = False,
    device: str | None = None,
) -> Drawn:
    """Draw the pictures of these specs (see control.spec).

    out: a file (.png, .webp) for one spec, or a folder, in which picture k is called
    picture-k.png. Raises ConfigError, RunError, DataError, MachineError; nothing is overwritten
    unless `force`.
    """
    asked = [read(text) for text in specs]
    single = len(asked) == 1 and out.suffix.lower() in (".png", ".webp", ".jpg")
    paths = [out] if single else [out / f"picture-{k}.png" for k in range(1, len(asked) + 1)]
    if not force:
        refuse_existing(paths)
    resolver = SpecResolver(Steered.open(run, at, device), run)
    places = resolver.steered.joined([resolver.place(spec) for spec in asked])
    for path, pixels in zip(paths, resolver.steered.draw(places), strict=True):
        write_picture(path, pixels)
    return Drawn(tuple(paths), resolver.steered.warnings)

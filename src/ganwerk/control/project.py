"""`ganwerk project`: the place in a generator's space that draws a given picture, and a generator
that is tuned to it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ganwerk import checks
from ganwerk.control.film import playable, shown_px, write_film
from ganwerk.control.perception import Perception
from ganwerk.control.places import Places, save_places
from ganwerk.control.search import Candidate, Moving, Point, Search
from ganwerk.control.steered import Steered
from ganwerk.control.tuning import Tuning, refuse_trained, save_tuned
from ganwerk.data.decode import UnreadableError, decode, quiet_pillow
from ganwerk.errors import DataError
from ganwerk.run import Run, grid, refuse_existing, write_picture
from ganwerk.run.files import disk_errors, to_json, write_bytes
from ganwerk.runtime.memory import machine_errors
from ganwerk.values import Progress, ProgressCallback, ignore_progress

Pixels = NDArray[np.uint8]
STEPS, TRIES = 300, 512
MOST_STEPS, MOST_TRIES = 1_000_000, 100_000
FRAMES, FILM_RATE, STILL_FRAMES = 60, 15.0, 30
LARGEST_FRAME_PX = 512


@dataclass(frozen=True)
class Projected:
    """What was found. perceptual: the distance of the drawn picture from the photo (see
    control.perception), `begun` that of the best picture drawn at random. rms: the root of the
    mean squared difference of pixels from 0 to 1. tuned: the run that was tuned to it, and `found`
    the perceptual distance before that."""

    picture: Path
    residual: Path
    place: Path
    film: Path
    perceptual: float
    begun: float
    rms: float
    steps: int
    seconds: float
    found: float
    tuned: Path | None = None
    warnings: tuple[str, ...] = ()


def project(
    run: Path,
    photo: Path,
    *,
    out: Path,
    steps: int = STEPS,
    tries: int = TRIES,
    tune: int = 0,
    classes: Sequence[str] = (),
    own_noise: bool = True,
    backbone: str = "compact",
    film: str = ".webp",
    at: str | int = "latest",
    force: bool = False,
    device: str | None = None,
    progress: ProgressCallback = ignore_progress,
) -> Projected:
    """Look for the place that draws `photo`: the nearest of `tries` random ones, then descent.

    out: a folder; it gets picture.png, residual.png (photo, drawn, difference), place.safetensors
    (a stop for `interpolate` and `mix`), the film of the descent and project.json. tune: after the
    descent the generator itself is bent towards the photo for so many steps and written as the
    run `tuned`, which draws and cannot be trained (see control.tuning).
    classes: look only there; () lets the class move as well. own_noise: whether the noise of layers
    moves, of a run with styles. film: its suffix. Ctrl-C keeps the best so far; in the descent, it
    ends the whole.
    Raises ConfigError, RunError, DataError, MachineError; nothing is overwritten unless `force`.
    """
    steps = checks.whole(steps, "--steps", most=MOST_STEPS)
    tries = checks.whole(tries, "--tries", most=MOST_TRIES)
    tune = checks.whole(tune, "--tune", least=0, most=MOST_STEPS)
    target, warnings = playable(out / f"film{film}")
    paths = [out / "picture.png", out / "residual.png", out / "place.safetensors", target]
    tuned = out / "tuned"
    if not force:
        refuse_existing([*paths, out / "project.json", tuned])
    with machine_errors():
        if tune:
            refuse_trained(tuned)
        steered = Steered.open(run, at, device)
        goal, said = read_photo(photo, steered)
        perception = Perception.by(backbone, steered.sampler.device, progress)
        job = Projection(steered, perception, goal, classes, own_noise)
        started = time.monotonic()
        found = job.work(steps, tries, progress)
        before, tunes = found.perceptual, tune > 0 and job.done == steps
        if tunes:
            found = job.tune(found, tune, progress)
            save_tuned(Run.open(run), job.steered.sampler, tuned, {"run": run, "photo": photo})
        picture, residual_path, place, film_path = paths
        result = Projected(
            picture=picture, residual=residual_path, place=place, film=film_path,
            perceptual=found.perceptual, begun=job.begun, rms=found.pixel**0.5, steps=job.done,
            seconds=time.monotonic() - started, found=before, tuned=tuned if tunes else None,
            warnings=(*steered.warnings, *warnings, *said, *job.said),
        )  # fmt: skip
        _write(result, job, found, run, photo, out)
    return result


class Projection:
    """One search, with the frames of its film. done: steps so far. said: what to warn of."""

    def __init__(
        self, steered: Steered, perception: Perception, goal: Pixels, classes: Sequence[str],
        own_noise: bool,
    ) -> None:  # fmt: skip
        """goal: (H, W, C) uint8 at the run's size. Raises ConfigError for an unknown class."""
        self.steered, self.goal, self.classes = steered, goal, classes
        steered.places([0], classes)
        tensor = torch.from_numpy(goal).permute(2, 0, 1)[None].float() / 127.5 - 1
        self.search = Search(
            steered, perception, tensor, free_classes=not classes, own_noise=own_noise
        )
        self.frames: list[Pixels] = []
        self.begun, self.done = float("nan"), 0
        self.said: tuple[str, ...] = ()

    def work(self, steps: int, tries: int, progress: ProgressCallback) -> Candidate:
        """The best place found. Ctrl-C ends the descent early."""
        progress(Progress("looking", 0, tries, "pictures"))
        best = self.search.starts(self.steered.places(range(tries), self.classes))
        progress(Progress("looking", tries, tries, "pictures"))
        self.begun = best[0].perceptual
        self._frame(best[0].places)
        moving = Moving.at(self.steered.joined([start.places for start in best]), self.search)
        every = max(1, steps // FRAMES)

        def tell(point: Point) -> None:
            self.done = point.step
            if point.step % every == 0:
                self._frame(moving.places[point.best])
            progress(Progress("projecting", point.step, steps, "steps"))

        try:
            self.search.descend(moving, steps, tell)
        except KeyboardInterrupt:
            self.said = (f"Stopped after {self.done} of {steps} steps: this is the best so far.",)
        found = min([best[0], *self.search.best_of(moving.places)], key=lambda c: c.loss)
        self._frame(found.places)
        return found

    def tune(self, found: Candidate, steps: int, progress: ProgressCallback) -> Candidate:
        """The same place, in a generator that was tuned to the goal and is `steered` from then on.
        Ctrl-C ends the tuning early."""
        tuning = Tuning(self.search, found.places)
        self.steered = self.search.steered = tuning.steered
        every, done = max(1, steps // FRAMES), 0

        def tell(step: int) -> None:
            nonlocal done
            done = step
            if step % every == 0:
                self._frame(found.places)
            progress(Progress("tuning", step, steps, "steps"))

        try:
            tuning.bend(steps, tell)
        except KeyboardInterrupt:
            self.said = (*self.said, f"Tuned for {done} of {steps} steps.")
        (better,) = self.search.best_of(found.places)
        if better.loss >= found.loss:
            self.steered = self.search.steered = tuning.old
            self.said = (*self.said, "Tuning came no nearer: the generator is as it was.")
            return found
        self._frame(found.places)
        return better

    def _frame(self, place: Places) -> None:
        """The photo and the picture drawn now, side by side."""
        self.frames.append(np.concatenate([self.goal, self.steered.draw(place)[0]], axis=1))


def read_photo(photo: Path, steered: Steered) -> tuple[Pixels, tuple[str, ...]]:
    """The photo as the run's pictures are made, (H, W, C) uint8, and what was done to it.

    Raises DataError if it cannot be read.
    """
    data = steered.sampler.settings.data
    if photo.is_dir():
        raise DataError(f"The picture {photo} is a folder.", "Name one picture.")
    with disk_errors(photo, "read"):
        content = photo.read_bytes()
    try:
        with quiet_pillow():
            found = decode(content, data.resolution, data.channels, data.fit)
    except UnreadableError as error:
        raise DataError(
            f"The picture {photo} {error}.", "Give a PNG, JPEG, WebP or another picture."
        ) from None
    said: tuple[str, ...] = ()
    if (found.width, found.height) != (data.resolution, data.resolution):
        how = "resized"
        if found.width != found.height:
            how = {"crop": "its middle was resized", "pad": "padded and resized"}[data.fit]
        said = (
            f"{photo.name} has {found.width} x {found.height} px: {how} to {data.resolution} x "
            f"{data.resolution} px, the size of the run.",
        )
    return found.pixels.transpose(1, 2, 0).copy(), said


def _write(
    result: Projected, job: Projection, found: Candidate, run: Path, photo: Path, out: Path
) -> None:
    drawn = job.steered.draw(found.places)[0]
    write_picture(result.picture, drawn)
    write_picture(result.residual, residual(job.goal, drawn))
    facts = {
        "run": run,
        "photo": photo,
        "perceptual": result.perceptual,
        "begun": result.begun,
        "found": result.found,
        "tuned": result.tuned,
        "rms": result.rms,
        "steps": result.steps,
        "seconds": result.seconds,
        "classes": None
        if found.places.shares is None
        else dict(zip(job.steered.classes, found.places.shares[0].tolist(), strict=True)),
    }
    save_places(result.place, found.places, {"run": str(run), "photo": str(photo)})
    height = min(shown_px(len(job.goal)), LARGEST_FRAME_PX)
    still = [job.frames[-1]] * STILL_FRAMES
    write_film(result.film, [*job.frames, *still], FILM_RATE, height)
    write_bytes(out / "project.json", to_json(facts))


def residual(goal: Pixels, drawn: Pixels) -> Pixels:
    """Photo, drawn picture and their difference (grey where there is none) side by side."""
    difference = goal.astype(np.int16) - drawn
    shown = np.clip(difference // 2 + 128, 0, 255).astype(np.uint8)
    if goal.shape[-1] == 4:
        shown[..., 3] = 255
    factor = shown_px(len(goal)) // len(goal)
    panels = np.stack([goal, drawn, shown]).repeat(factor, 1).repeat(factor, 2)
    return grid(panels, 3, padding_px=2 * factor)

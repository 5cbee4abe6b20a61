"""Teaching one style to a network, and redrawing pictures with it in one pass."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor

import ganwerk
from ganwerk import checks
from ganwerk.errors import ConfigError, DataError, DivergedError
from ganwerk.game.optimisers import Adam
from ganwerk.nn.init import Undrawn
from ganwerk.run.files import from_json, write_bytes
from ganwerk.run.pictures import make_folder, refuse_existing
from ganwerk.runtime import machine
from ganwerk.style.losses import all_finite
from ganwerk.style.network import LEAST_SIDE_PX, StyleNet
from ganwerk.style.objective import Objective
from ganwerk.style.pyramid import fitted
from ganwerk.style.recipe import LEAST_PX, MOST_PX, Recipe
from ganwerk.style.regions import Region, StylePicture
from ganwerk.style.seeds import generator
from ganwerk.stylisation.job import Request, job_of
from ganwerk.stylisation.pictures import Picture, Source, pictures_in, read, to_pixels
from ganwerk.stylisation.precision import PRECISIONS
from ganwerk.stylisation.transfer import encoder_of
from ganwerk.values import Progress, ProgressCallback, ignore_progress

CROP_PX, LONG_PX, BATCH, RATE, KIND = 192, 384, 2, 2e-3, "ganwerk style network"
MOST_WIDTH = 1024
"""Of a file's network: a larger one is a damaged number."""


@dataclass(frozen=True)
class TrainedNetwork:
    """What `train_network` wrote. losses: content and style of the last steps, averaged."""

    path: Path
    steps: int
    seconds: float
    content: float
    style: float


def built_in_photos() -> list[Picture]:
    """scikit-learn's two."""
    from sklearn.datasets import load_sample_images

    return [read(pixels, "photo") for pixels in load_sample_images().images]


def train_network(
    style: Source, out: Path, recipe: Recipe, *, photos: Path | None = None, minutes: float = 10.0,
    steps: int | None = None, width: int = 16, force: bool = False,
    progress: ProgressCallback = ignore_progress,
) -> TrainedNetwork:  # fmt: skip
    """Train a network on crops of photos for so long, or so many steps, and write it to `out`.

    recipe: complete; its losses are those of `stylise`. photos: a folder; None takes two that come
    with scikit-learn. Raises GanwerkError subclasses.
    """
    if out.suffix != ".safetensors":
        raise ConfigError(f"A network cannot be written as '{out.name}'.", "End in .safetensors.")
    minutes = checks.positive(minutes, "--minutes")
    steps = None if steps is None else checks.whole(steps, "--steps")
    if not force:
        refuse_existing([out])
    pictures = [read(p, "photo") for p in pictures_in(photos)] if photos else built_in_photos()
    objective = _objective(style, recipe, pictures[0])
    torch.manual_seed(recipe.seed)
    net = StyleNet(width)
    learner = _Learner(net, objective, [_fit(p) for p in pictures], recipe.seed)
    start, told = time.monotonic(), 0.0
    while not learner.done(start, minutes, steps):
        learner.step((time.monotonic() - start) / (60 * minutes) if steps is None
                     else learner.count / steps)  # fmt: skip
        if time.monotonic() > told + 0.5:
            told = time.monotonic()
            whole = steps or max(1, round(60 * minutes))
            done = learner.count if steps else round(told - start)
            progress(Progress("teaching", min(done, whole), whole, "steps" if steps else "seconds"))
    content, far = learner.recent()
    _write(out, net, recipe)
    return TrainedNetwork(out, learner.count, time.monotonic() - start, content, far)


class _Learner:
    """The network, its optimiser and the losses of the last steps."""

    def __init__(
        self, net: StyleNet, objective: Objective, photos: Sequence[Tensor], seed: int
    ) -> None:
        self._net, self._objective, self._photos, self._seed = net, objective, photos, seed
        self._optimiser = Adam(net.parameters(), RATE, 0.9, 0.99)
        self._losses: list[tuple[float, float]] = []
        self.count = 0

    def done(self, start: float, minutes: float, steps: int | None) -> bool:
        if steps is not None:
            return self.count >= steps
        return time.monotonic() - start >= 60 * minutes

    def step(self, share: float) -> None:
        """One update on a batch of crops; share: how much of the training is over."""
        crops = [self._crop(BATCH * self.count + i) for i in range(BATCH)]
        drawn = self._net(torch.cat(crops))
        pushes, found = [], []
        for crop, picture in zip(crops, drawn.detach().split(1), strict=True):
            losses, gradient = self._objective.about(crop)(picture, self.count)
            if not losses.total < float("inf"):
                raise DivergedError(
                    f"The losses are not finite at step {self.count}.", "Try a lower --strength."
                )
            pushes.append(gradient)
            found.append((losses.content, losses.style))
        parameters = list(self._net.parameters())
        gradients = torch.autograd.grad(drawn, parameters, torch.cat(pushes) / BATCH)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        self._optimiser.param_groups[0]["lr"] = RATE * min(1.0, 2.0 * (1.02 - share))
        self._optimiser.step()
        self._losses = [*self._losses[-98:], *found]
        self.count += 1

    def recent(self) -> tuple[float, float]:
        content, style = np.mean(self._losses, axis=0) if self._losses else (0.0, 0.0)
        return float(content), float(style)

    def _crop(self, number: int) -> Tensor:
        """A square out of a photo, perhaps mirrored: a function of its number."""
        random = generator("crop", number, self._seed)
        photo = self._photos[int(torch.randint(len(self._photos), (), generator=random))]
        places = torch.rand(3, generator=random).tolist()
        top, left = (round(place * (side - CROP_PX))
                     for place, side in zip(places, photo.shape[-2:], strict=False))  # fmt: skip
        crop = photo[..., top : top + CROP_PX, left : left + CROP_PX]
        return crop.flip(3) if places[2] < 0.5 else crop.contiguous()


def _objective(style: Source, recipe: Recipe, photo: Picture) -> Objective:
    job = job_of(Request(photo.colours, [(style, 1.0)], replace(recipe, size_px=LONG_PX)))
    facts = machine.facts("cpu")
    kind = PRECISIONS["bfloat16" if facts.bf16_units else "float32"]
    styles = [StylePicture(picture) for picture in job.style_pictures(len(job.sides) - 1)]
    crop = torch.zeros(1, 3, CROP_PX, CROP_PX)
    return Objective(job.recipe, encoder_of(job, "cpu", kind), crop, [Region(styles)])


def _fit(photo: Picture) -> Tensor:
    """(1, 3, h, w) whose shorter side holds a crop."""
    height, width = fitted(*photo.size, LONG_PX)
    scale = max(1.0, CROP_PX / min(height, width))
    return photo.tensor(round(height * scale), round(width * scale))


def _write(out: Path, net: StyleNet, recipe: Recipe) -> None:
    about = {"kind": KIND, "version": ganwerk.__version__, "width": net.width,
             "blocks": net.blocks, "recipe": {k: v for k, v in asdict(recipe).items()}}  # fmt: skip
    weights = {name: tensor.detach().half() for name, tensor in net.state_dict().items()}
    make_folder(out.parent)
    write_bytes(out, save(weights, metadata={"ganwerk": json.dumps(about)}))


def open_net(path: Path) -> StyleNet:
    """A network that `train_network` wrote. Raises DataError."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            about: dict[str, Any] = from_json((file.metadata() or {}).get("ganwerk", "{}"))
            weights = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (OSError, safetensors.SafetensorError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read as a style network: {error}.",
            "Make one: ganwerk style train painting.jpg --out painting.safetensors",
        ) from None
    if not isinstance(about, dict) or about.get("kind") != KIND:
        raise DataError(f"{path} holds no style network.", "Make one with `ganwerk style train`.")
    return _built(about, weights, path).eval().requires_grad_(False)


def _built(about: Mapping[str, Any], weights: Mapping[str, Tensor], path: Path) -> StyleNet:
    """Raises DataError where the weights do not belong to the network that is described."""
    width, blocks = about.get("width", 0), about.get("blocks", 0)
    sound = all(isinstance(n, int) and 0 < n <= MOST_WIDTH for n in (width, blocks))
    if sound:
        with torch.device("meta"), Undrawn():
            net = StyleNet(width, blocks)
        wanted = {name: tensor.shape for name, tensor in net.state_dict().items()}
        sound = wanted == {name: tensor.shape for name, tensor in weights.items()}
    if not sound or not all_finite(*weights.values()):
        raise DataError(
            f"The style network in {path} is damaged.", "Make it anew with `ganwerk style train`."
        )
    net.load_state_dict(weights, assign=True)
    return net


@torch.inference_mode()
def redraw(net: StyleNet, source: Source, size: int | None = None) -> NDArray[np.uint8]:
    """One pass: (H, W, 3) uint8, or 4 with the source's transparency. size: long side in px.

    Raises DataError, ConfigError."""
    if size is not None:
        size = checks.whole(size, "--size", least=LEAST_PX, most=MOST_PX)
    photo = read(source, "photo")
    height, width = fitted(*photo.size, size or max(photo.size))
    if min(height, width) < LEAST_SIDE_PX:
        raise DataError(
            f"The photo {photo.name} would be {width} x {height} px, too narrow for the network.",
            f"Give one that leaves {LEAST_SIDE_PX} px on the shorter side.",
        )
    return to_pixels(net(photo.tensor(height, width)), photo.alpha)

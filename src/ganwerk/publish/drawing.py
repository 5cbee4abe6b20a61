"""Drawing the pictures of an export with onnxruntime: the same as the run's, without torch."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from ganwerk import checks
from ganwerk.errors import ConfigError, RunError
from ganwerk.game.counters import SMALLEST, uniforms
from ganwerk.publish.exported import HINT, PICTURE, STYLES, Exported, open_export, read
from ganwerk.publish.needs import needed
from ganwerk.sampling.wanted import (
    Sampled,
    Target,
    labels_of,
    write_samples,
)
from ganwerk.values import ProgressCallback, ignore_progress

Floats = NDArray[np.float32]
Graph = Callable[[Mapping[str, Floats]], Floats]

_normal = np.frompyfunc(NormalDist().inv_cdf, 1, 1)
_LOW = 0.5 * math.erfc(2 / math.sqrt(2))  # of a Gaussian's mass below -2 deviations
PIXELS_AT_ONCE = 128 * 128
"""Pictures are computed in batches of one size, so that none depends on its company; this one
suits the caches of processors."""


def _gaussian(u: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(_normal(u), np.float64)


def _sphere(u: NDArray[np.float64]) -> NDArray[np.float64]:
    z = _gaussian(u)
    return z * (math.sqrt(z.shape[1]) / np.linalg.norm(z, axis=1, keepdims=True))


OF_UNIFORM: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "gaussian": _gaussian,
    "uniform": lambda u: 2 * u - 1,
    "sphere": _sphere,
    "truncated": lambda u: _gaussian(_LOW + u * (1 - 2 * _LOW)),
}
"""Uniform numbers (N, Z) in (0, 1) to latents, as `game.latents` has them."""


def latents(kind: str, seeds: Sequence[int], dim: int) -> Floats:
    """The latents (N, Z) of pictures, but for the last bits those of `game.latents.for_seeds`."""
    u = np.maximum(uniforms(seeds, dim), SMALLEST).astype(np.float64)
    return OF_UNIFORM[kind](u).astype(np.float32)


def session(model: bytes, name: str) -> Graph:
    """A graph ready to compute, on as many threads as torch would take. Raises RunError for one
    that onnxruntime refuses, ConfigError if it is not installed."""
    runtime = needed("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS", "0") or 0)
    options.log_severity_level = 4
    try:
        ready = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises classes of its own for each way to be broken
        raise RunError(f"{name} cannot be used: {_short(error)}", HINT) from None
    wanted = [node.name for node in ready.get_inputs()]

    def compute(given: Mapping[str, Floats]) -> Floats:
        try:
            found: Floats = ready.run(None, {key: given[key] for key in wanted})[0]
        except KeyError as error:
            raise RunError(f"{name} wants an input {error}, which no export has.", HINT) from None
        except Exception as error:
            raise RunError(f"{name} cannot be computed: {_short(error)}", HINT) from None
        return found

    return compute


def _short(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]


class Drawer:
    """An export that is ready to draw."""

    def __init__(self, folder: Path) -> None:
        self.about: Exported = open_export(folder)
        self._styles = session(read(folder / STYLES), str(folder / STYLES))
        self._picture = session(read(folder / PICTURE), str(folder / PICTURE))
        self.class_names = tuple(kind.name for kind in self.about.classes)
        side = self.about.picture.resolution
        self.batch = max(1, min(64, PIXELS_AT_ONCE // side**2))

    def labels(self, seeds: Sequence[int], classes: Sequence[str] = ()) -> NDArray[np.int64] | None:
        """The class of each picture, as `Sampler.labels`. Raises ConfigError."""
        counts = [kind.count for kind in self.about.classes]
        return labels_of(seeds, classes, self.class_names, counts)

    def batches(
        self, seeds: Sequence[int], labels: NDArray[np.int64] | None, truncation: float = 1.0
    ) -> Iterator[NDArray[np.uint8]]:
        """Pictures (n, H, W, C) uint8, some at a time. Raises ConfigError, RunError."""
        about = self.about
        for start in range(0, len(seeds), self.batch):
            some = list(seeds[start : start + self.batch])
            missing = self.batch - len(some)
            given = {"z": latents(about.latents.kind, some + [0] * missing, about.latents.dim)}
            if labels is not None:
                here = np.pad(labels[start : start + self.batch], (0, missing))
                given["shares"] = np.eye(len(self.class_names), dtype=np.float32)[here]
            styles = self._styles(given)
            if truncation != 1:
                styles = self._truncated(styles, given.get("shares"), truncation)
            pictures = self._picture(given | {"styles": styles})
            yield to_uint8(self._expected(pictures))[: len(some)]

    def _truncated(self, styles: Floats, shares: Floats | None, psi: float) -> Floats:
        middles = self.about.middles
        if middles is None:
            raise ConfigError(
                f"Truncation is not possible: the latents '{self.about.latents.kind}' of this "
                "export all have the same length, and the generator knows none nearer to the "
                "middle.",
                "Train with --set latent.kind=gaussian, or with styles.",
            )
        if not middles:
            return styles * np.float32(psi)
        known = np.asarray(middles, np.float32)
        middle = (known[:1] if shares is None else shares @ known)[:, None]
        return np.asarray(middle + np.float32(psi) * (styles - middle), np.float32)

    def _expected(self, pictures: Floats) -> Floats:
        picture = self.about.picture
        shape = (self.batch, picture.channels, picture.resolution, picture.resolution)
        if pictures.shape != shape:
            raise RunError(
                f"{PICTURE} draws {pictures.shape[1:]} and space.json promises {shape[1:]}.", HINT
            )
        return pictures


def to_uint8(pictures: Floats) -> NDArray[np.uint8]:
    """(N, C, H, W) in [-1, 1] to (N, H, W, C), as `run.to_uint8`. Raises RunError."""
    if not np.isfinite(pictures).all():
        raise RunError("A picture has values that are not finite.", HINT)
    steps = np.clip(pictures * np.float32(127.5) + np.float32(128), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(steps.transpose(0, 2, 3, 1))


def sample_export(
    folder: Path,
    seeds: Sequence[int],
    target: Target,
    *,
    classes: Sequence[str] = (),
    truncation: float = 1.0,
    progress: ProgressCallback = ignore_progress,
) -> Sampled:
    """Draw the pictures with the numbers `seeds`, as `sampling.sample` does of a run.

    Raises ConfigError, RunError, MachineError."""
    seeds, truncation = checks.seeds(seeds), checks.truncation(truncation)
    drawer = Drawer(folder)
    labels = drawer.labels(seeds, classes)
    batches = drawer.batches(seeds, labels, truncation)
    return write_samples(target, seeds, labels, drawer.class_names, batches, progress)

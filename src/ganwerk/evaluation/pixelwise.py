"""Measures of the pictures themselves: texture, variety, and how smoothly they change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ganwerk.evaluation.extractors import Pixels, digest_of
from ganwerk.game.latents import LATENTS, for_seeds
from ganwerk.metrics import ms_ssim, path_length, scale
from ganwerk.metrics.features import Extractor
from ganwerk.metrics.inputs import Estimate
from ganwerk.metrics.patches import SMALLEST, distance_of_patches, patches_of
from ganwerk.metrics.record import Protocol, Record
from ganwerk.metrics.smoothness import lerp, slerp
from ganwerk.nn.layers import matrix_products
from ganwerk.sampling.sample import Sampler

MOST = 500
PER_PICTURE = 8
REPEATS = 12
GROUPS = 5
POOL = 4
PAIRS = 400
PATHS = 500


def records(base: Protocol, pool: Pixels, fake: Pixels, seed: int) -> list[Record]:
    """Sliced Wasserstein per level and MS-SSIM, each against real pictures among themselves."""
    n = min(MOST, len(fake))
    if min(fake.shape[2:]) < SMALLEST:
        return []
    protocol = replace(base, n_real=n, n_fake=n, reference=digest_of(pool[:n]))
    pool = pool[: POOL * n]
    real, drawn = (patches_of(x, per_picture=PER_PICTURE, seed=seed) for x in (pool, fake[:n]))
    found = [_texture(size, real[size], drawn[size], protocol, seed) for size in real]
    return [*found, _variety(torch.from_numpy(pool), torch.from_numpy(fake[:n]), protocol, seed)]


def _texture(size: int, pool: Tensor, fake: Tensor, protocol: Protocol, seed: int) -> Record:
    n = len(fake)

    def measure(real: Tensor, other: Tensor) -> dict[str, float]:
        return {"swd": distance_of_patches(real, other)}

    value = measure(pool[:n], fake)["swd"]
    floor = scale.floors(measure, pool, n, repeats=REPEATS, seed=seed)["swd"]
    error = scale.errors(measure, pool[:n], fake, groups=GROUPS, seed=seed)["swd"]
    made = replace(protocol, metric=f"SWD {size} px", options={"patches_per_picture": PER_PICTURE})
    return _record(made, "lower", scale.scored(value, error, floor))


def _variety(pool: Tensor, fake: Tensor, protocol: Protocol, seed: int) -> Record:
    """How alike drawn pictures are among each other, beside how alike real ones are."""

    def measure(_: Tensor, other: Tensor) -> dict[str, float]:
        return {"alike": ms_ssim(other, pairs=PAIRS, seed=seed).value}

    found = ms_ssim(fake, pairs=PAIRS, seed=seed)
    floor = scale.floors(measure, pool, len(fake), repeats=REPEATS, seed=seed)["alike"]
    made = replace(protocol, metric="MS-SSIM", options={"pairs": PAIRS})
    return _record(made, "floor", scale.scored(found.value, found.error, floor))


def _record(protocol: Protocol, better: str, found: scale.Scored) -> Record:
    return Record(protocol.metric, found.value, found.error, better, protocol, found.floor, found.z)


def path_records(sampler: Sampler, extractors: Sequence[Extractor], base: Protocol) -> list[Record]:
    """The perceptual path length in each extractor that can see small steps. base: of the other
    records; nothing real is compared with, but the extractors are fitted on the real pictures."""
    found = []
    for extractor in extractors:
        if not extractor.smooth:
            continue
        estimate = path_of(sampler, extractor, base.seed, PATHS)
        protocol = replace(
            base, metric="PPL", extractor=extractor.name, weights=extractor.weights, n_real=0,
            n_fake=PATHS, resize=extractor.resize, options={"epsilon": 1e-4, "space": "Z"},
        )  # fmt: skip
        found.append(
            Record(f"PPL[{extractor.name}]", estimate.value, estimate.error, "lower", protocol)
        )
    return found


def path_of(sampler: Sampler, extractor: Extractor, seed: int, paths: int) -> Estimate:
    """Along ways between the latents of two pictures of one class."""
    settings = sampler.settings
    shape = LATENTS[settings.latent.kind]
    first = np.arange(paths) + seed * 2 * paths
    ends = [for_seeds(shape, list(first + offset), settings.latent.dim) for offset in (0, paths)]
    labels = sampler.labels([int(s) for s in first])

    def draw(z: Tensor, rows: Tensor) -> Tensor:
        y = None if labels is None else labels[rows].to(sampler.device)
        return sampler.net(z.to(sampler.device), y)[-1].float().cpu()

    between = slerp if settings.latent.kind in ("gaussian", "sphere") else lerp
    with torch.inference_mode(), matrix_products(bfloat16=False):
        return path_length(
            draw,
            lambda x: extractor.features((x.clamp(-1, 1) + 1) * 127.5),
            (ends[0], ends[1]),
            between=between,
            seed=seed,
        )

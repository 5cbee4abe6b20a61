"""The judge of textures: statistics of a steerable pyramid, which no contender descends.

After Portilla and Simoncelli 2000 (A parametric texture model based on joint statistics of complex
wavelet coefficients): for each of four scales and four orientations the magnitudes' mean, variance,
skew and kurtosis, their correlations across orientations and with the next coarser scale, their
autocorrelations, and the colours' covariance per scale; and quantiles of the low-passed colours.
Every group is compared relative to the reference's own, so each counts alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]
SCALES, ORIENTATIONS, SHIFTS = 4, 4, ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))


def sized(source: Path | Array, long_px: int) -> Array:
    """(H, W, 3) uint8 with this long side."""
    image = (
        Image.open(source).convert("RGB") if isinstance(source, Path) else Image.fromarray(source)
    )
    scale = long_px / max(image.size)
    size = (round(image.width * scale), round(image.height * scale))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


def crops(path: Path, side_px: int) -> tuple[Array, Array]:
    """Two squares of a painting that do not overlap: left and right, or above and below."""
    image = Image.open(path).convert("RGB")
    scale = 2 * side_px / max(image.size)
    small = image.resize((round(image.width * scale), round(image.height * scale)))
    pixels = np.asarray(small)
    height, width = pixels.shape[:2]
    side = min(side_px, height, width)
    return pixels[:side, :side], pixels[height - side :, width - side :]


def noise_like(reference: Array) -> Array:
    """The reference's pixels in random order: its colours and nothing else."""
    flat = reference.reshape(-1, 3)
    return np.random.default_rng(0).permutation(flat).reshape(reference.shape)


def bands(grey: Array) -> list[list[Array]]:
    """Complex sub-bands [scale][orientation], fine to coarse, by polar filters in frequency."""
    height, width = grey.shape
    fy, fx = np.meshgrid(np.fft.fftfreq(height), np.fft.fftfreq(width), indexing="ij")
    radius = np.hypot(fy, fx)
    octave = np.log2(np.maximum(radius, 1e-9) / 0.35)
    angle = np.arctan2(fy, fx)
    spectrum = np.fft.fft2(grey)
    found = []
    for scale in range(SCALES):
        distance = np.clip(np.abs(octave + scale), 0, 1)
        radial = np.cos(np.pi / 2 * distance)
        row = []
        for k in range(ORIENTATIONS):
            turned = np.angle(np.exp(1j * (angle - np.pi * k / ORIENTATIONS)))
            oriented = np.where(np.abs(turned) < np.pi / 2, np.cos(turned) ** 3, 0)
            row.append(np.fft.ifft2(spectrum * radial * oriented))
        found.append(row)
    return found


def statistics(picture: Array) -> list[Array]:
    """Groups of numbers that describe a texture."""
    pixels = picture.astype(np.float64) / 255
    grey = pixels @ (0.299, 0.587, 0.114)
    groups = [np.quantile(pixels.reshape(-1, 3), np.linspace(0.02, 0.98, 17), axis=0)]
    groups.append(np.cov(pixels.reshape(-1, 3).T))
    before: list[Array] | None = None
    for row in bands(grey):
        sizes = [np.abs(band) for band in row]
        flat = np.stack([size.ravel() for size in sizes])
        mean, spread = flat.mean(1), flat.std(1)
        z = (flat - mean[:, None]) / (spread[:, None] + 1e-9)
        groups += [np.log(mean + 1e-4), np.log(spread + 1e-4), (z**3).mean(1), (z**4).mean(1) / 3]
        groups.append(np.corrcoef(flat)[np.triu_indices(ORIENTATIONS, 1)])
        if before is not None:
            groups.append(np.array([np.corrcoef(a.ravel(), b.ravel())[0, 1]
                                    for a, b in zip(sizes, before, strict=True)]))  # fmt: skip
        groups.append(_autocorrelations(sizes))
        before = sizes
    return groups


def _autocorrelations(sizes: Sequence[Array]) -> Array:
    found = []
    for size in sizes:
        centred = size - size.mean()
        found += [
            (centred * np.roll(centred, shift, (0, 1))).mean() / ((centred**2).mean() + 1e-12)
            for shift in ((4 * y, 4 * x) for y, x in SHIFTS)
        ]
    return np.array(found)


def judge(picture: Array, reference: Array) -> float:
    """0 for the reference itself; the mean over groups of the relative distance."""
    distances = [
        np.linalg.norm(a - b) / (np.linalg.norm(b) + 1e-6)
        for a, b in zip(statistics(picture), statistics(reference), strict=True)
    ]
    return float(np.mean(distances))


def patches_of(pixels: Array, side_px: int) -> list[Array]:
    """Squares side by side, (side_px, side_px, 3)."""
    height, width = pixels.shape[:2]
    return [
        pixels[top : top + side_px, left : left + side_px]
        for top in range(0, height - side_px + 1, side_px)
        for left in range(0, width - side_px + 1, side_px)
    ]


def retrieval(groups: Sequence[Sequence[Array]], backbone: str) -> float:
    """AUC of telling pairs of patches of one group from pairs of two, by Gram matrices of all style
    layers (Ustyuzhaninov et al. 2016)."""
    import torch
    from sklearn.metrics import roc_auc_score

    from ganwerk.style.backbones import Encoder, architecture, compact_weights
    from ganwerk.style.calibration import random_weights
    from ganwerk.style.statistics import gram

    made = architecture(backbone)
    weights = compact_weights() if backbone == "compact" else random_weights(made)
    encode = Encoder(made, weights, made.style_layers)
    codes, owners = [], []
    for owner, patches in enumerate(groups):
        for patch in patches:
            x = torch.from_numpy(patch.copy()).permute(2, 0, 1)[None] / 255
            with torch.no_grad():
                found = [f[0].flatten(1) for f in encode(x).values()]
            grams = [gram(f, torch.full(f.shape[1:], 1 / f.shape[1])) for f in found]
            codes.append(torch.cat([(g / g.norm()).flatten() for g in grams]))
            owners.append(owner)
    stacked = torch.stack(codes).double()
    distances = torch.cdist(stacked, stacked)
    first, second = np.triu_indices(len(owners), 1)
    same = np.array(owners)[first] == np.array(owners)[second]
    return float(roc_auc_score(same, -distances[first, second].numpy()))

"""The same measures, written once more with numpy and scipy in float64, plainly and slowly."""

from __future__ import annotations

import numpy as np
from scipy import linalg, ndimage, stats


def frechet(x, y):
    a, b = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    cross = np.sqrt(linalg.eigvals(a @ b).astype(complex)).real.sum()
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b) - 2 * cross)


def kernel(x, y):
    def k(a, b):
        return (a @ b.T / a.shape[1] + 1) ** 3

    n, m = len(x), len(y)
    xx, yy, xy = k(x, x), k(y, y), k(x, y)
    np.fill_diagonal(xx, 0)
    np.fill_diagonal(yy, 0)
    return xx.sum() / (n * (n - 1)) + yy.sum() / (m * (m - 1)) - 2 * xy.mean()


def distances(x, y):
    return np.sqrt(((x[:, None] - y[None]) ** 2).sum(2))


def neighbours(x, y, k):
    def radii(z):
        return np.sort(distances(z, z), 1)[:, k]

    across = distances(x, y)
    in_real, in_fake = across < radii(x)[:, None], across < radii(y)[None]
    return {
        "precision": in_real.any(0).mean(),
        "recall": in_fake.any(1).mean(),
        "density": in_real.sum(0).mean() / k,
        "coverage": in_real.any(1).mean(),
    }


def bin_z(real, fake, bins):
    z = []
    for b in range(bins):
        p, q = (real == b).mean(), (fake == b).mean()
        pooled = ((real == b).sum() + (fake == b).sum()) / (len(real) + len(fake))
        error = np.sqrt(pooled * (1 - pooled) * (1 / len(real) + 1 / len(fake)))
        z.append((q - p) / error if error else 0.0)
    return np.array(z)


def ms_ssim(a, b, scales):
    """Of one pair of single-channel pictures (H, W)."""
    weights = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333][:scales])
    weights /= weights.sum()
    offsets = np.arange(11) - 5
    taps = np.exp(-(offsets**2) / (2 * 1.5**2))
    taps /= taps.sum()

    def mean(z):
        out = ndimage.correlate1d(ndimage.correlate1d(z, taps, 0), taps, 1)
        return out[5:-5, 5:-5]

    a, b, value = a.astype(float), b.astype(float), 1.0
    for scale, weight in enumerate(weights):
        ma, mb = mean(a), mean(b)
        va, vb = mean(a * a) - ma**2, mean(b * b) - mb**2
        cov = mean(a * b) - ma * mb
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        luminance = (2 * ma * mb + c1) / (ma**2 + mb**2 + c1)
        contrast = (2 * cov + c2) / (va + vb + c2)
        term = (luminance * contrast).mean() if scale == scales - 1 else contrast.mean()
        value *= max(term, 0) ** weight
        h, w = (s // 2 * 2 for s in a.shape)
        a, b = (z[:h, :w].reshape(h // 2, 2, w // 2, 2).mean((1, 3)) for z in (a, b))
    return value


def tail_p(hits, made, fresh, rank):
    """At most rank - 1 fresh ones among the hits + rank - 1 smallest."""
    return stats.hypergeom(made + fresh, fresh, hits + rank - 1).cdf(rank - 1) if hits else 1.0


def rank_z(made, fresh):
    """By scipy's Mann-Whitney: its two-sided p without the correction for continuity."""
    less = stats.mannwhitneyu(
        made, fresh, alternative="less", method="asymptotic", use_continuity=False
    )
    return stats.norm.ppf(less.pvalue)

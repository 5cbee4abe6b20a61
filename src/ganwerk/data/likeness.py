"""Copies among the pictures: exact ones by digest, near ones by a perceptual hash.

Works on thumbnails (N, 16, 16) float32 grey, 0 to 255, so that 60,000 pictures take a second.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

THUMBNAIL_PX = 16

BANDS = 4
NEIGHBOURS = 12
"""Each hash is compared with so many that follow it in the order of each of its four bands. Hashes
that differ in up to three bits agree in one band at least; where more pictures than this share a
band some pairs are missed, which is the price of a bounded time."""

HASH_DISTANCE = 8
LIKENESS = 0.995
BRIGHTNESS = 12.0
"""Near copies: at most so many of 63 bits differ, the thumbnails correlate at least so well, and
their mean brightness differs at most so much (of 255)."""

FLAT = 3.0
"""A thumbnail with less contrast (standard deviation) than this has no meaningful hash."""


def grey_thumbnails(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, C, R, R) uint8 to (N, 16, 16) float32 grey means of areas; alpha is laid on white."""
    count, channels, side = len(images), images.shape[1], images.shape[2]
    if channels == 1:
        grey = images[:, 0].astype(np.float32)
    else:
        grey = images[:, 0] * np.float32(0.299)
        grey += images[:, 1] * np.float32(0.587)
        grey += images[:, 2] * np.float32(0.114)
    if channels == 4:
        alpha = images[:, 3] * np.float32(1 / 255)
        grey = grey * alpha + 255 * (1 - alpha)
    areas = _areas(side)
    rows = (grey.reshape(count * side, side) @ areas).reshape(count, side, THUMBNAIL_PX)
    turned = np.ascontiguousarray(rows.transpose(0, 2, 1)).reshape(-1, side)
    thumbnails = (turned @ areas).reshape(count, THUMBNAIL_PX, THUMBNAIL_PX)
    upright: NDArray[np.float32] = thumbnails.transpose(0, 2, 1)
    return upright


@cache
def _areas(side: int) -> NDArray[np.float32]:
    """(side, 16): which share of thumbnail pixel j each of `side` pixels makes up."""
    edges = np.arange(THUMBNAIL_PX + 1) * (side / THUMBNAIL_PX)
    pixel = np.arange(side)[:, None]
    overlap = np.minimum(pixel + 1, edges[1:]) - np.maximum(pixel, edges[:-1])
    shares: NDArray[np.float64] = np.clip(overlap, 0, None) * (THUMBNAIL_PX / side)
    return shares.astype(np.float32)


def row_digests(images: NDArray[np.uint8]) -> list[bytes]:
    """One digest per picture of (N, C, R, R)."""
    rows = np.ascontiguousarray(images).reshape(len(images), -1)
    return [hashlib.blake2b(row.data, digest_size=16).digest() for row in rows]


def exact_groups(digests: Sequence[bytes]) -> list[list[int]]:
    """Indices with the same digest, groups of two and more, in the order of their first."""
    groups: dict[bytes, list[int]] = {}
    for index, digest in enumerate(digests):
        groups.setdefault(digest, []).append(index)
    return [group for group in groups.values() if len(group) > 1]


def near_groups(thumbnails: NDArray[np.float32], repeats: Iterable[int] = ()) -> list[list[int]]:
    """Groups of pictures that look alike, in the order of their first.

    repeats: indices to leave out, the exact copies.
    """
    flat = thumbnails.reshape(len(thumbnails), -1)
    means = flat.mean(axis=1)
    vectors = flat - means[:, None]
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    usable = lengths >= FLAT * THUMBNAIL_PX
    usable[list(repeats)] = False
    index = np.flatnonzero(usable)
    if len(index) < 2:
        return []
    vectors = vectors[index] / lengths[index, None]
    first, second = _close_pairs(_hashes(vectors))
    keep = np.abs(means[index[first]] - means[index[second]]) <= BRIGHTNESS
    first, second = first[keep], second[keep]
    alike = np.empty(len(first), bool)
    for start in range(0, len(first), 1 << 15):
        one, two = first[start : start + (1 << 15)], second[start : start + (1 << 15)]
        # Vectors of length 1 without their mean: the product is the correlation.
        correlation = np.einsum("ij,ij->i", vectors[one], vectors[two])
        alike[start : start + (1 << 15)] = correlation >= LIKENESS
    return _joined(index[first[alike]].tolist(), index[second[alike]].tolist())


def _hashes(vectors: NDArray[np.float32]) -> NDArray[np.uint64]:
    """(N, 256) to 64 bits each: which of the 8 x 8 lowest frequencies lie above the median."""
    size, low = THUMBNAIL_PX, 8
    angle = np.pi / size * (np.arange(size) + 0.5) * np.arange(low)[:, None]
    cosines = np.cos(angle).astype(np.float32)
    waves = np.kron(cosines, cosines)  # (64, 256): all pairs of frequencies at once
    values = vectors @ waves.T
    values[:, 0] = -np.inf  # the mean brightness is no feature
    bits = values > np.median(values[:, 1:], axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(np.uint64)[:, 0]


def _close_pairs(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs (i, j), i < j, each once, whose hashes differ in at most HASH_DISTANCE bits."""
    count, pairs = len(hashes), []
    for band in range(BANDS):
        shift = np.uint64(16 * band)
        # The band comes first in the order, the rest decides among equals.
        turned = (hashes << (np.uint64(48) - shift)) | (hashes >> (shift + np.uint64(16)))
        if band == BANDS - 1:
            turned = hashes
        order = np.argsort(turned)
        ordered = hashes[order]
        for step in range(1, min(NEIGHBOURS, count - 1) + 1):
            near = _bit_count(ordered[step:] ^ ordered[:-step]) <= HASH_DISTANCE
            one, two = order[:-step][near], order[step:][near]
            pairs.append(np.minimum(one, two) * count + np.maximum(one, two))
    unique = np.unique(np.concatenate(pairs))
    return unique // count, unique % count


def _bit_count(values: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Set bits of each value. (numpy has a function for it from version 2.0.)"""
    pairs = values - ((values >> np.uint64(1)) & np.uint64(0x5555555555555555))
    fours = (pairs & np.uint64(0x3333333333333333)) + (
        (pairs >> np.uint64(2)) & np.uint64(0x3333333333333333)
    )
    eights = (fours + (fours >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    # The product sums all eight bytes into the highest one.
    total: NDArray[np.uint64] = (eights * np.uint64(0x0101010101010101)) >> np.uint64(56)
    return total.astype(np.uint8)


def _joined(first: list[int], second: list[int]) -> list[list[int]]:
    """Pairs to groups: whatever hangs together through pairs."""
    leader: dict[int, int] = {}

    def find(item: int) -> int:
        while leader.setdefault(item, item) != item:
            leader[item] = item = leader[leader[item]]
        return item

    for one, two in zip(first, second, strict=True):
        low, high = sorted((find(one), find(two)))
        leader[high] = low
    groups: dict[int, list[int]] = {}
    for item in sorted(leader):
        groups.setdefault(find(item), []).append(item)
    return list(groups.values())

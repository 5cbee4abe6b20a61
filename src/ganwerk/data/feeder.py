"""Batches of real pictures as float tensors on the device, without per-picture Python."""

from __future__ import annotations

import warnings
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganwerk.data.pictures import Pictures, Rows
from ganwerk.data.sampler import STREAM_MIRROR, Sampler, random_words
from ganwerk.errors import DataError
from ganwerk.nn.types import Batch

DEVICE_SHARE = 0.3
"""The pictures live on a graphics card if they take at most this share of its free memory."""


class Feeder:
    """Batch i as a `Batch`: a function of (pictures, sampler, seed, i), on any device.

    The uint8 pictures stay where they fit: on the device, else in the computer's memory, else in
    the memory map; only the batch is converted to float.
    """

    def __init__(
        self,
        pictures: Pictures,
        sampler: Sampler,
        device: torch.device | str = "cpu",
        *,
        mirror: bool = False,
        seed: int = 0,
        with_labels: bool = False,
        ahead: bool | None = None,
    ) -> None:
        """mirror: show each picture mirrored left to right half of the time. ahead: make the next
        batch in a thread while the last one is computed with; None: where the device is no
        processor, which would compute less meanwhile.

        Raises DataError where labels are asked for and there are none.
        """
        if with_labels and pictures.labels is None:
            raise DataError(
                "These pictures have no classes to learn.",
                "Sort them into one sub-folder per class, or train without classes.",
            )
        self.sampler = sampler
        self.device = torch.device(device)
        self.mirror, self.seed = mirror, seed
        self._mapped: NDArray[np.uint8] | Rows | None = None
        self._store: Tensor | None = None
        if isinstance(pictures.images, np.memmap) or not isinstance(pictures.images, np.ndarray):
            self._mapped = pictures.images
        else:
            self._store = _as_tensor(pictures.images)
            if self.device.type != "cpu" and _fits(self._store, self.device):
                self._store = self._store.to(self.device)
        wanted = self.device.type not in ("cpu", "meta") if ahead is None else ahead
        self._pool = ThreadPoolExecutor(1, "batches") if wanted else None
        self._coming: tuple[int, Future[Batch]] | None = None
        self._labels: Tensor | None = None
        if with_labels and pictures.labels is not None:
            self._labels = torch.from_numpy(pictures.labels).to(self.device)

    def batch(self, i: int) -> Batch:
        """Pictures (B, C, H, W) float32 in [-1, 1] and, if asked for, labels (B,) int64."""
        if self._pool is None:
            return self._made(i)
        number, coming = self._coming or (i, self._pool.submit(self._made, i))
        if number != i:
            coming.cancel()
            coming = self._pool.submit(self._made, i)
        self._coming = None  # whatever it raises, the next call begins anew
        found = coming.result()
        self._coming = i + 1, self._pool.submit(self._made, i + 1)
        return found

    def _made(self, i: int) -> Batch:
        if self._mapped is not None and not isinstance(self._mapped, np.ndarray):
            self._mapped.ahead(self.sampler, i)
        index = self.sampler.batch(i)
        raw = self._raw(index)
        if self.mirror:
            flip = self._mirrored(i, len(index))
            if len(flip):
                raw = _with_mirrored(raw, flip)
        return self._finish(raw, index)

    def take(self, index: NDArray[np.int64]) -> Batch:
        """The pictures at these places, as `batch` gives them, never mirrored."""
        return self._finish(self._raw(index), index)

    def _finish(self, raw: Tensor, index: NDArray[np.int64]) -> Batch:
        images = raw.to(torch.float32).mul_(1 / 127.5).sub_(1)
        if self._labels is None:
            return Batch(images)
        return Batch(images, self._labels[torch.from_numpy(index).to(self.device)])

    def _raw(self, index: NDArray[np.int64]) -> Tensor:
        """The uint8 pictures of a batch, a copy, on the device."""
        if self._mapped is not None:
            # In ascending order the disk is read forwards.
            order = np.argsort(index, kind="stable")
            rows = np.empty((len(index), *self._mapped.shape[1:]), np.uint8)
            rows[order] = self._mapped[index[order]]
            raw = torch.from_numpy(rows)
        else:
            assert self._store is not None
            raw = self._store.index_select(0, torch.from_numpy(index).to(self._store.device))
        return to_device(raw, self.device)

    def _mirrored(self, i: int, count: int) -> NDArray[np.int64]:
        """Places in batch i that are shown mirrored."""
        bits = random_words(self.seed, STREAM_MIRROR, i, count) >> np.uint64(63)
        return np.flatnonzero(bits)


def to_device(raw: Tensor, device: torch.device) -> Tensor:
    """The tensor there. To a card it goes from memory that stays in its place, so that the
    processor does not wait for the copy."""
    if raw.device == device:
        return raw
    if device.type == "cuda":
        return raw.pin_memory().to(device, non_blocking=True)
    return raw.to(device)


def _with_mirrored(raw: Tensor, places: NDArray[np.int64]) -> Tensor:
    """The batch with some pictures mirrored. Appending and selecting whole pictures is four times
    as fast as writing them into their places."""
    order = np.arange(len(raw))
    order[places] = len(raw) + np.arange(len(places))
    mirrored = raw.index_select(0, torch.from_numpy(places).to(raw.device)).flip(3)
    return torch.cat([raw, mirrored]).index_select(0, torch.from_numpy(order).to(raw.device))


def _as_tensor(images: NDArray[np.uint8]) -> Tensor:
    with warnings.catch_warnings():
        # The array may be read-only, which torch warns about; nothing here writes to it.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(images))


def _fits(store: Tensor, device: torch.device) -> bool:
    if device.type != "cuda":
        return True  # Apple's processors share one memory
    free, _ = torch.cuda.mem_get_info(device)
    return store.numel() <= DEVICE_SHARE * free

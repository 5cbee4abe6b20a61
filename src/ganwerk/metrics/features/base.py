"""What every extractor is, and how pictures go through one."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from ganwerk.errors import DataError
from ganwerk.metrics.inputs import Array, pictures_of
from ganwerk.nn.layers import matrix_products
from ganwerk.values import Progress, ProgressCallback, ignore_progress

BATCH = 250
LUMA = (0.299, 0.587, 0.114)


class Extractor(ABC):
    """Pictures to features, with a name that says which numbers these are.

    name: with its version, 'pixelpca64-v1': goes up when the numbers change. weights: digest of
    all that was drawn, learned or fitted. resize: how pictures come to the size it looks at.
    notes: what a reader of the numbers should know, for example how grey pictures are handled.
    smooth: whether it takes float pictures as they are (else it needs whole numbers).
    """

    name: str
    weights: str
    resize: str = "none"
    notes: tuple[str, ...] = ()
    smooth: bool = True

    @abstractmethod
    def features(self, pictures: Tensor) -> Tensor:
        """(N, C, H, W) float32 in [0, 255] to (N, D) float32; independent of the others."""


class FunctionExtractor(Extractor):
    """Any function of yours: pictures (N, C, H, W) float32 in [0, 255] to features (N, D).

    name: your name and version for it. weights: a digest of what it learned, if anything; with ''
    two records compare only as far as the name tells.
    """

    def __init__(
        self, name: str, function: Callable[[Tensor], Tensor], *, weights: str = "",
        resize: str = "as the function does",
    ) -> None:  # fmt: skip
        self.name, self.weights, self.resize = name, weights, resize
        self.function = function

    def features(self, pictures: Tensor) -> Tensor:
        return self.function(pictures)


@torch.inference_mode()
def extract(
    extractor: Extractor,
    pictures: Array,
    *,
    batch: int = BATCH,
    progress: ProgressCallback = ignore_progress,
) -> Tensor:
    """Features (N, D) float32 of pictures (N, C, H, W) uint8, on the CPU.

    Raises DataError for pictures or features that are none; see `inputs`.
    """
    x = pictures_of(pictures, least=1)
    found = []
    with matrix_products(bfloat16=False):
        for start in range(0, len(x), batch):
            part = x[start : start + batch]
            found.append(_checked(extractor, extractor.features(part.float()), len(part)))
            progress(Progress("looking", min(start + batch, len(x)), len(x), "pictures"))
    return torch.cat(found)


def _checked(extractor: Extractor, features: Tensor, count: int) -> Tensor:
    if features.dim() != 2 or len(features) != count:
        raise DataError(
            f"The extractor {extractor.name} gave features of the shape {tuple(features.shape)} "
            f"for {count} pictures.",
            "It has to give one row per picture.",
        )
    if not bool(features.isfinite().all()):
        raise DataError(
            f"The extractor {extractor.name} gave numbers that are not finite.",
            "Are its weights those of a finished training?",
        )
    return features.float().cpu()


def digest_of(tensors: Mapping[str, Tensor]) -> str:
    """16 hexadecimal digits of names, types, shapes and numbers."""
    digest = hashlib.blake2b(digest_size=8)
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def fitted_to(pictures: Tensor, side: int) -> Tensor:
    """Pictures (N, C, H, W) at `side` px: means over areas when they shrink, else as they are."""
    if max(pictures.shape[2:]) <= side:
        return pictures
    return F.interpolate(pictures, (side, side), mode="bilinear", antialias=True)


def as_grey(pictures: Tensor) -> Tensor:
    """(N, C, H, W) to (N, 1, H, W): luma of colours, transparent ones over white."""
    if pictures.shape[1] == 1:
        return pictures
    colours = over_white(pictures)
    return (colours * colours.new_tensor(LUMA).view(1, 3, 1, 1)).sum(1, keepdim=True)


def as_colour(pictures: Tensor) -> Tensor:
    """(N, C, H, W) to (N, 3, H, W): grey three times, transparent pictures over white."""
    return pictures.expand(-1, 3, -1, -1) if pictures.shape[1] == 1 else over_white(pictures)


def over_white(pictures: Tensor) -> Tensor:
    """(N, 4, H, W) in [0, 255] to (N, 3, H, W); three channels stay as they are."""
    if pictures.shape[1] == 3:
        return pictures
    alpha = pictures[:, 3:] / 255
    return pictures[:, :3] * alpha + 255 * (1 - alpha)


def premultiplied(pictures: Tensor) -> Tensor:
    """Colours times alpha, and alpha: what is invisible then counts for nothing. Others stay."""
    if pictures.shape[1] != 4:
        return pictures
    return torch.cat([pictures[:, :3] * (pictures[:, 3:] / 255), pictures[:, 3:]], 1)


TRANSPARENT_NOTE = "Colours count as far as they are opaque; transparency is a channel of its own."


def notes_for(channels: int, *, colour: bool = False, grey: bool = False) -> tuple[str, ...]:
    """What was done to the channels, for an extractor that wants colour, grey or what comes."""
    if colour and channels == 1:
        return ("Grey pictures were shown as colours, the same value three times.",)
    if (colour or grey) and channels == 4:
        return ("Transparent pictures were laid over white.",)
    if grey and channels == 3:
        return ("Colours were turned to grey.",)
    return (TRANSPARENT_NOTE,) if channels == 4 else ()

"""Which features a name means, ready for the pictures at hand; what is slow is kept by content.

Everything kept is expendable: a damaged file counts as absent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError
from torch import Tensor

from ganwerk.checks import shown
from ganwerk.data.cache import cache_home, read_json, remember, replacing, write_json
from ganwerk.errors import ConfigError, did_you_mean
from ganwerk.metrics.features import (
    Extractor,
    PixelPca,
    RandomConv,
    extract,
    fidelity,
    lenet,
    selfsup,
)
from ganwerk.run.index import Seal
from ganwerk.run.tensors import DamagedError, read_tensors
from ganwerk.values import ProgressCallback, ignore_progress

Pixels = NDArray[np.uint8]
INCEPTION = "inception-2015"
AUTO = "auto"
DEFAULT = (AUTO,)
LOOKED_AT = 1000


@dataclass(frozen=True)
class Reals:
    """The real pictures an extractor is fitted on. pictures: (N, C, H, W) uint8."""

    pictures: Pixels
    mirror: bool


@dataclass(frozen=True)
class ExtractorOptions:
    """What the making of extractors depends on besides the pictures.

    inception_weights: the weight file of the FID; None: in the cache. run_hub_code: whether
    torch.hub may download and run code. cache: None: the usual place.
    """

    inception_weights: Path | None = None
    run_hub_code: bool = False
    cache: Path | None = None
    progress: ProgressCallback = ignore_progress

    @property
    def folder(self) -> Path:
        return cache_home(self.cache) / "features"

    @property
    def weights_path(self) -> Path:
        """Where the Inception weights are looked for."""
        return self.inception_weights or cache_home(self.cache) / "weights" / fidelity.FILE


Maker = Callable[[Reals, ExtractorOptions], Extractor]


def _inception(reals: Reals, wishes: ExtractorOptions) -> Extractor:
    fidelity.check_installed()
    tensors, digest = fidelity.read_weights(wishes.weights_path)
    return fidelity.Inception(tensors, digest, reals.pictures.shape[1])


def _dino(name: str) -> Maker:
    return lambda reals, wishes: fidelity.DinoV2(
        name, reals.pictures.shape[1], run_hub_code=wishes.run_hub_code
    )


def _self_supervised(reals: Reals, wishes: ExtractorOptions) -> Extractor:
    """Taught once on these very pictures; at once after that."""
    key = f"{digest_of(reals.pictures)}-{selfsup.RECIPE}-{int(reals.mirror)}"
    place = wishes.folder / f"selfsup-{key}.safetensors"
    kept = _kept_tensors(place)
    if kept is not None:
        with suppress(LookupError, TypeError, ValueError, RuntimeError):  # else taught anew below
            return selfsup.SelfSupervised.of(kept)
    taught = selfsup.SelfSupervised.fit(
        reals.pictures, mirror=reals.mirror, progress=wishes.progress
    )
    remember(lambda: _keep_tensors(place, taught.tensors()))
    return taught


MAKERS: dict[str, Maker] = {
    "pixelpca64": lambda reals, _: PixelPca.fit(reals.pictures),
    "randconv64": lambda reals, _: RandomConv.fit(reals.pictures),
    "lenet-mnist": lambda reals, _: lenet.DigitNet(reals.pictures.shape[1]),
    "selfsup64": _self_supervised,
    INCEPTION: _inception,
    **{name: _dino(name) for name in fidelity.DINO},
}


def default_extractors(reals: Reals) -> tuple[str, ...]:
    """What 'auto' means for these pictures: pixels, and what sees more than pixels: the digit
    classifier in digits, the network that learns from the pictures themselves in colours."""
    pictures = reals.pictures
    if pictures.shape[1] > 1:
        return "pixelpca64", "selfsup64"
    few = np.linspace(0, len(pictures) - 1, min(len(pictures), LOOKED_AT)).astype(int)
    digits = lenet.are_digits(torch.from_numpy(np.ascontiguousarray(pictures[few])))
    return ("pixelpca64", "lenet-mnist") if digits else ("pixelpca64",)


def check_names(names: Sequence[str]) -> None:
    """Raises ConfigError for a name that means no features."""
    for name in names:
        if name not in MAKERS and name != AUTO:
            raise ConfigError(f"There are no features '{shown(name)}'.", did_you_mean(name, MAKERS))


def make(name: str, reals: Reals, wishes: ExtractorOptions) -> Extractor:
    """Raises ConfigError for an unknown name, MachineError and DataError where something is
    missing: each extractor says what and how to get it."""
    check_names([name])
    return MAKERS[default_extractors(reals)[0] if name == AUTO else name](reals, wishes)


def expanded(names: Sequence[str | Extractor], reals: Reals) -> list[str | Extractor]:
    """With 'auto' replaced by what it means here; none twice."""
    meant = [default_extractors(reals) if name == AUTO else (name,) for name in names]
    return list(dict.fromkeys(name for some in meant for name in some))


def digest_of(pictures: Pixels) -> str:
    """32 hexadecimal digits of shape and content."""
    digest = hashlib.blake2b(str(pictures.shape).encode(), digest_size=16)
    for start in range(0, len(pictures), 4096):
        digest.update(np.ascontiguousarray(pictures[start : start + 4096]).data.cast("B"))
    return digest.hexdigest()


def kept_features(extractor: Extractor, pictures: Pixels, wishes: ExtractorOptions) -> Tensor:
    """`extract`, remembered by the content of the pictures and the weights of the extractor.

    An extractor without a digest of its weights is asked anew each time."""
    if not extractor.weights:
        return extract(extractor, pictures, progress=wishes.progress)
    name = f"{extractor.name}-{extractor.weights[:16]}-{digest_of(pictures)}"
    place = wishes.folder / f"{name}.safetensors"
    kept = (_kept_tensors(place) or {}).get("features")
    if kept is not None and kept.ndim == 2 and len(kept) == len(pictures):
        return kept
    found = extract(extractor, pictures, progress=wishes.progress)
    remember(lambda: _keep_tensors(place, {"features": found}))
    return found


def _kept_tensors(place: Path) -> dict[str, Tensor] | None:
    """What `_keep_tensors` wrote, or None where that is absent, damaged or of another shape."""
    try:
        return read_tensors(place, TypeAdapter(Seal).validate_python(read_json(_seal_of(place))))
    except (DamagedError, OSError, ValidationError):
        return None


def _seal_of(place: Path) -> Path:
    return place.with_suffix(".json")


def _keep_tensors(place: Path, tensors: dict[str, Tensor]) -> None:
    """The seal is written last: it says that the file beside it is complete. Raises OSError."""
    content = safetensors.torch.save({k: v.contiguous().clone() for k, v in tensors.items()})
    with replacing(place) as file:
        file.write(content)
    seal = {"size_bytes": len(content), "blake2b": hashlib.blake2b(content).hexdigest()}
    write_json(_seal_of(place), seal)


def versions() -> dict[str, str]:
    """Of the libraries that a number depends on."""
    import ganwerk

    return {"ganwerk": ganwerk.__version__, "torch": torch.__version__, "numpy": np.__version__}

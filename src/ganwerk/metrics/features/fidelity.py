"""Inception-2015 and DINOv2, through torch-fidelity: the networks that published numbers come from.

The weights are not ganwerk's to ship. A weight file is checked against its digest and read without
executing anything; torch-fidelity itself would unpickle it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from ganwerk.errors import ConfigError, DataError, MachineError
from ganwerk.metrics.features.base import Extractor, as_colour, digest_of, notes_for

FILE = "weights-inception-2015-12-05-6726825d.pth"
WHERE = f"github.com/toshas/torch-fidelity/releases/download/v0.2.0/{FILE}"
DIGEST = "6726825d"
"""The first digits of the file's SHA-256, as its name gives them."""

DINO = {
    "dinov2-s": "dinov2-vit-s-14",
    "dinov2-b": "dinov2-vit-b-14",
    "dinov2-l": "dinov2-vit-l-14",
    "dinov2-g": "dinov2-vit-g-14",
}


def check_installed() -> None:
    """Raises MachineError if torch-fidelity is not there."""
    try:
        importlib.metadata.version("torch-fidelity")
    except importlib.metadata.PackageNotFoundError as error:
        raise MachineError(
            "The FID needs torch-fidelity, which is not installed.",
            "Install it: pip install 'ganwerk[fid]'. Without it: --features pixelpca64, selfsup64.",
        ) from error


def version() -> str:
    return f"torch-fidelity {importlib.metadata.version('torch-fidelity')}"


def read_weights(path: Path) -> tuple[dict[str, Tensor], str]:
    """The tensors of the published weight file and its SHA-256.

    Raises DataError if it is missing or another file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(
            f"The Inception weights cannot be read from {path}: {error.strerror}.",
            f"Get them once (about 91 MB) from {WHERE} and name the file: --weights FILE",
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    if not digest.startswith(DIGEST):
        raise DataError(
            f"{path} is not the weight file of the FID: its SHA-256 begins with {digest[:8]}, "
            f"not with {DIGEST}.",
            f"Get it anew from {WHERE}",
        )
    # Tensors only: with weights_only torch refuses everything that could execute
    tensors: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return tensors, digest


class Inception(Extractor):
    """The 2048 features of Inception-2015: only what is measured on these is called FID and KID."""

    name = "inception-2015"
    resize = "TensorFlow 1 bilinear to 299 px, inside torch-fidelity"
    smooth = False

    def __init__(self, tensors: dict[str, Tensor], digest: str, channels: int) -> None:
        """tensors: of the weight file. digest: its SHA-256. Raises MachineError, DataError."""
        check_installed()
        from torch_fidelity import feature_extractor_inceptionv3 as published

        with _loading(published, tensors):
            try:
                self.net = published.FeatureExtractorInceptionV3(self.name, ["2048"])
                self.judge = published.FeatureExtractorInceptionV3(self.name, ["logits_unbiased"])
            except RuntimeError as error:
                raise DataError(
                    f"These are no weights of Inception-2015: {str(error).splitlines()[0]}",
                    f"Get them anew from {WHERE}",
                ) from error
        self.weights = digest
        self.notes = notes_for(channels, colour=True)

    def features(self, pictures: Tensor) -> Tensor:
        return self.net(as_bytes(pictures))[0]

    def logits(self, pictures: Tensor) -> Tensor:
        """(N, 1008), for the Inception score."""
        return self.judge(as_bytes(pictures))[0]


class DinoV2(Extractor):
    """Features of DINOv2, of which Stein et al. 2023 found that they agree best with people.

    torch-fidelity lets torch.hub download and run Meta's code for it, so it has to be allowed.
    """

    resize = "TensorFlow 1 bilinear to 224 px, inside torch-fidelity"
    smooth = False

    def __init__(self, name: str, channels: int, *, run_hub_code: bool = False) -> None:
        """name: one of DINO. Raises ConfigError unless `run_hub_code`; MachineError offline."""
        check_installed()
        if not run_hub_code:
            raise ConfigError(
                f"The features {name} need code and weights that torch.hub downloads from "
                "github.com/facebookresearch/dinov2 and runs.",
                "If you trust it: add --run-hub-code. Otherwise use selfsup64.",
            )
        from torch_fidelity.feature_extractor_dinov2 import FeatureExtractorDinoV2

        try:
            self.net = FeatureExtractorDinoV2(DINO[name], ["dinov2"])
        except OSError as error:
            raise MachineError(
                f"DINOv2 cannot be downloaded: {error}.", "Use selfsup64, which needs no download."
            ) from error
        self.name = name
        self.weights = digest_of(dict(self.net.state_dict()))
        self.notes = notes_for(channels, colour=True)

    def features(self, pictures: Tensor) -> Tensor:
        return self.net(as_bytes(pictures))[0]


def as_bytes(pictures: Tensor) -> Tensor:
    """(N, C, H, W) float in [0, 255] to (N, 3, H, W) uint8."""
    return as_colour(pictures).round().clamp(0, 255).to(torch.uint8)


@contextmanager
def _loading(module: ModuleType, tensors: dict[str, Tensor]) -> Iterator[None]:
    """In the block, torch-fidelity gets these tensors where it would download and unpickle."""
    name = "load_state_dict_from_url"
    before: Any = getattr(module, name)
    setattr(module, name, lambda *_, **__: tensors)
    try:
        yield
    finally:
        setattr(module, name, before)

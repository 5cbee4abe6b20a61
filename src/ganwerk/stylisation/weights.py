"""Weights of VGG16 and VGG19 as torchvision publishes them: fetched once, checked, converted.

The published file is read with torch's restricted reader (`weights_only`), and only after its
SHA-256 was found to be the one in its name; what is kept is a safetensors file of the convolutions.
"""

from __future__ import annotations

import hashlib
import io
import re
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from ganwerk.data.cache import cache_home, replacing
from ganwerk.errors import DataError, MachineError
from ganwerk.run.files import disk_errors
from ganwerk.style.backbones import PARTS, Architecture, Weights
from ganwerk.values import Progress, ProgressCallback

CHUNK_BYTES, TIMEOUT_SECONDS, REPORT_SECONDS = 1 << 20, 30.0, 0.2
_DIGEST = re.compile(r"-([0-9a-f]{8,64})\.pth$")
_OFFLINE = "Offline, --backbone compact needs no download"


def url_of(made: Architecture) -> str:
    """Where torchvision publishes the weights, with the first digits of their SHA-256."""
    from torchvision.models import VGG16_Weights, VGG19_Weights

    kinds = {"vgg16": VGG16_Weights, "vgg19": VGG19_Weights}
    url: str = kinds[made.name].IMAGENET1K_V1.url
    return url


def published(made: Architecture, progress: ProgressCallback, url: str | None = None) -> Weights:
    """From the cache, or fetched into it. Raises MachineError, DataError with the file's name, its
    hash and what can be done without it."""
    url = url or url_of(made)
    folder = cache_home(None) / "weights"
    kept = folder / f"{made.name}.safetensors"
    if kept.is_file():
        return from_file(kept, made)
    name = url.rsplit("/", 1)[-1]
    with disk_errors(folder, "make the folder"):
        folder.mkdir(parents=True, exist_ok=True)
    downloaded = _download(url, folder / name, progress)
    weights = _converted(downloaded, made)
    with disk_errors(kept), replacing(kept) as file:
        file.write(safetensors.torch.save(dict(weights)))
    downloaded.unlink(missing_ok=True)
    return weights


def from_file(path: Path, made: Architecture) -> Weights:
    """Of a safetensors file with our names or torchvision's, or of torchvision's own .pth file.

    Raises DataError if it is none of these."""
    if not path.is_file():
        raise DataError(f"There is no file {path} with weights.", "Check the path of --weights.")
    if path.suffix == ".pth":
        return _converted(path, made)
    try:
        found = safetensors.torch.load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise DataError(
            f"{path} is no safetensors file: {error}.",
            f"Give torchvision's .pth file of {made.name}, or remove a damaged file.",
        ) from None
    return _named(found, made, path)


def _download(url: str, target: Path, progress: ProgressCallback) -> Path:
    """Fetch into `target`, going on where an earlier attempt stopped, and check the digest."""
    part = target.with_name(f"{target.name}.part")
    wanted = _wanted_digest(target)
    try:
        _receive(url, part, progress)
    except (urllib.error.URLError, HTTPException, TimeoutError, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise MachineError(
            f"The weights {target.name} (SHA-256 {wanted}...) could not be fetched from {url}: "
            f"{reason}.",
            f"{_OFFLINE}. Or fetch the file elsewhere and name it: --weights {target.name}",
        ) from error
    found = _digest(part)
    if not found.startswith(wanted):
        part.unlink()
        raise DataError(
            f"What came from {url} has the SHA-256 {found[:16]}..., not {wanted}...",
            f"Try again. {_OFFLINE}.",
        )
    part.replace(target)
    return target


def _receive(url: str, part: Path, progress: ProgressCallback) -> None:
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing is left to fetch
            return
        raise
    with answer, part.open("ab" if answer.status == 206 else "wb") as file:
        done = file.tell()
        length = answer.headers.get("Content-Length")
        total = done + int(length) if length else None
        told = 0.0
        while chunk := answer.read(CHUNK_BYTES):
            file.write(chunk)
            done += len(chunk)
            if time.monotonic() > told + REPORT_SECONDS or done == total:
                told = time.monotonic()
                progress(Progress("fetching weights", done, total, "bytes"))
    if total is not None and done < total:
        raise OSError(f"the connection ended after {done:,} of {total:,} bytes")


def _wanted_digest(path: Path) -> str:
    found = _DIGEST.search(path.name)
    if not found:
        raise DataError(
            f"The name of {path} does not hold the digits of its hash, so it cannot be checked.",
            "Keep torchvision's file name, as in vgg19-dcbb9e9d.pth, or convert to safetensors.",
        )
    return found[1]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _converted(path: Path, made: Architecture) -> Weights:
    """The convolutions of torchvision's file, its digest checked first."""
    wanted = _wanted_digest(path)
    content = path.read_bytes()
    if not hashlib.sha256(content).hexdigest().startswith(wanted):
        raise DataError(
            f"{path} is not what its name says: its SHA-256 does not begin with {wanted}.",
            "Fetch it again.",
        )
    try:
        found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # the reader raises whatever strange bytes lead it to
        reason = (str(error).splitlines() or ["it ends too early"])[0]
        raise DataError(
            f"{path} holds no weights that can be read safely ({reason[:80]}).",
            f"Give torchvision's file of {made.name}.",
        ) from None
    if not isinstance(found, Mapping):
        raise DataError(
            f"{path} holds a {type(found).__name__} in place of named weights.",
            f"Give torchvision's file of {made.name}.",
        )
    tensors = {str(name): value for name, value in found.items() if isinstance(value, Tensor)}
    return _named(tensors, made, path)


def _named(found: Mapping[str, Tensor], made: Architecture, path: Path) -> Weights:
    """Ours from torchvision's names: its convolutions in order. Raises DataError for others."""
    if "features.0.weight" in found:
        numbers = sorted({int(n) for n in map(_number, found) if n})
        ours = dict(zip(made.shapes(), numbers, strict=False))
        found = {f"{name}.{part}": found[f"features.{number}.{part}"]
                 for name, number in ours.items() for part in PARTS
                 if f"features.{number}.{part}" in found}  # fmt: skip
    for name, (before, after) in made.shapes().items():
        for part, shape in zip(PARTS, ((after, before, 3, 3), (after,)), strict=True):
            _check(found.get(f"{name}.{part}"), f"{name}.{part}", shape, made, path)
    return {f"{name}.{part}": found[f"{name}.{part}"].float()
            for name in made.shapes() for part in PARTS}  # fmt: skip


def _number(name: str) -> str:
    """'28' of features.28.weight; '' of other names."""
    found = re.fullmatch(r"features\.(\d+)\.(weight|bias)", name)
    return found[1] if found else ""


def _check(
    tensor: Tensor | None, name: str, shape: tuple[int, ...], made: Architecture, path: Path
) -> None:
    if tensor is None:
        flaw = "missing"
    elif tensor.shape != shape:
        flaw = f"of shape {tuple(tensor.shape)}"
    elif not tensor.isfinite().all():
        flaw = "not finite"
    else:
        return
    raise DataError(
        f"{path} does not hold {made.name}: {name} is {flaw}.",
        f"Name the weights of {made.name}, or another --backbone.",
    )

"""An interrupted transfer on the disk: a folder beside the result, until that is written."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field
from torch import Tensor

import ganwerk
from ganwerk.errors import CheckpointError, RunError
from ganwerk.run.files import disk_errors, from_json, patiently, to_json, write_bytes
from ganwerk.run.index import Seal
from ganwerk.run.tensors import DamagedError, read_tensors, write_tensors

_INDEX = "transfer.json"


class Index(BaseModel):
    """transfer.json."""

    fingerprint: str
    file: str
    size_bytes: Annotated[int, Field(ge=0)]
    blake2b: str
    machinery: dict[str, Any]
    numbers: dict[str, Any]


def folder_of(out: Path) -> Path:
    """photo-painting.png to photo-painting.png.unfinished."""
    return out.with_name(f"{out.name}.unfinished")


def save(
    out: Path, fingerprint: str, machinery: Mapping[str, Any], tensors: Mapping[str, Tensor],
    numbers: Mapping[str, Any],
) -> None:  # fmt: skip
    """The new state takes the place of the old one when all of it is on the disk."""
    folder = folder_of(out)
    size = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    with disk_errors(folder, "save the state in", size):
        folder.mkdir(parents=True, exist_ok=True)
        before = {path.name for path in folder.glob("state-*.safetensors")}
        numbered = (name[6:-12] for name in before)
        number = 1 + max((int(n) for n in numbered if n.isascii() and n.isdecimal()), default=0)
        file = folder / f"state-{number}.safetensors"
        seal = write_tensors(file, tensors)
    index = {"version": ganwerk.__version__, "fingerprint": fingerprint, "file": file.name,
             "size_bytes": seal.size_bytes, "blake2b": seal.blake2b, "machinery": dict(machinery),
             "numbers": dict(numbers)}  # fmt: skip
    write_bytes(folder / _INDEX, to_json(index))
    for name in before:
        (folder / name).unlink(missing_ok=True)


def load(out: Path) -> tuple[str, dict[str, Any], dict[str, Tensor], dict[str, Any]] | None:
    """(fingerprint, machinery, tensors, numbers), or None where nothing was left unfinished.

    Raises CheckpointError for a damaged state."""
    folder = folder_of(out)
    if not (folder / _INDEX).is_file():
        return None
    try:
        with disk_errors(folder, "read"):  # what cannot be read now is not damaged
            index = Index.model_validate(from_json(patiently((folder / _INDEX).read_bytes)))
            tensors = read_tensors(folder / index.file, Seal(index.size_bytes, index.blake2b))
        return index.fingerprint, index.machinery, tensors, index.numbers
    except (DamagedError, ValueError) as error:
        raise CheckpointError(
            f"The state of the interrupted transfer in {folder} is damaged: {error}.",
            "Remove the folder and begin anew.",
        ) from None


def check(fingerprint: str, job_fingerprint: str, out: Path) -> None:
    """Raises RunError if the state belongs to other pictures or settings."""
    if fingerprint != job_fingerprint:
        raise RunError(
            f"The unfinished transfer to {out} had other pictures or settings.",
            "Repeat its command exactly with --resume, or begin anew with --force.",
        )


def discard(out: Path) -> None:
    """The result is written: its state is of no use any more."""
    folder = folder_of(out)
    if folder.exists():
        with disk_errors(folder, "remove"):
            shutil.rmtree(folder)

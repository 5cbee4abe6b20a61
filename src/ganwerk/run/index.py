"""What lies in the folder of checkpoints, tensors unread: each with its meta.json.

A checkpoint that cannot be read now (a network drive that stumbles, a permission, a link to a disk
that is not there) is not a damaged one: it may be readable in a moment, so it is never removed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ganwerk.errors import MachineError
from ganwerk.run.files import disk_errors, from_json, patiently

WEIGHTS, STATE, META = "weights.safetensors", "state.safetensors", "meta.json"
Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class Seal:
    """Size in bytes and blake2b checksum (hex) of a file."""

    size_bytes: Count
    blake2b: str


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """A checkpoint as its folder shows it, tensors unread.

    damage: why it cannot be used, '' if nothing is amiss at first sight (names and sizes).
    unreadable: the damage may pass: it cannot be read at this moment. drawable: its weights are
    there, whatever its state. sequence: the how-manyth save of the run it is; the highest is the
    newest, whatever its images.
    """

    images: int
    path: Path
    size_bytes: int = 0
    sequence: int = 0
    created: str = ""
    meta: Mapping[str, Any] | None = None
    damage: str = ""
    unreadable: bool = False
    drawable: bool = False

    @property
    def best(self) -> bool:
        """Whether it was the best so far when it was saved."""
        return bool((self.meta or {}).get("best"))


class Index(BaseModel):
    """meta.json."""

    model_config = ConfigDict(frozen=True)

    images: Count
    sequence: Count
    created: str
    files: dict[str, Seal]
    meta: dict[str, Any]

    def sealed(self) -> bytes:
        """The content of the file, with a checksum of itself."""
        content = self.model_dump()
        content["blake2b"] = _digest(content)
        return (json.dumps(content, indent=2) + "\n").encode()


def new_index(images: int, sequence: int, meta: dict[str, Any], seals: Mapping[str, Seal]) -> Index:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    files = {name: asdict(seal) for name, seal in seals.items()}
    return Index.model_validate(
        {"images": images, "sequence": sequence, "created": now, "files": files, "meta": meta}
    )


def read_index(path: Path) -> Index:
    """meta.json of the checkpoint in the folder `path`.

    Raises OSError if it cannot be read, ValueError if it is not what was written.
    """
    content = from_json(patiently((path / META).read_bytes))
    digest = content.pop("blake2b", None) if isinstance(content, dict) else None
    if digest is None or digest != _digest(content):
        raise ValueError("wrong checksum")
    return Index.model_validate(content)


def list_checkpoints(folder: Path) -> list[CheckpointInfo]:
    """All checkpoints in `folder`, oldest save first. A damaged one stands behind the one with the
    next smaller number of images: its own place in the sequence may be unreadable.

    Raises MachineError if the folder cannot be read: that is not a run without checkpoints.
    """
    infos = [inspect(path) for path in map(folder.joinpath, _names(folder)) if _is_one(path)]
    placed: list[tuple[tuple[int, int, int], CheckpointInfo]] = []
    before = 0
    for info in sorted(infos, key=lambda info: info.images):
        before = info.sequence or before
        placed.append(((before, int(not info.sequence), info.images), info))
    return [info for _, info in sorted(placed, key=lambda pair: pair[0])]


def _names(folder: Path) -> list[str]:
    with disk_errors(folder, "read"):
        try:
            return patiently(lambda: os.listdir(folder))
        except FileNotFoundError:
            if not os.path.islink(folder):
                return []
    raise MachineError(
        f"{folder} is a link to a place that is not there.",
        "Connect the disk that it leads to, or put the link right.",
    )


def _is_one(path: Path) -> bool:
    """Whether the name is that of a checkpoint; a link to a disk that is not there is one too."""
    named = path.name.isascii() and path.name.isdecimal()
    try:
        return named and (os.path.islink(path) or path.is_dir())
    except OSError:
        return True


def inspect(path: Path) -> CheckpointInfo:
    """Read meta.json of one checkpoint and compare the names and sizes of the files."""
    images = int(path.name)
    try:
        index = read_index(path)
    except OSError as error:
        damage, passing = _amiss(path / META, error)
        return CheckpointInfo(images, path, damage=damage, unreadable=passing)
    except (ValueError, RecursionError):
        return CheckpointInfo(images, path, damage=f"{META} is damaged")
    if index.images != images or WEIGHTS not in index.files:
        return CheckpointInfo(images, path, damage=f"{META} is damaged")
    amiss = {name: _compared(path / name, seal) for name, seal in index.files.items()}
    found = [(damage, passing) for damage, passing in amiss.values() if damage]
    return CheckpointInfo(
        images=images,
        path=path,
        size_bytes=sum(seal.size_bytes for seal in index.files.values()),
        sequence=index.sequence,
        created=index.created,
        meta=index.meta,
        damage=found[0][0] if found else "",
        unreadable=any(passing for _, passing in found),
        drawable=not amiss[WEIGHTS][0],
    )


def _compared(file: Path, seal: Seal) -> tuple[str, bool]:
    """What is amiss with a file, '' for nothing, and whether that may pass."""
    try:
        size = patiently(file.stat).st_size
    except OSError as error:
        return _amiss(file, error)
    if size != seal.size_bytes:
        return f"{file.name} has {size} bytes instead of {seal.size_bytes}", False
    return "", False


def _amiss(file: Path, error: OSError) -> tuple[str, bool]:
    linked = os.path.islink(file) or os.path.islink(file.parent)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return f"{file.name} is missing", linked
    return f"{file.name} cannot be read: {error.strerror or error}", True


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode()).hexdigest()

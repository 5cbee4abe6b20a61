"""Checkpoints: all or nothing on the disk, checked on the way back, old ones thinned out.

Each is a folder named by the images seen, with weights.safetensors (what sampling needs),
state.safetensors (what going on needs besides) and meta.json, which seals the other two with size
and checksum and carries a checksum of itself.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganwerk.errors import CheckpointError, did_you_mean
from ganwerk.run.files import (
    NotFiniteError,
    disk_errors,
    plain,
    replace_bytes,
    sync_folder,
    unused_name,
)
from ganwerk.run.journal import diverged

if TYPE_CHECKING:  # torch takes a second to import, and looking at a run does not need it
    from torch import Tensor

    from ganwerk.run.tensors import Seal

WEIGHTS, STATE, META = "weights.safetensors", "state.safetensors", "meta.json"

Skipped = tuple[tuple[Path, str], ...]
"""Checkpoints that could not be used, newest first: the folder and the reason."""


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """What sampling needs: the generator's tensors by name, and what was noted when saving."""

    images: int
    weights: dict[str, Tensor]
    meta: dict[str, Any]
    path: Path
    skipped: Skipped = ()


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """What going on needs: weights and state by name, and what was noted when saving."""

    images: int
    weights: dict[str, Tensor]
    state: dict[str, Tensor]
    meta: dict[str, Any]
    path: Path
    skipped: Skipped = ()


@dataclass(frozen=True, slots=True)
class CheckpointInfo:
    """A checkpoint as its folder shows it, tensors unread.

    damage: why it cannot be used, '' if nothing is amiss at first sight (names and sizes).
    sequence: the how-manyth save of the run it is; the highest is the newest, whatever its images.
    """

    images: int
    path: Path
    size_bytes: int = 0
    sequence: int = 0
    created: str = ""
    meta: Mapping[str, Any] | None = None
    damage: str = ""

    @property
    def best(self) -> bool:
        """Whether it was the best so far when it was saved."""
        return bool((self.meta or {}).get("best"))


def save(
    folder: Path,
    images: int,
    weights: Mapping[str, Tensor],
    state: Mapping[str, Tensor],
    meta: Mapping[str, Any],
    *,
    keep: int,
    protected: Collection[int],
) -> Path:
    """Write a checkpoint into `folder`; see `Run.save`."""
    from ganwerk.run.tensors import tensor_bytes, write_tensors

    noted = _checked(meta, images)
    target = folder / f"{images:09d}"
    needed = tensor_bytes(weights) + tensor_bytes(state)
    # Errors are explained outside, when the half-written folder is gone: only then is the number
    # of free bytes the one that the user can do something about.
    with disk_errors(target, needed_bytes=needed):
        folder.mkdir(exist_ok=True)
        before = list_checkpoints(folder)
        temporary = unused_name(target, "new")
        try:
            temporary.mkdir()
            seals = {
                WEIGHTS: write_tensors(temporary / WEIGHTS, weights),
                STATE: write_tensors(temporary / STATE, state),
            }
            sequence = 1 + max((info.sequence for info in before), default=0)
            replace_bytes(temporary / META, _seal(images, sequence, noted, seals))
            _publish(temporary, target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    _prune(folder, target, keep, protected)
    return target


def list_checkpoints(folder: Path) -> list[CheckpointInfo]:
    """All checkpoints in `folder`, oldest save first. A damaged one stands behind the one with the
    next smaller number of images: its own place in the sequence may be unreadable."""
    infos = [
        _inspect(path) for path in folder.glob("[0-9]*") if path.name.isdigit() and path.is_dir()
    ]
    placed: list[tuple[tuple[int, int, int], CheckpointInfo]] = []
    before = 0
    for info in sorted(infos, key=lambda info: info.images):
        before = info.sequence or before
        placed.append(((before, int(not info.sequence), info.images), info))
    return [info for _, info in sorted(placed, key=lambda pair: pair[0])]


def load(folder: Path, at: int | str) -> Checkpoint:
    """Read weights and state; see `Run.load`."""
    info, weights, state, skipped = _read(folder, at, with_state=True)
    if not state:
        raise CheckpointError(
            f"{info.path} holds a generator alone: it draws, but cannot be trained.",
            "Go on with the run that it was made from.",
        )
    return Checkpoint(info.images, weights, state, dict(info.meta or {}), info.path, skipped)


def load_weights(folder: Path, at: int | str) -> Weights:
    """Read weights alone; see `Run.load_weights`."""
    info, weights, _, skipped = _read(folder, at, with_state=False)
    return Weights(info.images, weights, dict(info.meta or {}), info.path, skipped)


def mark_best(folder: Path, images: int, noted: Mapping[str, Any]) -> None:
    """Make the checkpoint at `images` the best one, and no other; see `Run.mark_best`."""
    for info in list_checkpoints(folder):
        best = info.images == images
        if info.damage or info.meta is None or not (best or info.best):
            continue
        told = {**info.meta, "best": best} | (dict(noted) if best else {})
        content = json.loads((info.path / META).read_bytes())
        content["meta"] = _checked(told, info.images)
        del content["blake2b"]
        content["blake2b"] = _digest(content)
        with disk_errors(info.path / META):
            replace_bytes(info.path / META, (json.dumps(content, indent=2) + "\n").encode())


def sweep(folder: Path) -> None:
    """Clear away what killed processes left behind. Only under the lock of the run.

    Raises MachineError.
    """
    with disk_errors(folder, "clean up"):
        for path in folder.glob(".*.old-*"):
            # Killed between taking the old one of this number away and putting the new one there
            target = folder / path.name[1:].partition(".")[0]
            if not target.exists():
                os.rename(path, target)
        for kind in ("new", "old", "gone"):
            for path in folder.glob(f".*.{kind}-*"):
                shutil.rmtree(path)


def _checked(meta: Mapping[str, Any], images: int) -> dict[str, Any]:
    """`meta` as JSON holds it. Raises DivergedError for a number that is not finite."""
    try:
        return {str(key): plain(value, str(key)) for key, value in meta.items()}
    except NotFiniteError as error:
        raise diverged(error, f"the checkpoint at {images} images") from error


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode()).hexdigest()


def _seal(images: int, sequence: int, meta: Mapping[str, Any], seals: Mapping[str, Seal]) -> bytes:
    """The content of meta.json: sizes and checksums, of the other files and of itself."""
    content: dict[str, Any] = {
        "images": images,
        "sequence": sequence,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "files": {name: asdict(seal) for name, seal in seals.items()},
        "meta": meta,
    }
    content["blake2b"] = _digest(content)
    return (json.dumps(content, indent=2) + "\n").encode()


def _publish(temporary: Path, target: Path) -> None:
    """Give a finished checkpoint its name, in the place of an older one of the same number."""
    sync_folder(temporary)
    if target.exists():
        aside = unused_name(target, "old")
        os.rename(target, aside)
        try:
            os.rename(temporary, target)
        except BaseException:
            os.rename(aside, target)
            raise
        shutil.rmtree(aside, ignore_errors=True)
    else:
        os.rename(temporary, target)
    sync_folder(target.parent)


def _prune(folder: Path, saved: Path, keep: int, protected: Collection[int]) -> None:
    """Remove all but the last `keep`, the newest best one and the protected ones.

    Only called when `saved` is complete on the disk, and never removes that one. Damaged ones go:
    nothing can be read from them. What cannot be removed (open in a reader on Windows) stays until
    the next time.
    """
    infos = list_checkpoints(folder)
    sound = [info for info in infos if not info.damage]
    kept = {saved, *(info.path for info in sound[-max(keep, 1) :])}
    kept |= {info.path for info in [info for info in sound if info.best][-1:]}
    kept |= {info.path for info in sound if info.images in protected}
    for info in infos:
        if info.path not in kept:
            gone = unused_name(info.path, "gone")
            try:
                os.rename(info.path, gone)  # so that no reader ever meets one half removed
            except OSError:
                continue
            shutil.rmtree(gone, ignore_errors=True)


def _inspect(path: Path) -> CheckpointInfo:
    """Read meta.json of one checkpoint and compare the names and sizes of the files."""
    images = int(path.name)
    try:
        content = json.loads((path / META).read_bytes())
    except FileNotFoundError:
        return CheckpointInfo(images, path, damage=f"{META} is missing")
    except OSError as error:
        return CheckpointInfo(images, path, damage=f"{META} cannot be read: {error.strerror}")
    except ValueError:
        return CheckpointInfo(images, path, damage=f"{META} is damaged")
    digest = content.pop("blake2b", None) if isinstance(content, dict) else None
    if digest is None or digest != _digest(content) or content["images"] != images:
        return CheckpointInfo(images, path, damage=f"{META} is damaged")
    damage = ""
    for name, seal in content["files"].items():
        try:
            size, wanted = (path / name).stat().st_size, seal["size_bytes"]
        except OSError:
            damage = damage or f"{name} is missing"
            continue
        if size != wanted:
            damage = damage or f"{name} has {size} bytes instead of {wanted}"
    return CheckpointInfo(
        images=images,
        path=path,
        size_bytes=sum(seal["size_bytes"] for seal in content["files"].values()),
        sequence=content["sequence"],
        created=content["created"],
        meta=content["meta"],
        damage=damage,
    )


def _read(
    folder: Path, at: int | str, *, with_state: bool
) -> tuple[CheckpointInfo, dict[str, Tensor], dict[str, Tensor], Skipped]:
    """The first checkpoint that `at` means and that is whole; those tried before it in `skipped`.

    Raises CheckpointError.
    """
    from ganwerk.run.tensors import DamagedError, Seal, read_tensors

    infos = list_checkpoints(folder)
    skipped: list[tuple[Path, str]] = []
    for info in _candidates(folder, infos, at):
        # Sampling can use the weights of a checkpoint whose state is damaged
        if info.damage and (with_state or info.meta is None):
            skipped.append((info.path, info.damage))
            continue
        try:
            files = json.loads((info.path / META).read_bytes())["files"]
            weights = read_tensors(info.path / WEIGHTS, Seal(**files[WEIGHTS]))
            state = read_tensors(info.path / STATE, Seal(**files[STATE])) if with_state else {}
        except (DamagedError, OSError) as error:
            skipped.append((info.path, str(error)))
            continue
        return info, weights, state, tuple(skipped)
    raise _none_left(folder, infos, at, skipped)


def _candidates(
    folder: Path, infos: list[CheckpointInfo], at: int | str
) -> Iterator[CheckpointInfo]:
    """What `at` may mean, the preferred one first. Raises CheckpointError if it means nothing."""
    if isinstance(at, str) and at.isdigit():
        at = int(at)
    if not infos:
        raise CheckpointError(
            f"The run {folder.parent} has no checkpoint.",
            "It ended before the first was saved: remove it and train again.",
        )
    if at == "latest":
        found = infos
    elif at == "best":
        # A best one whose meta.json is damaged cannot be told from others: better an older best
        found = [info for info in infos if info.best]
    elif isinstance(at, int):
        found = [info for info in infos if info.images == at]
    else:
        raise CheckpointError(
            f"'{at}' names no checkpoint.",
            did_you_mean(at, ["latest", "best", *(str(info.images) for info in infos)]),
        )
    if not found:
        existing = ", ".join(str(info.images) for info in infos)
        what = "marked as best" if at == "best" else f"at {at} images"
        raise CheckpointError(
            f"The run {folder.parent} has no checkpoint {what}.",
            f"There are: {existing}, and 'latest'.",
        )
    return reversed(found)


def _none_left(
    folder: Path,
    infos: list[CheckpointInfo],
    at: int | str,
    skipped: list[tuple[Path, str]],
) -> CheckpointError:
    reasons = "\n".join(f"  {path.name}: {reason}" for path, reason in skipped)
    tried = {path for path, _ in skipped}
    others = [str(info.images) for info in infos if not info.damage and info.path not in tried]
    if others:
        return CheckpointError(
            f"The checkpoint '{at}' of {folder.parent} cannot be used:\n{reasons}",
            f"Choose another one: {', '.join(others)}, or 'latest'.",
        )
    return CheckpointError(
        f"No checkpoint of {folder.parent} can be used:\n{reasons}",
        "Copy one back from a backup, or train again.",
    )

"""Checkpoints: all or nothing on the disk, checked on the way back, old ones thinned out.

Each is a folder named by the images seen, with weights.safetensors (what sampling needs),
state.safetensors (what going on needs besides) and meta.json, which seals the other two with size
and checksum and carries a checksum of itself.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganwerk.errors import CheckpointError, did_you_mean, typed
from ganwerk.run.files import (
    NotFiniteError,
    disk_errors,
    plain,
    remove_tree,
    replace_bytes,
    sync_folder,
    unused_name,
)
from ganwerk.run.index import (
    META,
    STATE,
    WEIGHTS,
    CheckpointInfo,
    list_checkpoints,
    new_index,
    read_index,
)
from ganwerk.run.journal import diverged

if TYPE_CHECKING:  # torch takes a second to import, and looking at a run does not need it
    from torch import Tensor

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
            replace_bytes(temporary / META, new_index(images, sequence, noted, seals).sealed())
            _publish(temporary, target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    _prune(folder, target, keep, protected)
    return target


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
        if not info.drawable or not (best or info.best):
            continue
        with disk_errors(info.path / META):
            index = read_index(info.path)
            told = {**index.meta, "best": best} | (dict(noted) if best else {})
            marked = index.model_copy(update={"meta": _checked(told, info.images)})
            replace_bytes(info.path / META, marked.sealed())


def sweep(folder: Path) -> None:
    """Clear away what killed processes left behind. Only under the lock of the run.

    What cannot be cleared away, a link or a file that is in use, is hidden and in nobody's way.
    """
    for path in folder.glob(".*.old-*"):
        # Killed between taking the old one of this number away and putting the new one there
        target = folder / path.name[1:].partition(".")[0]
        if not (target.exists() or target.is_symlink()):
            with suppress(OSError):
                os.rename(path, target)
    for kind in ("new", "old", "gone"):
        for path in folder.glob(f".*.{kind}-*"):
            remove_tree(path)


def _checked(meta: Mapping[str, Any], images: int) -> dict[str, Any]:
    """`meta` as JSON holds it. Raises DivergedError for a number that is not finite."""
    try:
        return {str(key): plain(value, str(key)) for key, value in meta.items()}
    except NotFiniteError as error:
        raise diverged(error, f"the checkpoint at {images} images") from error


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

    Only called when `saved` is complete on the disk, and never removes that one. One that lacks its
    state alone still draws and stays like any other. Damaged ones go: nothing can be read from
    them. What cannot be read now stays, since it may be the best; so does what cannot
    be removed (open in a reader on Windows), until the next time. Of a link, the link goes.
    """
    infos = list_checkpoints(folder)
    sound = [info for info in infos if not info.damage]
    drawable = [info for info in infos if info.drawable]
    last = slice(-max(keep, 1), None)
    kept = {saved, *(info.path for info in (*sound[last], *drawable[last]))}
    kept |= {info.path for info in [info for info in drawable if info.best][-1:]}
    kept |= {info.path for info in drawable if info.images in protected}
    kept |= {info.path for info in infos if info.unreadable}
    drop(info.path for info in infos if info.path not in kept)


def drop(paths: Iterable[Path]) -> None:
    """Remove these checkpoints. What cannot be removed stays."""
    for path in paths:
        gone = unused_name(path, "gone")
        try:
            os.rename(path, gone)  # so that no reader ever meets one half removed
        except OSError:
            continue
        remove_tree(gone)


def _read(
    folder: Path, at: int | str, *, with_state: bool
) -> tuple[CheckpointInfo, dict[str, Tensor], dict[str, Tensor], Skipped]:
    """The first checkpoint that `at` means and that is whole; those tried before it in `skipped`.

    Raises CheckpointError.
    """
    from ganwerk.run.tensors import DamagedError, read_tensors

    infos = list_checkpoints(folder)
    skipped: list[tuple[Path, str]] = []
    for info in _candidates(folder, infos, at):
        # Sampling can use the weights of a checkpoint whose state is damaged
        if info.damage and (with_state or info.meta is None):
            skipped.append((info.path, info.damage))
            continue
        try:
            files = read_index(info.path).files
            weights = read_tensors(info.path / WEIGHTS, files[WEIGHTS])
            state = read_tensors(info.path / STATE, files[STATE]) if with_state else {}
        except OSError as error:
            skipped.append((info.path, f"it cannot be read: {error.strerror or error}"))
            continue
        except (DamagedError, ValueError, LookupError) as error:
            skipped.append((info.path, str(error)))
            continue
        return info, weights, state, tuple(skipped)
    raise _none_left(folder, infos, at, skipped)


def _candidates(
    folder: Path, infos: list[CheckpointInfo], at: int | str
) -> Iterator[CheckpointInfo]:
    """What `at` may mean, the preferred one first. Raises CheckpointError if it means nothing."""
    if isinstance(at, str) and at.isascii() and at.isdecimal():
        at = int(at)
    if not infos:
        raise CheckpointError(
            f"The run {folder.parent} has no checkpoint.",
            f"It ended before the first was saved. Begin it: ganwerk resume {typed(folder.parent)}",
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
    hint = "Copy one back from a backup, or train again."
    if any(info.unreadable for info in infos):
        hint = "Check that its disk is connected and the permissions are right, then try again."
    return CheckpointError(f"No checkpoint of {folder.parent} can be used:\n{reasons}", hint)

"""Writing shards: pictures decoded once, in files that are fetched whole."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

import ganwerk
from ganwerk.data.cache import replacing
from ganwerk.data.digests import digest_of
from ganwerk.data.pictures import Pictures
from ganwerk.data.shards.index import FORMAT, INDEX, MOST_SHARD_BYTES, VERSION, Index, order, parse
from ganwerk.errors import ConfigError, DataError, MachineError, typed
from ganwerk.values import Progress, ProgressCallback

SHARD_MB, LEAST_SHARD_MB = 48, 0.001
MOST_CLASSES = 65_536


def write_shards(
    pictures: Pictures,
    target: Path,
    *,
    shard_mb: float = SHARD_MB,
    force: bool = False,
    progress: ProgressCallback,
) -> Index:
    """Write the pictures into the folder `target`, in an order that makes each shard a sample of
    all, and index.json last: it says that the rest is complete.

    Raises ConfigError for a target that is taken or another size than 0.001 to 1,024 MiB,
    MachineError if the disk does not take it, DataError for too many classes.
    """
    _check(pictures, target, shard_mb, force)
    try:
        target.mkdir(parents=True, exist_ok=True)
        _require_room(target, len(pictures) * _record_bytes(pictures))
        (target / INDEX).unlink(missing_ok=True)
        parts = _written(pictures, target, int(shard_mb * 2**20), progress)
        text = json.dumps(_about(pictures) | parts, indent=1).encode("ascii")
        _write(target / INDEX, text)
    except OSError as error:
        raise MachineError(
            f"The shards cannot be written to {target}: {error.strerror or error}.",
            "Choose a folder that can be written, on a disk with enough room.",
        ) from error
    return parse(text, str(target / INDEX))


def _about(pictures: Pictures) -> dict[str, Any]:
    """The index without its files."""
    # Shards may be put on a server: where they were made is nobody's business.
    health = replace(pictures.health, where=Path(pictures.health.where).name)
    return {
        "format": FORMAT,
        "version": VERSION,
        "ganwerk": ganwerk.__version__,
        "resolution": pictures.images.shape[2],
        "channels": pictures.images.shape[1],
        "fit": pictures.fit,
        "pictures": len(pictures),
        "shuffled": True,
        "class_names": pictures.class_names,
        "health": health.to_dict(),
    }


def _written(
    pictures: Pictures, target: Path, shard_bytes: int, progress: ProgressCallback
) -> dict[str, Any]:
    """Write the files of pictures and classes; what the index says of them. Raises OSError."""
    per_shard = max(1, shard_bytes // _record_bytes(pictures))
    places = order(len(pictures))
    starts = range(0, len(places), per_shard)
    shards, labels = [], None
    for number, start in enumerate(starts):
        chosen = places[start : start + per_shard]
        entry = _write(
            target / f"shard-{number:05d}.bin",
            np.ascontiguousarray(pictures.images[chosen]).tobytes(),
        )
        shards.append({**entry, "pictures": len(chosen)})
        progress(Progress("writing shards", number + 1, len(starts), "shards"))
    if pictures.labels is not None:
        labels = _write(target / "labels.bin", pictures.labels.astype("<u2").tobytes())
    return {"shards": shards, "labels": labels}


def _record_bytes(pictures: Pictures) -> int:
    return int(np.prod(pictures.images.shape[1:]))


def _check(pictures: Pictures, target: Path, shard_mb: float, force: bool) -> None:
    if not LEAST_SHARD_MB <= shard_mb <= MOST_SHARD_BYTES / 2**20:
        raise ConfigError(
            f"Shards of {shard_mb:g} MiB are not possible.", "Choose 0.001 to 1024: --shard-mb 48"
        )
    if len(pictures.class_names) > MOST_CLASSES:
        raise DataError(
            f"The pictures have {len(pictures.class_names):,} classes; shards hold up to "
            f"{MOST_CLASSES:,}.",
            "Put several classes into one folder.",
        )
    if target.is_dir():
        others = [name for name in os.listdir(target) if not _ours(name)]
        if others or ((target / INDEX).exists() and not force):
            what = f"other files ({others[0]})" if others else "shards already"
            hint = "Choose another folder" + ("." if others else ", or overwrite them: --force")
            raise ConfigError(f"The folder {target} holds {what}.", hint)
    elif os.path.lexists(target):
        raise ConfigError(f"{target} is no folder.", f"Choose another: {typed(target)}-shards")


def _ours(name: str) -> bool:
    return name in (INDEX, "labels.bin") or name.startswith(("shard-", f"{INDEX}.", "labels.bin."))


def _require_room(target: Path, need: int) -> None:
    free = shutil.disk_usage(target).free
    if free < need:
        raise MachineError(
            f"The shards take {need / 2**20:,.0f} MiB, and {free / 2**20:,.0f} MiB are free on the "
            f"disk of {target}.",
            "Choose a folder on a larger disk, or a smaller --resolution.",
        )


def _write(path: Path, content: bytes) -> dict[str, str]:
    with replacing(path) as file:
        file.write(content)
    return {"file": path.name, "digest": digest_of(content)}

"""`ganwerk publish`: a run or an export as a web page that draws in the visitor's browser."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ganwerk.errors import ConfigError, MachineError
from ganwerk.publish.export import exported_files
from ganwerk.publish.exported import (
    NAMES,
    SPACE,
    Exported,
    is_export,
    open_export,
    read,
)
from ganwerk.publish.folder import check_folder, replace_folder
from ganwerk.publish.site import GENERATOR, one_file, site_files
from ganwerk.publish.webruntime import web_runtime
from ganwerk.run import Run
from ganwerk.run.files import disk_errors, human_bytes, to_json, write_bytes
from ganwerk.run.pictures import make_folder
from ganwerk.values import ProgressCallback, ignore_progress

KIND = "site"
GZIP = b"\x1f\x8b"
"""Of RFC 1952: what is packed already gets no smaller."""
LARGEST_SERVED = 25 << 20
"""Bytes of a file; more than one static host refuses larger ones."""
HEAD = 4096


@dataclass(frozen=True)
class Published:
    """A page. files: how many. stored: bytes in all. wire: bytes that a browser loads before the
    first picture, on a host that packs what it sends."""

    target: Path
    files: int
    stored: int
    wire: int
    warnings: tuple[str, ...] = ()


def publish(
    source: Path,
    target: Path,
    *,
    single: bool = False,
    runtime: Path | None = None,
    precision: str = "float16",
    at: str | int = "latest",
    title: str | None = None,
    licence: str = "",
    progress: ProgressCallback = ignore_progress,
) -> Published:
    """Make a page of a run, or of an export as it lies there, card and all.

    target: a new or empty folder, or an earlier site; if `single`, an HTML file. runtime: the npm
    package onnxruntime-web as a file; None takes the one that was fetched before, or fetches it.
    precision, at, title, licence: as of `export`, for a run.
    Raises what `export` raises, MachineError for a target in use; nothing is half-written.
    """
    if single:
        _check_file(target)
    else:
        check_folder(target, KIND)
    as_it_is = is_export(source)
    if not as_it_is:
        Run.open(source)  # before anything is fetched
    elif title is not None or licence or at != "latest" or precision != "float16":
        raise ConfigError(
            f"{source} is an export and is published as it is.",
            "Name the run instead, or edit card.md in the export.",
        )
    parts = web_runtime(runtime, progress)
    warnings: tuple[str, ...] = ()
    if as_it_is:
        about = open_export(source)
        model = {name: read(source / name) for name in NAMES}
    else:
        model, told = exported_files(source, precision, at, title, licence, progress)
        about = Exported.model_validate(json.loads(model[SPACE]))
        warnings = tuple(told["warnings"])
    model[SPACE] = to_json(about.model_dump())  # what is known of it, and nothing else
    if single:
        content = one_file(about, model, parts)
        make_folder(target.parent)
        write_bytes(target, content)
        return Published(target, 1, len(content), len(gzip.compress(content, 6)), warnings)
    files = site_files(about, model, parts)
    _check_sizes(files)
    replace_folder(target, KIND, files)
    return Published(target, len(files), sum(map(len, files.values())), _wire(files), warnings)


def _check_file(target: Path) -> None:
    """Raises MachineError for a file that no earlier `publish` wrote."""
    with disk_errors(target, "read"):
        if target.is_dir():
            raise MachineError(f"{target} is a folder.", "Name a file: fruit.html --one-file")
        if not target.exists():
            return
        with target.open("rb") as file:
            known = GENERATOR.encode() in file.read(HEAD)
    if not known:
        raise MachineError(
            f"{target} exists already, and is no page that ganwerk published.",
            "Name another file.",
        )


def _check_sizes(files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        if len(content) > LARGEST_SERVED:
            raise MachineError(
                f"{name} would have {human_bytes(len(content))}, and static hosts refuse files of "
                "more than 25 MiB.",
                "Store the weights in half precision (--precision float16), or train a narrower "
                "network: --set network.generator_width=32",
            )


def _wire(files: Mapping[str, bytes]) -> int:
    """Bytes before the first picture, each file packed if that makes it smaller."""
    needed = [
        content
        for name, content in files.items()
        if "gpu" not in name and not name.startswith(("_", "runtime/LICENSE", "runtime/Third"))
    ]
    return sum(
        len(content)
        if content.startswith(GZIP)
        else min(len(content), len(gzip.compress(content, 6)))
        for content in needed
    )

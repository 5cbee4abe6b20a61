"""Folders that ganwerk itself wrote: their pictures are results, not data."""

from __future__ import annotations

import re
from collections.abc import Iterable

_RUN = ("run.toml", "about.json", "journal.jsonl")
_RESULTS = (
    {"experiment.json", "result.json"},
    {"compare.png", "result.json"},
    {"project.json", "place.safetensors"},
    {"directions.json", "directions.safetensors"},
)
_EVALUATION = re.compile(r"(?:^|/)(?:course|\d{9})-[0-9a-f]{8}\.png$")
_MARKS = {*_RUN, *(name for marks in _RESULTS for name in marks)}


def own_folders(files: Iterable[str]) -> dict[str, bool]:
    """Folder ('' for the outermost) -> whether it is a run, of those that ganwerk wrote.

    A run is known by two of its records, so that one of which a part was lost is still no data.
    """
    marks: dict[str, set[str]] = {}
    for path in files:
        folder, _, name = path.rpartition("/")
        if name in _MARKS:
            marks.setdefault(folder, set()).add(name)
    found = {}
    for folder, names in marks.items():
        is_run = len(names.intersection(_RUN)) > 1
        if is_run or any(wanted <= names for wanted in _RESULTS):
            found[folder] = is_run
    return found


def own_figures(files: Iterable[str]) -> set[str]:
    """Figures that an evaluation wrote beside its numbers of the same name."""
    known = set(files)
    figures = filter(_EVALUATION.search, known)
    return {path for path in figures if f"{path.removesuffix('.png')}.json" in known}


def is_inside(path: str, folders: Iterable[str]) -> bool:
    """Whether the relative path lies in one of the relative folders."""
    return any(path.startswith(f"{folder}/") for folder in folders)

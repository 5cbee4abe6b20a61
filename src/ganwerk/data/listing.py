"""Which files of a folder or archive are pictures, and what is said of all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from posixpath import commonpath, dirname

from ganwerk.data.classes import labels_of
from ganwerk.data.decode import UnreadableError
from ganwerk.data.formats import is_hidden, is_picture_name, suffix_of
from ganwerk.data.health import HealthLine, Severity, listed
from ganwerk.data.labelled import LABEL_FILE, NoLabelFileError, labels_from_file
from ganwerk.data.own import is_inside, own_figures, own_folders
from ganwerk.data.sources import Labels
from ganwerk.data.unpack import packed_suffix, unpack_hint
from ganwerk.errors import DataError, escaped, typed


@dataclass(frozen=True)
class Tree:
    """All that lies in a place, by relative paths with '/'.

    special: what is no ordinary file -> what it is. outside: links that lead out of the place.
    """

    files: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    special: dict[str, str] = field(default_factory=dict)
    outside: list[str] = field(default_factory=list)


Reader = Callable[[str], bytes]
"""The content of a file by its relative path. Raises OSError or UnreadableError."""


@dataclass(frozen=True)
class Listing:
    """What a place holds. names: its pictures, sorted. label_file: where their labels come from, if
    that is a file. ignored, remarks: see `sources.Source`."""

    names: tuple[str, ...]
    labels: Labels | None
    label_file: str | None
    ignored: dict[str, int]
    remarks: tuple[HealthLine, ...]


def list_pictures(where: str, tree: Tree, read: Reader, *, unpacked: bool) -> Listing:
    """Sorts out what lies in `where`.

    unpacked: whether that is a folder. Hidden files are dropped, and so is what ganwerk wrote
    itself; other files are counted by suffix. Raises DataError where there is no picture.
    """
    own = own_folders(tree.files)
    if own.pop("", False):
        raise DataError(
            f"{where} is a run of ganwerk, not a place of pictures.",
            f"To go on with it: ganwerk resume {typed(where)}",
        )
    figures = own_figures(tree.files)
    files = sorted(path for path in tree.files if not is_inside(path, own) and path not in figures)
    visible = [path for path in files if not is_hidden(path)]
    names = [path for path in visible if is_picture_name(path)]
    others = [path for path in visible if not is_picture_name(path)]
    if not names:
        raise _no_pictures(where, others, tree.special, unpacked=unpacked)
    labels, label_file, remarks = _labels(where if unpacked else "", names, others, read)
    ignored = Counter(map(_kind, others)) - Counter([".json"] if label_file else [])
    hidden = [path for path in files if is_hidden(path) and is_picture_name(path)]
    hidden += [path for path in tree.folders if is_hidden(path) and not is_hidden(dirname(path))]
    special = [f"{path} ({kind})" for path, kind in tree.special.items()]
    empty = _without_pictures(tree.folders, names, [*own, *map(dirname, figures)])
    found: tuple[tuple[Severity, Sequence[str], str], ...] = (
        ("warning", special, "Passed over, because it cannot be read like a file"),
        ("warning" if labels else "note", empty, "Folders without a picture"),
        ("note", [*own, *figures], "Passed over, because ganwerk itself wrote it"),
        ("note", hidden, "Passed over, because hidden"),
        ("note", tree.outside, "Links that lead out of the folder were followed"),
        ("note", [path for path in others if packed_suffix(path)], "Not unpacked, so not used"),
    )
    remarks += [
        HealthLine(severity, f"{what}: {listed(paths)}.")
        for severity, paths, what in found
        if paths
    ]
    return Listing(tuple(names), labels, label_file, dict(ignored), tuple(remarks))


def _kind(path: str) -> str:
    return suffix_of(path) or "no suffix"


def _labels(
    where: str, names: Sequence[str], others: Sequence[str], read: Reader
) -> tuple[Labels | None, str | None, list[HealthLine]]:
    """Labels from a file around all pictures, else from the folders."""
    around = commonpath([dirname(name) for name in names])
    places = ["", *(f"{folder}/" for folder in _chain(around))]
    files = set(others)
    path = next((place for place in places if f"{place}{LABEL_FILE}" in files), None)
    damaged: list[HealthLine] = []
    if path is not None:
        try:
            labels, remarks = labels_from_file(read(f"{path}{LABEL_FILE}"), names, path)
            return labels, f"{path}{LABEL_FILE}", remarks
        except NoLabelFileError as error:
            damaged = [HealthLine("warning", str(error))] if str(error) else []
        except (OSError, UnreadableError) as error:
            damaged = [HealthLine("warning", f"{LABEL_FILE} cannot be used: {error}.")]
    labels, remarks = labels_of(names, where)
    return labels, None, [*damaged, *remarks]


def _without_pictures(
    folders: Iterable[str], names: Sequence[str], own: Iterable[str]
) -> list[str]:
    """The outermost folders with no picture below them and nothing that ganwerk wrote."""
    full = {folder for name in names for folder in _chain(dirname(name))}
    full.update(around for folder in own for around in _chain(folder))
    empty = {
        folder
        for folder in folders
        if folder not in full and not is_hidden(folder) and not is_inside(folder, own)
    }
    return sorted(folder for folder in empty if dirname(folder) not in empty)


def _chain(folder: str) -> list[str]:
    """'a/b' -> ['a', 'a/b']."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]


def _no_pictures(
    where: str, others: Sequence[str], special: Mapping[str, str], *, unpacked: bool
) -> DataError:
    message = f"There are no pictures in {'the folder' if unpacked else 'the zip file'} {where}."
    packed = next((path for path in others if packed_suffix(path)), None)
    if packed and unpacked:
        return DataError(message, unpack_hint(Path(where, packed), packed_suffix(packed)))
    if packed:
        inner = f"It holds {escaped(packed)}, which is packed itself."
        return DataError(message, f"{inner}\n{unpack_hint(Path(where), '.zip')}")
    counts = Counter(map(_kind, others)) + Counter(special.values())
    if counts:
        found = ", ".join(f"{kind} ({count:,})" for kind, count in sorted(counts.items())[:8])
        hint = f"Found other files only: {found}. Convert them to JPEG, PNG, WebP or TIFF."
    else:
        hint = "It is empty. Put JPEG, PNG, WebP, TIFF, BMP or GIF files into it."
    return DataError(message, hint)

"""Which folders are classes, and which are parts of a set, running numbers or mere wrapping."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from ganwerk.data.health import HealthLine, listed
from ganwerk.data.sources import Labels
from ganwerk.errors import escaped, typed

PARTS = frozenset({"train", "training", "test", "testing", "val", "valid", "validation", "dev",
                   "eval", "evaluation", "holdout", "pred"})  # fmt: skip
"""Words that name a part of a set, not what its pictures show."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_NUMBERED = re.compile(r"(?:^|/)(\d{5,})/(?:img)?(\d{5,})\.\w+$")

Folders = tuple[str, ...]
Found = tuple[list[str] | None, list[HealthLine]]
"""The class of each picture, or None; and what to say of it."""


def labels_of(names: Sequence[str], where: str = "") -> tuple[Labels | None, list[HealthLine]]:
    """Classes of pictures by the folders of their relative paths, and how they were understood.

    The first folders are the classes, if every picture lies in one and there are at least two. A
    single folder around all others is looked into, and so are the parts of a set ('train', 'test').
    Folders of running numbers, as StyleGAN and FFHQ make them, are no classes.
    where: the folder that holds them all, '' where it is none.
    """
    if _are_running_numbers(names):
        told = "The folders are running numbers, not classes."
        return None, [HealthLine("note", told)]
    classes, remarks = _by_folder(names, [tuple(name.split("/")[:-1]) for name in names], where)
    if classes is None:
        return None, remarks
    values, numbers = np.unique(np.array(classes, object), return_inverse=True)
    return Labels(numbers.astype(np.int64), tuple(values.tolist())), remarks


def _by_folder(names: Sequence[str], folders: Sequence[Folders], where: str) -> Found:
    """folders: those of each name that are still to be understood."""
    heads = sorted({path[0] for path in folders if path})
    loose = [name for name, path in zip(names, folders, strict=True) if not path]
    if not heads:
        return None, []
    if loose:
        return _beside_loose(names, folders, loose, where)
    if len(heads) == 1:
        inner, remarks = _by_folder(
            names, [path[1:] for path in folders], where and f"{where}/{heads[0]}"
        )
        if inner is None:
            return None, remarks
        around = f"All pictures lie in the folder '{escaped(heads[0])}'; the classes are inside it."
        return inner, [HealthLine("note", around), *remarks]
    parts = {head: part for head in heads if (part := _part_of(head)) is not None}
    if len({word for word, _ in parts.values()}) > 1:
        if len(parts) == len(heads):
            return _in_parts(names, folders, parts, where)
        if sum(not rest for _, rest in parts.values()) > 1:
            return [path[0] for path in folders], [_warn_mixed(parts, heads, where)]
    return [path[0] for path in folders], []


def _beside_loose(
    names: Sequence[str], folders: Sequence[Folders], loose: Sequence[str], where: str
) -> Found:
    """Pictures outside of every folder: there are no classes, and if there are any without them,
    that is worth a word."""
    inside = [pair for pair in zip(names, folders, strict=True) if pair[1]]
    found, remarks = _by_folder([name for name, _ in inside], [path for _, path in inside], where)
    if found is None:
        return None, remarks
    more = f" and {len(loose) - 1:,} more" if len(loose) > 1 else ""
    told = (
        f"There are no classes: {escaped(loose[0])}{more} beside the folders {listed(set(found))}. "
        "Move what lies beside them away, and each folder is a class."
    )
    return None, [*(line for line in remarks if line.severity == "warning"),
                  HealthLine("warning", told)]  # fmt: skip


def _in_parts(
    names: Sequence[str], folders: Sequence[Folders], parts: dict[str, tuple[str, str]], where: str
) -> Found:
    """Every first folder names a part of a set."""
    rests = {rest for _, rest in parts.values()}
    words = {word for word, _ in parts.values()}
    in_all = len(parts) == len(rests) * len(words)
    told = f"The folders {listed(parts)} are parts of a set, not classes; all of them are used"
    if len(rests) > 1 and in_all and "" not in rests:
        line = HealthLine("warning", f"{told}. The classes are what else their names say.")
        return [parts[path[0]][1] for path in folders], [line]
    # Archives often hold seg_train/seg_train/...: the same name is the same part.
    inner = [path[2:] if path[1:2] == path[:1] else path[1:] for path in folders]
    classes, remarks = _by_folder(names, inner, where)
    line = HealthLine("warning", f"{told}. If that is not what you want, {_alone(where, parts)}")
    return classes, [line, *remarks]


def _part_of(folder: str) -> tuple[str, str] | None:
    """(the word that names a part of a set, what else the name says), or None without one.

    'train' -> ('train', ''), 'cats_Test' -> ('test', 'cats'), 'trainA' -> ('train', 'A'). Numbers
    alone say nothing: 'val2017' -> ('val', '').
    """
    for word in _WORDS.finditer(folder):
        if word[0].lower() in PARTS:
            rest = folder[: word.start()].rstrip(" _-.") + folder[word.end() :].lstrip(" _-.")
            return word[0].lower(), "" if rest.isdigit() else rest
    return None


def _warn_mixed(parts: dict[str, tuple[str, str]], heads: Sequence[str], where: str) -> HealthLine:
    others = listed(head for head in heads if head not in parts)
    return HealthLine(
        "warning",
        f"{listed(parts)} are taken for classes, because {others} stands beside them. If they are "
        f"parts of a set, {_alone(where, parts)}",
    )


def _alone(where: str, parts: dict[str, tuple[str, str]]) -> str:
    """How to train on one part, that for training where there is one."""
    part = max(parts, key=lambda head: parts[head][0].startswith("train"))
    if where:
        return f"train on one alone: ganwerk train {typed(f'{where}/{part}')}"
    return f"unpack the file and name the folder of one alone, {escaped(part)}."


def _are_running_numbers(names: Sequence[str]) -> bool:
    """Whether every folder is the thousand that the number of the file is in."""
    for name in names:
        found = _NUMBERED.search(name)
        if found is None:
            return False
        folder, thousand = int(found[1]), int(found[2]) // 1000
        if folder not in (thousand, thousand * 1000):
            return False
    return bool(names)

"""Labels in `dataset.json`, as the StyleGAN tools write them beside the pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ganwerk.data.health import HealthLine
from ganwerk.data.sources import Labels
from ganwerk.errors import escaped

LABEL_FILE = "dataset.json"


class NoLabelFileError(Exception):
    """The file is something else; the text says what where that matters, or is empty."""


def labels_from_file(
    content: bytes, names: Sequence[str], folder: str
) -> tuple[Labels | None, list[HealthLine]]:
    """Labels of `names`, which are paths below `folder` ('' or with '/' at the end), and what to
    say of them.

    The file is {"labels": [[path, number], ...]}, a table of the same, or null for none. Raises
    NoLabelFileError.
    """
    given = _given(content)
    if given is None:
        return None, [HealthLine("note", f"{LABEL_FILE} gives no labels, so there are no classes.")]
    whole = all(type(value) is int for value in given.values())
    unlabelled = [name for name in names if name.removeprefix(folder) not in given]
    if not whole:
        reason = "its labels are no whole numbers"
    elif unlabelled:
        reason = (
            f"it names no label for {len(unlabelled):,} of {len(names):,} pictures, for example "
            f"{escaped(unlabelled[0])}"
        )
    else:
        return _numbered([given[name.removeprefix(folder)] for name in names], len(given))
    return None, [HealthLine("warning", f"The labels in {LABEL_FILE} are not used: {reason}.")]


def _numbered(numbers: list[int], given: int) -> tuple[Labels | None, list[HealthLine]]:
    classes = sorted(set(numbers))
    lines = []
    if given > len(numbers):
        lines.append(
            HealthLine(
                "warning",
                f"{LABEL_FILE} names {given - len(numbers):,} pictures that are not there.",
            )
        )
    if len(classes) < 2:
        only = f"All labels in {LABEL_FILE} are {classes[0]}, so there are no classes."
        return None, [HealthLine("note", only), *lines]
    place = {number: index for index, number in enumerate(classes)}
    values = np.array([place[number] for number in numbers], np.int64)
    told = HealthLine("note", f"The classes are the labels in {LABEL_FILE}.")
    return Labels(values, tuple(map(str, classes))), [told, *lines]


def _given(content: bytes) -> dict[str, Any] | None:
    try:
        read = json.loads(content)
    except (ValueError, RecursionError):
        raise NoLabelFileError(f"{LABEL_FILE} is damaged: it is no JSON.") from None
    if not isinstance(read, dict) or "labels" not in read:
        raise NoLabelFileError("")
    labels = read["labels"]
    if labels is None or labels == []:
        return None
    try:
        pairs = dict(labels)
        return {path.replace("\\", "/").removeprefix("./"): value for path, value in pairs.items()}
    except (TypeError, ValueError, AttributeError):
        raise NoLabelFileError(
            f"The labels in {LABEL_FILE} are no pairs of path and number."
        ) from None

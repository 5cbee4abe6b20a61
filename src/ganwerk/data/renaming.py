"""Other names for the classes that were found; two classes of one name are one class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ganwerk.data.health import HealthLine
from ganwerk.data.pictures import Pictures
from ganwerk.errors import ConfigError, DataError, did_you_mean, escaped

MOST_LETTERS = 100
_EXAMPLE = "Write it as --rename-class OLD=NEW, for example --rename-class n01440764=fish"


def renamed(pictures: Pictures, changes: Sequence[str]) -> Pictures:
    """The pictures with classes called otherwise. changes: 'old=new', all at once, so that two
    classes may swap their names. A class keeps its place among the classes; classes that come to
    have one name are one, in the place of the first of them.

    Raises ConfigError for a change that cannot be read, DataError for a class that is not there.
    """
    if not changes:
        return pictures
    found = pictures.class_names
    new_of: dict[str, str] = {}
    for change in changes:
        old, new = _parsed(change, found, pictures.health.where)
        if new_of.setdefault(old, new) != new:
            raise ConfigError(
                f"The class '{old}' cannot be called both '{new_of[old]}' and '{new}'.",
                "Give each class one --rename-class.",
            )
    wanted = [new_of.get(name, name) for name in found]
    names = tuple(dict.fromkeys(wanted))
    number_of = np.array([names.index(name) for name in wanted], np.int64)
    counts = np.bincount(number_of, pictures.health.class_counts, len(names)).astype(int).tolist()
    told = ", ".join(f"{escaped(old)} as {escaped(new)}" for old, new in new_of.items())
    known = len(names) > 1
    health = replace(
        pictures.health,
        class_names=names if known else (),
        class_counts=tuple(counts) if known else (),
        remarks=(*pictures.health.remarks, HealthLine("note", f"Classes are renamed: {told}.")),
    )
    assert pictures.labels is not None
    return replace(
        pictures,
        labels=number_of[pictures.labels] if known else None,
        class_names=names if known else (),
        health=health,
    )


def _parsed(change: str, found: Sequence[str], where: str) -> tuple[str, str]:
    """(the class as it was found, its new name). A name may hold '=': the class decides."""
    ends = [place for place, letter in enumerate(change) if letter == "="]
    if not ends:
        raise ConfigError(f"'{escaped(change)}' gives no class another name.", _EXAMPLE)
    old = next((change[:end] for end in ends if change[:end] in found), None)
    if old is None:
        hint = did_you_mean(change[: ends[0]], found) if found else "Each sub-folder is a class."
        raise DataError(f"{where} has no class '{escaped(change[: ends[0]])}'.", hint)
    new = change[len(old) + 1 :].strip()
    if not new or not new.isprintable() or len(new) > MOST_LETTERS:
        raise ConfigError(
            f"The class '{old}' cannot be called '{escaped(new)}'.",
            f"A name has 1 to {MOST_LETTERS} letters, digits, signs.",
        )
    return old, new

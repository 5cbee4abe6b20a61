"""What can go wrong, in the words of the person who has to mend it.

GanwerkError          one clear sentence, one hint, an exit code
├── DataError         the pictures: missing, unreadable, empty, too few
├── ConfigError       a setting: unknown, of the wrong type, in conflict with another
├── RunError          a run directory: missing, occupied, changed, of a newer version
│   └── CheckpointError   a checkpoint: damaged or absent
├── MachineError      the machine: memory, disk, permissions, device
└── DivergedError     the training itself: a number that is not finite (exit code 1)

Everything a user can cause is a subclass of GanwerkError and ends the command with exit
code 2 and no traceback. Anything else that escapes is a defect of ganwerk.
"""

from __future__ import annotations

import difflib
import os
import shlex
import subprocess
from collections.abc import Iterable

_MOST_LISTED = 40


class GanwerkError(Exception):
    """A failure with a cure.

    message: what is wrong, with the value and the file or setting it stands in.
    hint: what the user can do about it.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n{self.hint}" if self.hint else self.message


class DataError(GanwerkError):
    """The pictures cannot be used as they are."""


class ConfigError(GanwerkError):
    """A setting is unknown, malformed or contradicts another."""


class RunError(GanwerkError):
    """The run directory cannot be used as asked."""


class CheckpointError(RunError):
    """No checkpoint of the run can be read."""


class MachineError(GanwerkError):
    """The machine lacks what the task needs: memory, disk, a permission, a device."""


class DivergedError(GanwerkError):
    """A loss, logit or weight stopped being a finite number."""

    exit_code = 1


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """A hint that names the closest option, whatever its case, else all of them (the first 40).

    >>> did_you_mean("dcgn", ["mlp", "dcgan"])
    "Did you mean 'dcgan'?"
    """
    known = sorted(options)
    folded = {option.casefold(): option for option in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    if close:
        return f"Did you mean '{folded[close[0]]}'?"
    more = f" and {len(known) - _MOST_LISTED:,} more" if len(known) > _MOST_LISTED else ""
    return f"Possible: {', '.join(known[:_MOST_LISTED])}{more}."


def typed(path: object) -> str:
    """A path (or a word) as one can paste it into a shell, whatever it is named.

    A leading dash or tilde gets ./ before it, so that it is no option and nobody's home; what is
    not printable, bytes that are no UTF-8 included, is written out in $'...' (bash, zsh, POSIX).

    >>> typed("my run")
    "'my run'"
    >>> typed("-x")
    './-x'
    """
    text = str(path)
    if text.startswith(("-", "~")):
        text = f".{os.sep}{text}"
    if os.name == "nt":
        return subprocess.list2cmdline([text])
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(map(_written_out, text)) + "'"


def _written_out(character: str) -> str:
    if character.isprintable() and character not in "'\\":
        return character
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(character))

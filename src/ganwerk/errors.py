"""What can go wrong, in the words of the person who has to mend it.

GanwerkError          one clear sentence, one hint, an exit code
├── DataError         the pictures: missing, unreadable, empty, too few
├── ConfigError       a setting: unknown, of the wrong type, in conflict with another
├── RunError          a run directory: missing, occupied, changed, of a newer version
│   └── CheckpointError   a checkpoint: damaged or absent
├── MachineError      the machine: memory, disk, permissions, device
│   └── PeerError         another process of the same training is gone or disagrees
│       └── FollowedError     what process 0 of the training has said already
└── DivergedError     the training itself: a number that is not finite (exit code 1)

Everything a user can cause is a subclass of GanwerkError and ends the command with exit
code 2 and no traceback. Anything else that escapes is a defect of ganwerk.
"""

from __future__ import annotations

import difflib
import os
import re
import shlex
import subprocess
from collections.abc import Iterable

_MOST_LISTED = 40


class GanwerkError(Exception):
    """A failure with a cure.

    message: what is wrong, with the value and the file or setting it stands in.
    hint: what the user can do about it. Both are made `printable`.
    """

    exit_code = 2

    def __init__(self, message: str, hint: str = "") -> None:
        self.message = printable(message)
        self.hint = printable(hint)
        super().__init__(self.message)

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


class PeerError(MachineError):
    """Another process of the same training is gone, or disagrees."""


class FollowedError(PeerError):
    """What process 0 of the training has said already."""


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
    return quoted(text)


def quoted(text: str) -> str:
    """A text as one word of a shell, whatever is in it.

    >>> quoted("-x $y")
    "'-x $y'"
    """
    if os.name == "nt":
        return subprocess.list2cmdline([text])
    if text.isprintable():
        return shlex.quote(text)
    return "$'" + "".join(map(_written_out, text)) + "'"


def _written_out(character: str) -> str:
    if character.isprintable() and character not in "'\\":
        return character
    return "".join(f"\\{byte:03o}" for byte in os.fsencode(character))


_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters but tab and line break, what turns the direction of writing, and bytes of file
names that are no text. Letters of all scripts and joined emoji are none of these."""


def printable(text: str) -> str:
    r"""`text` without what a terminal would obey instead of showing it.

    >>> printable("clear \x1b[2J")
    'clear \\x1b[2J'
    """
    return _UNPRINTABLE.sub(_escape_sequence, text)


def escaped(name: str) -> str:
    r"""The name of a file or class on one line, `printable`, and different for different names.

    >>> escaped("a\nb")
    'a\\nb'
    """
    one_line = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t")
    return printable(one_line)


def _escape_sequence(found: re.Match[str]) -> str:
    code = ord(found[0])
    if 0xDC80 <= code <= 0xDCFF:  # one byte, as Python carries it
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"

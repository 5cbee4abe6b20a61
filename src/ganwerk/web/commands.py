"""Commands as a user would type them: what a button runs is what the page shows."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ganwerk.errors import typed

Arguments = Sequence[str]


def command_line(arguments: Arguments) -> str:
    """The command line, to be pasted into a shell in the folder in which the page was started."""
    head, *rest = arguments
    options = (word if word.startswith("-") else typed(word) for word in rest)
    return " ".join(("ganwerk", head, *options))


def argv(arguments: Arguments) -> list[str]:
    """The same for the system, by the very ganwerk that serves the page."""
    return [sys.executable, "-m", "ganwerk", *arguments]


def display_path(path: Path) -> str:
    """A path as one types it here: relative where it lies below the current folder."""
    here = Path.cwd()
    shown = str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
    return f".{os.sep}{shown}" if shown.startswith("-") else shown


def resume_command(path: Path) -> str:
    return command_line(("resume", display_path(path)))


def sample_command(path: Path) -> str:
    return command_line(("sample", display_path(path), "--seeds", "0-63", "--grid"))

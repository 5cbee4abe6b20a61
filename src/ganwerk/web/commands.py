"""Commands as a user would type them: what a button runs is what the page shows."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ganwerk.errors import quoted, typed

Arguments = Sequence[str]


def command_line(arguments: Arguments) -> str:
    """The command line, to be pasted into a shell in the folder in which the page was started."""
    head, *rest = arguments
    return " ".join(("ganwerk", head, *map(_shown, rest)))


def _shown(word: str) -> str:
    """An option as it is; of --option=value the value in quotes where it needs them."""
    option, equals, value = word.partition("=")
    if not option.startswith("-"):
        return typed(word)
    return f"{option}={quoted(value)}" if equals else option


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

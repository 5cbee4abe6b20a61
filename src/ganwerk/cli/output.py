"""What leaves the command line: text, JSON and errors. Imports click only."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import click

from ganwerk.errors import GanwerkError, printable

COLOURS = {"note": None, "warning": "yellow", "error": "red"}


def show_error(error: GanwerkError, *, as_json: bool) -> None:
    """On stdout as one JSON object, or on stderr as 'error: ...' and 'hint: ...'."""
    if as_json:
        say_json(
            {
                "ok": False,
                "error": error.message,
                "hint": error.hint,
                "code": error.exit_code,
                "kind": type(error).__name__,
            }
        )
        return
    message = error.message.replace("\n", "\\n")  # one sentence; a name may hold a break
    click.echo(f"{click.style('error:', fg='red', bold=True)} {message}", err=True)
    for line in error.hint.splitlines():
        click.echo(f"{click.style('hint:', fg='cyan')} {line}", err=True)


def say_json(value: Any) -> None:
    """One line of JSON on stdout, in ASCII, so that no console can break it."""
    say(json.dumps(plain(value), allow_nan=False))


def say(text: str = "", colour: str | None = None) -> None:
    """One line on stdout, made printable."""
    click.echo(click.style(printable(text), fg=colour) if colour else printable(text))


def answer(
    facts: Mapping[str, Any], lines: Iterable[str], *, as_json: bool, warnings: Iterable[str] = ()
) -> None:
    """What a command found out: one JSON object, or its warnings and lines of text."""
    if as_json:
        say_json({"ok": True, **facts})
        return
    for warning in warnings:
        say(f"warning: {warning}")
    for line in lines:
        say(line)


def plain(value: Any) -> Any:
    """As JSON knows it. Numbers that are not finite become null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {part.name: plain(getattr(value, part.name)) for part in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def on_terminal(stream: Any) -> bool:
    """Whether lines may be rewritten there. False for pipes, files, CI and dumb terminals."""
    return (
        stream is not None
        and bool(stream.isatty())
        and os.environ.get("TERM", "") not in ("dumb", "unknown")
    )

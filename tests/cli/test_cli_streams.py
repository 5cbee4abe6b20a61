"""Streams that are closed, full or read by nobody, and consoles that can do little."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from ganwerk.cli.live import LiveScreen
from ganwerk.cli.output import on_terminal
from ganwerk.cli.streams import Outlet
from ganwerk.runtime.events import Ended, Judged, Planned, Preparing, Saved, Stepped, Warned
from ganwerk.values import Progress

COMMANDS = (
    "--help",
    "--version",
    "train --help",
    "config presets",
    "trian",
    "config presets --json",
)


def called(text: str) -> subprocess.CompletedProcess[str]:
    """A line of the shell, with {} for the program."""
    program = f"'{sys.executable}' -m ganwerk"
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {text.replace('{}', program)}"],
        capture_output=True, text=True,
    )  # fmt: skip


pytestmark = pytest.mark.skipif(os.name == "nt", reason="shells close streams otherwise there")


@pytest.mark.parametrize("streams", [">&-", "2>&-", "<&- >&- 2>&-", "| head -0"])
def test_closed_streams_end_nothing(streams: str) -> None:
    for command in COMMANDS:
        found = called(f"{{}} {command} {streams}")
        assert found.returncode == (2 if command == "trian" else 0), (command, found)
        assert "Traceback" not in found.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_device_is_one_sentence(unbuffered: str) -> None:
    for command in COMMANDS:
        found = called(f"PYTHONUNBUFFERED={unbuffered} {{}} {command} > /dev/full")
        assert found.returncode == 2
        assert found.stderr.count("error: ") == found.stderr.count("hint: ") == 1
        if command != "trian":
            assert "could not be written: No space left on device." in found.stderr
        silent = called(f"{{}} {command} 2> /dev/full")
        assert silent.returncode == (2 if command == "trian" else 0)


@pytest.mark.parametrize("locale", ["C", "nonsense"])
def test_any_locale_can_be_spoken_to(locale: str) -> None:
    strict = "PYTHONUTF8=0 PYTHONCOERCECLOCALE=0"
    found = called(f"{strict} LC_ALL={locale} LANG={locale} {{}} data check $'\\xd1\\x8f\\xff'")
    assert found.returncode == 2
    assert found.stderr.startswith("error: There is no folder or file '")


def test_a_file_does_not_get_what_is_said(tmp_path: Path) -> None:
    """The first file that is opened would get the number of a closed stream."""
    code = (
        "from ganwerk.cli.streams import lasting; lasting(); import os, sys; "
        f"file = open({str(tmp_path / 'file')!r}, 'w'); os.write(1, b'out'); os.write(2, b'err'); "
        "print('said'); print('said', file=sys.stderr); file.write('kept')"
    )
    called(f"'{sys.executable}' -c \"{code}\" <&- >&- 2>&-")
    assert (tmp_path / "file").read_text() == "kept"


class Failing(io.RawIOBase):
    def __init__(self, number: int) -> None:
        self.number = number

    def writable(self) -> bool:
        return True

    def write(self, _: Any) -> int:
        raise OSError(self.number, "no")


@pytest.mark.parametrize(
    ("number", "told"), [(32, False), (5, False), (11, False), (28, True), (122, True), (27, True)]
)
def test_an_outlet_outlasts_every_failure(number: int, told: bool) -> None:
    stream = io.TextIOWrapper(io.BufferedWriter(Failing(number)))
    outlet = Outlet(stream)
    text = io.TextIOWrapper(io.BufferedWriter(outlet), write_through=True)
    for _ in range(3):
        text.write("a line\n" * 10_000)
        text.flush()
    assert (outlet.lost is not None) == told
    text.detach()


@pytest.mark.parametrize("width", [1, 2, 10, 79, 10_000])
@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "latin-1"])
def test_a_training_is_shown_on_any_terminal(a_plan: Any, width: int, encoding: str) -> None:
    written = io.BytesIO()
    file = io.TextIOWrapper(written, encoding=encoding, errors="backslashreplace")
    console = Console(file=file, width=width, height=1, force_terminal=True)
    screen = LiveScreen(console)
    for event in (
        Preparing(Progress("decoding", 1, 2, "pictures")),
        Planned(a_plan),
        Warned("careful", "look"),
        Stepped(1, 10, 100, 3.0, 1.0, 3.0, {"d_loss": 1.0}),
        Judged(10, {"FD[x]": 1.0}, {}, True),
        Saved(10, Path("runs/я/checkpoint")),
        Ended("finished", 100, 2.0, Path("runs/я")),
    ):
        screen(event)
    screen.close()
    file.flush()
    assert written.getvalue()


def test_dumb_terminals_and_no_stream_are_no_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    assert on_terminal(Terminal())
    assert not on_terminal(None)
    monkeypatch.setenv("TERM", "dumb")
    assert not on_terminal(Terminal())


class Sip(io.RawIOBase):
    """Takes three bytes at a time, as a pipe or a nearly full disk may."""

    def __init__(self) -> None:
        self.taken = b""

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        part = bytes(content[:3])
        self.taken += part
        return len(part)


def test_what_is_taken_in_parts_arrives_whole() -> None:
    sip = Sip()
    stream = type("Stream", (), {"buffer": type("Buffer", (), {"raw": sip})()})()
    outlet = Outlet(stream)
    text = io.TextIOWrapper(io.BufferedWriter(outlet), encoding="utf-8", write_through=True)
    text.write("seven times seven\n")
    text.flush()
    assert sip.taken == b"seven times seven\n"
    assert outlet.lost is None

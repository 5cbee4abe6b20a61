"""The page as a user starts it: the command, in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit


class Served:
    """`ganwerk serve` at work in the folder `home`. address: with the token."""

    def __init__(self, home: Path, *options: str, port: int = 0) -> None:
        self.home = home
        asked = ["serve", *options, "--port", str(port), "--no-browser"]
        self.process = start(asked, home)
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        self.said = self.process.stdout.readline().strip()

    @property
    def origin(self) -> str:
        """'http://127.0.0.1:PORT/'."""
        return self.address.partition("?")[0]

    @property
    def entry(self) -> str:
        """'?token=...'."""
        return self.address.removeprefix(self.origin)

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    def kill(self) -> None:
        self.process.kill()
        self._gone()

    def stop(self) -> int:
        """Ctrl-C; returns the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self._gone()

    def _gone(self) -> int:
        assert self.process.stdout is not None
        self.said_last = self.process.stdout.read()
        self.process.stdout.close()
        return self.process.wait(60)


def start(command: Sequence[str], home: Path) -> subprocess.Popen[str]:
    """`ganwerk COMMAND` in `home`."""
    return subprocess.Popen(
        [sys.executable, "-m", "ganwerk", *command], cwd=home, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ | {"NO_COLOR": "1"},
    )  # fmt: skip

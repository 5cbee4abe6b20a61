"""Names of strangers on a terminal, in lines, in JSON and in errors."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganwerk.cli.live import terminal
from ganwerk.cli.output import say, show_error
from ganwerk.cli.render import plan_rows
from ganwerk.errors import DataError, typed
from ganwerk.runtime.events import Plan

ESC = "\x1b]0;pwned\x07"


def paint(folder: Path, first: int) -> None:
    folder.mkdir(parents=True)
    for number in range(first, first + 10):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 20, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")


def ganwerk(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "ganwerk", *arguments],
        cwd=cwd, capture_output=True, env=os.environ | {"GANWERK_CACHE": str(cwd / "cache")},
    )  # fmt: skip


def test_a_check_of_hostile_names(tmp_path: Path) -> None:
    place = tmp_path / f"set{ESC}\n\udce9"
    paint(place / "a", 0)
    paint(place / f"b{ESC}", 10)
    (place / "a" / f"{ESC}\nerror: none.png").write_bytes(b"none")
    done = ganwerk("data", "check", str(place), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert b"\x1b" not in done.stdout + done.stderr
    assert b"\x07" not in done.stdout + done.stderr
    assert b"\nerror: none" not in done.stdout
    assert f"ganwerk train {typed(str(place))}".encode() in done.stdout
    report = ganwerk("data", "check", str(place), "--json", cwd=tmp_path)
    health = json.loads(report.stdout)["health"]
    assert health["class_names"] == ["a", "b\\x1b]0;pwned\\x07"]
    train = ganwerk("train", str(place), cwd=tmp_path)
    assert train.returncode == 2
    assert b"Traceback" not in train.stderr
    assert train.stderr.startswith(b"error: The path ")
    assert b"\x1b" not in train.stderr
    assert all(line.startswith((b"error:", b"hint:")) for line in train.stderr.splitlines())


def test_what_is_typed_reaches_the_shell_as_it_was(tmp_path: Path) -> None:
    for name in (f"a{ESC}", "b\nc", "it's\\n", "caf\udce9", "-x", "two words", "\u202ex"):
        command = f"printf %s {typed(name)}"
        out = subprocess.run(["bash", "-c", command], capture_output=True, check=True).stdout
        assert os.fsdecode(out).removeprefix("./") == name


def test_outlets(capsys: pytest.CaptureFixture[str]) -> None:
    say(f"x{ESC}", "yellow")
    show_error(DataError(f"{ESC}\nhint: none", ESC), as_json=False)
    show_error(DataError(ESC, ESC), as_json=True)
    out, err = capsys.readouterr()
    assert ESC not in out + err
    assert err.splitlines()[0].endswith("\\x07\\nhint: none")
    console = terminal()
    console.file = io.StringIO()
    console.print(f"warning: {ESC}", style="yellow")
    assert "\x1b]" not in console.file.getvalue()


def test_the_plan_shows_no_control_sequence(a_plan: Plan) -> None:
    rows = plan_rows(replace(a_plan, data=ESC, classes=("a", ESC), notes=(ESC,)))
    assert [text for _, text in rows if "\x1b" in text or "\x07" in text] == []

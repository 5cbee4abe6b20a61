"""Trainings that the page starts, beside the page."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import psutil

from ganwerk.web.launches import NICENESS, session, yields

LOW = psutil.BELOW_NORMAL_PRIORITY_CLASS if sys.platform == "win32" else NICENESS


def test_a_training_waits_for_those_whom_somebody_looks_at():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, **session())
    own = psutil.Process().nice()
    try:
        assert psutil.Process(child.pid).nice() == own
        yields(child.pid)
        assert psutil.Process(child.pid).nice() == LOW
        assert psutil.Process().nice() == own
        group = Path(f"/proc/{child.pid}/autogroup")
        if group.exists() and group.read_text().strip():
            assert group.read_text().endswith(f"nice {NICENESS}\n")
            assert Path("/proc/self/autogroup").read_text() != group.read_text()
    finally:
        child.communicate(b"\n")


def test_one_that_has_ended_already_changes_nothing():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not psutil.pid_exists(child.pid)
    own = psutil.Process().nice()
    yields(child.pid)
    assert psutil.Process().nice() == own

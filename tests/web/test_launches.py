"""Trainings that the page starts, beside the page."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ganwerk.web.launches import NICENESS, session, yields


@pytest.mark.skipif(sys.platform == "win32", reason="has no such priorities")
def test_a_training_waits_for_those_whom_somebody_looks_at():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, **session())
    try:
        before = os.getpriority(os.PRIO_PROCESS, 0)
        yields(child.pid)
        assert os.getpriority(os.PRIO_PROCESS, child.pid) == NICENESS
        assert os.getpriority(os.PRIO_PROCESS, 0) == before
        group = Path(f"/proc/{child.pid}/autogroup")
        if group.exists() and group.read_text().strip():
            assert group.read_text().endswith(f"nice {NICENESS}\n")
            assert Path("/proc/self/autogroup").read_text() != group.read_text()
    finally:
        child.communicate(b"\n")


def test_one_that_has_ended_is_no_fault():
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    yields(child.pid)

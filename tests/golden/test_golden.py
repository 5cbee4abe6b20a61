"""A change of code must not move them; a change of machine cannot.

RTOL covers how far rounding in float64 (1e-16 a number) grows in these steps. Measured between
instruction sets, libraries and threads: below 1e-14 for the curves, 1e-12 for the traces, whose
descent feeds on matchings and decompositions.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from ganwerk.config.load import preset_names
from tests.golden.curves import STEPS, curve
from tests.golden.figures import FIGURES, Rows, in_float64, recorded
from tests.golden.kernels import WEAKEST, environment
from tests.golden.traces import CASES, trace

RTOL = 1e-9
FEW = 4
SMALLEST = 1e-300  # a loss that is zero has no digits


def check(now: Rows, before: Rows) -> None:
    kind = torch.float64
    torch.testing.assert_close(
        torch.tensor(now, dtype=kind), torch.tensor(before, dtype=kind), rtol=RTOL, atol=SMALLEST
    )


@pytest.mark.parametrize("preset", preset_names())
def test_losses_are_what_they_have_been(preset):
    with in_float64():
        now = curve(preset)
    assert len(now) == STEPS
    check(now, recorded("curves")[preset])


@pytest.mark.parametrize("case", CASES)
def test_losses_of_a_transfer_are_what_they_have_been(case):
    with in_float64():
        now = trace(case)
    check(now, recorded("traces")[case])


def test_the_weakest_kernels_and_two_threads_move_nothing():
    """The first steps only, as these kernels are slow; `make test-portable` takes all."""
    command = [sys.executable, "-m", "tests.golden.figures", str(FEW)]
    done = subprocess.run(command, env=environment(WEAKEST, 2), capture_output=True, check=True)
    now = json.loads(done.stdout)
    for kind in FIGURES:
        assert now[kind].keys() == recorded(kind).keys()
    for preset, before in recorded("curves").items():
        check(now["curves"][preset], before[:FEW])
    for case, before in recorded("traces").items():
        check(now["traces"][case], before)


def test_float64_is_left_behind():
    with in_float64():
        assert torch.zeros(1).dtype == torch.float64
    assert torch.zeros(1).dtype == torch.float32


def test_curves_differ_and_traces_descend():
    for kind in FIGURES:
        found = recorded(kind)
        assert len({str(rows) for rows in found.values()}) == len(found)
    for rows in recorded("traces").values():
        assert rows[-1][0] < rows[0][0]

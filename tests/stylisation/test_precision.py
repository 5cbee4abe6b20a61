"""What is faster is chosen; where there is nothing to choose, nothing is timed."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ganwerk.stylisation import precision
from ganwerk.stylisation.precision import fastest
from ganwerk.values import MachineFacts

FACTS = MachineFacts("cpu", "a processor", 2, 8 << 30, 6 << 30, bf16_units=True)


class Clock:
    """Moves only when something takes time."""

    now = 0.0

    def perf_counter(self):
        return self.now


class Paced:
    """An encoder that takes so long."""

    last = "relu1_1"

    def __init__(self, clock, seconds):
        self.clock, self.seconds, self.calls = clock, seconds, 0

    def __call__(self, picture):
        self.calls += 1
        self.clock.now += self.seconds if self.calls > 1 else 50 / self.seconds
        return {self.last: picture}


@pytest.mark.parametrize(
    ("float32", "bfloat16", "expected"),
    [(4.0, 1.0, "bfloat16"), (1.0, 4.0, "float32"), (4.0, 3.7, "float32")],
)
def test_the_faster_one_wins_if_by_much(monkeypatch, float32, bfloat16, expected):
    """Building its kernels, in the first call, counts for neither."""
    clock = Clock()
    monkeypatch.setattr(precision, "time", clock)
    pace = {torch.float32: float32, torch.bfloat16: bfloat16}
    assert (
        fastest(lambda kind: Paced(clock, pace[kind]), torch.zeros(1, 1, 1, 1), FACTS) == expected
    )


def test_without_units_nothing_is_timed():
    facts = replace(FACTS, bf16_units=False)
    assert fastest(lambda kind: pytest.fail("made"), torch.zeros(1, 1, 1, 1), facts) == "float32"

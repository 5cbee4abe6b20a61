"""What `auto` reaches on MNIST in a minute and a half."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.classifier import CLASSES, default_cache, judge
from bench.common import DEFAULT_DATA, find_data

from ganwerk.run import Run
from ganwerk.work.sample import Sampler
from ganwerk.work.train import Request, train

MINUTES = 1.5
SAMPLES = 5000

# To be set from a measurement on a quiet machine, with room for a busy one.
MOST_DISTANCE = 10.0
LEAST_ASKED_PERCENT = 90.0
LEAST_PERCENT = 4.0  # of the samples, for each digit

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(find_data("mnist") is None, reason="the pictures of MNIST are not here"),
]


def test_auto_draws_all_ten_digits(tmp_path: Path) -> None:
    flags = {
        "budget.minutes": (MINUTES, f"--minutes {MINUTES}"),
        "data.root": (str(DEFAULT_DATA), "--data-root DIR"),
    }
    run = train(Request(where="mnist", flags=flags, out=tmp_path / "run"))
    sampler = Sampler.open(run)
    seeds = range(SAMPLES)
    referee = judge(DEFAULT_DATA, default_cache())
    found = referee.score(sampler.draw(seeds), sampler.labels(seeds))
    print(found, Run.open(run).journal.rows("end"))
    assert len(found["class_percent"]) == CLASSES
    assert min(found["class_percent"]) >= LEAST_PERCENT
    assert found["asked_percent"] >= LEAST_ASKED_PERCENT
    assert found["FD[lenet]"] <= MOST_DISTANCE

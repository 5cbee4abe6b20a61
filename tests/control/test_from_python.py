"""The same verbs as methods of a run."""

from __future__ import annotations

import numpy as np
import pytest

from ganwerk.api import Trained
from ganwerk.errors import ConfigError


def test_every_verb(run, tmp_path):
    trained = Trained(run)
    steered = trained.steer()
    assert np.array_equal(steered.draw(steered.places([4])), trained.sample([4]))
    half = trained.sample([4], truncation=0.5)
    assert np.array_equal(half, steered.draw(steered.places([4], truncation=0.5)))
    walked = trained.interpolate([1, 2], tmp_path / "w.webp", seconds=0.3)
    found = trained.directions(tmp_path / "d", count=1, method="factorise")
    projected = trained.project(found.strips[0], tmp_path / "p", steps=2, tries=8)
    again = trained.interpolate([str(projected.place), 1], tmp_path / "s.png")
    for path in (walked.path, found.strips[0], projected.film, again.path):
        assert path.is_file()
    with pytest.raises(ConfigError, match="styles"):
        trained.mix([1], [2], tmp_path / "m.png")
    with pytest.raises(ConfigError, match="truncation of 2"):
        trained.sample([1], truncation=2)

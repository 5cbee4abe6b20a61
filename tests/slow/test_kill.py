"""A training survives whatever ends its process, and ends bit for bit as if nothing had been."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from bench.kill import IMAGES, PRESET, stop_cleanly, torture, undisturbed

KILLS = 20
SHORT_IMAGES = IMAGES // 4

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no such signals on this system"),
]


def test_twenty_kills_change_no_bit(tmp_path: Path) -> None:
    outcome = torture(tmp_path, KILLS, IMAGES, PRESET, seed=1, say=print)
    assert len(outcome.deaths) == KILLS
    assert {death.kind for death in outcome.deaths} >= {"at any moment", "while saving"}
    assert len({death.last_saved_images for death in outcome.deaths}) > 1
    assert outcome.different == []


def test_asked_to_stop_it_stops_cleanly(tmp_path: Path) -> None:
    undisturbed(tmp_path / "alone", SHORT_IMAGES, PRESET)
    for number in (signal.SIGTERM, signal.SIGINT):
        assert stop_cleanly(tmp_path, number, SHORT_IMAGES, PRESET) == []

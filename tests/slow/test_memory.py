"""How much memory a training takes."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench.common import DEFAULT_DATA, find_data
from bench.startup import memory

MOST_BYTES = int(1.2 * 2**30)  # above the decoded pictures

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(find_data("fruits/train") is None, reason="the fruits are not here"),
]


def test_dcgan_at_64_px_stays_small(tmp_path: Path) -> None:
    folder = DEFAULT_DATA / "fruits" / "train"
    found = memory(folder, tmp_path / "run", tmp_path / "cache")
    assert 0 < found.above_pictures_bytes <= MOST_BYTES

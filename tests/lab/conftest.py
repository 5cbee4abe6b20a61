"""Games are judged by fewer points, so that they are over at once."""

from __future__ import annotations

import pytest

from ganwerk.lab import line, points, vanish


@pytest.fixture(autouse=True, scope="session")
def few_points():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(points, "JUDGED", 200)
        patch.setattr(points, "KEPT", 100)
        patch.setattr(points, "FRAMES", 6)
        patch.setattr(line, "JUDGED", 2_000)
        patch.setattr(line, "FRAMES", 6)
        patch.setattr(vanish, "LOOKED_AT", 256)
        patch.setattr(vanish, "CELLS", 12)
        patch.setattr(vanish, "FRAMES", 6)
        yield

"""Games are judged by fewer points, so that they are over at once."""

from __future__ import annotations

import pytest

from ganwerk.lab import points


@pytest.fixture(autouse=True, scope="session")
def few_points():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(points, "JUDGED", 200)
        patch.setattr(points, "KEPT", 100)
        patch.setattr(points, "FRAMES", 6)
        yield

from __future__ import annotations

import pytest
import torch

from ganwerk.config.load import preset_names
from tests.golden.curves import STEPS, curve, recorded


@pytest.mark.parametrize("preset", preset_names())
def test_losses_are_what_they_have_been(preset):
    now, before = torch.tensor(curve(preset)), torch.tensor(recorded(preset))
    assert len(before) == STEPS
    torch.testing.assert_close(now, before, rtol=1e-3, atol=1e-4)


def test_presets_differ():
    curves = {preset: str(recorded(preset)) for preset in preset_names()}
    assert len(set(curves.values())) == len(curves)

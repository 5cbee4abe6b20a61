"""Total variation and the strength in closed form."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.errors import ConfigError
from ganwerk.style.losses import VARIATIONS, weights_of_strength

PICTURE = torch.tensor([[0.0, 1.0, 3.0], [2.0, 2.0, 2.0]], dtype=torch.float64)[None, None]
# down: 2, 1, -1; right: 1, 2, 0, 0


@pytest.mark.parametrize(
    ("name", "value"), [("absolute", 7.0), ("half-sum", 5.5), ("mean", 11 / 6)]
)
def test_closed_forms(name, value):
    assert float(VARIATIONS[name](PICTURE)) == pytest.approx(value)
    assert float(VARIATIONS[name](torch.full_like(PICTURE, 0.3))) == 0


@pytest.mark.parametrize("name", VARIATIONS)
def test_gradients(name):
    picture = torch.rand(1, 3, 4, 5, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(VARIATIONS[name], picture)


@given(st.floats(0, 1), st.floats(0, 1))
def test_strength_is_monotonic_and_sums_to_one(low, high):
    low, high = sorted((low, high))
    content, style = weights_of_strength(low)
    assert content + style == pytest.approx(1)
    assert style <= weights_of_strength(high)[1]
    assert weights_of_strength(0) == (1, 0)
    assert weights_of_strength(1) == (0, 1)


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_a_strength_outside_is_refused(strength):
    with pytest.raises(ConfigError, match="outside 0 to 1"):
        weights_of_strength(strength)

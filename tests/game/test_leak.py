"""The leak check, on pictures whose share of changed ones is known."""

from __future__ import annotations

import pytest
import torch

from ganwerk.game.augment import augment
from ganwerk.game.leak import leak


def digits():
    """The built-in digits, (1797, 1, 16, 16) in [-1, 1], in random order."""
    from sklearn.datasets import load_digits

    images = torch.from_numpy(load_digits().images).float() / 8 - 1
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    return torch.nn.functional.interpolate(images[order, None], scale_factor=2.0)


def measured(transform, share, seed=0):
    pictures = digits()
    random = torch.Generator().manual_seed(seed)
    fakes = augment((pictures[768:1024],), (transform,), share, random, "reflection")[0]
    return leak(pictures[:512], pictures[512:768], fakes, transform, random)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("transform", ["turn", "translation", "rotation", "colour", "cutout"])
def test_it_finds_the_share_that_was_changed(transform, share):
    """Within its own error, and a fifth for what a change does not show in every picture."""
    found = measured(transform, share)
    assert found.share == pytest.approx(share, abs=3 * found.error + 0.1)
    assert found.clear == (share > 0.3)


def test_it_says_nothing_where_it_cannot_tell():
    """A transform that changes nothing that can be seen; noise; and too few pictures."""
    symmetric = digits() + digits().flip(3)
    random = torch.Generator().manual_seed(0)
    assert leak(symmetric[:512], symmetric[512:768], symmetric[768:], "flip", random) is None
    pictures, noise = digits(), torch.rand(100, 1, 16, 16, generator=random) * 2 - 1
    assert leak(pictures[:512], pictures[512:768], noise, "translation", random) is None
    few = digits()[:12]
    assert leak(few, few, few, "colour", random) is None

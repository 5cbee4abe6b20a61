from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from ganwerk.nn.ema import Ema


def net_of(value: float) -> nn.Module:
    net = nn.Linear(1, 1, bias=False)
    nn.init.constant_(net.weight, value)
    return net


def test_after_one_half_life_half_is_old():
    ema = Ema(net_of(0.0), half_life_images=64, ramp=1e9)
    ema.update(net_of(1.0), images_seen=64, batch=64)
    assert ema.net.weight.item() == pytest.approx(0.5)


def test_batch_size_does_not_matter():
    small, large = (Ema(net_of(0.0), 100, 1e9) for _ in range(2))
    for i in range(8):
        small.update(net_of(1.0), (i + 1) * 8, 8)
    large.update(net_of(1.0), 64, 64)
    assert small.net.weight.item() == pytest.approx(large.net.weight.item(), rel=1e-5)


def test_the_ramp_forgets_the_first_weights():
    ema = Ema(net_of(5.0), half_life_images=1e9, ramp=0.05)
    for i in range(1000):
        ema.update(net_of(1.0), (i + 1) * 8, 8)
    assert ema.net.weight.item() == pytest.approx(1.0, abs=1e-3)


def test_half_life_zero_is_the_network_itself():
    ema = Ema(net_of(5.0), half_life_images=0, ramp=0.05)
    ema.update(net_of(1.0), 8, 8)
    assert ema.net.weight.item() == 1.0


@given(st.lists(st.floats(-10, 10), min_size=1, max_size=20), st.floats(1, 1e6))
def test_the_average_stays_between_the_extremes(values, half_life):
    ema = Ema(net_of(values[0]), half_life, ramp=0.5)
    for i, value in enumerate(values):
        ema.update(net_of(value), (i + 1) * 4, 4)
    assert min(values) - 1e-4 <= ema.net.weight.item() <= max(values) + 1e-4


def test_it_never_takes_a_gradient_and_copies_statistics():
    net = nn.BatchNorm1d(2)
    ema = Ema(net, 10, 1)
    net(torch.randn(8, 2) + 3)
    ema.update(net, 8, 8)
    assert torch.equal(ema.net.running_mean, net.running_mean)
    assert not any(p.requires_grad for p in ema.net.parameters())
    assert not ema.net.training

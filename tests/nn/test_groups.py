"""Layers that compare samples, against slow loops."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganwerk.errors import ConfigError
from ganwerk.nn.dcgan import DcganDiscriminator
from ganwerk.nn.groups import (
    MinibatchDiscrimination,
    MinibatchStddev,
    Packed,
    add_group,
)
from ganwerk.nn.mlp import MlpDiscriminator
from ganwerk.nn.resnet import ResnetDiscriminator
from ganwerk.nn.sizes import Sizes
from ganwerk.values import PictureShape

SHAPE = PictureShape(16, 3)
NETS = {
    "mlp": lambda: MlpDiscriminator(SHAPE, 0, (8, 6)),
    "dcgan": lambda: DcganDiscriminator(SHAPE, 0, width=4, max_width=8, features=6),
    "strided": lambda: DcganDiscriminator(SHAPE, 0, width=4, max_width=8, down="strided"),
    "spectral": lambda: DcganDiscriminator(SHAPE, 0, width=4, max_width=8, norm="spectral"),
    "resnet": lambda: ResnetDiscriminator(Sizes(SHAPE, 4, 8), 0, features=6),
}


def groups_of(count, size):
    """The rows of each group; what is left over makes a smaller one."""
    size = size or count
    return [range(i, min(i + size, count)) for i in range(0, count, size)]


@settings(max_examples=20)
@given(st.integers(1, 7), st.integers(2, 3), st.integers(1, 3), st.sampled_from([0, 2, 3, 4]))
def test_minibatch_discrimination_against_a_slow_loop(count, kernels, dim, group):
    torch.manual_seed(count)
    layer = MinibatchDiscrimination(4, kernels, dim, group).double()
    features = torch.randn(count, 4, dtype=torch.float64)
    tensor = layer.tensor.weight.detach().view(kernels, dim, 4)  # T, kernel by kernel
    found = layer.closeness(features).detach()
    assert found.shape == (count, kernels)
    for rows in groups_of(count, group):
        full = (group - 1) / max(len(rows) - 1, 1) if group else 1.0
        for i in rows:
            for b in range(kernels):
                total = 0.0
                for j in rows:
                    if j != i:
                        distance = 0.0
                        for c in range(dim):
                            m_i = sum(float(features[i, a] * tensor[b, c, a]) for a in range(4))
                            m_j = sum(float(features[j, a] * tensor[b, c, a]) for a in range(4))
                            distance += abs(m_i - m_j)
                        total += math.exp(-distance)
                assert float(found[i, b]) == pytest.approx(total * full, rel=1e-9, abs=1e-12)


@settings(max_examples=20)
@given(st.integers(1, 9), st.sampled_from([0, 2, 3, 4]))
def test_minibatch_stddev_against_a_slow_loop(count, group):
    torch.manual_seed(count)
    features = torch.randn(count, 5, dtype=torch.float64)
    found = MinibatchStddev(group).deviation(features)
    for rows in groups_of(count, group):
        columns = [[float(features[i, a]) for i in rows] for a in range(5)]
        deviations = []
        for column in columns:
            mean = sum(column) / len(column)
            variance = sum((x - mean) ** 2 for x in column) / len(column)
            deviations.append(math.sqrt(variance + 1e-8))
        for i in rows:
            assert float(found[i, 0]) == pytest.approx(sum(deviations) / 5, rel=1e-9)


@pytest.mark.parametrize("make", [
    lambda: MinibatchDiscrimination(4, 3, 2, 4).double(), lambda: MinibatchStddev(4).double()
])  # fmt: skip
def test_gradients(make):
    torch.manual_seed(0)
    layer = make()
    features = torch.randn(8, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, features)
    assert torch.autograd.gradgradcheck(layer, features)


def test_equal_samples_have_finite_gradients():
    for layer in (MinibatchDiscrimination(4, 3, 2, 4), MinibatchStddev(4)):
        features = torch.ones(8, 4, requires_grad=True)
        layer(features).sum().backward()
        assert features.grad.isfinite().all()


@pytest.mark.parametrize("name", NETS)
def test_groups_are_strangers_to_each_other(name):
    """Changing a sample changes the logits of its group and of nobody else."""
    torch.manual_seed(0)
    net = add_group(NETS[name](), lambda f: MinibatchDiscrimination(f, 5, 3, 4), 4).eval()
    assert net.group_size == 4
    images = torch.rand(8, 3, 16, 16)
    before = net((images,))
    images[1] = 0
    changed = net((images,)) != before
    assert changed.tolist() == [True] * 4 + [False] * 4


def test_group_sizes_meet_in_their_least_common_multiple():
    net = add_group(NETS["mlp"](), lambda f: MinibatchStddev(4), 4)
    net = add_group(net, lambda f: MinibatchDiscrimination(f, 5, 3, 6), 6)
    assert net.group_size == 12
    assert add_group(net, lambda f: MinibatchStddev(0), 0).group_size == 0


@pytest.mark.parametrize("name", NETS)
def test_a_pack_is_judged_as_one(name):
    torch.manual_seed(0)
    net = Packed(NETS[name](), 2).eval()
    assert net.group_size == 2
    images = torch.rand(6, 3, 16, 16)
    logits = net((images,))
    assert logits.shape == (3,)
    images[3] = 0
    assert (net((images,)) != logits).tolist() == [False, True, False]
    assert net((images[:5],)).shape == (3,)  # filled up with the first
    torch.testing.assert_close(
        net((images[:5],))[2], net((torch.stack([images[4], images[0]]),))[0]
    )


def test_packed_vectors():
    class D(nn.Module):
        group_size = 1

        def __init__(self):
            super().__init__()
            self.map = nn.Linear(2, 1)

        def forward(self, scales, labels=None):
            return self.map(scales[-1])[:, 0]

    net = Packed(D(), 3)
    points = torch.randn(6, 2)
    weight, bias = net.net.map.weight.detach()[0], net.net.map.bias.item()
    expected = [float(points[i : i + 3].flatten() @ weight) + bias for i in (0, 3)]
    assert net((points,)).tolist() == pytest.approx(expected, rel=1e-4)


def test_what_cannot_be_packed_or_grouped():
    with pytest.raises(ConfigError, match="cannot know a class"):
        Packed(MlpDiscriminator(SHAPE, 3, (8,)), 2)
    with pytest.raises(ConfigError, match="can widen"):
        Packed(nn.Sequential(nn.ReLU()), 2)
    with pytest.raises(ConfigError, match="has no LogitHead"):
        add_group(nn.Linear(2, 1), lambda f: MinibatchStddev(4), 4)

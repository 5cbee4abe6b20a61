"""Small pictures and a small backbone in double precision."""

from __future__ import annotations

import pytest
import torch

from ganwerk.style.backbones import Architecture, Encoder
from ganwerk.style.calibration import dead_leaves, random_weights

TINY = Architecture(
    "compact", (4, 6, 8), (2, 2, 1), ("relu2_2",), ("relu1_1", "relu2_1", "relu3_1")
)


@pytest.fixture(scope="session")
def tiny_weights():
    return {name: tensor.double() for name, tensor in random_weights(TINY).items()}


@pytest.fixture
def encoder(tiny_weights):
    layers = (*TINY.content_layers, *TINY.style_layers)
    return Encoder(TINY, tiny_weights, layers, compute=torch.float64)


@pytest.fixture(scope="session")
def photo():
    return dead_leaves(5, 60, 80)[..., :52, :].double()


@pytest.fixture(scope="session")
def painting():
    return dead_leaves(6, 64, 200).double()

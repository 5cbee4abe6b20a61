"""A network that learns a style."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import save

from ganwerk.errors import ConfigError, DataError, MachineError
from ganwerk.style.network import StyleNet
from ganwerk.style.recipe import recipe_of
from ganwerk.stylisation import network as module
from ganwerk.stylisation.network import open_net, redraw, train_network


@pytest.fixture
def recipe(monkeypatch):
    monkeypatch.setattr(module, "CROP_PX", 48)
    monkeypatch.setattr(module, "LONG_PX", 72)
    return recipe_of(content_layers=("relu2_1",), style_layers=("relu1_1", "relu2_1"))


def test_it_learns_is_written_and_redraws(tmp_path, pixels, recipe):
    photo, painting = pixels
    out = tmp_path / "net.safetensors"
    first = train_network(painting, tmp_path / "first.safetensors", recipe, steps=2, width=4)
    done = train_network(painting, out, recipe, steps=10, width=4)
    assert done.style < first.style
    made = redraw(open_net(out), photo)
    assert made.shape == photo.shape
    assert np.abs(made.astype(int) - photo).mean() > 3
    assert redraw(open_net(out), photo, 33).shape == (25, 33, 3)


def test_the_same_seed_teaches_the_same(tmp_path, pixels, recipe):
    nets = []
    for name in ("a", "b"):
        train_network(pixels[1], tmp_path / f"{name}.safetensors", recipe, steps=3, width=4)
        nets.append(open_net(tmp_path / f"{name}.safetensors").state_dict())
    assert all(torch.equal(nets[0][name], tensor) for name, tensor in nets[1].items())


@pytest.mark.parametrize("size", [(8, 8), (9, 13), (30, 17)])
def test_any_size_comes_back(size):
    made = StyleNet(4, 1).eval()(torch.rand(1, 3, *size)).detach()
    assert made.shape == (1, 3, *size)
    assert 0 <= float(made.min()) <= float(made.max()) <= 1


def test_bad_files(tmp_path, pixels, recipe):
    with pytest.raises(ConfigError, match=r"End in \.safetensors"):
        train_network(pixels[1], tmp_path / "net.pt", recipe)
    (tmp_path / "net.safetensors").write_bytes(b"nonsense")
    with pytest.raises(MachineError, match="exists already"):
        train_network(pixels[1], tmp_path / "net.safetensors", recipe)
    with pytest.raises(DataError, match="cannot be read as a style network"):
        open_net(tmp_path / "net.safetensors")
    with pytest.raises(DataError, match=r"folder .*nowhere cannot be read"):
        train_network(pixels[1], tmp_path / "new.safetensors", recipe, photos=tmp_path / "nowhere")


ABOUT = {"kind": module.KIND, "width": 4, "blocks": 1}


@pytest.mark.parametrize(
    ("about", "change", "words"),
    [
        ({}, {}, "no style network"),
        ([1], {}, "no style network"),
        ({"kind": module.KIND}, {}, "is damaged"),
        (ABOUT | {"width": 5}, {}, "is damaged"),
        (ABOUT | {"width": 10**9}, {}, "is damaged"),
        (ABOUT | {"blocks": "1"}, {}, "is damaged"),
        (ABOUT, {"up.4.weight": torch.zeros(3)}, "is damaged"),
        (ABOUT, {"up.4.bias": torch.full((3,), float("nan"))}, "is damaged"),
    ],
)
def test_damaged_networks(tmp_path, about, change, words):
    path = tmp_path / "net.safetensors"
    weights = StyleNet(4, 1).state_dict() | change
    path.write_bytes(save(weights, metadata={"ganwerk": json.dumps(about)}))
    with pytest.raises(DataError, match=words):
        open_net(path)


def test_photos_and_sizes_that_no_network_can_take():
    net = StyleNet(4, 1).eval()
    with pytest.raises(DataError, match="3 x 3 px, too narrow"):
        redraw(net, np.zeros((3, 3, 3), np.uint8))
    with pytest.raises(DataError, match="32 x 1 px, too narrow"):
        redraw(net, np.zeros((4, 200, 3), np.uint8), 32)
    for size in (0, -5, 10**6):
        with pytest.raises(ConfigError, match=f"--size cannot be {size}"):
            redraw(net, np.zeros((40, 40, 3), np.uint8), size)
    assert redraw(net, np.zeros((5, 6, 3), np.uint8)).shape == (5, 6, 3)

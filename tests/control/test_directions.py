"""Directions: what the weights lengthen, what varies, and what their files hold."""

from __future__ import annotations

import json

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from torch import nn

from ganwerk.control import directions as directions_module
from ganwerk.control.directions import find, taking_weights
from ganwerk.control.interpolate import interpolate
from ganwerk.control.steered import Steered
from ganwerk.control.strips import directions
from ganwerk.errors import ConfigError, MachineError
from ganwerk.sampling.sample import Sampler
from ganwerk.values import ignore_progress


@pytest.fixture(autouse=True)
def fewer(monkeypatch):
    monkeypatch.setattr(directions_module, "STYLES_DRAWN", 500)
    monkeypatch.setattr(directions_module, "PICTURES_DRAWN", 128)


def alike(a, b):
    """Equal but for the sign."""
    return torch.minimum((a - b).norm(dim=1), (a + b).norm(dim=1))


def test_the_first_layer_is_found_and_factorised(run):
    steered = Steered.open(run)
    weight = steered.sampler.net.first.weight[:, :8]
    (found,) = taking_weights(steered, [0])
    torch.testing.assert_close(found, weight, atol=1e-5, rtol=1e-4)
    made = find(steered, "factorise", [0], 3, ignore_progress)
    _, lengths, right = torch.linalg.svd(weight)
    assert alike(made.vectors, right[:3]).max() < 1e-3
    shares = lengths**2 / (lengths**2).sum()
    torch.testing.assert_close(made.importance, shares[:3], atol=1e-5, rtol=1e-3)
    assert (made.vectors.gather(1, made.vectors.abs().argmax(1, keepdim=True)) > 0).all()
    assert ((made.spreads - 1).abs() < 0.2).all()  # of a Gaussian, along any direction


def test_only_the_layers_asked_for_are_factorised(styled):
    affine = styled.sampler.net.affine
    found = taking_weights(styled, [1, 2])
    for matrix, layer in zip(found, affine[1:3], strict=True):
        torch.testing.assert_close(matrix, layer.weight, atol=1e-6, rtol=1e-5)
    made = find(styled, "factorise", [1, 2], 6, ignore_progress)
    both = torch.cat([affine[1].weight, affine[2].weight])
    assert alike(made.vectors, torch.linalg.svd(both)[2]).max() < 1e-3
    assert made.importance.sum().item() == pytest.approx(1)


def test_principal_components_of_styles(styled):
    made = find(styled, "pca", [0, 1, 2, 3], 2, ignore_progress)
    styles = styled.places(range(500)).styles[:, 0].double()
    values, vectors = torch.linalg.eigh(styles.T.cov())
    assert alike(made.vectors.double(), vectors.T.flip(0)[:2]).max() < 1e-4
    torch.testing.assert_close(made.spreads.double() ** 2, values.flip(0)[:2], rtol=1e-3, atol=0)
    torch.testing.assert_close(
        made.importance.double(), (values / values.sum()).flip(0)[:2], rtol=1e-3, atol=0
    )


class OneKnob(nn.Module):
    """Latent number 5 brightens the left half, number 2, less, the right one; class k is grey k."""

    latent_dim = 8

    def forward(self, z, labels=None):
        level = labels.argmax(1) if labels.is_floating_point() else labels
        picture = (level.float() / 20)[:, None, None, None].expand(-1, 1, 16, 16).clone()
        picture[..., :8] += 0.1 * z[:, 5, None, None, None]
        picture[..., 8:] += 0.05 * z[:, 2, None, None, None]
        return (picture,)


@pytest.fixture
def knobs(run):
    before = Sampler.open(run)
    names = before.class_names
    return Steered(Sampler(OneKnob(), before.settings, names, [1] * 10, before.device))


def test_no_layer_takes_the_latent_directly(knobs):
    with pytest.raises(ConfigError, match="no linear layer") as caught:
        taking_weights(knobs, [0])
    assert "--method pca" in caught.value.hint


def test_principal_components_of_pictures_lead_back_to_the_latents(knobs):
    made = find(knobs, "pca", [0], 2, ignore_progress)
    assert made.vectors[0].abs().argmax() == 5
    assert made.vectors[1].abs().argmax() == 2
    assert (made.vectors.abs().amax(1) > 0.95).all()


def test_strips_and_files(run, tmp_path):
    out = tmp_path / "d"
    made = directions(run, count=2, stops=[4, 5], strength=2, out=out)
    assert [p.name for p in made.strips] == ["direction-01.png", "direction-02.png"]
    with Image.open(made.strips[1]) as strip:
        pixels = np.asarray(strip)
    assert pixels.shape == (2 * 18 + 2, 7 * 18 + 2)
    steered = Steered.open(run)
    start = steered.places([4, 5])
    middle = steered.draw(start)[1, ..., 0]
    assert np.array_equal(pixels[20:36, 2 + 3 * 18 :][:, :16], middle)
    end = steered.draw(made.directions.moved(steered, start[1], 1, 2.0))[0, ..., 0]
    assert np.array_equal(pixels[20:36, -18:-2], end)
    numbers = safetensors.torch.load_file(made.numbers)
    assert torch.equal(numbers["vectors"], made.directions.vectors)
    about = json.loads(made.about.read_text())
    assert about["layers"] == [1]
    assert [row["number"] for row in about["directions"]] == [1, 2]
    with pytest.raises(MachineError, match="6 of 6 files exist"):
        directions(run, count=2, out=out)
    directions(run, count=2, out=out, force=True)


def test_the_places_of_a_strip_are_a_way_to_walk(run, tmp_path):
    made = directions(run, count=2, stops=[4, 5], strength=2, out=tmp_path / "d")
    steered = Steered.open(run)
    way = steered.stops([made.places[1]])
    assert len(way) == 7
    torch.testing.assert_close(way.styles[3], steered.places([4]).styles[0])
    with Image.open(made.strips[1]) as strip:
        row = np.asarray(strip)[2:18]
    drawn = steered.draw(way)[..., 0]
    for column in range(7):
        assert np.array_equal(row[:, 2 + 18 * column :][:, :16], drawn[column])
    walked = interpolate(run, [made.places[1]], out=tmp_path / "walk.webp", seconds=1, loop=False)
    assert walked.frames == 25
    again = directions(run, count=1, stops=[made.places[1], 9], out=tmp_path / "again")
    assert steered.stops([again.places[0]]).styles[3].equal(way.styles[0])


def test_only_its_layers_move(styled):
    made = find(styled, "factorise", [1], 1, ignore_progress)
    start = styled.places([3])
    shift = made.moved(styled, start, 0, 1.5).styles - start.styles
    expected = 1.5 * made.spreads[0] * made.vectors[0]
    torch.testing.assert_close(shift[0], torch.stack([0 * expected, expected, *[0 * expected] * 2]))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"count": 0}, "--count cannot be 0"),
        ({"count": 9}, "cannot be 9 directions in a space of 8"),
        ({"method": "pac"}, "no method 'pac'"),
        ({"strength": 0}, "--strength cannot be 0"),
        ({"strength": float("inf")}, "--strength cannot be inf"),
        ({"layers": "2-3"}, "no layers 2-3"),
        ({"stops": []}, "No place"),
    ],
)
def test_mistakes(run, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message) as caught:
        directions(run, out=tmp_path / "d", **options)
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []

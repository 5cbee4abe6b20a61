"""Places, the pictures there, and the ways between them."""

from __future__ import annotations

import numpy as np
import pytest
import safetensors.torch
import torch

from ganwerk.control.places import load_places, save_places
from ganwerk.control.steered import Steered, closed
from ganwerk.errors import ConfigError, DataError, MachineError
from ganwerk.game.latents import LATENTS
from ganwerk.sampling.space import LatentSpace, StyleSpace


@pytest.mark.parametrize("name", ["run", "plain"])
def test_at_the_place_of_a_number_is_its_picture(name, request):
    steered = Steered.open(request.getfixturevalue(name))
    seeds = [3, 99, 7]
    assert np.array_equal(steered.draw(steered.places(seeds)), steered.sampler.draw(seeds))


def test_so_it_is_with_styles(styled, classless):
    for steered in (styled, classless):
        assert isinstance(steered.space, StyleSpace)
        places = steered.places(range(70))
        assert places.styles.shape == (70, 4, 6)
        assert np.array_equal(steered.draw(places), steered.sampler.draw(range(70)))
        whole = steered.sampler.net(*latents_and_labels(steered, range(64)))[-1]
        assert np.array_equal(steered.sampler.draw(range(64)), to_pixels(whole))


def latents_and_labels(steered, seeds):
    from ganwerk.game.latents import for_seeds

    settings = steered.sampler.settings
    return for_seeds(LATENTS["gaussian"], seeds, settings.latent.dim), steered.sampler.labels(seeds)


def to_pixels(pictures):
    from ganwerk.run import to_uint8

    return to_uint8(pictures)


def test_classes_are_given_in_turn(run):
    steered = Steered.open(run)
    places = steered.places([8, 5, 8], ["3", "7"])
    assert places.shares.argmax(1).tolist() == [3, 7, 3]
    assert np.array_equal(steered.draw(places)[:1], steered.sampler.draw([8], ["3"]))
    with pytest.raises(ConfigError, match="no class 'lemon'"):
        steered.places([1], ["lemon"])


@pytest.mark.parametrize("name", ["run", "plain", "styled"])
def test_a_walk_passes_every_stop_and_closes(name, request):
    given = request.getfixturevalue(name)
    steered = given if isinstance(given, Steered) else Steered.open(given)
    stops = steered.places([1, 5, 9])
    walk = steered.walk(stops, 30)
    assert len(walk) == 30
    for frame, stop in ((0, 0), (10, 1), (20, 2)):
        torch.testing.assert_close(walk.styles[frame], stops.styles[stop])
    steps = walk.styles.diff(dim=0).flatten(1).norm(dim=1)
    back = (walk.styles[0] - walk.styles[-1]).norm()
    assert back == pytest.approx(float(steps[-1]), rel=0.2)
    open_walk = steered.walk(stops, 21, loop=False)
    assert torch.equal(open_walk.styles[0], stops.styles[0])
    assert torch.equal(open_walk.styles[20], stops.styles[2])
    assert len(closed(steered.places([1, 5, 1]))) == 3
    assert len(closed(stops)) == 4
    legs = steered.legs(stops, 4, loop=False)
    assert torch.equal(legs.styles[[0, 3, 4, 7]], stops.styles[[0, 1, 1, 2]])


def test_between_latents_is_an_arc_and_between_styles_a_line(plain, classless):
    steered = Steered.open(plain)
    a, b = steered.places([1, 2]).styles
    middle = steered.space.between(a, b, torch.tensor([0.5]))[0]
    chord = (a + b) / 2
    torch.testing.assert_close(middle / middle.norm(), chord / chord.norm())
    assert middle.norm() > 1.2 * chord.norm()
    a, b = classless.places([1, 2]).styles
    torch.testing.assert_close(
        classless.space.between(a, b, torch.tensor([0.25]))[0], 0.75 * a + 0.25 * b
    )


def test_class_shares_change_gradually(run):
    steered = Steered.open(run)
    walk = steered.walk(steered.places([1, 1], ["2", "4"]), 5, loop=False)
    assert walk.shares[:, 2].tolist() == [1, 0.75, 0.5, 0.25, 0]
    pictures = steered.draw(walk)
    assert np.array_equal(pictures[[0, -1]], steered.draw(steered.places([1, 1], ["2", "4"])))
    assert not np.array_equal(pictures[2], pictures[0])


def test_truncation_without_styles_shrinks_the_latent(plain):
    steered = Steered.open(plain)
    full, half, none = (steered.places([4], truncation=psi).styles for psi in (1, 0.5, 0))
    torch.testing.assert_close(half, full / 2)
    assert not none.any()
    drawn = steered.sampler.draw([4], truncation=0.5)
    assert np.array_equal(drawn, steered.draw(steered.places([4], truncation=0.5)))


def test_latents_on_a_sphere_have_no_middle():
    space = LatentSpace(torch.nn.Identity(), LATENTS["sphere"], 4, 16, "sphere")
    with pytest.raises(ConfigError, match="'sphere'"):
        space.truncated(torch.ones(1, 1, 4), None, 0.5)
    torch.testing.assert_close(space.settled(torch.ones(1, 1, 4) * 3), torch.ones(1, 1, 4))


def test_truncation_with_styles_goes_to_the_mean_style_of_the_class(styled, classless):
    middle = classless.places([4], truncation=0).styles
    torch.testing.assert_close(middle, torch.full((1, 4, 6), 0.25))
    full = classless.places([4]).styles
    torch.testing.assert_close(
        classless.places([4], truncation=0.7).styles, 0.25 + 0.7 * (full - 0.25)
    )
    means = [styled.places([s], ["3"], truncation=0).styles[0, 0] for s in (4, 5)]
    torch.testing.assert_close(means[0], means[1])
    many = styled.places(range(2000), ["3"]).styles[:, 0].mean(0)
    torch.testing.assert_close(means[0], many, atol=0.05, rtol=0)
    other = styled.places([4], ["7"], truncation=0).styles[0, 0]
    assert (other - means[0]).abs().max() > 0.1


@pytest.mark.parametrize("psi", [-0.1, 1.01, float("nan")])
def test_a_truncation_beyond_its_range(plain, psi):
    with pytest.raises(ConfigError, match="truncation of"):
        Steered.open(plain).places([1], truncation=psi)


def test_a_place_in_a_file_is_a_stop(run, tmp_path):
    steered = Steered.open(run)
    place = steered.places([12])
    save_places(tmp_path / "a.safetensors", place, {"picture": "photo.jpg"})
    stops = steered.stops([1, tmp_path / "a.safetensors", 5], ["3", "4"])
    assert torch.equal(stops.styles[1], place.styles[0])
    assert torch.equal(stops.styles[[0, 2]], steered.places([1, 5], ["3", "4"]).styles)
    assert stops.shares.argmax(1)[[0, 2]].tolist() == [3, 4]


def test_a_file_that_is_no_place_of_this_run(run, plain, tmp_path):
    file = tmp_path / "a.safetensors"
    save_places(file, Steered.open(plain).places([12]), {})
    with pytest.raises(DataError, match=r"another run: 1 layer of 8 numbers and no classes"):
        Steered.open(run).stops([file])
    file.write_bytes(b"nothing")
    with pytest.raises(DataError, match="no safetensors file"):
        load_places(file, 1, 8, 0)
    file.write_bytes(safetensors.torch.save({"weights": torch.ones(2)}))
    with pytest.raises(DataError, match="holds no place"):
        load_places(file, 1, 8, 0)
    file.write_bytes(safetensors.torch.save({"styles": torch.full((1, 1, 8), float("inf"))}))
    with pytest.raises(DataError, match="not all finite"):
        load_places(file, 1, 8, 0)
    with pytest.raises(MachineError, match="none"):
        load_places(tmp_path / "none.safetensors", 1, 8, 0)
    with pytest.raises(ConfigError, match="No place"):
        Steered.open(run).stops([])

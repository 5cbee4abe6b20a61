"""From specs to places and pictures."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from ganwerk.control.mix import crossed
from ganwerk.control.places import save_places
from ganwerk.control.resolve import SpecResolver, draw
from ganwerk.control.spec import read
from ganwerk.control.steered import Steered
from ganwerk.errors import ConfigError, DataError, MachineError


@pytest.fixture
def resolver(styled, tmp_path):
    return SpecResolver(styled, tmp_path)


def test_a_number_is_what_sample_draws(run, tmp_path):
    steered = Steered.open(run)
    resolver = SpecResolver(steered, run)
    for text, classes in (("seed=7", ()), ("seed=7&class=3", ("3",)), ("seed=7&class=3:9", ("3",))):
        place = resolver.place(read(text))
        assert np.array_equal(steered.draw(place), steered.sampler.draw([7], classes))
    drawn = draw(run, ["seed=7&truncation=0.5"], out=tmp_path / "seven.png")
    with Image.open(drawn.paths[0]) as found:
        expected = steered.sampler.draw([7], truncation=0.5)[0, ..., 0]
        assert np.array_equal(np.asarray(found), expected)


def test_shares_of_classes(resolver):
    shares = torch.zeros(10)
    shares[[3, 8]] = torch.tensor([0.25, 0.75])
    found = resolver.place(read("seed=7&class=3:1&class=8:3&class=5:0"))
    assert torch.equal(found.styles, resolver.steered.shared([7], shares).styles)
    only = resolver.place(read("seed=7&class=3:0.5"))
    assert torch.equal(only.styles, resolver.steered.places([7], ["3"]).styles)
    whole = torch.zeros(10)
    whole[3] = 1
    assert torch.allclose(resolver.steered.shared([7], whole).styles, only.styles, atol=1e-6)


def test_mixing_and_moving(resolver):
    steered = resolver.steered
    mixed = resolver.place(read("seed=1&mix=5:fine"))
    expected = crossed(steered.places([1]), steered.places([5]), [2, 3])
    assert torch.equal(mixed.styles, expected.styles)
    moved = resolver.place(read("seed=1&move=2:3"))
    expected = resolver.directions.moved(steered, steered.places([1]), 1, 3.0)
    assert torch.equal(moved.styles, expected.styles)


def test_a_walk_passes_its_stops(resolver):
    stops = [read("seed=1"), read("seed=2"), read("seed=3")]
    for share, stop in ((0, 0), (0.5, 1), (1, 2)):
        found = resolver.walked(stops, share).styles
        assert torch.allclose(found, resolver.place(stops[stop]).styles, atol=1e-6)
    middle = resolver.walked(stops, 0.25).styles
    ends = torch.stack([resolver.place(stop).styles for stop in stops[:2]])
    assert torch.allclose(middle, ends.mean(0), atol=1e-6)


def test_places_that_a_run_keeps(resolver, tmp_path):
    path = resolver.keep(read("seed=4&move=1:2"), "mine")
    assert path == tmp_path / "places" / "mine.safetensors"
    again = resolver.place(read("place=mine"))
    assert torch.equal(again.styles, resolver.place(read("seed=4&move=1:2")).styles)
    folder = tmp_path / "projected" / "photo"
    folder.mkdir(parents=True)
    save_places(folder / "place.safetensors", resolver.steered.places([9]), {})
    assert torch.equal(
        resolver.place(read("place=photo")).styles, resolver.steered.places([9]).styles
    )
    middle = resolver.place(read("place=photo&truncation=0"))
    assert torch.allclose(middle.styles, resolver.place(read("seed=9&truncation=0")).styles)


@pytest.mark.parametrize(
    ("text", "error", "why"),
    [
        ("place=nothing", DataError, "keeps no place 'nothing'"),
        ("seed=1&class=lemon", ConfigError, "lemon"),
        ("seed=1&class=3:1&class=lemon:1", ConfigError, "'lemon' is unknown"),
        ("seed=1&class=3:0&class=4:0", ConfigError, "share 0"),
        ("seed=1&move=99:1", ConfigError, "no direction 99"),
        ("seed=1&mix=2:77", ConfigError, "layers"),
    ],
)
def test_what_cannot_be(resolver, text, error, why):
    with pytest.raises(error, match=why) as caught:
        resolver.place(read(text))
    assert caught.value.hint


def test_without_classes_and_without_styles(plain):
    resolver = SpecResolver(Steered.open(plain), plain)
    with pytest.raises(ConfigError, match="learned no classes"):
        resolver.place(read("seed=1&class=a"))
    with pytest.raises(ConfigError, match="needs a generator with styles"):
        resolver.place(read("seed=1&mix=2:all"))
    moved = resolver.place(read("seed=1&move=1:2"))
    assert not torch.equal(moved.styles, resolver.place(read("seed=1")).styles)


def test_several_go_into_a_folder_and_nothing_is_overwritten(run, tmp_path):
    drawn = draw(run, ["seed=1", "seed=2&move=1:1"], out=tmp_path / "two")
    assert [path.name for path in drawn.paths] == ["picture-1.png", "picture-2.png"]
    assert all(path.is_file() for path in drawn.paths)
    with pytest.raises(MachineError, match="exist already"):
        draw(run, ["seed=1", "seed=3"], out=tmp_path / "two")
    with pytest.raises(ConfigError, match="colour"):
        draw(run, ["colour=red"], out=tmp_path / "none.png")
    assert not (tmp_path / "none.png").exists()

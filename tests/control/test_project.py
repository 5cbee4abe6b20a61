"""Projection: how pictures are compared, how places are looked for, what is written."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganwerk.control import project as project_module
from ganwerk.control import search as search_module
from ganwerk.control.perception import Perception, on_white
from ganwerk.control.places import load_places, standardised
from ganwerk.control.project import Projection, project, read_photo, residual
from ganwerk.control.search import Moving, Search, Stage, rate_at, whiteness
from ganwerk.control.steered import Steered
from ganwerk.errors import ConfigError, DataError, DivergedError, MachineError
from ganwerk.values import ignore_progress


@pytest.fixture(autouse=True)
def fewer(monkeypatch):
    """Starts, so that a step takes less."""
    fewer = tuple(replace(s, keep=k) for s, k in zip(search_module.STAGES, (3, 2, 1), strict=True))
    monkeypatch.setattr(search_module, "STAGES", fewer)


# How pictures are compared


def test_alike_pictures_have_no_distance_and_others_have(perception):
    random = torch.Generator().manual_seed(0)
    a, b = torch.rand(2, 1, 3, 32, 32, generator=random) * 2 - 1
    goal = perception.features(a)
    same, slight, other = (
        float(perception.distance(x, goal)) for x in (a, a + 0.02 * torch.sign(b), b)
    )
    assert same == pytest.approx(0, abs=1e-6)
    assert 0 < slight < other < 2


def test_it_is_the_formula_of_the_paper(perception):
    a, b = torch.rand(2, 1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    expected = 0.0
    mine, theirs = (perception.encoder(x / 2 + 0.5) for x in (a, b))
    for layer in perception.layers:
        x, y = mine[layer][0].double(), theirs[layer][0].double()
        x = x / x.square().sum(0).sqrt().clamp_min(1e-6)
        y = y / y.square().sum(0).sqrt().clamp_min(1e-6)
        expected += float((x - y).square().sum(0).mean()) / len(perception.layers)
    found = float(perception.distance(a, perception.features(b)))
    assert found == pytest.approx(expected, rel=1e-5)


def test_clear_parts_are_seen_on_white_and_grey_as_grey():
    picture = torch.full((1, 4, 2, 2), -1.0)
    assert torch.equal(on_white(picture), torch.ones(1, 3, 2, 2))
    picture[:, 3] = 1
    assert torch.equal(on_white(picture), torch.zeros(1, 3, 2, 2))
    assert torch.equal(on_white(torch.zeros(2, 1, 4, 4)), torch.full((2, 3, 4, 4), 0.5))


def test_an_unknown_backbone():
    with pytest.raises(ConfigError, match="no backbone 'vgg15'") as caught:
        Perception.by("vgg15", torch.device("cpu"))
    assert "Did you mean 'vgg1" in caught.value.hint


# The pieces of the search


def test_white_noise_is_white_and_a_ramp_is_not():
    white = torch.randn(4, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    ramp = standardised(torch.linspace(-1, 1, 64).expand(4, 1, 64, 64))
    assert (whiteness(white) < 0.1).all()
    assert (whiteness(ramp) > 1).all()
    by_hand = (white * white.roll(1, 3)).mean((1, 2, 3)) ** 2
    by_hand += (white * white.roll(1, 2)).mean((1, 2, 3)) ** 2
    small = F.avg_pool2d(white, 8) * 8
    last = (small * small.roll(1, 3)).mean((1, 2, 3)) ** 2
    assert (whiteness(white) >= by_hand + last).all()


@given(st.floats(0, 1))
def test_the_rate_stays_between_nothing_and_all(progress):
    assert 0 <= rate_at(progress) <= 1


def test_the_rate_rises_and_falls():
    assert rate_at(0) < 0.05
    assert rate_at(0.5) == 1
    assert rate_at(0.99) < 0.01


def searching(steered, perception, seed=777, **options):
    goal = torch.from_numpy(steered.sampler.draw([seed])[0]).permute(2, 0, 1)[None] / 127.5 - 1
    return Search(
        steered, perception, goal, **({"free_classes": True, "own_noise": True} | options)
    )


def test_the_nearest_random_pictures_are_taken_first(run, perception):
    steered = Steered.open(run)
    search = searching(steered, perception)
    best = search.best_of(steered.places([1, 2, 777, 3]), 3)
    assert best[0].perceptual == pytest.approx(0, abs=1e-6)
    assert best[0].pixel == 0
    assert torch.equal(best[0].places.styles, steered.places([777]).styles)
    assert best[0].loss <= best[1].loss <= best[2].loss


@pytest.mark.parametrize("name", ["run", "plain", "styled"])
def test_descent_comes_nearer(name, request, perception):
    given = request.getfixturevalue(name)
    steered = given if isinstance(given, Steered) else Steered.open(given)
    search = searching(steered, perception)
    start = search.starts(steered.places(range(12)))
    moving = Moving.at(steered.joined([s.places for s in start]), search)
    points = []
    search.descend(moving, 24, points.append)
    found = search.best_of(moving.places)[0]
    assert found.loss < 0.9 * start[0].loss
    assert [p.step for p in points] == list(range(1, 25))
    assert {p.side_px for p in points} == {16}
    places = moving.places
    assert len(places) == 1
    if places.shares is not None:
        torch.testing.assert_close(places.shares.sum(1), torch.ones(1))
        assert (places.shares >= 0).all()
    if name == "styled":
        assert not torch.equal(places.styles[:, 0], places.styles[:, 3])
        assert [n.shape[-1] for n in places.noise] == [8, 8, 16, 16]
        for noise in places.noise:
            assert float(noise.mean()) == pytest.approx(0, abs=1e-5)
            assert float(noise.square().mean()) == pytest.approx(1, abs=1e-4)
    else:
        assert places.noise is None


def test_what_may_not_move_stays(styled, perception):
    search = searching(styled, perception, free_classes=False, own_noise=False)
    moving = Moving.at(styled.places([1, 2], ["3"]), search)
    moving.enter(Stage(1, 1, 2, shared=True))
    search.descend(moving, 4, lambda _: None)
    assert moving.places.noise is None
    assert moving.places.shares.argmax(1).tolist() == [3]


def test_first_all_layers_share_a_style(styled, perception):
    search = searching(styled, perception)
    moving = Moving.at(styled.places([1, 2]), search)
    seen = []
    search.descend(moving, 12, lambda point: seen.append(moving.places.styles))
    for styles in seen[:3]:
        assert torch.equal(styles, styles[:, :1].expand(-1, 4, -1))
    assert not torch.equal(seen[-1][:, 0], seen[-1][:, 1])


def test_numbers_that_are_not_finite_end_it(plain, perception):
    steered = Steered.open(plain)
    search = searching(steered, perception)
    moving = Moving.at(steered.places([1]), search)
    moving.tensors["styles"][:] = float("nan")
    with pytest.raises(DivergedError, match="not finite after 0%"):
        search.descend(moving, 4, lambda _: None)


# The verb


def test_what_is_written(run, photo, tmp_path):
    out, seen = tmp_path / "out", []
    found = project(run, photo, out=out, steps=12, tries=40, progress=seen.append)
    assert sorted(p.name for p in out.iterdir()) == [
        "film.webp", "picture.png", "place.safetensors", "project.json", "residual.png",
    ]  # fmt: skip
    assert (found.steps, found.warnings) == (12, ())
    steered = Steered.open(run)
    place = load_places(found.place, 1, 8, 10)
    drawn = steered.draw(place)[0, ..., 0]
    with Image.open(found.picture) as picture:
        assert np.array_equal(np.asarray(picture), drawn)
    facts = json.loads((out / "project.json").read_text())
    assert facts["perceptual"] == found.perceptual <= facts["begun"]
    assert sum(facts["classes"].values()) == pytest.approx(1, abs=1e-5)
    goal, _ = read_photo(photo, steered)
    by_hand = np.square(goal[..., 0] / 255.0 - drawn / 255.0).mean() ** 0.5
    assert found.rms == pytest.approx(by_hand, rel=1e-4)
    with Image.open(found.film) as film:
        assert film.size == (512, 256)
    assert (seen[-1].task, seen[-1].done) == ("projecting", 12)
    assert np.array_equal(steered.draw(steered.stops([found.place]))[0, ..., 0], drawn)
    with pytest.raises(MachineError, match="exist"):
        project(run, photo, out=out, steps=1, tries=1)


def test_with_styles_place_and_noise_come_back_from_the_file(styled, photo, tmp_path, monkeypatch):
    monkeypatch.setattr(Steered, "open", classmethod(lambda *_: styled))
    found = project(tmp_path, photo, out=tmp_path / "out", steps=9, tries=5)
    stops = styled.stops([found.place, 5])
    assert [n.shape for n in stops.noise][-1] == (2, 1, 16, 16)
    with Image.open(found.picture) as picture:
        assert np.array_equal(np.asarray(picture), styled.draw(stops)[0, ..., 0])
    assert np.array_equal(styled.draw(stops)[1], styled.draw(styled.places([5]))[0])
    walk = styled.walk(stops, 5, loop=False)
    assert torch.allclose(walk.noise[3].square().mean((1, 2, 3)), torch.ones(5), atol=0.05)
    with pytest.raises(DataError, match=r"noise in .* of another run"):
        load_places(found.place, 4, 6, 10, (8, 8, 16, 32))


def test_interrupted_it_keeps_the_best_so_far(run, photo, perception, monkeypatch):
    steered = Steered.open(run)
    goal, _ = read_photo(photo, steered)
    job = Projection(steered, perception, goal, (), own_noise=True)

    def interrupting(progress):
        if progress.task == "projecting" and progress.done == 7:
            raise KeyboardInterrupt

    found = job.work(50, 20, interrupting)
    assert job.said == ("Stopped after 7 of 50 steps: this is the best so far.",)
    assert found.perceptual <= job.begun


def test_the_result_is_never_worse_than_the_start(run, photo, perception, monkeypatch):
    monkeypatch.setattr(project_module.Search, "descend", lambda *_: None)
    steered = Steered.open(run)
    goal, _ = read_photo(photo, steered)
    job = Projection(steered, perception, goal, ["3"], own_noise=True)
    found = job.work(5, 20, ignore_progress)
    assert found.perceptual == job.begun
    assert found.places.shares.argmax(1).tolist() == [3]


@pytest.mark.parametrize(
    ("size", "said"), [((40, 40), ": resized to 16"), ((60, 40), ": its middle was resized to 16")]
)
def test_a_photo_of_another_size_is_resized_and_said_so(run, tmp_path, size, said):
    Image.new("RGB", size, (200, 10, 10)).save(tmp_path / "p.jpg")
    pixels, words = read_photo(tmp_path / "p.jpg", Steered.open(run))
    assert pixels.shape == (16, 16, 1)
    assert said in words[0]


def test_a_photo_that_cannot_be_read(run, tmp_path):
    (tmp_path / "p.jpg").write_bytes(b"\xff\xd8 no picture")
    for name, kind, message in (
        ("p.jpg", DataError, r"p\.jpg is not a picture"),
        ("none.jpg", MachineError, r"none\.jpg"),
        (".", DataError, "is a folder"),
    ):
        with pytest.raises(kind, match=message) as caught:
            project(run, tmp_path / name, out=tmp_path / "out")
        assert caught.value.hint
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"steps": 0}, "--steps cannot be 0"),
        ({"tries": 0}, "--tries cannot be 0"),
        ({"classes": ["lemon"]}, "no class 'lemon'"),
        ({"film": ".avi"}, r"'\.avi'"),
        ({"backbone": "vgg"}, "no backbone"),
    ],
)
def test_mistakes(run, photo, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        project(run, photo, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_the_difference_is_grey_where_there_is_none():
    goal = np.full((16, 16, 4), 100, np.uint8)
    sheet = residual(goal, goal)
    assert sheet.shape[2] == 4
    assert (sheet[50, -50] == [128, 128, 128, 255]).all()

"""Walks as films and strips."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from PIL import Image

from ganwerk.control import film
from ganwerk.control.film import playable, shown_px, write_film
from ganwerk.control.interpolate import interpolate
from ganwerk.errors import ConfigError, MachineError
from ganwerk.sampling.sample import Sampler


def test_an_mp4_plays_as_long_as_asked_for(run, tmp_path):
    av = pytest.importorskip("av")
    seen = []
    done = interpolate(
        run, [1, 5, 9, 1], out=tmp_path / "walk.mp4", seconds=2, rate=10, progress=seen.append
    )
    assert (done.path.name, done.frames, done.seconds, done.warnings) == ("walk.mp4", 20, 2.0, ())
    with av.open(str(done.path)) as film:
        frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)]
        assert len(frames) == 20
        assert float(film.duration / av.time_base) == pytest.approx(2)
    assert frames[0].shape == (256, 256, 3)
    first = film_frame(Sampler.open(run).draw([1])[0])
    assert np.abs(frames[0].astype(int) - first).mean() < 4  # what compression and colours cost
    assert seen[-1].done == seen[-1].total == 20


def film_frame(pixels):
    return np.asarray(film.enlarged(pixels, 256)).astype(int)


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_an_animation(run, tmp_path, kind):
    done = interpolate(run, [1, 5], out=tmp_path / f"walk.{kind}", seconds=1.3, rate=10, side_px=32)
    with Image.open(done.path) as found:
        assert (found.size, found.info["loop"]) == ((32, 32), 0)
        assert 10 < found.n_frames <= done.frames == 13  # alike neighbours are shown as one
        total = 0
        for frame in range(found.n_frames):
            found.seek(frame)
            found.load()
            total += found.info["duration"]
    assert total == 1300


def test_a_strip_has_a_row_for_each_leg(run, tmp_path):
    done = interpolate(run, [1, 5, 9], out=tmp_path / "walk.png", loop=False)
    sampler = Sampler.open(run)
    with Image.open(done.path) as strip:
        pixels = np.asarray(strip)
    assert pixels.shape == (2 * 18 + 2, 9 * 18 + 2)
    corners = [pixels[2:18, 2:18], pixels[2:18, -18:-2], pixels[-18:-2, -18:-2]]
    for corner, seed in zip(corners, (1, 5, 9), strict=True):
        assert np.array_equal(corner, sampler.draw([seed])[0, ..., 0])


def test_without_a_codec_it_becomes_a_webp_and_says_so(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    done = interpolate(run, [1, 5], out=tmp_path / "walk.mp4", seconds=0.4, rate=10)
    assert done.path == tmp_path / "walk.webp"
    assert "av is not installed" in done.warnings[0]
    with Image.open(done.path) as found:
        assert found.format == "WEBP"
    assert not (tmp_path / "walk.mp4").exists()
    with pytest.raises(MachineError, match=r"walk\.webp exists"):
        interpolate(run, [1, 5], out=tmp_path / "walk.mp4", seconds=0.4, rate=10)


def test_a_build_without_the_encoder(monkeypatch):
    pytest.importorskip("av")
    monkeypatch.setattr(film, "CODEC", "no-such-codec")
    assert "without no-such-codec" in (film.missing_codec() or "")


def test_nothing_is_overwritten_unasked(run, tmp_path):
    target = tmp_path / "walk.webp"
    target.write_bytes(b"mine")
    with pytest.raises(MachineError, match="exists"):
        interpolate(run, [1, 5], out=target, seconds=0.2)
    assert target.read_bytes() == b"mine"
    interpolate(run, [1, 5], out=target, seconds=0.2, force=True)
    assert target.read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"stops": [3]}, "two places"),
        ({"out": "walk.avi"}, r"written as '\.avi'"),
        ({"out": "walk"}, "written as 'walk'"),
        ({"seconds": 0}, "--seconds cannot be 0"),
        ({"seconds": float("nan")}, "--seconds cannot be nan"),
        ({"rate": 500}, "--rate cannot be 500"),
        ({"seconds": 1e6}, "frames, more than"),
        ({"side_px": 4}, "--size cannot be 4"),
        ({"out": "walk.gif", "rate": 100}, "A GIF cannot"),
        ({"truncation": 2}, "truncation of 2"),
        ({"classes": ["lemon"]}, "no class 'lemon'"),
    ],
)
def test_mistakes(run, tmp_path, options, message):
    wanted = {"stops": [1, 5], "out": "walk.webp"} | options
    stops, out = wanted.pop("stops"), tmp_path / wanted.pop("out")
    with pytest.raises(ConfigError, match=message) as caught:
        interpolate(run, stops, out=out, **wanted)
    assert caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_transparent_pictures_lie_on_white(tmp_path):
    clear = np.zeros((16, 16, 4), np.uint8)
    write_film(tmp_path / "a.gif", iter([clear, clear]), 10, 16)
    with Image.open(tmp_path / "a.gif") as found:
        assert found.convert("RGB").getpixel((3, 3)) == (255, 255, 255)


def test_small_pictures_are_shown_larger():
    assert [shown_px(r) for r in (16, 28, 64, 256, 300)] == [256, 280, 256, 256, 300]


def test_where_a_film_goes(tmp_path):
    assert playable(tmp_path / "A.GIF") == (tmp_path / "A.GIF", ())

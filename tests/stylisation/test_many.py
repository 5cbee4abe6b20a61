"""Folders: names, what is refused, and going on after an interruption."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from ganwerk.errors import ConfigError, DataError, MachineError, RunError
from ganwerk.stylisation.events import Finished, Planned, Stepped
from ganwerk.stylisation.job import Options
from ganwerk.stylisation.many import redraw_folder, results
from ganwerk.stylisation.saved import folder_of

PLAIN = Options(precision="float32", tile_px=0)


@pytest.fixture
def folder(files):
    (files / "in").mkdir()
    for name in ("a", "b", "c"):
        shutil.copy(files / "photo.png", files / "in" / f"{name}.png")
    return files / "in"


def test_names():
    out = Path("out")
    assert results([Path("x/a.jpg"), Path("b.jpg")], "p", out) == [out / "a-p.png", out / "b-p.png"]
    found = results([Path("a.jpg"), Path("a.png"), Path("b.png")], "p", out)
    assert found == [out / "a.jpg-p.png", out / "a.png-p.png", out / "b-p.png"]
    with pytest.raises(ConfigError, match=r"2 photos would become out/a\.jpg-p\.png"):
        results([Path("x/a.jpg"), Path("y/a.jpg")], "p", out)
    with pytest.raises(ConfigError, match="would replace a photo"):
        results([Path("a.png"), Path("a-p.png")], "p", Path())


def finished(events):
    return [event.path.name for event in events if isinstance(event, Finished)]


def test_resume_leaves_what_is_finished_and_goes_on_with_the_rest(request_of, files, folder):
    request, out, seen = request_of(content=folder, steps=2), files / "out", []

    def watch(event):
        seen.append(event)
        if isinstance(event, Stepped) and len(finished(seen)) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        redraw_folder(request, out, "p", PLAIN, watch)
    assert (out / "a-p.png").exists()
    assert folder_of(out / "b-p.png").exists()
    first, events = (out / "a-p.png").stat().st_mtime_ns, []
    with pytest.raises(MachineError, match="exists already"):
        redraw_folder(request, out, "p", PLAIN, events.append)
    redraw_folder(request, out, "p", replace(PLAIN, resume=True), events.append)
    assert finished(events) == ["a-p.png", "b-p.png", "c-p.png"]
    assert sum(isinstance(event, Planned) for event in events) == 2
    assert (out / "a-p.png").stat().st_mtime_ns == first
    assert not folder_of(out / "b-p.png").exists()
    with pytest.raises(RunError, match="other settings"):
        again = request_of(content=folder, steps=2, strength=0.9)
        redraw_folder(again, out, "p", replace(PLAIN, resume=True), events.append)


@pytest.mark.parametrize(
    ("changes", "out", "words"),
    [
        ({"film": Path("film.webp")}, "out", "several photos"),
        ({"curves": Path("curves.png")}, "out", "several photos"),
        ({}, "in", "among the photos"),
        ({}, "out.png", "is one file"),
    ],
)
def test_what_a_folder_cannot_have(request_of, files, folder, changes, out, words):
    with pytest.raises(ConfigError, match=words):
        redraw_folder(
            request_of(content=folder), files / out, "p", replace(PLAIN, **changes), print
        )


def test_a_folder_without_pictures(request_of, files):
    (files / "empty").mkdir()
    with pytest.raises(DataError, match="no pictures"):
        redraw_folder(request_of(content=files / "empty"), files / "out", "p", PLAIN, print)

"""No file is read and written, none is written twice, and no wish is found impossible too late."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ganwerk.errors import ConfigError, MachineError
from ganwerk.stylisation.job import Options
from ganwerk.stylisation.outputs import check_outputs

FORCE = Options(force=True)


@pytest.fixture
def request_with_all(request_of, files, white, monkeypatch):
    monkeypatch.chdir(files)
    white("mask.png", 64, 48)
    made = request_of(
        start="start.png", masks=[files / "mask.png"], styles=[(files / "painting.png", 1.0)]
    )
    return replace(made, weights_file=files / "w.safetensors")


@pytest.mark.parametrize(
    ("name", "what"),
    [("photo.png", "the photo"), ("painting.png", "a style"), ("mask.png", "a mask"),
     ("start.png", "the picture it starts from"), ("./sub/../photo.png", "the photo")],
)  # fmt: skip
def test_the_result_replaces_no_source(request_with_all, files, name, what):
    with pytest.raises(ConfigError, match=rf"The result .* would replace {what}"):
        check_outputs(request_with_all, files / name, FORCE)


def test_a_link_to_a_source_is_the_source(request_with_all, files):
    (files / "link.png").symlink_to(files / "photo.png")
    with pytest.raises(ConfigError, match="would replace the photo"):
        check_outputs(request_with_all, files / "link.png", FORCE)


def test_film_curves_and_preview_are_checked_too(request_with_all, files):
    for options in (replace(FORCE, film=files / "photo.png"),
                    replace(FORCE, curves=files / "painting.png")):  # fmt: skip
        with pytest.raises(ConfigError, match="would replace"):
            check_outputs(request_with_all, files / "out.png", options)
        with pytest.raises(ConfigError, match="would replace"):
            check_outputs(request_with_all, None, options)
    same = replace(FORCE, film=files / "a.png", curves=files / "a.png")
    with pytest.raises(ConfigError, match=r"The curves .* would replace the animation"):
        check_outputs(request_with_all, files / "out.png", same)
    with pytest.raises(ConfigError, match=r"The animation .* would replace the result"):
        check_outputs(request_with_all, files / "a.png", replace(FORCE, film=files / "a.png"))
    photo = replace(request_with_all, content=files / "a.preview.jpg")
    with pytest.raises(ConfigError, match=r"The preview .* would replace the photo"):
        check_outputs(photo, files / "a.png", FORCE)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"film": "film.mp4"}, "animation cannot be written as '.mp4'"),
        ({"curves": "curves.xlsx"}, "Curves cannot be written as '.xlsx'"),
        ({"tile_px": -1}, "--tile cannot be -1"),
        ({"save_every": -5}, "--save-every cannot be -5"),
    ],
)
def test_wishes_that_cannot_be_are_refused_first(request_of, files, changes, words):
    changes = {name: files / v if isinstance(v, str) else v for name, v in changes.items()}
    with pytest.raises(ConfigError, match=words):
        check_outputs(request_of(), files / "out.png", replace(FORCE, **changes))


def test_what_exists_is_not_overwritten(request_of, files):
    for name in ("film.webp", "curves.png"):
        (files / name).write_bytes(b"mine")
    for options in (Options(film=files / "film.webp"), Options(curves=files / "curves.png")):
        with pytest.raises(MachineError, match="exists already"):
            check_outputs(request_of(), files / "out.png", options)
    check_outputs(request_of(), files / "out.png", replace(FORCE, film=files / "film.webp"))

"""A transfer from files to a file: exact resume, tiles, masks, strength, presets."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import ganwerk
from ganwerk.errors import ConfigError, DataError, MachineError, RunError
from ganwerk.style.recipe import PRESETS
from ganwerk.stylisation import saved, verb
from ganwerk.stylisation.events import Finished, Planned, Previewed, Stepped, Warned
from ganwerk.stylisation.job import Options, job_of
from ganwerk.stylisation.memory import estimate, fitting_tile
from ganwerk.stylisation.pictures import recorded
from ganwerk.stylisation.saved import folder_of
from ganwerk.stylisation.transfer import Machinery, Transfer
from ganwerk.stylisation.verb import stylise_file
from tests.stylisation.conftest import SMALL

PLAIN = Options(precision="float32", tile_px=0)


def test_everything_is_told_and_written(request_of, files, monkeypatch):
    monkeypatch.setattr(verb, "FIRST_PREVIEW_SECONDS", 0.0)
    events, out = [], files / "out" / "result.png"
    film, curves = files / "film.webp", files / "curves.png"
    options = Options(precision="float32", save_every=5, film=film, curves=curves)
    done = stylise_file(request_of(), out, options, events.append)
    kinds = [type(event) for event in events]
    assert kinds[0] is Planned
    assert kinds[-1] is Finished
    assert Previewed in kinds
    assert kinds.count(Stepped) == sum(done.plan.steps) == len(done.trace) == 15
    with Image.open(out) as written:
        assert np.array_equal(np.asarray(written), done.picture)
    assert done.picture.shape == (48, 64, 3)
    steps = sorted(path.name for path in (files / "out" / "result-steps").iterdir())
    assert steps == ["00005.png", "00010.png", "00015.png"]
    with Image.open(film) as moving, Image.open(curves) as plot:
        assert moving.n_frames > 5
        assert plot.size[0] > 300
    assert sorted(p.name for p in out.parent.iterdir()) == ["result-steps", "result.png"]
    settings = recorded(out)
    assert settings["styles"] == ["painting:1"]
    assert settings["strength"] == 0.5
    assert settings["precision"] == "float32"


def test_the_result_is_nearer_to_the_style_than_the_photo(request_of):
    done = stylise_file(request_of(steps=20), None, PLAIN)
    assert done.trace[-1].style < 0.5 * done.trace[0].style


@pytest.mark.parametrize("stop", [4, 9, 11])
@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_a_resumed_transfer_is_the_same_to_the_last_bit(request_of, files, stop, optimiser):
    request = request_of(optimiser=optimiser, rate=0.02 if optimiser == "adam" else 1.0)
    whole = stylise_file(request, files / "whole.png", PLAIN)
    out = files / "part.png"

    def interrupt(event):
        if isinstance(event, Stepped) and event.point.step == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stylise_file(request, out, PLAIN, interrupt)
    assert not out.exists()
    with pytest.raises(RunError, match="was interrupted"):
        stylise_file(request, out, PLAIN)
    done = stylise_file(request, out, Options(resume=True))
    assert np.array_equal(done.picture, whole.picture)
    losses = [[p.total, p.content, p.style] for p in done.trace]
    assert losses == [[p.total, p.content, p.style] for p in whole.trace]
    assert not folder_of(out).exists()


def test_resume_refuses_other_settings_and_damage(request_of, files):
    request, out = request_of(), files / "part.png"

    def interrupt(event):
        if isinstance(event, Stepped):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stylise_file(request, out, PLAIN, interrupt)
    with pytest.raises(RunError, match="other pictures or settings"):
        stylise_file(request_of(strength=0.9), out, Options(resume=True))
    (state,) = folder_of(out).glob("*.safetensors")
    state.write_bytes(state.read_bytes()[:-1])
    with pytest.raises(RunError, match="damaged"):
        stylise_file(request, out, Options(resume=True))
    with pytest.raises(RunError, match="no unfinished transfer"):
        stylise_file(request, files / "other.png", Options(resume=True))


def test_a_job_is_known_again_whatever_the_order_of_its_weights(request_of):
    """The order in which safetensors gives tensors differs from process to process."""
    job = job_of(request_of())
    turned = replace(job, weights=dict(reversed(job.weights.items())))
    assert turned.fingerprint() == job.fingerprint()
    assert replace(job, style_weights=(2.0,)).fingerprint() != job.fingerprint()
    see_through = replace(job.content, alpha=Image.new("L", (64, 48), 9))
    assert replace(job, content=see_through).fingerprint() != job.fingerprint()


def test_tiles_change_nothing(request_of):
    """In float32 gradients of tiles and of the whole agree to 1e-4."""
    job = job_of(request_of(smallest_px=0))
    whole, tiled = Transfer(job, Machinery()), Transfer(job, Machinery(tile_px=24))
    assert len(tiled.descent._objective.tiles) == 6
    picture = job.photo(0) * 0.8 + 0.1
    (losses, gradient), (other, pieces) = (t.descent._objective(picture, 0) for t in (whole, tiled))
    assert other.total == pytest.approx(losses.total, rel=1e-5)
    assert float((pieces - gradient).norm() / gradient.norm()) < 1e-4


def test_strength_is_monotonic_in_both_losses(request_of):
    """More strength: nearer to the style, farther from the photo."""
    ends = []
    for strength in (0.1, 0.5, 0.9):
        job = job_of(request_of(strength=strength, steps=14, average=0.9))
        transfer = Transfer(job, Machinery())
        while not transfer.finished:
            transfer.advance()
        losses, _ = transfer.descent._objective(transfer.descent.result, 0)
        ends.append((losses.content, losses.style + losses.strokes))
    contents, styles = zip(*ends, strict=True)
    assert contents[0] < contents[1] < contents[2]
    assert styles[0] > styles[1] > styles[2]


def test_where_no_mask_is_the_photo_stays(request_of, white, pixels):
    mask = np.zeros((48, 64), np.uint8)
    mask[:, 32:] = 255
    done = stylise_file(request_of(masks=[white("m.png", 64, 48, mask)]), None, PLAIN)
    assert np.abs(done.picture[:, :31].astype(int) - pixels[0][:, :31]).max() <= 1
    assert np.abs(done.picture[:, 33:].astype(int) - pixels[0][:, 33:]).mean() > 5


def test_two_styles_with_a_mask_each(request_of, files, white):
    left = np.zeros((48, 64), np.uint8)
    left[:, :32] = 255
    for name, colour in (("red.png", (200, 30, 30)), ("blue.png", (30, 30, 200))):
        stripes = np.zeros((72, 72, 3), np.uint8)
        stripes[::4], stripes[2::4] = colour, np.array(colour) // 2
        Image.fromarray(stripes).save(files / name)
    styles = [(files / "red.png", 1.0), (files / "blue.png", 1.0)]
    masks = [white("l.png", 64, 48, left), white("r.png", 64, 48, 255 - left)]
    done = stylise_file(request_of(styles=styles, masks=masks, strength=0.8), None, PLAIN)
    red, _, blue = np.moveaxis(done.picture.astype(float), -1, 0)
    assert (red - blue)[:, :28].mean() > 40
    assert (blue - red)[:, 36:].mean() > 40


@pytest.mark.parametrize("preset", [name for name in PRESETS if name != "default"])
def test_published_presets_descend(request_of, preset):
    rest = {"backbone": "compact", "steps": 4, "size_px": 48, "patch_weight": 0.0,
            "smallest_px": 0, "content_layers": ("relu2_1",),
            "style_layers": ("relu1_1", "relu2_1")}  # fmt: skip
    done = stylise_file(request_of(preset=preset, **rest), None, PLAIN)
    assert len(done.trace) == 4
    assert done.trace[-1].total < done.trace[0].total


def test_start_from_any_picture(request_of, files):
    """After one small step the result is still the picture it began with."""
    with Image.open(files / "painting.png") as painting:
        begun = np.asarray(painting.resize((64, 48), Image.Resampling.LANCZOS), int)
    distances = []
    for start in (str(files / "painting.png"), "style", "content"):
        request = request_of(start=start, steps=1, rate=1e-4, smallest_px=0)
        distances.append(np.abs(stylise_file(request, None, PLAIN).picture - begun).mean())
    file, style, content = distances
    assert file < 1
    assert style < 10  # resized twice
    assert content > 40
    with pytest.raises(DataError, match="no start"):
        stylise_file(request_of(start="nowhere.png"), None, PLAIN)


def test_colours_are_kept(request_of, pixels):
    done = stylise_file(request_of(colours="luma"), None, PLAIN)
    photo = np.asarray(Image.fromarray(pixels[0]).convert("YCbCr"), int)
    made = np.asarray(Image.fromarray(done.picture).convert("YCbCr"), int)
    assert np.abs(made[..., 1:] - photo[..., 1:]).mean() < 8


def test_losses_that_are_not_finite_are_told(request_of, monkeypatch):
    job = job_of(request_of())
    transfer = Transfer(job, Machinery())
    objective, calls = transfer.descent._objective.__class__.__call__, []

    def broken(self, picture, step=0):
        losses, gradient = objective(self, picture, step)
        calls.append(step)
        return losses, gradient * float("nan") if len(calls) == 3 else gradient

    monkeypatch.setattr(transfer.descent._objective.__class__, "__call__", broken)
    events = []
    stylise_file(request_of(), None, PLAIN, events.append)
    warned = [event for event in events if isinstance(event, Warned)]
    assert len(warned) == 1
    assert "restored" in warned[0].message


@pytest.mark.parametrize(
    ("masks", "words"),
    [
        ([(64, 40, 255)], "is 64 x 40 px"),
        ([(64, 48, 0)], "black all over"),
        ([(64, 48, 255)] * 3, "3 --mask for 1 styles"),
    ],
)
def test_bad_masks(request_of, white, masks, words):
    paths = [white(f"{i}.png", *mask) for i, mask in enumerate(masks)]
    with pytest.raises((DataError, ConfigError), match=words):
        job_of(request_of(masks=paths))


def test_a_style_mask_needs_the_style_s_size(request_of, white):
    with pytest.raises(DataError, match="its picture painting 72 x 72"):
        job_of(request_of(style_masks=[white("s.png", 64, 48)]))


def test_a_style_too_small_to_be_compared(request_of, files):
    with pytest.raises(ConfigError, match="would be 3 x 3 px, too narrow"):
        job_of(request_of(style_size=0.05))
    with pytest.raises(ConfigError, match="too large to be compared"):
        job_of(request_of(style_size=100.0, size_px=4096))
    job = job_of(request_of(style_size=0.2))  # 6 px at 32 px, 11 px at 64 px; a patch has 9
    assert job.sides == (64,)
    assert len(stylise_file(request_of(style_size=0.2), None, PLAIN).trace) == 6


@pytest.mark.parametrize("statistic", ["moments", "sliced"])
def test_a_mask_that_only_a_coarse_layer_s_edge_sees(request_of, white, statistic):
    """One bright row at the bottom, which poolings drop: nothing becomes NaN."""
    array = np.zeros((48, 64), np.uint8)
    array[-1] = 40
    style = np.zeros((72, 72), np.uint8)
    style[:, 0] = 255
    request = request_of(masks=[white("m.png", 64, 48, array)], statistic=statistic,
                         style_masks=[white("s.png", 72, 72, style)], size_px=45)  # fmt: skip
    done = stylise_file(request, None, PLAIN)
    assert all(np.isfinite([point.total, point.style, point.strokes]).all() for point in done.trace)


def test_a_style_smaller_than_what_a_layer_sees(request_of):
    with pytest.raises(DataError, match=r"smaller than the 1[0-9]+ px that relu5_1"):
        job_of(request_of(style_layers=("relu1_1", "relu5_1")))


def test_nothing_is_overwritten(request_of, files):
    (files / "taken.png").write_bytes(b"mine")
    with pytest.raises(MachineError, match="exists already"):
        stylise_file(request_of(), files / "taken.png", PLAIN)
    with pytest.raises(ConfigError, match="would replace the photo"):
        stylise_file(request_of(), files / "photo.png", Options(force=True))
    with pytest.raises(ConfigError, match=r"cannot be written as '\.bmp'"):
        stylise_file(request_of(), files / "out.bmp", PLAIN)
    assert (files / "taken.png").read_bytes() == b"mine"


def test_an_estimate_chooses_tiles_or_names_the_size_that_fits(request_of):
    recipe = job_of(request_of()).recipe
    kind = torch.float32
    whole = estimate(recipe, 4096, 4096, kind, None)
    tiled = estimate(recipe, 4096, 4096, kind, 512)
    assert tiled < whole / 2
    assert fitting_tile(recipe, 512, 512, kind, 10**12) is None
    assert fitting_tile(recipe, 4096, 4096, kind, int(1.75 * tiled)) == 512
    with pytest.raises(MachineError, match="even in small tiles"):
        fitting_tile(recipe, 4096, 4096, kind, 10**8)


def test_from_python(pixels):
    seen = []
    found = ganwerk.stylise(
        *pixels, size=64, callback=seen.append, precision="float32",
        **{k: v for k, v in SMALL.items() if k != "size_px"},
    )  # fmt: skip
    assert found.picture.shape == (48, 64, 3)
    assert len(found.trace) == 15
    stepped = [event for event in seen if isinstance(event, Stepped)]
    assert stepped[0].picture().dtype == np.uint8
    assert found.path is None


def test_saved_states_replace_each_other(files):
    out = files / "x.png"
    for value in (1.0, 2.0):
        saved.save(out, "print", {"device": "cpu"}, {"t": torch.tensor([value])}, {"scale": 0})
    assert len(list(folder_of(out).glob("*.safetensors"))) == 1
    fingerprint, machinery, tensors, numbers = saved.load(out)
    assert (fingerprint, machinery, numbers) == ("print", {"device": "cpu"}, {"scale": 0})
    assert float(tensors["t"]) == 2
    json.loads((folder_of(out) / "transfer.json").read_text())

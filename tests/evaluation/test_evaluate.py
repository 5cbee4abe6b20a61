"""Evaluations from pictures and runs to numbers, figures and marks."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from ganwerk.data import load_pictures
from ganwerk.errors import ConfigError, DataError, MachineError
from ganwerk.evaluation import pixelwise
from ganwerk.evaluation.evaluate import (
    Wanted,
    evaluate_checkpoints,
    evaluate_places,
    evaluate_run,
)
from ganwerk.evaluation.evaluation_files import write
from ganwerk.evaluation.extractors import ExtractorOptions, Reals, expanded, kept_features, make
from ganwerk.evaluation.neighbours import neighbours
from ganwerk.metrics import scale
from ganwerk.metrics.features import FunctionExtractor, lenet, selfsup
from ganwerk.run import Run

MEANS = FunctionExtractor("means-v1", lambda x: x.reshape(len(x), -1, 64).mean(2))
SIDE = 16  # px of the digits
QUICK = Wanted(features=("pixelpca64",), count=100)


@pytest.fixture(scope="module", autouse=True)
def few_repeats():
    """Floors of a few draws: what is tested here is what is done with them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scale, "REPEATS", 8)
        patch.setattr(pixelwise, "REPEATS", 2)
        patch.setattr(pixelwise, "MOST", 40)
        patch.setattr(pixelwise, "PATHS", 20)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory, trained):
    """A short training on digits with three checkpoints."""
    path = trained(tmp_path_factory.mktemp("runs") / "run", budget__images=320)
    from ganwerk.training.train import resume

    resume(path, more=("images", 320))
    return path


@pytest.fixture(scope="module")
def evaluation(run):
    return evaluate_run(run, QUICK)


def test_a_run_is_measured_with_all_it_depends_on(evaluation, run):
    names = [record.name for record in evaluation.records]
    for measure in ("FD", "KD", "precision", "recall", "density", "coverage", "NDB", "PPL"):
        assert f"{measure}[pixelpca64-v1]" in names
    assert "MS-SSIM" in names
    assert not any("FID" in name or "KID" in name for name in names)
    for record in evaluation.records:
        protocol = record.protocol
        assert protocol.n_fake
        assert protocol.metric
        assert protocol.resolution == SIDE
        assert protocol.reference
        assert protocol.versions["torch"] == torch.__version__
        if record.name.startswith("FD"):
            assert protocol.weights
            assert protocol.split == "train"
            assert protocol.n_real == protocol.n_fake == 100
            assert record.floor is not None
            assert record.floor.mean < record.value  # trained for a second: far from real
    assert evaluation.images == 640
    assert f"FD[{evaluation.copies[0].extractor}]" in [r.name for r in evaluation.different]
    assert "copying is sure to be seen only above" in evaluation.copies[0].found.power()


def test_the_same_again_is_the_same(evaluation, run):
    assert evaluate_run(run, QUICK).to_dict() == evaluation.to_dict()


def test_what_is_written_can_be_read_and_looked_at(evaluation, tmp_path):
    numbers, figure = write(evaluation, tmp_path / "evaluations")
    told = json.loads(numbers.read_text())
    assert told["records"][0]["protocol"]["metric"] == "FD"
    with Image.open(figure) as picture:
        assert picture.width > 600
    assert write(evaluation, tmp_path / "evaluations") == (numbers, figure)
    other = replace(evaluation, records=evaluation.records[:2])
    assert write(other, tmp_path / "evaluations")[0] != numbers
    elsewhere = write(replace(evaluation, what="other"), tmp_path / "evaluations")
    assert not {*elsewhere} & {numbers, figure}
    assert json.loads(numbers.read_text())["what"] == evaluation.what


def test_every_checkpoint_and_the_best_is_marked(run):
    course = evaluate_checkpoints(run, QUICK)
    seen = [found.images for found in course.evaluations]
    assert seen == sorted(seen)
    assert len(seen) >= 2
    values = {found.images: found.records[0].value for found in course.evaluations}
    assert values[course.best] == min(values.values())
    assert Run.open(run).load_weights("best").images == course.best
    assert [info.images for info in Run.open(run).checkpoints() if info.best] == [course.best]


def test_the_mark_moves_and_the_checkpoint_stays_sound(run):
    opened = Run.open(run)
    for images in (320, 640):
        with opened.lock():
            opened.mark_best(images, {"by": 1.0})
        found = opened.load("best")
        assert found.images == images
        assert found.meta["by"] == 1.0
        assert not found.skipped


def save(folder: Path, images: np.ndarray) -> str:
    folder.mkdir()
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{i:03d}.png")
    return str(folder)


def noise(n: int, seed: int, high: int = 256, size: int = 16) -> np.ndarray:
    shape = (n, size, size, 3)
    return np.random.default_rng(seed).integers(0, high, shape).astype(np.uint8)


def test_two_folders(tmp_path):
    a, b = save(tmp_path / "a", noise(80, 0)), save(tmp_path / "b", noise(60, 1))
    dark = save(tmp_path / "dark", noise(60, 2, high=100))
    wanted = Wanted(features=(MEANS,), pixels=False)
    same, other = evaluate_places(a, b, wanted), evaluate_places(a, dark, wanted)
    assert same.records[0].protocol.n_real == 40
    assert not same.copies
    assert "FD[means-v1]" in [r.name for r in other.different]
    assert other.records[0].value > 10 * same.records[0].value


def test_folders_that_are_not_alike_are_refused(tmp_path):
    a, b = save(tmp_path / "a", noise(40, 0)), save(tmp_path / "b", noise(40, 1, size=32))
    with pytest.raises(DataError, match="not alike") as found:
        evaluate_places(a, b, Wanted(features=(MEANS,)))
    assert "--resolution 16" in found.value.hint
    found_at_one_size = evaluate_places(
        a, b, Wanted(features=(MEANS,), pixels=False), resolution=16
    )
    assert found_at_one_size.records


def test_grey_beside_colours_is_compared_as_colours_and_said_so(tmp_path):
    colours = save(tmp_path / "colours", noise(40, 0))
    grey = save(tmp_path / "grey", np.repeat(noise(40, 1)[..., :1], 3, axis=3))
    wanted = Wanted(features=(MEANS,), pixels=False)
    for places in ((colours, grey), (grey, colours)):
        found = evaluate_places(*places, wanted)
        assert found.records[0].protocol.channels == 3
        assert found.warnings == (
            f"All pictures in {grey} are grey; they were compared as colours.",
        )
    clear = np.concatenate([noise(40, 2), noise(40, 3)[..., :1]], axis=3)
    with pytest.raises(DataError, match=r"3 channels of 16 px, .* has 4") as refused:
        evaluate_places(colours, save(tmp_path / "clear", clear), wanted)
    assert "transparency" in refused.value.hint


def test_bad_wishes_are_refused_before_anything_is_read(tmp_path):
    nowhere = str(tmp_path / "absent")
    with pytest.raises(ConfigError, match="no features 'pixelpca'") as found:
        evaluate_places(nowhere, nowhere, Wanted(features=("pixelpca",)))
    assert "pixelpca64" in found.value.hint
    with pytest.raises(DataError, match="3 pictures are too few"):
        evaluate_places(nowhere, nowhere, Wanted(count=3))


def test_running_downloaded_code_must_be_asked_for():
    pytest.importorskip("torch_fidelity", reason="torch-fidelity is not installed")
    reals = Reals(noise(20, 0).transpose(0, 3, 1, 2), mirror=False)
    with pytest.raises(ConfigError, match=r"torch\.hub"):
        make("dinov2-s", reals, ExtractorOptions())


@pytest.mark.skipif(find_spec("torch_fidelity") is not None, reason="torch-fidelity is installed")
def test_the_fid_says_what_it_needs(tmp_path):
    reals = Reals(noise(20, 0).transpose(0, 3, 1, 2), mirror=False)
    for features in ("inception-2015", "dinov2-s"):
        with pytest.raises(
            MachineError, match="needs torch-fidelity, which is not installed"
        ) as found:
            make(features, reals, ExtractorOptions(cache=tmp_path))
        assert "pip install 'ganwerk[fid]'" in found.value.hint


def test_the_fid_asks_for_its_weights(tmp_path):
    pytest.importorskip("torch_fidelity", reason="torch-fidelity is not installed")
    reals = Reals(noise(20, 0).transpose(0, 3, 1, 2), mirror=False)
    with pytest.raises((DataError, MachineError), match="weights cannot be read") as found:
        make("inception-2015", reals, ExtractorOptions(cache=tmp_path))
    assert "--weights FILE" in found.value.hint


def test_auto_is_what_suits_the_pictures(monkeypatch):
    colours = Reals(noise(40, 0).transpose(0, 3, 1, 2), mirror=False)
    grey = Reals(colours.pictures[:, :1], mirror=False)
    assert expanded(("auto",), colours) == ["pixelpca64", "selfsup64"]
    assert expanded(("auto",), grey) == ["pixelpca64"]
    assert expanded(("selfsup64", "auto", MEANS), colours) == ["selfsup64", "pixelpca64", MEANS]
    assert make("auto", grey, ExtractorOptions()).name == "pixelpca64-v1"
    monkeypatch.setattr(lenet, "are_digits", lambda pictures: len(pictures) == 40)
    assert expanded(("auto", "inception-2015"), grey) == [
        "pixelpca64",
        "lenet-mnist",
        "inception-2015",
    ]


def test_digits_are_known_by_all_ten_being_seen(monkeypatch):
    """The built-in digits are no MNIST: of those with 8 px the classifier is not as sure."""
    digits = torch.from_numpy(load_pictures("digits", memory_budget_bytes=1 << 30).images)
    assert not lenet.are_digits(digits)
    monkeypatch.setattr(lenet, "SURE", 0.5)
    assert lenet.are_digits(digits)
    labels = lenet.DigitNet(1).net(lenet.as_input(digits.float())).argmax(1)
    assert not lenet.are_digits(digits[labels != 3])
    assert not lenet.are_digits(torch.full((20, 1, 28, 28), 255, dtype=torch.uint8))


def test_features_are_kept_by_content_and_damage_is_absence(tmp_path, monkeypatch):
    looked = []
    x = noise(20, 0).transpose(0, 3, 1, 2).copy()
    extractor = FunctionExtractor(
        "counting-v1", lambda p: looked.append(len(p)) or p.mean((2, 3)), weights="abc"
    )
    wishes = ExtractorOptions(cache=tmp_path)
    first = kept_features(extractor, x, wishes)
    assert kept_features(extractor, x.copy(), wishes).equal(first)
    assert looked == [20]
    x[0, 0, 0, 0] ^= 1
    kept_features(extractor, x, wishes)
    assert looked == [20, 20]
    for file in wishes.folder.glob("*.safetensors"):
        file.write_bytes(b"damaged")
    kept_features(extractor, x, wishes)
    assert looked == [20, 20, 20]


def test_a_network_is_taught_once_for_the_same_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(selfsup, "FILTERS", 8)
    monkeypatch.setattr(selfsup, "FEWEST_PAIRS", 100)
    reals = Reals(noise(40, 0).transpose(0, 3, 1, 2), mirror=True)
    wishes = ExtractorOptions(cache=tmp_path)
    taught = make("selfsup64", reals, wishes)
    calls = []
    monkeypatch.setattr(selfsup.SelfSupervised, "fit", lambda *a, **k: calls.append(a) or taught)
    assert make("selfsup64", reals, wishes).weights == taught.weights
    assert not calls
    make("selfsup64", Reals(reals.pictures[:39], mirror=True), wishes)
    make("selfsup64", Reals(reals.pictures, mirror=False), wishes)
    assert len(calls) == 2


def test_neighbours_shows_the_nearest_pairs(run, tmp_path):
    found = neighbours(run, count=60, pairs=8, out=tmp_path / "pairs.png")
    assert len(found.pairs) == 8
    closeness = [pair.closeness for pair in found.pairs]
    assert closeness == sorted(closeness)
    with Image.open(found.path) as sheet:
        assert sheet.width == 4 * (2 * SIDE + 4) + 4
    with pytest.raises(MachineError, match="exist"):
        neighbours(run, count=60, pairs=8, out=tmp_path / "pairs.png")
    with pytest.raises(ConfigError, match="9 pairs of 8"):
        neighbours(run, count=8, pairs=9)
